"""The desk is the admin site: own sign-in with limits, own pages in Unfold's frame."""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from portal import access
from portal.desk import counts

LOGIN_SECONDS = 15 * 60
LOGIN_TIMES_PER_NAME = 10  # by one client address
# By all of them: high enough that a stranger with one address shuts no colleague out.
LOGIN_TIMES_PER_NAME_ANYWHERE = 100
LOGIN_TIMES_PER_CLIENT = 50


class LoginForm(AuthenticationForm):
    """Name and password, so many wrong tries per name and per client address.

    Names are counted whether or not anybody has them, so that the answer tells nothing.
    """

    def clean(self) -> Any:
        """Count this try before the password is looked at; a right one does not count."""
        keys = self._keys()
        # A list, not a generator: both are counted whatever the first one says.
        allowed = [
            access.allow(key, times=times, seconds=LOGIN_SECONDS) for key, times in keys.items()
        ]
        if not all(allowed):
            raise ValidationError(
                _("Too many tries. Wait a quarter of an hour and try again."), code="limit"
            )
        data = super().clean()
        for key in keys:
            access.forgive(key, seconds=LOGIN_SECONDS)
        return data

    def _keys(self) -> dict[str, int]:
        name = str(self.cleaned_data.get("username") or "").strip().lower()
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        client = access.client_address(self.request) if self.request else ""
        return {
            f"desk:client:{client}": LOGIN_TIMES_PER_CLIENT,
            f"desk:name:{digest}:{client}": LOGIN_TIMES_PER_NAME,
            f"desk:name:{digest}": LOGIN_TIMES_PER_NAME_ANYWHERE,
        }


class DeskSite(UnfoldAdminSite):
    """Everything under /admin/. The agents' pages are in portal.desk.urls."""

    login_form = LoginForm
    login_template = "desk/login.html"
    site_title = _("Desk")
    index_title = _("Home")
    enable_nav_sidebar = True

    def extra_urls(self) -> list[URLPattern | URLResolver]:
        """Own pages, in the namespace `admin`, before the models' pages."""
        return [path("", include("portal.desk.urls"))]

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out; what is open in other tabs hears of it."""
        key = request.session.session_key
        response: HttpResponse = super().logout(request, extra_context)
        if request.session.session_key != key:
            access.tell_end(key)
        return response

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the desk shows, to staff only: the bell in the header."""
        context = super().each_context(request)
        context["desk_counts"] = counts.of(request) if self.has_permission(request) else None
        return context

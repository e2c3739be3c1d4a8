"""What a request needs before a page sees it: no NUL, the desk's policy and language."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from portal.context import site_of

GetResponse = Callable[[HttpRequest], HttpResponse]
DESK = "/admin/"


class NulMiddleware:
    """PostgreSQL refuses NUL: an address or a cookie with one means nothing that we know."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Drop such cookies; a quoted cookie can hold any byte."""
        for name in [name for name, value in request.COOKIES.items() if "\x00" in name + value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Put another sign there, which nothing has: each page says "not found" in its own way."""
        for name, value in kwargs.items():
            if isinstance(value, str):
                kwargs[name] = value.replace("\x00", "\ufffd")


class DeskPolicyMiddleware:
    """Widen the content policy for the admin frame, and only there."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Leave the wider directives where django-csp's decorators leave theirs."""
        response = self.get_response(request)
        if request.path.startswith(DESK) and not hasattr(response, "_csp_update"):
            response._csp_update = settings.DESK_POLICY  # type: ignore[attr-defined]
        return response


class StaffLocaleMiddleware:
    """A staff member reads the desk in their own language and time zone.

    Every other time of day on a page is the organisation's: its hours and promises are kept there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate both for this request; customers follow their cookie or browser."""
        zone = site_of(request).organisation.time_zone
        user = request.user if request.path.startswith(DESK) else None
        if user is None or not user.is_authenticated:
            with timezone.override(zone):
                return self.get_response(request)
        with translation.override(user.language), timezone.override(user.time_zone or zone):
            request.LANGUAGE_CODE = user.language
            return self.get_response(request)

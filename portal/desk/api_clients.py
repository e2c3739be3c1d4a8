"""Programs that may use the API: each has a token that is shown once, and can be shut out."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.models import User
from portal.api.models import ApiClient
from portal.api.scopes import CASES_ANSWER, scope_choices
from portal.desk.administration import log_change, page, save, show, staff_of


class ApiClientForm(forms.ModelForm):
    """One program. Its token is made here and never typed."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("May do"),
        choices=scope_choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )

    class Meta:
        model = ApiClient
        fields = ["name", "scopes", "answers_as", "rate"]
        widgets = {
            "name": UnfoldAdminTextInputWidget,
            "answers_as": UnfoldAdminSelectWidget,
            "rate": UnfoldAdminIntegerFieldWidget,
        }
        help_texts = {
            "name": gettext_lazy("Which program it is, and whose: Web shop, order pages."),
            "answers_as": gettext_lazy("Customers see this first name under its answers."),
            "rate": gettext_lazy("More than that is refused until the minute is over."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = User.objects.filter(is_staff=True, is_active=True).order_by("first_name")
        colleague: Any = self.fields["answers_as"]
        colleague.queryset, colleague.label_from_instance = staff, _name_of

    def clean(self) -> dict[str, Any]:
        """A named person answers (R37)."""
        cleaned: dict[str, Any] = super().clean() or {}
        if CASES_ANSWER in cleaned.get("scopes", []) and not cleaned.get("answers_as"):
            self.add_error("answers_as", _("Choose a colleague: a named person answers."))
        return cleaned


def _name_of(user: User) -> str:
    return user.display_name


def overview(request: HttpRequest) -> HttpResponse:
    """Those that have a token, then those that were shut out."""
    rows = ApiClient.objects.select_related("answers_as").order_by("revoked_at", "name", "pk")
    ordered = sorted(rows, key=lambda row: row.revoked_at is not None)
    return show(request, "desk/admin_api_clients.html", title=_("API"), rows=ordered)


@never_cache
def add(request: HttpRequest) -> HttpResponse:
    """A new program; the page after it shows the token, once."""
    row = ApiClient(created_by=staff_of(request))
    form = ApiClientForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        token = row.give_token()
        save(request, form)
        return show(request, "desk/admin_api_token.html", title=row.name, client=row, token=token)
    return _form(request, form, title=_("New program"))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what it may do; its token stays."""
    row = get_object_or_404(ApiClient.objects.live(), pk=pk)
    title, form = row.name, ApiClientForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        messages.success(request, _("%(name)s is saved.") % {"name": row.name})
        return redirect("admin:api_clients")
    return _form(request, form, title=title, client=row)


def _form(request: HttpRequest, form: ApiClientForm, **context: Any) -> HttpResponse:
    status = 422 if form.errors else 200
    return show(request, "desk/admin_api_client.html", form=form, status=status, **context)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Shut it out from its next call on; what it wrote stays."""
    row = get_object_or_404(ApiClient, pk=pk)
    with transaction.atomic():
        if row.revoke():
            log_change(request, row, "Revoked.")
    messages.success(request, _("%(name)s is shut out from now on.") % {"name": row.name})
    return redirect("admin:api_clients")


def urls() -> list[URLPattern]:
    """The pages under /admin/api/."""
    return [
        page("api/", overview, "api_clients"),
        page("api/new/", add, "api_client_add"),
        page("api/<int:pk>/", edit, "api_client"),
        page("api/<int:pk>/revoke/", revoke, "api_client_revoke"),
    ]

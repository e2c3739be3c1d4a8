"""What every member of staff sets for themselves: names, language, time zone."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from contacts.models import User
from portal.desk.administration import save
from portal.desk.pages import done, page, show, staff_of
from portal.desk.staff import StaffForm, zones_or_none


class MyForm(forms.ModelForm):
    """One's own row: never the role, the name to sign in with, or the password."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=zones_or_none,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = User
        fields = ["first_name", "last_name", "language", "time_zone"]
        widgets = {name: StaffForm.Meta.widgets[name] for name in fields if name != "time_zone"}
        help_texts = {
            "first_name": gettext_lazy("Customers see it under the answers."),
            "language": gettext_lazy("The desk is shown in it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True


def me(request: HttpRequest) -> HttpResponse:
    """The page; there is no number in its address, so that nobody can ask for a colleague's."""
    row = User.objects.get(pk=staff_of(request).pk)
    form = MyForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        with translation.override(row.language):  # the language that was just chosen
            done(request, _("Your settings are saved."))
        return redirect("admin:me")
    status = 422 if form.errors else 200
    return show(request, "desk/me.html", title=_("My settings"), form=form, status=status)


def urls() -> list[URLPattern]:
    """The pages under /admin/me/."""
    return [page("me/", me, "me")]

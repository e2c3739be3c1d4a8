"""Targets: within how much time cases of a sort are answered first, and done; only staff see it."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from channels_app.models import Target
from channels_app.models.target import MOST_MINUTES
from contacts.kinds import KINDS, get
from contacts.models import Case, Customer, Organisation
from portal.desk import dues, words
from portal.desk.administration import edited, log_removal, page, show

MOST_HOURS = MOST_MINUTES // 60
TIMES = {"first": "first_answer_minutes", "done": "resolution_minutes"}


def _number(label: Any, most: int) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget(attrs={"min": 0, "max": most})
    return forms.IntegerField(
        label=label, min_value=0, max_value=most, required=False, widget=widget
    )


class TargetForm(forms.ModelForm):
    """For which cases, and within how much opening time; what is left empty is any."""

    whose = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=7,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "The reference of one of their cases, like K7Q-4MP. Empty: every customer."
        ),
    )
    first_hours = _number(gettext_lazy("hours"), MOST_HOURS)
    first_rest = _number(gettext_lazy("minutes"), 59)
    done_hours = _number(gettext_lazy("hours"), MOST_HOURS)
    done_rest = _number(gettext_lazy("minutes"), 59)

    class Meta:
        model = Target
        fields = ["kind", "topic"]
        widgets = {"topic": UnfoldAdminSelectWidget, "kind": UnfoldAdminSelectWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row, fields = self.instance, self.fields
        topic: Any = fields["topic"]
        topic.empty_label = _("Every topic")
        kinds = [(name, kind.staff_label) for name, kind in KINDS.items()]
        fields["kind"] = forms.ChoiceField(
            label=_("Channel"),
            choices=[("", _("Every channel")), *kinds],
            required=False,
            widget=UnfoldAdminSelectWidget,
            help_text=_("How the customer wants the answer."),
        )
        for name, field in TIMES.items():
            if (minutes := getattr(row, field)) is not None:
                hours, rest = divmod(minutes, 60)
                self.initial.update({f"{name}_hours": hours, f"{name}_rest": rest})
        if row.customer is not None:
            family = Customer.objects.family([row.customer.top_id])
            case = Case.objects.filter(customer__in=family).order_by("-pk").first()
            self.initial["whose"] = case.reference if case else ""

    def clean_whose(self) -> Customer | None:
        """Whose case that is; the customer stays where their case is not another one."""
        written = self.cleaned_data["whose"].strip().upper()
        if not written:
            return None
        case = Case.objects.select_related("customer__root").filter(reference=written).first()
        if case is None:
            raise forms.ValidationError(_("There is no case with that reference."))
        return case.customer.top

    def clean(self) -> dict[str, Any]:
        """Both times in minutes."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name, field in TIMES.items():
            hours, rest = (cleaned.get(f"{name}_{part}") or 0 for part in ("hours", "rest"))
            setattr(self.instance, field, hours * 60 + rest or None)
        self.instance.customer = cleaned.get("whose")
        return cleaned


@dataclass(frozen=True)
class Row:
    """A target in the list."""

    target: Target

    @property
    def which(self) -> str:
        """For which cases: Anna Bakker · Repair · E-mail."""
        target = self.target
        parts = [words.customer_name(target.customer)] if target.customer else []
        parts += [str(target.topic)] if target.topic else []
        parts += [str(get(target.kind).staff_label)] if target.kind else []
        return " · ".join(parts) or _("Every case")

    @property
    def aims(self) -> str:
        """ "First answer within 4 h · done within 2 days"."""
        first, done = self.target.first_answer_minutes, self.target.resolution_minutes
        parts = [_("first answer within %(aim)s") % {"aim": dues.minutes(first)}] if first else []
        parts += [_("done within %(aim)s") % {"aim": dues.minutes(done)}] if done else []
        return " · ".join(parts)


def overview(request: HttpRequest) -> HttpResponse:
    """All of them, the most specific first, as they win."""
    rows = Target.objects.filter(organisation=Organisation.current().pk)
    rows = rows.select_related("customer__root", "topic").prefetch_related(
        words.holders("customer")
    )
    listed = sorted(
        rows, key=lambda row: (not row.customer_id, not row.topic_id, not row.kind, row.pk)
    )
    return show(
        request,
        "desk/admin_targets.html",
        title=_("Targets"),
        rows=[Row(target) for target in listed],
    )


def add(request: HttpRequest) -> HttpResponse:
    """A new one."""
    organisation = Organisation.current()
    if organisation.pk is None:
        messages.error(request, _("Name the organisation first."))
        return redirect("admin:organisation")
    return _edit(request, Target(organisation=organisation))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one."""
    return _edit(request, get_object_or_404(Target.objects.select_related("customer__root"), pk=pk))


def _edit(request: HttpRequest, row: Target) -> HttpResponse:
    title = Row(row).which if row.pk else _("New target")
    return edited(
        request,
        TargetForm(request.POST or None, instance=row),
        title=title,
        template="desk/admin_target.html",
        home="admin:targets",
        said=_("Saved. Cases show it at once; the tab Nearly late follows within minutes."),
    )


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The next less specific one holds."""
    row = get_object_or_404(Target.objects.select_related("customer__root", "topic"), pk=pk)
    name = Row(row).which
    with transaction.atomic():
        log_removal(request, row)
        row.delete()
    messages.success(request, _("The target for %(name)s is removed.") % {"name": name})
    return redirect("admin:targets")


def urls() -> list[URLPattern]:
    """The pages under /admin/targets/."""
    return [
        page("targets/", overview, "targets"),
        page("targets/new/", add, "target_add"),
        page("targets/<int:pk>/", edit, "target"),
        page("targets/<int:pk>/remove/", remove, "target_remove", post=True),
    ]

"""Special days: other hours than the week's, public holidays, and closed for today by one click."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from i18nfield.forms import I18nFormField
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget

from channels_app import hours, promises
from channels_app.models import Appointment, Channel, SpecialDay
from contacts import hints
from contacts.models import Organisation
from portal.desk.administration import edited, log_change, log_removal, page, save, show
from portal.desk.countries import COUNTRIES
from portal.desk.fields import DayField, LanguageInputs

NEXT = 5  # so many public holidays are shown
ISO = "%Y-%m-%d"  # as every browser sends a date


def _a_date() -> forms.DateInput:
    return forms.DateInput(format=ISO, attrs={"type": "date", "class": " ".join(INPUT_CLASSES)})


class SpecialDayForm(forms.ModelForm):
    """One day, or several on end."""

    first = forms.DateField(label=gettext_lazy("First day"), input_formats=[ISO], widget=_a_date())
    last = forms.DateField(
        label=gettext_lazy("Last day"),
        input_formats=[ISO],
        required=False,
        widget=_a_date(),
        help_text=gettext_lazy("Empty: that one day."),
    )
    spans = DayField(label=gettext_lazy("Hours"), required=False)
    name = I18nFormField(
        label=gettext_lazy("Name for customers"),
        widget=LanguageInputs,
        max_length=100,
        required=False,
        help_text=gettext_lazy("“Closed today: stocktaking”. Empty: “Closed today”."),
    )

    class Meta:
        model = SpecialDay
        fields = ["first", "last", "channel", "spans", "name"]
        widgets = {"channel": UnfoldAdminSelectWidget}
        help_texts = {
            "channel": gettext_lazy(
                "A channel that is always open closes only where the day is its own."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channel: Any = self.fields["channel"]
        channel.empty_label = _("All channels with opening hours")
        channel.queryset = Channel.objects.filter(organisation=self.instance.organisation_id)

    def clean(self) -> dict[str, Any]:
        """Without a last day it is one day."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "last" in cleaned:
            cleaned["last"] = cleaned["last"] or cleaned.get("first")
        return cleaned


class HolidaysForm(forms.ModelForm):
    """Whose public holidays close the channels."""

    holidays = forms.ChoiceField(
        label=gettext_lazy("Closed on the public holidays of"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Organisation
        fields = ["holidays"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(COUNTRIES.items(), key=lambda item: str(item[1]))
        field: Any = self.fields["holidays"]
        field.choices = [("", _("No country")), *names]


@dataclass(frozen=True)
class Row:
    """A special day in the list."""

    day: SpecialDay

    @property
    def when(self) -> str:
        """Friday 25 December 2026, or from one day to another."""
        first, last = self.day.first, self.day.last
        if first == last:
            return formats.date_format(first, "l j F Y")
        return _("%(first)s to %(last)s") % {
            "first": formats.date_format(first, "D j F Y"),
            "last": formats.date_format(last, "D j F Y"),
        }

    @property
    def times(self) -> str:
        """ "9:00-12:00", or closed."""
        spans = (f"{_clock(start)}-{_clock(end)}" for start, end in self.day.day.spans)
        return ", ".join(spans) or _("Closed")


def _clock(at: Any) -> str:
    return formats.time_format(at, _("G:i"))


def overview(request: HttpRequest) -> HttpResponse:
    """What is coming, and the public holidays of the country."""
    organisation = Organisation.current()
    if organisation.pk is None:
        messages.error(request, _("Name the organisation first."))
        return redirect("admin:organisation")
    form = HolidaysForm(request.POST or None, instance=organisation)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic(), told():
            save(request, form)
            SpecialDay.objects.renew_public(organisation)
        messages.success(request, _("Saved. Customers see it at once."))
        return redirect("admin:special_days")
    today = _today(organisation, timezone.now())
    rows = SpecialDay.objects.filter(organisation=organisation)
    holidays = rows.filter(is_public=True, first__gte=today).order_by("first")
    return show(
        request,
        "desk/admin_special_days.html",
        title=_("Special days"),
        form=form,
        rows=[Row(day) for day in rows.coming(today).select_related("channel")],
        holidays=[Row(day) for day in holidays[:NEXT]],
        status=422 if form.errors else 200,
    )


def _today(organisation: Organisation, now: datetime) -> date:
    return now.astimezone(ZoneInfo(organisation.time_zone)).date()


@contextmanager
def told() -> Iterator[None]:
    """Open pages look anew at what is changed in here."""
    yield
    transaction.on_commit(hints.channels, robust=True)


def add(request: HttpRequest) -> HttpResponse:
    """A new one."""
    organisation = Organisation.current()
    if organisation.pk is None:
        messages.error(request, _("Name the organisation first."))
        return redirect("admin:organisation")
    return _edit(request, SpecialDay(organisation=organisation))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one that a colleague made."""
    return _edit(request, get_object_or_404(SpecialDay, pk=pk, is_public=False))


def _edit(request: HttpRequest, row: SpecialDay) -> HttpResponse:
    title = str(row) if row.pk else _("New special day")
    return edited(
        request,
        SpecialDayForm(request.POST or None, instance=row),
        title=title,
        template="desk/admin_special_day.html",
        home="admin:special_days",
        said=_("Saved. Customers see it at once."),
        within=told,
    )


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The hours of the week hold again."""
    row = get_object_or_404(SpecialDay, pk=pk, is_public=False)
    with transaction.atomic(), told():
        log_removal(request, row)
        row.delete()
    messages.success(request, _("%(name)s is removed.") % {"name": row})
    return redirect("admin:special_days")


def today(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a channel for today by one click, or undo that."""
    channel = get_object_or_404(Channel.objects.select_related("organisation"), pk=pk)
    is_open, day = request.POST.get("open") == "1", _today(channel.organisation, timezone.now())
    with transaction.atomic(), told():
        if is_open:
            SpecialDay.objects.reopen(channel, day)
        elif not SpecialDay.objects.closed_by_click(channel, day).exists():
            SpecialDay.objects.close(channel, day)
        log_change(request, channel, "Open again." if is_open else "Closed for today.")
    if is_open:
        said = _("%(name)s has its usual hours again today.")
    else:
        said = _("%(name)s is closed for today. Customers see it at once.")
    messages.success(request, said % {"name": channel.name})
    if not is_open and (left := _agreed_today(channel, day)):
        messages.warning(
            request,
            ngettext(
                "%(n)s appointment of today stands all the same: see My day.",
                "%(n)s appointments of today stand all the same: see My day.",
                left,
            )
            % {"n": left},
        )
    if request.POST.get("next") == "channel":
        return redirect("admin:channel", channel.pk)
    return redirect("admin:channels")


def _agreed_today(channel: Channel, day: date) -> int:
    begin = datetime.combine(day, time.min, tzinfo=ZoneInfo(channel.organisation.time_zone))
    rows = Appointment.objects.booked().filter(channel=channel, starts_at__gte=timezone.now())
    return rows.filter(starts_at__lt=begin + timedelta(days=1)).count()


def of_today(channels: Iterable[Channel], now: datetime) -> dict[int, dict[str, Any]]:
    """What a channel's page says of today, and which of the two buttons it has. One query."""
    found = list(channels)
    rows = SpecialDay.objects.near(now).filter(spans=[], name="", channel__in=found)
    clicked = {(row.channel_id, row.first) for row in rows if row.first == row.last}
    return {channel.pk: _of_today(channel, now, clicked) for channel in found}


def _of_today(
    channel: Channel, now: datetime, clicked: set[tuple[int | None, date]]
) -> dict[str, Any]:
    opening, day = channel.opening, _today(channel.organisation, now)
    is_to_be = any(until > now for _begin, until in hours.spans(opening, day))
    is_clicked = (channel.pk, day) in clicked
    return {
        "today": promises.closed_today(opening.today(now)),
        "can_close": not is_clicked and (is_to_be or channel.is_open(now)),
        "can_open": is_clicked,
    }


def urls() -> list[URLPattern]:
    """The pages under /admin/special-days/, and the button of a channel."""
    return [
        page("special-days/", overview, "special_days"),
        page("special-days/new/", add, "special_day_add"),
        page("special-days/<int:pk>/", edit, "special_day"),
        page("special-days/<int:pk>/remove/", remove, "special_day_remove", post=True),
        page("channels/<int:pk>/today/", today, "channel_today", post=True),
    ]

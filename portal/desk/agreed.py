"""What was agreed with a customer, beside their case; and the page where staff agree on a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import appointments, promises, routing, slots
from channels_app.dispatch import CALLBACK, VISIT
from channels_app.models import Appointment, Channel, Delivery
from contacts.models import Case, Identity
from portal import access, times
from portal.desk.pages import done, page, show, staff_of
from portal.marks import Change


def beside(case: Case, change: Change, channels: Sequence[Channel]) -> dict[str, Any]:
    """The block beside a case. One query, where ever a call or a visit was asked for."""
    found: list[Delivery] = []
    if change.templates & {CALLBACK, VISIT}:
        rows = Delivery.objects.to_meet().filter(appointment__case__in=case.member_ids)
        rows = rows.select_related("appointment__channel__organisation", "taken_by")
        found = list(rows.order_by("appointment__starts_at"))
    there = {row.appointment.channel_id for row in found if row.appointment}
    rest = [row for row in channels if slots.takes(row) and row.pk not in there]
    return {"agreed": found, "bookable": rest if case.state == Case.State.OPEN else []}


@dataclass(frozen=True)
class _Door:
    case: Case
    channel: Channel
    agreed: Appointment | None
    number: Identity | None

    @property
    def can_book(self) -> bool:
        """Whether there is a number, where one is needed."""
        return not self.channel.kind_info.rings or self.number is not None


def _door(request: HttpRequest, reference: str, slug: str) -> _Door:
    """Raises Http404, times.Unknown."""
    case = access.visible_case(access.staff_viewer(request.user), reference)
    channels = Channel.objects.filter(organisation=case.organisation)
    channel = channels.select_related("organisation").filter(slug=slug).first()
    if channel is None:
        raise Http404
    rows = Appointment.objects.of(case).booked().filter(channel=channel)
    agreed = times.meant(list(rows), request)
    if agreed is None and not slots.takes(channel):
        raise Http404
    return _Door(case, channel, agreed, _number(case) if channel.kind_info.rings else None)


def _number(case: Case) -> Identity | None:
    """Whom to call: the chosen number, else the best that is known."""
    choice = case.choice
    if choice is not None and choice.kind_info.rings:
        return choice.identity
    return routing.known_address(case, "phone")


def appointment(request: HttpRequest, reference: str, channel: str) -> HttpResponse:
    """Agree on a time with the customer, move it, or call it off."""
    try:
        door = _door(request, reference, channel)
    except times.Unknown:
        return _too_late(request, reference)
    if request.method != "POST":
        return _show(request, door)
    if "cancel" in request.POST:
        return _cancel(request, door)
    at = times.read(request.POST.get("at", ""))
    if at is None:
        return _show(request, door, _("Choose a time."), status=422)
    try:
        _take(request, door, at)
    except appointments.Taken:
        return _show(request, door, _("This time was just taken. Choose another one."), status=409)
    except appointments.NotPossible:
        words = _("No time can be agreed on here any more. What was agreed before stays.")
        messages.warning(request, words)
        return redirect("admin:case", door.case.reference)
    except appointments.Over:
        return _too_late(request, door.case.reference)
    done(request, _("Noted: %(when)s.") % {"when": promises.day_and_time(timezone.localtime(at))})
    return redirect("admin:case", door.case.reference)


def _take(request: HttpRequest, door: _Door, at: datetime) -> None:
    staff = staff_of(request)
    if door.agreed is not None:
        appointments.move(appointment=door.agreed, starts_at=at, staff=staff)
        return
    appointments.book(
        case=door.case, channel=door.channel, starts_at=at, identity=door.number, staff=staff
    )


def _cancel(request: HttpRequest, door: _Door) -> HttpResponse:
    if door.agreed is None:
        return _too_late(request, door.case.reference)
    try:
        appointments.cancel(appointment=door.agreed, staff=staff_of(request))
    except appointments.Over:
        return _too_late(request, door.case.reference)
    done(request, _("Cancelled. The customer hears of it where we can write to them."))
    return redirect("admin:case", door.case.reference)


def _too_late(request: HttpRequest, reference: str) -> HttpResponse:
    messages.warning(request, _("This is not possible any more: look at the case again."))
    return redirect("admin:case", reference)


def _show(request: HttpRequest, door: _Door, error: str = "", status: int = 200) -> HttpResponse:
    since = request.GET.get("from", "")[:10]
    return show(
        request,
        "desk/appointment.html",
        title=_("Appointment"),
        status=status,
        case=door.case,
        door=door,
        times=times.of(door.channel, "", since, door.agreed),
        is_first=not since,
        error=error,
    )


def urls() -> list[URLPattern]:
    """The page of one appointment."""
    return [
        page("cases/<str:reference>/appointment/<slug:channel>/", appointment, "case_appointment"),
    ]

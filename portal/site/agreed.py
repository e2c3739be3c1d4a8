"""What was agreed in a case, as a card on the page of its question."""

from dataclasses import dataclass

from django.http import HttpRequest

from channels_app import appointments, slots
from channels_app.dispatch import CALLBACK, VISIT
from channels_app.models import Appointment, Channel
from contacts.models import Case
from contacts.viewers import Viewer
from portal import access, words
from portal.context import site_of
from portal.marks import Change


def bookable(request: HttpRequest) -> list[Channel]:
    """The offered channels whose customers may choose a time."""
    return [row for row in site_of(request).channels if slots.takes(row)]


def booked(case: Case) -> list[Appointment]:
    """What was agreed in a case and is not over. One query."""
    rows = Appointment.objects.of(case).booked()
    return list(rows.select_related("channel__organisation"))


@dataclass(frozen=True)
class Card:
    """What was agreed, on the page of the question."""

    agreed: Appointment
    line: str
    number: str


@dataclass(frozen=True)
class Cards:
    """What stands, and where a time can be chosen besides."""

    booked: list[Card]
    channels: list[Channel]


def cards(request: HttpRequest, viewer: Viewer, case: Case, change: Change) -> Cards:
    """For the page of a question. One query, where ever a call or a visit was asked for."""
    found = booked(case) if change.templates & {CALLBACK, VISIT} else []
    number = words.answer_address(case.choice, own=access.owns(viewer, case)) if found else ""
    rings = bool(case.choice and case.choice.kind_info.rings)
    shown = [
        Card(row, appointments.said(row, "booked"), number if row.rings and rings else "")
        for row in found
    ]
    is_open = case.state == Case.State.OPEN
    there = {row.channel.kind for row in found}
    rest = [row for row in bookable(request) if row.kind not in there] if is_open else []
    return Cards(shown, rest)

"""What was agreed in a case, as a card on the page of its question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from channels_app import appointments, slots
from channels_app.dispatch import MEETINGS
from channels_app.models import Appointment, Channel
from contacts.kinds import CALL, VIDEO_CALL, VISIT
from contacts.models import Case
from contacts.viewers import Viewer
from portal import access, words
from portal.context import site_of
from portal.marks import Change
from portal.site import room
from portal.site.room import Shown

# What the pages call a time that is agreed.
WORDS: dict[str, dict[str, Promise]] = {
    CALL: {
        "title": gettext_lazy("A time to be called"),
        "yours": gettext_lazy("Your call"),
        "asks": gettext_lazy("When shall we call you?"),
        "cancel": gettext_lazy("Cancel the call"),
        "take": gettext_lazy("Call me then"),
    },
    VIDEO_CALL: {
        "title": gettext_lazy("A time for a video call"),
        "yours": gettext_lazy("Your video call"),
        "asks": gettext_lazy("When shall we speak by video?"),
        "cancel": gettext_lazy("Cancel the video call"),
        "take": gettext_lazy("Plan the video call"),
    },
    VISIT: {
        "title": gettext_lazy("A time to come by"),
        "yours": gettext_lazy("Your visit"),
        "asks": gettext_lazy("When do you want to come?"),
        "cancel": gettext_lazy("Cancel the visit"),
        "take": gettext_lazy("I come then"),
    },
}


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
    room: Shown | None

    @property
    def words(self) -> Mapping[str, Promise]:
        """What the page calls it."""
        return WORDS[self.agreed.meeting]


@dataclass(frozen=True)
class Cards:
    """What stands, and where a time can be chosen besides."""

    booked: list[Card]
    channels: list[Channel]
    to_plan: Channel | None  # where a time is to be chosen, or we cannot answer as they chose

    @property
    def every_channel(self) -> list[Channel]:
        """Those where something stands, or can be chosen: a page that stays open may come to it."""
        return [card.agreed.channel for card in self.booked] + self.channels


def cards(request: HttpRequest, viewer: Viewer, case: Case, change: Change) -> Cards:
    """For the page of a question. One query, where ever a call or a visit was asked for.

    One more where they chose what is always by appointment.
    """
    found = booked(case) if change.templates & {*MEETINGS} else []
    number = words.answer_address(case.choice, own=access.owns(viewer, case)) if found else ""
    rings = bool(case.choice and case.choice.kind_info.rings)
    shown = [
        Card(
            row,
            appointments.said(row, "booked"),
            number if row.rings and rings else "",
            room.of(row),
        )
        for row in found
    ]
    is_open = case.state == Case.State.OPEN
    there = {row.channel.kind for row in found}
    rest = [row for row in bookable(request) if row.kind not in there] if is_open else []
    return Cards(shown, rest, _to_plan(case, rest))


def _to_plan(case: Case, channels: Sequence[Channel]) -> Channel | None:
    """Where one was chosen and no time is agreed, until it was held. One query then."""
    choice = case.choice
    if choice is None or not choice.kind_info.by_appointment:
        return None
    held = Appointment.objects.of(case).filter(
        channel__kind=choice.kind, state=Appointment.State.DONE
    )
    found = next((row for row in channels if row.kind == choice.kind), None)
    return found if found is not None and not held.exists() else None

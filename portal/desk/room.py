"""The door to the room of a video call, at the desk: one of ours leads it, by name."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from channels_app import rooms
from channels_app.adapters.base import SendError
from channels_app.models import Appointment, Delivery
from portal import leading
from portal.desk import words
from portal.desk.pages import staff_of


@dataclass(frozen=True)
class Shown:
    """The door beside a to-do: open, or a line that says when it opens, or that it is over.

    `opens_at`: from when on a page that stays open looks again; None where it never will.
    """

    is_open: bool
    line: str
    opens_at: datetime | None = None


def of(delivery: Delivery) -> Shown | None:
    """The door of a video call that is to do; None where there is none. No query."""
    agreed = _agreed(delivery)
    room = rooms.of(agreed, delivery.next_attempt_at) if agreed and delivery.is_open else None
    if room is None:
        return None
    if room.is_to_come:
        when = words.day_and_time(room.opens_at)
        line = _("The room is open from %(when)s on.") % {"when": when}
        return Shown(False, line, room.opens_at)
    return Shown(room.is_open, "" if room.is_open else _("The room is closed: its time is over."))


def enter(request: HttpRequest, delivery: Delivery) -> HttpResponse | None:
    """To the room, by an address that is made now; None where it does not open, which is said."""
    agreed = _agreed(delivery)
    try:
        if agreed is None:
            raise rooms.Closed
        name = staff_of(request).public_name
        return leading.away(rooms.enter(agreed, name=name, is_host=True))
    except rooms.Closed:
        messages.warning(request, _("The room is not open now: look at the time again."))
    except SendError as error:
        leading.warn(delivery.channel, error)
        text = _("The room does not open. An administrator can test the channel, which says why.")
        messages.error(request, text)
    return None


def _agreed(delivery: Delivery) -> Appointment | None:
    agreed = delivery.own_appointment
    if agreed is not None:
        agreed.channel = delivery.channel  # which was read with it
    return agreed

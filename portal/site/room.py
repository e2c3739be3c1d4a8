"""The door to the room of a video call, on the customer's own pages."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from channels_app import promises, rooms
from channels_app.adapters.base import SendError
from channels_app.models import Appointment
from channels_app.rooms import Room
from portal import access, leading
from portal.site import strips

ENTERED_PER_HOUR = 60  # of one case, by one client address at one door


@dataclass(frozen=True)
class Shown:
    """The door on a page: open, or a line that says when it opens, or that it is over.

    `opens_at`: from when on a page that stays open looks again; None where it never will.
    """

    agreed: Appointment
    is_open: bool
    line: str
    opens_at: datetime | None


def of(agreed: Appointment) -> Shown | None:
    """The door of an appointment; None where there is none. One query from its time on."""
    found = rooms.of(agreed)
    if found is None:
        return None
    opens_at = found.opens_at if found.is_to_come else None
    return Shown(agreed, found.is_open, closed_line(found), opens_at)


def enter(
    request: HttpRequest, agreed: Appointment, *, name: str, by_link: bool
) -> HttpResponse | None:
    """To the room, by an address that is made now; None where it does not open, which is said.

    `by_link`: by the appointment's own, which may be passed on: it uses up no other door.
    """
    door = "link" if by_link else "page"
    key = f"room:{agreed.case.stem.pk}:{door}:{access.client_address(request)}"
    if not access.allow(key, times=ENTERED_PER_HOUR, seconds=3600):
        text = _("You entered this video call many times. Please wait a while, or call us.")
        strips.say(request, text, tone="warn")
        return None
    try:
        return leading.away(rooms.enter(agreed, name=name, is_host=False))
    except rooms.Closed:
        strips.say(request, closed_line(rooms.of(agreed)), tone="warn")
    except SendError as error:
        leading.warn(agreed.channel, error)
        text = _("The video call does not open at the moment. Please try again, or call us.")
        strips.say(request, text, tone="bad")
    return None


def closed_line(room: Room | None) -> str:
    """When one can enter, or that it is over."""
    if room is None or not room.is_to_come:
        return _("This video call is over.")
    opens, above = (room.agreed.local(at) for at in (room.opens_at, room.agreed.starts_at))
    if opens.date() != above.date():  # the day that stands above it
        line = _("You can enter the video call from %(when)s on.")
        return line % {"when": promises.day_and_time(opens)}
    time = promises.clock(opens)
    return _("You can enter the video call from %(time)s on.") % {"time": time}

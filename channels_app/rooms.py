"""The rooms of video calls: when one may be entered, and by which address.

The address is made when somebody enters and stands nowhere: in no row, no message and no log.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from channels_app.adapters.base import Guest
from channels_app.models import Appointment, Delivery

EARLY = timedelta(minutes=10)  # so long before its time a room is open
GRACE = timedelta(minutes=30)  # and so long after its end, for who is late
NAME_SIGNS = 32  # hexadecimal: 128 bits, which nobody guesses


class Closed(Exception):
    """It is not open now, or the appointment is over."""


@dataclass(frozen=True)
class Room:
    """When the room of an appointment is open."""

    agreed: Appointment
    opens_at: datetime
    closes_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether one may enter now."""
        return self.opens_at <= timezone.now() < self.closes_at

    @property
    def is_to_come(self) -> bool:
        """Whether it opens later."""
        return timezone.now() < self.opens_at


def of(agreed: Appointment, begins_at: datetime | None = None) -> Room | None:
    """The room of an appointment; None where it has none, or is over. One query from its time on.

    `begins_at`: the time of its to-do, where that was read; staff may have put it off.
    """
    if not agreed.has_room or not agreed.is_booked:
        return None
    begins, length = begins_at or agreed.starts_at, timedelta(minutes=agreed.minutes)
    if begins_at is None and begins - EARLY <= timezone.now():
        later = Delivery.objects.to_meet().filter(appointment=agreed, next_attempt_at__gt=begins)
        begins = later.values_list("next_attempt_at", flat=True).first() or begins
    return Room(agreed, begins - EARLY, begins + length + GRACE)


def enter(agreed: Appointment, *, name: str, is_host: bool) -> str:
    """The address by which one enters now; it opens nothing once the call is over.

    Raises Closed, SendError.
    """
    agreed.refresh_from_db(fields=["state", "starts_at", "minutes", "sequence"])
    room = of(agreed)
    if room is None or not room.is_open:
        raise Closed
    guest = Guest(_name(agreed), name, is_host, timezone.now(), room.closes_at)
    address: str = agreed.channel.adapter().entrance(guest)
    return address


def _name(agreed: Appointment) -> str:
    """What nobody can compute from what a page or a calendar shows; moved it is another room."""
    value = f"{agreed.pk}:{agreed.sequence}"
    proof = salted_hmac("onecase.rooms", value, algorithm="sha256")
    return proof.hexdigest()[:NAME_SIGNS]

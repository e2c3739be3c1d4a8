"""Free times as a customer picks one: by days, by the own clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import formats, timezone

from channels_app import promises, slots
from channels_app.models import Appointment, Channel

SHOWN = 3  # days at once
FORM = "at-%Y%m%dT%H%MZ"  # how a time is posted
NEAR = timedelta(days=365)  # what is further from now, to either side, nobody picked from a page
CHOOSE = "choose"  # a time of one's own choice, which is picked after sending


@dataclass(frozen=True)
class Time:
    """A free time: what is posted, and what is read."""

    value: str
    words: str


@dataclass(frozen=True)
class Day:
    """The free times of one day."""

    words: str
    times: list[Time]


@dataclass(frozen=True)
class Times:
    """Some days with free times; `more`: from which day on there are others, "" if there are none.

    `zone`: by whose clock; `other`: the name of that place where it is not the organisation's.
    """

    days: list[Day]
    zone: str
    other: str = ""
    more: str = ""
    home: str = field(default="", repr=False)  # the organisation's own place


class Unknown(Exception):
    """The appointment that was meant is over, or it was not said which of several."""


def meant(agreed: Sequence[Appointment], request: HttpRequest) -> Appointment | None:
    """Which of those of a channel a page or a form names (`agreed`: its id); None if none is there.

    Cases that were joined may have several: only one alone needs no name. Raises Unknown.
    """
    name = request.POST.get("agreed") or request.GET.get("agreed", "")
    found = [row for row in agreed if str(row.pk) == name] if name else agreed
    if len(found) > 1 or (name and not found):
        raise Unknown
    return found[0] if found else None


def value_of(at: datetime) -> str:
    """A time as a form posts it."""
    return at.astimezone(UTC).strftime(FORM)


def read(value: str) -> datetime | None:
    """The time that a form posted; None for anything else."""
    try:
        at = datetime.strptime(value, FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if abs(at - timezone.now()) < NEAR else None


def is_time(value: str) -> bool:
    """Whether a wish is a time of the own choice, now or after sending."""
    return value == CHOOSE or read(value) is not None


def of(channel: Channel, zone: str, since: str, but: Appointment | None) -> Times:
    """The days from `since` (YYYY-MM-DD; "": now) on. One query."""
    name = slots.zone_named(zone, channel)
    home = channel.organisation.time_zone
    own = but.starts_at if but is not None else None
    free = (at for at in slots.free(channel, timezone.now(), but=but) if at != own)
    every = _by_day(free, ZoneInfo(name))
    days: list[Day] = []
    more = ""
    for day, found in every:
        if day.isoformat() < since:
            continue
        if len(days) == SHOWN:
            more = day.isoformat()
            break
        times = [Time(value_of(at), promises.clock(at)) for at in found]
        days.append(Day(formats.date_format(day, "l j F"), times))
    other = slots.place_of(name) if name != home else ""
    return Times(days, name, other, more, slots.place_of(home))


def _by_day(every: Iterator[datetime], zone: ZoneInfo) -> Iterator[tuple[date, list[datetime]]]:
    local = (at.astimezone(zone) for at in every)
    for day, found in groupby(local, key=datetime.date):
        yield day, list(found)

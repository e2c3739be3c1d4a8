"""The times of a channel that can be chosen: which there are, and which are free.

They lie on a grid: from the beginning of each span of the opening hours one slot after another.

Who is there now says something of calls in the next two hours, as long as it stays open, and
nothing of later ones: a call that begins before that has no more places than there are people, and
none while nobody is there. Before we open, and over lunch, nobody is expected to be there.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channels_app import call_line, hours
from channels_app.models import Appointment, Channel

DAYS = 30  # ahead
NEXT = 3  # so many free times are named in a row, or where the wanted one is taken
SOON = timedelta(hours=2)  # who is there now is there so long, as far as anybody can say
LONGEST = timedelta(hours=8)  # of one appointment, as the channel's form has it


@dataclass(frozen=True)
class _Held:
    """The places of a channel that are taken, by their beginning."""

    starts: list[datetime]
    rows: list[tuple[datetime, datetime, int]]  # from, until, seat

    @classmethod
    def of(
        cls, channel: Channel, since: datetime, until: datetime, but: Appointment | None
    ) -> "_Held":
        """Those that touch a span of time, without one that is about to move. One query."""
        found = Appointment.objects.held().filter(channel=channel)
        if but is not None:
            found = found.exclude(pk=but.pk)
        found = found.filter(starts_at__gt=since - LONGEST, starts_at__lt=until)
        values = found.order_by("starts_at").values_list("starts_at", "minutes", "seat")
        rows = [(at, at + timedelta(minutes=minutes), seat) for at, minutes, seat in values]
        return cls([row[0] for row in rows], rows)

    def seats(self, at: datetime, until: datetime) -> set[int]:
        """The places that are taken at some moment of it; lengths may have changed meanwhile."""
        first = bisect_right(self.starts, at - LONGEST)
        near = self.rows[first : bisect_left(self.starts, until)]
        return {seat for _start, end, seat in near if end > at}


@dataclass(frozen=True)
class _Places:
    """How many places each time of a channel has: fewer than it allows where too few are there."""

    most: int
    until: datetime  # so long those who are there count
    people: int

    @classmethod
    def of(cls, channel: Channel, now: datetime, crew: call_line.Crew | None) -> "_Places":
        """As it is now: of calls two queries, unless a page has read the `crew` already."""
        found = None
        if channel.kind_info.rings:
            found = call_line.people(channel.organisation) if crew is None else crew.people
        people = channel.slot_places if found is None else found
        return cls(channel.slot_places, _there_until(channel, now), people)

    def free(self, at: datetime, taken: set[int]) -> list[int]:
        """Those of a time that are left, the first ones first."""
        left = [seat for seat in range(self.most) if seat not in taken]
        here = min(self.most, self.people) if at < self.until else self.most
        return left[: max(0, here - len(taken))]


def _there_until(channel: Channel, now: datetime) -> datetime:
    """How long who is there now stays, as far as anybody can say; `now` where it is closed."""
    if not channel.is_open(now):
        return now
    closes_at = hours.closes_at(channel.opening, now)  # None: not in a week from now
    return min(now + SOON, closes_at) if closes_at else now + SOON


def takes(channel: Channel) -> bool:
    """Whether its customers may choose a time at all."""
    kind = channel.kind_info
    is_wanted = channel.takes_appointments or kind.by_appointment
    return is_wanted and channel.is_offered and kind.spoken


def free(
    channel: Channel,
    now: datetime,
    *,
    days: int = DAYS,
    but: Appointment | None = None,
    crew: call_line.Crew | None = None,
) -> Iterator[datetime]:
    """The times that can be chosen, in the organisation's zone, the earliest first. One query.

    `but`: one that is about to move, and leaves its own place free; `crew`: who takes calls, where
    a page has read it, else two queries more of a channel that rings.
    """
    if not takes(channel):
        return
    first = now + timedelta(minutes=channel.slot_lead_minutes)
    last = now + timedelta(days=days)
    held, places = _Held.of(channel, first, last, but), _Places.of(channel, now, crew)
    for at in _grid(channel, first, last):
        if places.free(at, held.seats(at, at + _length(channel))):
            yield at


def next_free(
    channel: Channel, now: datetime, most: int = NEXT, crew: call_line.Crew | None = None
) -> list[datetime]:
    """The first free times, for a row or after one that was taken; `crew` as for `free`."""
    return list(islice(free(channel, now, crew=crew), most))


def can_be_chosen(channel: Channel, now: datetime) -> bool:
    """Whether one can be answered there; by appointment only where a time is free: one query."""
    return not channel.kind_info.by_appointment or bool(next_free(channel, now, 1))


def _length(channel: Channel) -> timedelta:
    return timedelta(minutes=channel.slot_minutes)


def _grid(channel: Channel, first: datetime, last: datetime) -> Iterator[datetime]:
    """All times between two moments, free or not.

    Without hours there are none: who is always reachable has no times to choose from.
    """
    opening, length = channel.opening, _length(channel)
    if not opening.week:
        return
    zone = ZoneInfo(opening.zone)
    # The hours of an evening may end after its midnight.
    day = first.astimezone(zone).date() - timedelta(days=1)
    days = (last.astimezone(zone).date() - day).days + 1
    for at, end in hours.spans_from(opening, day, days):
        while at + length <= end:
            if first <= at <= last:
                yield at.astimezone(zone)
            at += length


def zone_named(name: str, channel: Channel) -> str:
    """The time zone of that name; the organisation's where there is none, or nonsense."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return channel.organisation.time_zone
    return name


def open_seats(
    channel: Channel, at: datetime, now: datetime, but: Appointment | None = None
) -> list[int]:
    """The places of a time that are free; none where it is no time of ours."""
    until = at + _length(channel)
    first = now + timedelta(minutes=channel.slot_lead_minutes)
    if not takes(channel):
        return []
    if not first <= at <= now + timedelta(days=DAYS) or at not in _grid(channel, at, at):
        return []
    taken = _Held.of(channel, at, until, but).seats(at, until)
    return _Places.of(channel, now, None).free(at, taken)


def place_of(zone: str) -> str:
    """A time zone as people say it: the last part of its name."""
    return zone.rpartition("/")[2].replace("_", " ")

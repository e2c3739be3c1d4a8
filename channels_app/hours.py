"""When a channel is open: weekly hours, with special days, in the organisation's time zone.

Stored as {"mon": [["09:00", "12:30"], ["13:00", "17:30"]], ...}; an empty dict is always open. A
span whose end is not after its start ends on the next day: 22:00-02:00, 18:00-00:00.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DAYS = 62  # so far ahead and back opening time is counted; beyond it nobody plans
A_DAY = timedelta(days=1)
MIDNIGHT = time(0)
Span = tuple[time, time]
Week = dict[int, list[Span]]


@dataclass(frozen=True)
class Day:
    """A special day: its spans stand for those of the week, none is closed from 0:00 to 24:00."""

    spans: tuple[Span, ...] = ()
    name: object = ""  # what customers read of it, once it is a str


@dataclass(frozen=True)
class Opening:
    """When a channel is open: its week as it is stored, its zone, and its special days."""

    weekly: Any
    zone: str
    special: Mapping[date, Day] = field(default_factory=dict)

    @cached_property
    def week(self) -> Week:
        """Weekday to spans; empty: every day from 0:00 to 24:00."""
        return parse(self.weekly)

    @property
    def is_always(self) -> bool:
        """Whether it never closes."""
        return not self.week and not self.special

    def today(self, now: datetime) -> Day | None:
        """The special day that it is there at that moment."""
        return self.special.get(now.astimezone(ZoneInfo(self.zone)).date())


def parse(weekly: Any) -> Week:
    """Weekday (0 = Monday) to spans. Raises ValueError with a message for the administrator."""
    if not isinstance(weekly, dict) or set(weekly) - set(DAYS):
        raise ValueError(_("Hours are written per day: mon, tue, wed, thu, fri, sat, sun."))
    week = {DAYS.index(name): parse_day(spans) for name, spans in weekly.items()}
    for day, spans in week.items():
        tomorrow = week.get((day + 1) % 7)
        if spans and tomorrow and _end(spans[-1]) - A_DAY > _start(tomorrow[0]):
            raise ValueError(_("A day's last time runs into the hours of the day after."))
    return week


def parse_day(spans: Any) -> list[Span]:
    """The spans of one day. Raises ValueError with a message for the administrator."""
    try:
        found = [(time.fromisoformat(start), time.fromisoformat(end)) for start, end in spans]
        ends = [end for span in found for end in (_start(span), _end(span))]
    except (TypeError, ValueError):
        raise ValueError(_("A time is written like 09:00.")) from None
    typos = [span for span in found if span[0] == span[1] != MIDNIGHT]
    if typos or ends != sorted(ends) or len(set(ends)) != len(ends):
        raise ValueError(_("A day's times must follow each other."))
    return found


def _start(span: Span) -> timedelta:
    return datetime.combine(date.min, span[0]) - datetime.min


def _end(span: Span) -> timedelta:
    """Since midnight, where the span begins."""
    end = datetime.combine(date.min, span[1]) - datetime.min
    return end + A_DAY if span[1] <= span[0] else end


def spans(opening: Opening, day: date) -> list[tuple[datetime, datetime]]:
    """What begins on that day, as aware times of its zone; what a clock shows twice counts twice.

    A special day says all of its date: what began the evening before ends at its midnight.
    """
    zone, midnight = ZoneInfo(opening.zone), datetime.combine(day, MIDNIGHT)
    first, last = midnight, midnight + 2 * A_DAY
    if day + A_DAY in opening.special:
        last = midnight + A_DAY
    elif (before := opening.special.get(day - A_DAY)) and day not in opening.special:
        first = max([midnight, *(midnight - A_DAY + _end(span) for span in before.spans)])
    found = []
    for span in _written(opening, day):
        begin, end = max(midnight + _start(span), first), min(midnight + _end(span), last)
        if begin < end:
            found.append((begin.replace(tzinfo=zone), end.replace(tzinfo=zone, fold=1)))
    return found


def _written(opening: Opening, day: date) -> tuple[Span, ...] | list[Span]:
    if special := opening.special.get(day):
        return special.spans
    return opening.week.get(day.weekday(), []) if opening.week else [(MIDNIGHT, MIDNIGHT)]


def is_open(opening: Opening, now: datetime) -> bool:
    """Whether `now` (aware) is inside the hours."""
    return opening.is_always or _running(opening, now) is not None


def _running(opening: Opening, now: datetime) -> tuple[datetime, datetime] | None:
    """The span that is open now, in UTC; it may have begun yesterday."""
    begun = spans_from(opening, _local_day(opening, now) - A_DAY, days=2)
    return next((span for span in begun if span[0] <= now < span[1]), None)


def closes_at(opening: Opening, now: datetime) -> datetime | None:
    """The end of what is open now; None if closed, or open for a week from now."""
    running = None if opening.is_always else _running(opening, now)
    if running is None:
        return None
    end = running[1]
    for begin, until in spans_from(opening, _local_day(opening, now), days=9):
        if begin <= end < until:
            end = until
    return end.astimezone(ZoneInfo(opening.zone)) if end - now < 7 * A_DAY else None


def opens_at(opening: Opening, now: datetime) -> datetime | None:
    """The next start of a span; None if there is none within MOST_DAYS."""
    if opening.is_always:
        return None
    for begin, _until in spans_from(opening, _local_day(opening, now)):
        if begin > now:
            return begin.astimezone(ZoneInfo(opening.zone))
    return None


def add(opening: Opening, start: datetime, minutes: int) -> datetime | None:
    """The moment after that many minutes of opening time; None if not within MOST_DAYS."""
    if opening.is_always:
        return start + timedelta(minutes=minutes)
    left = timedelta(minutes=minutes)
    for begin, until in spans_from(opening, _local_day(opening, start) - A_DAY):
        first = max(begin, start.astimezone(UTC))
        if until <= first:
            continue
        if left <= until - first:
            return first + left
        left -= until - first
    return None


def between(opening: Opening, start: datetime, end: datetime) -> timedelta:
    """How much of the time from one moment to a later one was open; counted for MOST_DAYS."""
    if opening.is_always:
        return max(end - start, timedelta(0))
    found = timedelta(0)
    for begin, until in spans_from(opening, _local_day(opening, start) - A_DAY):
        found += max(min(until, end) - max(begin, start), timedelta(0))
        if until >= end:
            break
    return found


def add_days(opening: Opening, start: datetime, days: int) -> datetime | None:
    """The same time of day after so many days that are open; None if not within MOST_DAYS."""
    at = start.astimezone(ZoneInfo(opening.zone))
    for _step in range(MOST_DAYS):
        if days == 0:
            return at
        at += A_DAY
        days -= bool(spans(opening, at.date()))
    return None


def back(opening: Opening, end: datetime, minutes: int) -> datetime | None:
    """The moment from which so many minutes of opening time are over; None: over MOST_DAYS ago."""
    if opening.is_always:
        return end - timedelta(minutes=minutes)
    left = timedelta(minutes=minutes)
    earliest = _local_day(opening, end) - MOST_DAYS * A_DAY
    for begin, until in reversed(list(spans_from(opening, earliest, days=MOST_DAYS + 1))):
        last = min(until, end.astimezone(UTC))
        if last <= begin:
            continue
        if left <= last - begin:
            return last - left
        left -= last - begin
    return None


def _local_day(opening: Opening, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(opening.zone)).date()


def spans_from(
    opening: Opening, day: date, days: int = MOST_DAYS + 1
) -> Iterator[tuple[datetime, datetime]]:
    """The spans that begin on so many days from that one on, in UTC: an hour is an hour there.

    No two of them overlap.
    """
    last = datetime.min.replace(tzinfo=UTC)
    for ahead in range(days):
        for begin, end in spans(opening, day + ahead * A_DAY):
            # Where midnight comes twice the day before ends with the second one.
            start, until = max(begin.astimezone(UTC), last), end.astimezone(UTC)
            if start < until:
                last = until
                yield start, until

"""Weekly opening hours, in the organisation's time zone.

Stored as {"mon": [["09:00", "12:30"], ["13:00", "17:30"]], ...}; an empty dict is always open.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Week = dict[int, list[tuple[time, time]]]


def parse(weekly: Any) -> Week:
    """Weekday (0 = Monday) to spans. Raises ValueError with a message for the administrator."""
    if not isinstance(weekly, dict) or set(weekly) - set(DAYS):
        raise ValueError(_("Hours are written per day: mon, tue, wed, thu, fri, sat, sun."))
    week: Week = {}
    for name, spans in weekly.items():
        try:
            week[DAYS.index(name)] = [
                (time.fromisoformat(start), time.fromisoformat(end)) for start, end in spans
            ]
        except (TypeError, ValueError):
            raise ValueError(_("A time is written like 09:00.")) from None
    for spans in week.values():
        ends = [moment for span in spans for moment in span]
        if ends != sorted(ends) or len(set(ends)) != len(ends):
            raise ValueError(_("A day's times must follow each other."))
    return week


def is_open(weekly: Any, now: datetime, zone: str) -> bool:
    """Whether `now` (aware) is inside the hours."""
    return not parse(weekly) or closes_at(weekly, now, zone) is not None


def closes_at(weekly: Any, now: datetime, zone: str) -> datetime | None:
    """The end of the span that is open now; None if closed or always open."""
    local = now.astimezone(ZoneInfo(zone))
    for span in parse(weekly).get(local.weekday(), []):
        start, end = _at(local, span)
        if start.astimezone(UTC) <= now < end.astimezone(UTC):
            return end
    return None


def opens_at(weekly: Any, now: datetime, zone: str) -> datetime | None:
    """The next start of a span within eight days; None if there is none."""
    week = parse(weekly)
    local = now.astimezone(ZoneInfo(zone))
    for ahead in range(8):
        day = local + timedelta(days=ahead)
        for span in week.get(day.weekday(), []):
            start, _end = _at(day, span)
            if start.astimezone(UTC) > now:
                return start
    return None


def add(weekly: Any, start: datetime, minutes: int, zone: str) -> datetime | None:
    """The moment after that many minutes of opening time; None if never within 60 days."""
    week = parse(weekly)
    if not week:
        return start + timedelta(minutes=minutes)
    local, left = start.astimezone(ZoneInfo(zone)), timedelta(minutes=minutes)
    for ahead in range(61):
        day = local + timedelta(days=ahead)
        for span in week.get(day.weekday(), []):
            # In UTC, so that an hour is an hour when the clocks change.
            begin, last = (moment.astimezone(UTC) for moment in _at(day, span))
            first = max(begin, start.astimezone(UTC))
            if last <= first:
                continue
            if left <= last - first:
                return first + left
            left -= last - first
    return None


def back(weekly: Any, end: datetime, minutes: int, zone: str) -> datetime | None:
    """The moment from which so many minutes of opening time are over; None: over 60 days ago."""
    week = parse(weekly)
    if not week:
        return end - timedelta(minutes=minutes)
    local, left = end.astimezone(ZoneInfo(zone)), timedelta(minutes=minutes)
    for ago in range(61):
        day = local - timedelta(days=ago)
        for span in reversed(week.get(day.weekday(), [])):
            begin, last = (moment.astimezone(UTC) for moment in _at(day, span))
            last = min(last, end.astimezone(UTC))
            if last <= begin:
                continue
            if left <= last - begin:
                return last - left
            left -= last - begin
    return None


def _at(day: datetime, span: tuple[time, time]) -> tuple[datetime, datetime]:
    """A span on that day: of an hour that comes twice, from the first one to the second one."""
    start, end = (datetime.combine(day.date(), moment, tzinfo=day.tzinfo) for moment in span)
    return start, end.replace(fold=1)

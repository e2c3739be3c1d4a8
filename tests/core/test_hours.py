"""Opening hours, promises and the time of a call, as tables."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from channels_app import hours, promises, todos
from channels_app.models import Channel
from contacts.models import Organisation

ZONE = "Europe/Amsterdam"
WEEK = {
    day: [["09:00", "12:30"], ["13:00", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")
}

SHOP = hours.Opening(WEEK, ZONE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


@pytest.mark.parametrize(
    ("now", "is_open", "closes", "opens"),
    [
        ("2026-11-20 09:00", True, "2026-11-20 12:30", "2026-11-20 13:00"),
        ("2026-11-20 12:30", False, None, "2026-11-20 13:00"),
        ("2026-11-20 17:29", True, "2026-11-20 17:30", "2026-11-23 09:00"),
        ("2026-11-20 17:30", False, None, "2026-11-23 09:00"),
        ("2026-11-22 03:00", False, None, "2026-11-23 09:00"),
    ],
)
def test_open_closes_and_opens(now: str, is_open: bool, closes: str | None, opens: str) -> None:
    assert hours.is_open(SHOP, at(now)) is is_open
    assert hours.closes_at(SHOP, at(now)) == (at(closes) if closes else None)
    assert hours.opens_at(SHOP, at(now)) == at(opens)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-11-20 10:00", 60, "2026-11-20 11:00"),
        ("2026-11-20 12:00", 60, "2026-11-20 13:30"),  # over lunch
        ("2026-11-20 17:00", 240, "2026-11-23 12:30"),  # over the weekend
        ("2026-11-21 08:00", 1, "2026-11-23 09:01"),
    ],
)
def test_a_promise_counts_opening_time(start: str, minutes: int, due: str) -> None:
    assert hours.add(SHOP, at(start), minutes) == at(due)


def test_an_hour_is_an_hour_when_the_clocks_change() -> None:
    always = hours.Opening({"sun": [["00:00", "23:59"]]}, ZONE)
    start = at("2026-10-25 01:30")
    due = hours.add(always, start, 120)
    assert due is not None and due - start.astimezone(ZoneInfo("UTC")) == timedelta(hours=2)


def test_without_hours_it_is_always_open() -> None:
    now = at("2026-11-22 03:00")
    always = hours.Opening({}, ZONE)
    assert hours.is_open(always, now) and hours.closes_at(always, now) is None
    assert hours.add(always, now, 30) == now + timedelta(minutes=30)


@pytest.mark.parametrize(
    "weekly",
    [
        {"monday": []},
        {"mon": [["9", "x"]]},
        {"mon": [["12:00", "12:00"]]},
        {"mon": [["12:00", "09:00"], ["13:00", "17:00"]]},
        {"mon": [["22:00", "02:00"]], "tue": [["01:00", "05:00"]]},
        {"sun": [["22:00", "02:00"]], "mon": [["01:00", "05:00"]]},
        {"mon": [["09:00+01:00", "17:00"]]},
        {"mon": [["09:00", "13:00"], ["12:00", "17:00"]]},
        {"mon": [["09:00"]]},
        [],
    ],
)
def test_hours_that_are_none_are_refused(weekly: object) -> None:
    with pytest.raises(ValueError):
        hours.parse(weekly)


@pytest.mark.parametrize(
    ("now", "wish", "due"),
    [
        ("2026-11-20 10:00", "soon", "2026-11-20 10:00"),
        ("2026-11-20 18:00", "soon", "2026-11-23 09:00"),
        ("2026-11-20 10:00", "morning", "2026-11-20 10:00"),
        ("2026-11-20 14:00", "morning", "2026-11-23 09:00"),
        ("2026-11-20 10:00", "afternoon", "2026-11-20 13:00"),
        ("2026-11-19 10:00", "tomorrow", "2026-11-20 09:00"),
    ],
)
def test_a_wished_call_has_its_time(
    organisation: Organisation, now: str, wish: str, due: str
) -> None:
    phone = Channel.objects.get(slug="phone")
    phone.weekly_hours = WEEK
    assert todos.call_time(phone, wish, at(now)) == at(due)


def test_lines_say_only_what_is_true(organisation: Organisation) -> None:
    Channel.objects.filter(slug="phone").update(weekly_hours=WEEK, promise_minutes=15)
    rows = {
        offer.kind.name: offer for offer in promises.board(organisation, at("2026-11-20 10:00"))
    }
    phone = rows["phone"]
    assert promises.state_line(phone, at("2026-11-20 10:00")) == "Open · until 12:30"
    assert promises.promise_line(phone) == "within 15 minutes"
    assert promises.state_line(rows["letter"], at("2026-11-20 10:00")) == ""
    assert [channel.slug for channel in rows["in_person"].channels] == ["north", "south"]
    late = at("2026-11-20 18:00")
    closed = {offer.kind.name: offer for offer in promises.board(organisation, late)}["phone"]
    assert promises.state_line(closed, late) == "Closed · opens Mon 9:00"


def test_two_days_are_two_working_days(organisation: Organisation) -> None:
    letter = Channel.objects.get(slug="letter")
    letter.weekly_hours, letter.promise_minutes = WEEK, 2 * 1440
    due = letter.due_at(at("2026-11-20 10:00"))
    assert due is not None and due.date().isoformat() == "2026-11-24"

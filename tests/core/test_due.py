"""The one rule of who is late: of a case, of a list and of a set."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from channels_app import due, opening
from channels_app.due import BROKEN, NEAR, PROMISE, Due
from channels_app.models import Channel
from contacts.models import Case, Choice, Customer, Organisation

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def a_case(organisation: Organisation, kind: str = "account", **values: object) -> Case:
    """A question that came in at this moment, and waits."""
    given = {"text": "Is it there?", "came_by": "account", "kind": kind, "language": "en"} | values
    return opening.open_case(organisation=organisation, **given)  # type: ignore[arg-type]


@pytest.mark.once
@pytest.mark.parametrize(
    ("minutes", "level"), [(0, ""), (179, ""), (180, NEAR), (239, NEAR), (240, BROKEN)]
)
def test_it_is_nearly_late_when_a_quarter_is_left(minutes: int, level: str) -> None:
    found = Due(PROMISE, NINE, NINE + timedelta(hours=4))
    assert found.level(NINE + timedelta(minutes=minutes)) == level


@pytest.mark.parametrize(
    ("kind", "wish", "hours", "level"),
    [
        ("phone", "", 0.1, ""),
        ("phone", "", 0.9, NEAR),
        ("phone", "soon", 2, BROKEN),
        ("phone", "tomorrow", 2, None),
        ("email", "tomorrow", 2, BROKEN),  # what was added to another way is no time
        ("", "", 2, BROKEN),  # their usual way
    ],
)
def test_a_case_a_list_and_the_set_say_the_same(
    organisation: Organisation, kind: str, wish: str, hours: float, level: str | None
) -> None:
    Channel.objects.update(promise_minutes=60, weekly_hours={})
    case, now = a_case(organisation), timezone.now()
    since = now - timedelta(hours=hours)
    Choice.objects.update(kind=kind or "email", wish=wish, created_at=since)
    Case.objects.update(waiting_since=since, **({} if kind else {"choice": None}))
    Customer.objects.update(preferred_kind="email")
    case = Case.objects.get()
    one = due.promised(case, Channel.objects.get(kind=kind or "email"), now)
    assert (one.level(now) if one else None) == level
    assert due.all_of([case], now) == ({case.pk: one} if one else {})
    assert due.waiting_now(organisation, now).exists() is (one is not None)


def test_who_does_not_wait_is_not_late(organisation: Organisation) -> None:
    case, now = a_case(organisation), timezone.now()
    channel = Channel.objects.get(kind="account")
    assert due.promised(case, channel, now) and due.promised(case, None, now) is None
    for change in ({"waiting_since": None}, {"state": Case.State.RESOLVED}):
        Case.objects.update(**change)
        assert due.promised(Case.objects.get(), channel, now) is None


def test_a_channel_makes_its_opening_once(organisation: Organisation) -> None:
    channel = Channel.objects.get(kind="phone")
    first = channel.opening
    assert channel.opening is first
    channel.weekly_hours = {"mon": [["09:00", "10:00"]]}
    assert channel.opening.week == {0: [(time(9), time(10))]}
    channel.organisation.time_zone = "America/New_York"
    assert channel.opening.zone == "America/New_York"

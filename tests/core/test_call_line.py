"""Calls: who is there to make them, who waits to be called now, and the places that follow."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from channels_app import appointments, call_line, opening, promises, slots, todos
from channels_app.call_line import Calls, Crew, Place
from channels_app.models import Channel, Delivery
from contacts import duty
from contacts.models import Case, Identity, Organisation, Team, Topic, User
from portal.context import promises_kept
from tests import shop
from tests.core import booking
from tests.core.booking import phone, workday

NUMBER = "020 765 43 21"
Outcome = Delivery.Outcome


@pytest.fixture
def house(db: None) -> Organisation:
    """The shop, always open for calls."""
    organisation = booking.make_shop()
    Channel.objects.filter(slug="phone").update(weekly_hours={})
    return organisation


def asked(house: Organisation, wish: str = "soon", minutes_ago: float = 0) -> Case:
    """Somebody asks to be called."""
    case = opening.open_case(
        organisation=house,
        text="Please call",
        came_by="account",
        kind="phone",
        address=NUMBER,
        wish=wish,
        language="en",
    )
    at = timezone.now() - timedelta(minutes=minutes_ago)
    if minutes_ago:
        Delivery.objects.filter(message__case=case).update(next_attempt_at=at)
    return Case.objects.get(pk=case.pk)


def call_of(case: Case) -> Delivery:
    """Its to-do."""
    return Delivery.objects.select_related("message__case", "channel").get(message__case=case)


def take(case: Case, who: User) -> None:
    """A colleague takes it."""
    todos.take(call_of(case), who)


def place(case: Case) -> Place | None:
    return call_line.place(Case.objects.get(pk=case.pk), timezone.now())


def line(house: Organisation, language: str = "en") -> str:
    """What the row of the phone says."""
    now = timezone.now()
    with translation.override(language):
        board = promises.board(house, now, figures=promises_kept(house))
        (offer,) = (row for row in board if row.kind.name == "phone")
        return promises.board_line(offer, now)


def test_where_nobody_ever_looked_at_the_desk_nothing_is_claimed(house: Organisation) -> None:
    User.objects.filter(pk=shop.make_agent().pk).update(seen_at=None)
    asked(house)
    assert Crew.of(house) == Crew() and line(house) == ""
    assert call_line.people(house) is None
    User.objects.update(is_demo=True)
    assert line(house) == "Open · 1 person is waiting"


def test_the_line_says_who_is_there_and_who_waits(house: Organisation) -> None:
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    found = [line(house)]
    first = asked(house)
    found.append(line(house))  # one waits, and there is one more
    take(first, anna)
    second = asked(house)
    found.append(line(house))
    take(second, zoe)
    found.append(line(house))
    asked(house), asked(house)
    found.append(line(house))
    duty.leave(anna), duty.away(zoe)
    found.append(line(house))
    assert found == [
        "Open · somebody is free now",
        "Open · somebody is free now",
        "Open · 1 person is waiting",
        "Open · all colleagues are in a call",
        "Open · all colleagues are in a call: 2 people are waiting",
        "Open · nobody is there for calls now",
    ]
    Channel.objects.filter(slug="phone").update(weekly_hours={"mon": []})
    assert line(house) == "Closed"  # who is there says nothing then


def test_who_waits_is_told_also_where_nobody_is_there(house: Organisation) -> None:
    anna = shop.make_agent()

    def figures() -> tuple[str, ...]:
        board = promises.board(house, timezone.now(), figures=promises_kept(house))
        return next(promises.figures(row) for row in board if row.kind.name == "phone")

    asked(house), asked(house)
    assert figures() == ()  # the line of the calls says it
    duty.leave(anna)
    assert figures() == ("2 people are waiting",)


def test_a_call_kept_for_later_keeps_nobody_busy_and_nobody_waiting(house: Organisation) -> None:
    anna = shop.make_agent()
    for wish in ("soon", "soon"):
        asked(house, wish)
    rows = list(Delivery.objects.all())
    todos.take(rows[0], anna)
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=2))
    assert Crew.of(house).calls("en") == Calls(there=1, busy=0, waiting=0)


@pytest.mark.parametrize(
    ("team", "there"),
    [
        ({"kinds": ["email"]}, 2),  # a team for mail says nothing of calls
        ({"kinds": ["phone"]}, 1),
        ({"languages": ["nl"]}, 2),
        ({"languages": ["en"]}, 1),
    ],
)
def test_teams_say_who_takes_calls(
    house: Organisation, team: dict[str, list[str]], there: int
) -> None:
    anna, _zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    made = Team.objects.create(organisation=house, name="Team", **team)
    made.members.add(anna)
    calls = Crew.of(house).calls("en")
    assert calls is not None and calls.there == there
    made.topics.add(Topic.objects.get(slug="invoice"))
    assert call_line.people(house) == 2  # of other topics, by anybody


def test_who_takes_no_calls_is_not_there_for_them(house: Organisation) -> None:
    shop.make_agent()
    User.objects.update(capacity=0)
    assert line(house) == "Open · nobody is there for calls now"


def test_the_place_goes_by_when_the_call_is_due(house: Organisation) -> None:
    anna = shop.make_agent()
    second, first, third = asked(house, "soon", 2), asked(house, "soon", 4), asked(house)
    later = asked(house, "soon")
    Delivery.objects.filter(message__case=later).update(
        next_attempt_at=timezone.now() + timedelta(hours=1)
    )
    assert [place(case) for case in (first, second, third)] == [Place(1), Place(2), Place(3)]
    assert place(later) is None  # in the afternoon, or tomorrow: not now
    take(first, anna)
    assert place(first) == Place(0, "Anna") and place(third) == Place(2)
    todos.finish(call_of(first), anna, Outcome.REACHED, note="All is well.")
    assert place(first) is None and place(second) == Place(1)
    take(second, anna)
    todos.finish(call_of(second), anna, Outcome.NOT_REACHED)
    again = place(second)
    assert again is not None and again.number is None and again.in_vain and again.at
    assert place(third) == Place(1)


def test_of_those_due_at_once_each_has_a_place(house: Organisation) -> None:
    cases = [asked(house) for _n in range(3)]
    Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=1))
    assert {place(case) for case in cases} == {Place(1), Place(2), Place(3)}


def test_two_statements_however_many_wait(house: Organisation) -> None:
    cases = [asked(house, "soon", ago) for ago in range(1, 7)]
    case = Case.objects.select_related("choice", "root").get(pk=cases[0].pk)
    assert case.member_ids == [case.pk]  # which the page has read
    with CaptureQueriesContext(connection) as seen:
        assert call_line.place(case, timezone.now()) == Place(6)
    assert len(seen) == 2


def test_the_usual_time_is_the_median_of_late(house: Organisation) -> None:
    anna, now = shop.make_agent(), timezone.now()
    minutes = [1, 3, 7, 90]
    for number, took in enumerate([*minutes, 5]):
        todos.finish(call_of(asked(house, "soon", took)), anna, Outcome.REACHED, note="Well.")
        assert (call_line.usual(timezone.now()) is None) == (number < len(minutes))
    found = call_line.usual(timezone.now())
    assert found is not None and 300 <= found < 305
    Delivery.objects.filter(finished_at__lt=now + timedelta(hours=1)).update(attempt_count=2)
    assert call_line.usual(now) is None  # who was called in vain before had waited for more


def booked(house: Organisation, clock: str) -> None:
    """Somebody takes that time."""
    number = Identity.of("phone", NUMBER)
    case = asked(house)
    appointments.book(case=case, channel=phone(), starts_at=workday(clock), identity=number)


def test_soon_there_are_no_more_places_than_people(house: Organisation) -> None:
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    week = {"weekly_hours": booking.WEEK, "slot_places": 3, "slot_lead_minutes": 5}
    Channel.objects.filter(slug="phone").update(**week)
    now = workday("09:10")

    def places(clock: str) -> int:
        return len(slots.open_seats(phone(), workday(clock), now))

    assert [places(clock) for clock in ("09:30", "11:00", "11:30")] == [2, 2, 3]
    booked(house, "09:30")
    assert places("09:30") == 1
    duty.leave(anna)
    assert [places(clock) for clock in ("09:30", "11:00", "11:30")] == [0, 1, 3]
    duty.away(zoe)
    assert [places(clock) for clock in ("11:00", "11:30")] == [0, 3]
    assert slots.next_free(phone(), now, 1) == [workday("11:30")]
    assert slots.next_free(phone(), now, 1, crew=Crew.of(house)) == [workday("11:30")]
    User.objects.update(seen_at=None)  # nothing tells who is there
    assert [places(clock) for clock in ("09:30", "11:00", "11:30")] == [2, 3, 3]


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("07:30", "09:00"),  # nobody need be there before we open
        ("12:15", "13:00"),  # nor over lunch
        ("11:15", "13:00"),  # nobody is there: the morning has no places, the afternoon has
        ("15:10", None),
    ],
)
def test_while_we_are_closed_who_is_there_says_nothing_of_the_next_hours(
    house: Organisation, now: str, first: str | None
) -> None:
    duty.leave(shop.make_agent())
    Channel.objects.filter(slug="phone").update(weekly_hours=booking.WEEK, slot_lead_minutes=5)
    at = workday(now)
    found = [*slots.next_free(phone(), at, 1), *slots.next_free(phone(), at, 1, Crew.of(house))]
    wanted = workday(first) if first else found[0]
    assert found == [wanted] * 2 and (first or found[0].date() > at.date())
    assert slots.open_seats(phone(), wanted, at) == [0]


def test_who_is_there_for_calls_says_nothing_of_visits(house: Organisation) -> None:
    duty.leave(shop.make_agent())
    Channel.objects.update(slot_lead_minutes=5)
    now = workday("09:10")
    assert slots.next_free(booking.branch(), now, 1) == [workday("09:30")]

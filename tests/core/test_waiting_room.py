"""Who waits in a chat for a first answer: the place, and the usual wait."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, opening, switching, waiting_room
from channels_app.models import Channel, Chat
from contacts import services
from contacts.kinds import CHAT
from contacts.models import Case, Choice, Organisation, User
from tests.core.chats import offer_chat

NOW = timezone.now()


@pytest.fixture(autouse=True)
def chat(organisation: Organisation) -> Channel:
    """The shop offers chat."""
    return offer_chat(organisation)


def begun(organisation: Organisation, minutes_ago: float) -> Case:
    """A chat that began so long ago."""
    case = opening.open_case(
        organisation=organisation, text="Hello?", came_by=CHAT, kind=CHAT, language="en"
    )
    Chat.objects.filter(case=case).update(started_at=NOW - timedelta(minutes=minutes_ago))
    return case


def answered(organisation: Organisation, minutes: float, at: datetime = NOW) -> None:
    """A chat that got its first answer after so many minutes."""
    case = begun(organisation, 0)
    began = at - timedelta(minutes=minutes)
    Chat.objects.filter(case=case).update(started_at=began, answered_at=at)
    Case.objects.filter(pk=case.pk).update(waiting_since=None)


def place(case: Case) -> waiting_room.Place | None:
    return waiting_room.place(Case.objects.get(pk=case.pk), NOW)


def number(case: Case) -> int:
    found = place(case)
    assert found is not None
    return found.number


def test_who_came_first_is_next(organisation: Organisation, agent: User) -> None:
    second, first = begun(organisation, 2), begun(organisation, 4)
    third = begun(organisation, 1)
    assert [number(case) for case in (first, second, third)] == [1, 2, 3]
    assert list(waiting_room.waiting()) == [first, second, third]
    dispatch.reply(case=first, staff=agent, text="Hello")
    assert place(first) is None
    assert (number(second), number(third)) == (1, 2)


def test_a_switch_that_was_a_slip_costs_no_place(organisation: Organisation) -> None:
    first, second = begun(organisation, 4), begun(organisation, 2)
    slip = switching.switch(case=first, kind="account")
    assert number(second) == 1
    assert switching.undo(case=Case.objects.get(pk=first.pk), choice=slip)
    assert (number(first), number(second)) == (1, 2)
    switching.switch(case=Case.objects.get(pk=first.pk), kind="account")
    switching.switch(case=Case.objects.get(pk=first.pk), kind=CHAT)  # which is to come once more
    assert place(second) == waiting_room.Place(1, NOW - timedelta(minutes=2), None)


def test_undone_long_after_it_begins_anew(organisation: Organisation) -> None:
    first, second = begun(organisation, 40), begun(organisation, 2)
    switched = switching.switch(case=first, kind="account")
    Choice.objects.filter(pk=switched.pk).update(created_at=NOW - timedelta(minutes=30))
    switched.refresh_from_db()
    assert switching.undo(case=Case.objects.get(pk=first.pk), choice=switched)
    assert (number(second), number(first)) == (1, 2)


def test_who_went_elsewhere_or_is_done_holds_nobody_up(organisation: Organisation) -> None:
    switched, solved, mine = (begun(organisation, ago) for ago in (3, 2, 1))
    switching.switch(case=switched, kind="account")
    services.resolve(case=solved)
    assert number(mine) == 1
    assert place(switched) is None and place(solved) is None


def test_who_was_answered_elsewhere_has_no_place(organisation: Organisation) -> None:
    called, mine = begun(organisation, 3), begun(organisation, 1)
    Case.objects.filter(pk=called.pk).update(waiting_since=None)
    assert place(called) is None and number(mine) == 1


def test_two_that_came_at_once_have_a_place_each(organisation: Organisation) -> None:
    cases = [begun(organisation, 1) for _ in range(3)]
    assert [number(case) for case in cases] == [1, 2, 3]


def test_the_usual_wait_is_the_median_of_those_of_late(organisation: Organisation) -> None:
    for minutes in (1, 2, 3, 90):
        answered(organisation, minutes)
    assert waiting_room.usual(NOW) is None  # four are too few to say
    answered(organisation, 2.2)
    assert waiting_room.usual(NOW) == 3  # 2.2 minutes, rounded up
    long_ago = NOW - timedelta(days=8)
    for _ in range(9):
        answered(organisation, 60, at=long_ago)
    assert waiting_room.usual(NOW) == 3
    for _ in range(waiting_room.NEWEST):
        answered(organisation, 0.1, at=NOW - timedelta(seconds=1))
    assert waiting_room.usual(NOW) == 1  # of the newest twenty


def test_it_is_late_after_the_usual_wait_or_five_minutes(organisation: Organisation) -> None:
    mine = place(begun(organisation, 0))
    assert mine is not None and mine.usual is None
    assert not mine.is_late(NOW + timedelta(minutes=5))
    assert mine.is_late(NOW + timedelta(minutes=5, seconds=1))
    for _ in range(5):
        answered(organisation, 1.5)
    usually = place(begun(organisation, 0))
    assert usually is not None and usually.usual == 2
    assert not usually.is_late(NOW + timedelta(minutes=2))
    assert usually.is_late(NOW + timedelta(minutes=2, seconds=1))


def test_three_statements_however_many_wait(organisation: Organisation) -> None:
    cases = [begun(organisation, ago) for ago in range(6)]
    case = Case.objects.select_related("choice", "root").get(pk=cases[0].pk)
    with CaptureQueriesContext(connection) as asked:
        assert waiting_room.place(case, NOW)
    assert len(asked) == 3

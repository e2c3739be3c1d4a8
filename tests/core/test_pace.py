"""What is usual: counted at night, said on every row, and who waits; a broken promise is found."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from channels_app import checks, opening, passing, promises, tasks
from channels_app.models import Channel, Pace
from channels_app.models.pace import ENOUGH, first_answers
from contacts.models import Case, Choice, Message, Organisation, User
from contacts.services import case_link
from portal.context import promises_kept
from portal.site import expected

NOW = timezone.now()
HOUR = 3600
ALL_DAY = {day: [["00:00", "00:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def a_case(organisation: Organisation, *, days_ago: float = 1, kind: str = "account") -> Case:
    """A question that came in so many days ago, and waits."""
    address = "sam@example.org" if kind == "email" else ""
    case = opening.open_case(
        organisation=organisation,
        text="Is it there?",
        came_by="account",
        kind=kind,
        language="en",
        address=address,
    )
    at = NOW - timedelta(days=days_ago)
    Case.objects.filter(pk=case.pk).update(opened_at=at, waiting_since=at)
    Message.objects.filter(case=case).update(created_at=at)
    Choice.objects.filter(case=case).update(created_at=at)
    return case


def answer(case: Case, agent: User | None, seconds: float, **values: object) -> None:
    """What was said so long after the question."""
    at = Message.objects.filter(case=case).earliest("pk").created_at + timedelta(seconds=seconds)
    made = {"direction": "out", "kind": "email", "staff": agent, "text": "Yes."} | values
    case.append(Message(created_at=at, **made))


def test_the_first_answer_of_each_case_counts_once(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation)
    answer(case, None, 1, template="acknowledged")  # the portal itself
    answer(case, agent, 2, direction="note", kind="")
    answer(case, agent, HOUR)
    answer(case, agent, 9 * HOUR, kind="phone")
    called = a_case(organisation, days_ago=27)
    answer(called, agent, 3 * HOUR, kind="phone", template=Message.SPOKEN)
    old = a_case(organisation, days_ago=29)
    answer(old, agent, HOUR)
    a_case(organisation)  # not answered yet
    noted = a_case(organisation)
    Message.objects.filter(case=noted).update(staff=agent, kind="phone")  # a call that was recorded
    answer(noted, agent, 5)
    found = first_answers(organisation, NOW - timedelta(days=28))
    assert found == {"email": [pytest.approx(HOUR)], "phone": [pytest.approx(3 * HOUR)]}


@pytest.mark.parametrize(
    ("waits", "median", "ninety", "words"),
    [
        ([1] * ENOUGH, 1, 1, "Usually within 5 minutes"),
        (
            range(600, 6001, 600),
            3300,
            5400,
            "Usually within 55 minutes, 9 of 10 within 2 hours",
        ),
        (
            [HOUR] * 8 + [30 * HOUR, 60 * HOUR],
            HOUR,
            30 * HOUR,
            "Usually within 1 hour, 9 of 10 within 30 hours",
        ),
        (
            [HOUR, *[50 * HOUR] * 10],
            50 * HOUR,
            50 * HOUR,
            "Usually within 3 days",
        ),
    ],
)
def test_the_night_counts_median_and_nine_of_ten(
    organisation: Organisation,
    agent: User,
    waits: list[int],
    median: int,
    ninety: int,
    words: str,
) -> None:
    for seconds in waits:
        answer(a_case(organisation, days_ago=5), agent, seconds)
    tasks.count_pace()
    tasks.count_pace()  # anew, and not once more
    pace = Pace.objects.get()
    assert (pace.kind, pace.count) == ("email", len(waits))
    assert (pace.median, pace.ninety) == (median, ninety)
    assert promises.pace_line(pace) == words


def figures(organisation: Organisation, kind: str = "email") -> str:
    board = promises.board(organisation, timezone.now(), figures=promises_kept(organisation))
    return next(" · ".join(promises.figures(offer)) for offer in board if offer.kind.name == kind)


def test_rows_say_what_is_known_and_nothing_else(
    organisation: Organisation, client: Client
) -> None:
    values = {"organisation": organisation, "kind": "email", "median": 7000, "ninety": 20000}
    pace = Pace.objects.create(count=ENOUGH - 1, **values)
    assert figures(organisation) == ""
    Pace.objects.filter(pk=pace.pk).update(count=ENOUGH)
    usual = "Usually within 2 hours, 9 of 10 within 6 hours"
    assert figures(organisation) == usual
    a_case(organisation, kind="email")
    assert figures(organisation) == f"{usual} · 1 person is waiting"
    a_case(organisation, kind="email")
    with translation.override("nl"):
        assert figures(organisation) == (
            "Meestal binnen 2 uur, 9 van de 10 binnen 6 uur · 2 mensen wachten"
        )
    assert figures(organisation, "letter") == ""
    # Each of them by itself, so that a narrow page does not break after the number.
    page = client.get("/").text
    assert f"<span>{usual}</span> <span>2 people are waiting</span>" in page


def test_a_broken_promise_is_said_to_the_customer(
    organisation: Organisation, client: Client
) -> None:
    late, soon = a_case(organisation), a_case(organisation, days_ago=0.1)
    words = "This takes longer than we promised."
    for case, is_said in ((late, True), (soon, False)):
        client.post(f"/c/{case_link(case).plain}/")
        page = client.get(f"/q/{case.reference}/").text
        assert (words in page) is is_said
        assert ("Call us on 020 123 4567" in page) is is_said
    late.refresh_from_db()
    offer = next(o for o in promises.board(organisation, NOW) if o.kind.name == "account")
    late.waiting_since = None
    assert not expected.is_late(late, offer)


@pytest.mark.parametrize(
    ("wish", "is_late"), [("soon", True), ("", True), ("tomorrow", False), ("afternoon", False)]
)
def test_who_asked_to_be_called_later_waits_for_no_promise(
    organisation: Organisation, wish: str, is_late: bool
) -> None:
    case = a_case(organisation)
    Choice.objects.filter(case=case).update(kind="phone", wish=wish)
    case = Case.objects.get(pk=case.pk)
    offer = next(o for o in promises.board(organisation, NOW) if o.kind.name == "phone")
    assert expected.is_late(case, offer) is is_late
    assert bool(found(passing.LATE)) is is_late


def test_another_way_promises_from_when_it_was_chosen(organisation: Organisation) -> None:
    case = a_case(organisation)
    Choice.objects.filter(case=case).update(created_at=timezone.now() - timedelta(minutes=5))
    case = Case.objects.get(pk=case.pk)
    offer = next(o for o in promises.board(organisation, NOW) if o.kind.name == "account")
    assert not expected.is_late(case, offer)


def found(kind: str) -> list[str]:
    return [one.text for one in checks.findings() if one.id == kind]


def test_administrators_hear_of_a_broken_promise(organisation: Organisation) -> None:
    a_case(organisation, days_ago=0.1)
    assert found(passing.LATE) == []
    a_case(organisation)
    assert found(passing.LATE) == ["account: customers wait longer than was promised."]
    told = checks.check_configuration(databases=["default"])
    assert told and not {one.id for one in told} & passing.PASSING  # no deployment fails by it
    Channel.objects.filter(slug="account").update(promise_minutes=None)
    assert found(passing.LATE) == []


def test_administrators_hear_that_nobody_is_on_duty(
    organisation: Organisation, agent: User
) -> None:
    User.objects.update(on_duty=False)
    assert found(passing.NOBODY) == []  # what has no hours is not staffed by the clock
    Channel.objects.filter(slug="phone").update(weekly_hours=ALL_DAY)
    assert found(passing.NOBODY) == ["Nobody is on duty, and these are open: phone."]
    User.objects.update(on_duty=True, away_since=None, seen_at=timezone.now())
    assert found(passing.NOBODY) == []


def test_the_board_asks_as_often_however_many_wait(
    organisation: Organisation, django_assert_num_queries: object
) -> None:
    for _n in range(3):
        a_case(organisation, kind="email")
    # Who waits, how long answers take, and who is there for calls: two of people and teams, and
    # whether anybody ever was.
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert promises_kept(organisation).waiting == {"email": 3}

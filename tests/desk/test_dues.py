"""What is due, as colleagues read it: the tab, the row, the head of a case and its card."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import due, reckoning
from channels_app.due import Due
from channels_app.models import Channel, Target
from contacts import services
from contacts.models import Case, Organisation, User
from contacts.models.case import NEVER
from portal.desk import dues, queue
from portal.desk.facts import story_of
from tests.desk.conftest import MakeCase

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.once
@pytest.mark.parametrize(
    ("what", "until", "brief", "sentence"),
    [
        ("promise", 2 * HOUR, "promise: 2 h left", "promised before"),
        ("first_answer", HOUR / 3, "target: 20 min left", "our target: answer before"),
        ("resolution", HOUR * 100, "target: 4 days left", "our target: done before"),
        ("promise", timedelta(seconds=5), "promise: 1 min left", "promised before"),
        ("promise", timedelta(0), "promise: 1 min over", "promised before"),
        ("resolution", -30 * HOUR, "target: 30 h over", "our target: done before"),
    ],
)
def test_which_is_meant_and_what_is_left(
    what: str, until: timedelta, brief: str, sentence: str
) -> None:
    owed = Due(what, NOW - HOUR, NOW + until)
    assert dues.brief(owed, NOW) == brief
    assert dues.sentence(owed).startswith(f"{sentence} ")


@pytest.mark.once
@pytest.mark.parametrize(
    ("number", "words"),
    [(30, "30 min"), (60, "1 h"), (90, "1 h 30 min"), (1440, "1 day"), (2880, "2 days")],
)
def test_lengths_of_opening_time(number: int, words: str) -> None:
    assert dues.minutes(number) == words


@pytest.mark.once
@pytest.mark.parametrize(
    ("what", "done", "words"),
    [
        ("first_answer", 2, "First answer after 2 h of 4 h."),
        ("first_answer", 6, "First answer after 6 h, later than 4 h."),
        ("resolution", 3, "Done after 3 h of 4 h."),
        ("resolution", 5, "Done after 5 h, later than 4 h."),
    ],
)
def test_how_it_was_met(what: str, done: int, words: str) -> None:
    took = done * HOUR
    target = Due(what, NOW, NOW + 4 * HOUR, 240, NOW + took, took)
    assert dues.standing(target, NOW + 99 * HOUR) == words


@pytest.fixture
def house(organisation: Organisation) -> Organisation:
    """It promises four hours, and wants to answer in one, and to be done in ten."""
    Channel.objects.update(weekly_hours={}, promise_minutes=240)
    Target.objects.create(
        organisation=organisation, first_answer_minutes=60, resolution_minutes=600
    )
    return organisation


def waits(case: Case, since: timedelta) -> None:
    at = timezone.now() - since
    Case.objects.filter(pk=case.pk).update(opened_at=at, waiting_since=at, due_as_of=NEVER)
    reckoning.reckon(case.organisation)


def test_the_tab_has_what_is_nearly_late_first_due_first(
    house: Organisation, desk: Client, make_case: MakeCase, agent: User
) -> None:
    new, near, late, done = (make_case(name) for name in ("New", "Near", "Late", "Done"))
    house.refresh_from_db()
    for case, minutes in ((new, 5), (near, 50), (late, 75), (done, 500)):
        waits(case, timedelta(minutes=minutes))
    services.resolve(case=done, by=agent)
    page = desk.get(reverse("admin:cases"), {"tab": "late"})
    rows = page.context["rows"]
    assert [row.case for row in rows] == [late, near]
    assert [row.level for row in rows] == ["broken", "near"]
    assert [row.owed for row in rows] == ["target: 15 min over", "target: 9 min left"]
    assert {tab["name"]: tab["count"] for tab in page.context["tabs"]}["late"] == 2
    narrowed = desk.get(reverse("admin:cases"), {"tab": "late", "kind": "letter"})
    assert narrowed.context["rows"] == []


def test_it_goes_on_where_the_page_before_ended(
    house: Organisation, agent: User, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [make_case(str(number)) for number in range(3)]
    at = timezone.now()
    Case.objects.update(due_at=at, near_at=at)  # equal moments
    Case.objects.filter(pk=cases[0].pk).update(due_at=at + HOUR)
    wanted, found = queue.Filter.read({"tab": "late"}), []
    for _page in range(3):
        (case,) = queue.rows_for(wanted, agent)[:1]
        found.append(case)
        assert case.due_at is not None
        after = queue.written((case.due_at, case.pk))
        wanted = queue.Filter.read({"tab": "late", "after": after})
    assert found == [cases[1], cases[2], cases[0]]
    assert not queue.rows_for(wanted, agent).exists()


def test_nothing_is_nearly_late(house: Organisation, desk: Client) -> None:
    assert "Nothing is nearly late." in desk.get(reverse("admin:cases"), {"tab": "late"}).text


def test_the_case_says_which_of_the_two_is_meant(
    house: Organisation, desk: Client, make_case: MakeCase, agent: User
) -> None:
    case = make_case()
    house.refresh_from_db()
    waits(case, timedelta(minutes=50))
    address = reverse("admin:case", args=[case.reference])
    page = desk.get(address).text
    assert "our target: answer before today" in page and "promised before" not in page
    assert "First answer within 1 h: before today" in page and "9 min left." in page
    assert "An answer before today" in page  # what was promised stands in its own line
    Target.objects.all().delete()
    page = desk.get(address).text
    assert "promised before today" in page and "Our targets" not in page


def test_while_it_waits_for_the_customer_it_is_still_to_be_done(
    house: Organisation, desk: Client, make_case: MakeCase, agent: User
) -> None:
    case = make_case()
    house.refresh_from_db()
    waits(case, 9 * HOUR)
    Case.objects.update(waiting_since=None)
    page = desk.get(reverse("admin:case", args=[case.reference])).text
    assert "our target: done before" in page
    assert "desk-state--near" in page
    assert desk.get(reverse("admin:cases"), {"tab": "late"}).context["rows"][0].level == "near"


def test_customers_are_never_told_a_target(
    house: Organisation, make_case: MakeCase, agent: User
) -> None:
    case, now = make_case(), timezone.now()
    Case.objects.update(waiting_since=now - 2 * HOUR)
    case = Case.objects.select_related("customer__root", "choice").get()
    channel = Channel.objects.get(kind="email")
    promised = due.promised(case, channel, now)
    assert promised is not None and (promised.what, promised.level(now)) == ("promise", "")
    assert due.all_of([case], now)[case.pk].what == "first_answer"
    assert "First answer within 1 h" in story_of(case).targets

"""What customers found: the nightly count, and how far it moves the advice."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import opening, tallying
from channels_app.advice.claims import ALL
from channels_app.advice.evidence import MOST, Counts, before, found, worked
from channels_app.advice.ranking import PUBLISHED, recommend
from channels_app.advice.situation import Situation
from channels_app.models import Tally
from channels_app.tasks import tally as nightly
from contacts.models import Case, Choice, Organisation, Outcome, Topic
from portal.celery import app
from tests import shop

HOUSE = Counts(answered=80, unanswered=20, repeated=20, unrepeated=80)
PRIOR = {"phone": 0.5, "email": 0.3, "letter": 0.2}


def points(counts: dict[str, Counts]) -> dict[str, float]:
    return {name: round(row.points, 2) for name, row in found(PRIOR, counts, HOUSE).items()}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, {"phone": 0, "email": 0, "letter": 0}),
        # As expected: nothing moves.
        (
            {"phone": Counts(50), "email": Counts(30), "letter": Counts(20)},
            {"phone": 0, "email": 0, "letter": 0},
        ),
        # Chosen more, and less; nobody chose a letter, so that it stays where it began.
        ({"phone": Counts(10), "email": Counts(50)}, {"phone": -0.48, "email": 0.75, "letter": 0}),
        # Settles more, and less, than the house.
        ({"email": Counts(answered=40)}, {"phone": 0, "email": 1.05, "letter": 0}),
        ({"email": Counts(unanswered=5)}, {"phone": 0, "email": -0.79, "letter": 0}),
        # Makes people tell it twice.
        ({"letter": Counts(repeated=5)}, {"phone": 0, "email": 0, "letter": -0.79}),
        ({"phone": Counts(9_000, unanswered=9_000)}, {"phone": -1.05, "email": 0, "letter": 0}),
    ],
)
def test_what_was_counted_moves_what_was_expected(
    counts: dict[str, Counts], expected: dict[str, float]
) -> None:
    assert points(counts) == expected


def test_more_good_is_never_less() -> None:
    rows = [points({"email": Counts(answered=n, unanswered=5)})["email"] for n in range(60)]
    assert rows == sorted(rows) and rows[0] < 0 < rows[-1] <= MOST
    rows = [points({"email": Counts(repeated=n)})["email"] for n in range(60)]
    assert rows == sorted(rows, reverse=True)


def test_a_sole_way_learns_nothing_from_being_chosen() -> None:
    assert found({"email": 1.0}, {"email": Counts(500)}, HOUSE)["email"].points == 0


def test_what_is_expected_adds_up_and_leaves_the_person_out() -> None:
    told = Situation(ALL, is_complex=True)
    person = Situation(ALL, is_complex=True, preferred="letter", how_soon="now", matters="quick")
    assert sum(before(told, PUBLISHED).values()) == pytest.approx(1)
    assert before(told, PUBLISHED) == before(person, PUBLISHED)


def test_it_turns_what_is_close_and_nothing_private() -> None:
    told = Situation(ALL, is_sensitive=True, found={"chat": MOST, "phone": MOST})
    ranked = recommend(told)
    assert ranked[0].kind.name == "phone"
    assert all(row.is_withheld for row in ranked[-4:])


@pytest.mark.parametrize(("yes", "no", "sign"), [(0, 0, 0), (1, 0, 1), (0, 3, -1), (50, 0, 1)])
def test_answers_of_one_customer(yes: int, no: int, sign: int) -> None:
    found_points = worked(yes, no)
    assert abs(found_points) <= MOST and (found_points > 0) - (found_points < 0) == sign


def asked(organisation: Organisation, kind: str, topic: str = "repair", **said: Any) -> Case:
    """A question by a kind, and what its customer said of it."""
    address = {"phone": "+31201234567", "email": "sam@example.org"}.get(kind, "")
    case = opening.open_case(
        organisation=organisation,
        text="Hello",
        came_by="account",
        kind=kind,
        address=address,
        topic=Topic.objects.filter(slug=topic).first(),
        language="en",
    )
    if said:
        Outcome.objects.create(case=case, kind=kind, **said)
    return case


def test_the_night_counts_a_year(organisation: Organisation) -> None:
    asked(organisation, "phone", answered=True, repeated=False)
    asked(organisation, "phone", answered=False, repeated=True)
    asked(organisation, "account", answered=None)
    twice = asked(organisation, "account", topic="")
    Choice.objects.create(case=twice, kind="account")  # there and back: one case
    Choice.objects.create(case=twice, kind="phone", once=True)  # the next answer only
    Choice.objects.create(case=twice, kind="email", by=Choice.By.STAFF)
    past = asked(organisation, "account", answered=True)
    year = timezone.now() - timedelta(days=366)
    Choice.objects.filter(case=past).update(created_at=year)
    Outcome.objects.filter(case=past).update(asked_at=year)
    assert nightly() == 3
    repair = Topic.objects.get(slug="repair").pk
    assert tallying.counts() == {
        repair: {"phone": Counts(2, 1, 1, 1, 1), "account": Counts(1)},
        None: {"account": Counts(1)},
    }
    assert tallying.house(tallying.counts()) == Counts(4, 1, 1, 1, 1)
    Case.objects.filter(pk=twice.pk).update(topic=repair)
    nightly()
    assert Tally.objects.count() == 2  # what is no more is gone


def test_beat_rings_the_count_every_night() -> None:
    entry = app.conf.beat_schedule["tally"]
    assert entry["task"] == nightly.name
    assert entry["schedule"].remaining_estimate(timezone.now()) <= timedelta(days=1)


def test_it_moves_the_start_page_and_stands_in_the_admin(
    organisation: Organisation, client: Client
) -> None:
    topic = Topic.objects.get(slug="invoice")
    marked = "/advice/?topic=invoice"
    assert "Private: on your own page" in client.get(marked).content.decode()
    Tally.objects.create(topic=topic, kind="phone", chosen=40, answered=30, unanswered=2)
    Tally.objects.create(topic=topic, kind="account", chosen=5, answered=2, unanswered=9)
    page = client.get(marked).content.decode()
    assert "by phone you can ask on at once" in page
    assert "Others with such questions chose it, and it helped them." in page
    client.force_login(shop.make_agent("ada", administrator=True))
    page = client.get(reverse("admin:advice_found") + "?topic=invoice").content.decode()
    row = page.split("kind-phone")[1].split("kind-")[0]
    assert "counted 40 of 45" in row and "counted 30 of 32" in row
    Tally.objects.all().delete()
    page = client.get(reverse("admin:advice_found")).content.decode()
    assert "Nothing was counted yet." in page


def test_what_was_found_of_no_topic_says_nothing_before_one_is_picked(
    organisation: Organisation, client: Client
) -> None:
    before = client.get("/advice/").content
    Tally.objects.create(topic=None, kind="letter", chosen=90, answered=60)
    assert client.get("/advice/").content == before

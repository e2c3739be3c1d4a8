"""A message goes to another customer's case after a question, and comes back by one click."""

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import dispatch
from contacts import merging, search, services
from contacts.models import Case, Event, Message, User
from contacts.viewers import Viewer
from portal import timeline
from tests.desk.conftest import MakeCase


@pytest.fixture
def other(make_case: MakeCase) -> Case:
    """The case of somebody else."""
    return make_case("Where is my lease?", address="lee@example.org", name="Lee Moor")


@pytest.fixture
def wrong(case: Case) -> Message:
    """A message that came into the wrong case."""
    return services.file_message(case=case, kind="email", text="And my lease?")


def move(desk: Client, wrong: Message, into: Case, **more: str) -> str:
    """Press the button; the page that follows."""
    assert wrong.case is not None
    url = reverse("admin:case_move", args=[wrong.case.reference, wrong.pk])
    return desk.post(url, {"into": into.reference, **more}, follow=True).content.decode()


def texts(case: Case, viewer: Viewer) -> list[str]:
    """What is said in a case, in order."""
    return [row.message.text for row in timeline.page(case, viewer).entries if row.message]


def test_it_asks_first_where_it_is_somebody_elses_case(
    desk: Client, case: Case, other: Case, wrong: Message
) -> None:
    page = move(desk, wrong, other)
    assert "Move this message?" in page and "Lee Moor" in page and "And my lease?" in page
    wrong.refresh_from_db()
    assert wrong.case == case
    page = move(desk, wrong, other, sure="1")
    wrong.refresh_from_db()
    assert wrong.case == other
    assert f"Moved to {other.reference}." in page
    assert reverse("admin:case_move_back", args=[other.reference, wrong.pk]) in page
    assert list(search.cases("my lease")) == [other]


def test_between_the_cases_of_one_customer_it_does_not_ask(
    desk: Client, case: Case, make_case: MakeCase, wrong: Message
) -> None:
    own = make_case("Another question", name="Sam Sample")
    assert own.customer == case.customer
    assert "Moved to" in move(desk, wrong, own)


def test_one_click_puts_it_back_into_its_place(
    desk: Client, case: Case, other: Case, agent: User, wrong: Message
) -> None:
    services.file_message(case=case, kind="email", text="Still there?")
    viewer = Viewer(staff_id=agent.pk)
    before = texts(case, viewer)
    dispatch.reply(case=other, staff=agent, text="It is on its way.")
    services.resolve(case=other, by=agent)
    other.refresh_from_db()
    settled = other.resolved_at
    wrong.refresh_from_db()
    place = wrong.seq
    move(desk, wrong, other, sure="1")
    other.refresh_from_db()
    assert other.state == Case.State.OPEN and other.waiting_since
    back = reverse("admin:case_move_back", args=[other.reference, wrong.pk])
    page = desk.post(back, follow=True).content.decode()
    assert f"It is back in {case.reference}." in page
    assert "Anna moved a message back" in page
    wrong.refresh_from_db()
    other.refresh_from_db()
    assert (wrong.case, wrong.seq) == (case, place) and texts(case, viewer) == before
    assert (other.state, other.resolved_at) == (Case.State.RESOLVED, settled)
    assert list(search.cases("And my lease")) == [case]
    again = desk.post(reverse("admin:case_move_back", args=[case.reference, wrong.pk]), follow=True)
    assert "The message was not moved here." in again.content.decode()
    assert case.events.filter(sort=Event.Sort.MOVED).count() == 2


def test_a_case_that_went_on_meanwhile_stays_open(
    case: Case, other: Case, agent: User, wrong: Message
) -> None:
    services.resolve(case=other, by=agent)
    merging.move_message(message=wrong, to=Case.objects.get(pk=other.pk), by=agent)
    services.file_message(case=other, kind="email", text="I have one more question.")
    merging.undo_move(message=wrong, by=agent)
    other.refresh_from_db()
    assert other.state == Case.State.OPEN and other.waiting_since
    assert wrong.case == case

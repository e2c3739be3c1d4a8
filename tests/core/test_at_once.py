"""Two tabs, two agents, two clicks: what happens at once happens once, on both databases."""

import threading
import time

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from channels_app import dispatch, opening, receipts, sending, switching
from channels_app.adapters.base import Reason, Receipt
from channels_app.models import Delivery
from contacts import services
from contacts.models import Case, Choice, Event, Identity, Organisation, User
from portal.desk import letter
from tests import shop
from tests.core.test_rules import in_threads

S = Delivery.Status


def a_case(kind: str = "account", address: str = "") -> Case:
    """An open case of the only organisation."""
    return opening.open_case(
        organisation=Organisation.objects.get(),
        text="Does the red one fit a child?",
        came_by="account",
        kind=kind,
        language="en",
        address=address,
    )


def fresh(case: Case) -> Case:
    """The row as a page reads it, before it asks for anything."""
    return Case.objects.select_related("root", "choice").get(pk=case.pk)


def faults(results: list[object]) -> list[object]:
    """What went wrong in a thread."""
    return [result for result in results if isinstance(result, Exception)]


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_switch_at_once_leave_one_chain_of_choices() -> None:
    shop.make_shop()
    case = a_case()
    phone = Identity.of("phone", "020 123 45 67")
    ways = [("letter", Identity.of("post", "Main Street 1\n1000 AA Town")), ("phone", phone)] * 3

    def go(number: int) -> Choice:
        kind, identity = ways[number]
        return switching.switch(case=fresh(case), kind=kind, identity=identity, wish="soon")

    assert not faults(in_threads(len(ways), go))
    choices = list(case.choices.order_by("pk"))
    assert fresh(case).choice == choices[-1]
    # Each stands on the one before it: a stale one would point past it, or at nothing.
    assert [choice.replaces for choice in choices] == [None, *choices[:-1]]
    switched = case.events.filter(sort=Event.Sort.SWITCHED).order_by("seq")
    assert [row.data["before"] for row in switched] == [choice.kind for choice in choices[:-1]]
    assert case.events.filter(sort=Event.Sort.CHOSEN).count() == 1
    asked = Delivery.objects.to_do().filter(message__template=dispatch.CALLBACK)
    assert asked.count() == (choices[-1].kind == "phone")


@pytest.mark.django_db(transaction=True)
def test_a_switch_is_taken_back_once_however_often_it_is_pressed() -> None:
    shop.make_shop()
    case = a_case()
    choice = switching.switch(
        case=case, kind="phone", identity=Identity.of("phone", "020 123 45 67"), wish="soon"
    )
    results = in_threads(6, lambda _n: switching.undo(case=fresh(case), choice=choice))
    assert not faults(results)
    assert len([back for back in results if back]) == 1
    choice_now = fresh(case).choice
    assert case.choices.count() == 3 and choice_now and choice_now.kind == "account"
    assert not Delivery.objects.to_do().exists()


@pytest.mark.django_db(transaction=True)
def test_two_agents_who_try_again_at_once_send_once() -> None:
    shop.make_shop()
    agents = [shop.make_agent(f"agent{number}") for number in range(6)]
    case = a_case(kind="email", address="sam@example.org")
    message = dispatch.reply(case=case, staff=agents[0], text="It is here.")
    message.deliveries.update(status=S.FAILED)

    rows = Delivery.objects.select_related("message__case__root")
    pages = [rows.get(message=message) for _agent in agents]  # each has the page open
    results = in_threads(6, lambda number: dispatch.try_again(pages[number], agents[number]))
    assert not faults(results)
    assert len([row for row in results if row]) == 1 and message.deliveries.count() == 2
    assert case.events.filter(sort=Event.Sort.ATTEMPTED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_switch_and_a_wish_to_be_called_both_count() -> None:
    shop.make_shop()
    case = a_case()
    letter = Identity.of("post", "Main Street 1\n1000 AA Town")

    def go(number: int) -> object:
        if number % 2:
            return services.allow_calls(case=fresh(case), allowed=True)
        return switching.switch(case=fresh(case), kind="letter", identity=letter)

    assert not faults(in_threads(6, go))
    choice = fresh(case).choice
    assert choice and (choice.kind, choice.calls_allowed) == ("letter", True)
    assert case.events.filter(sort=Event.Sort.CALLS).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_case_is_resolved_once() -> None:
    shop.make_shop()
    case = a_case()
    assert not faults(in_threads(6, lambda _n: services.resolve(case=fresh(case))))
    assert case.events.filter(sort=Event.Sort.RESOLVED).count() == 1
    assert not faults(in_threads(6, lambda _n: services.reopen(case=fresh(case))))
    assert case.events.filter(sort=Event.Sort.REOPENED).count() == 1


def test_what_arrived_meanwhile_is_not_sent_again(organisation: Organisation, agent: User) -> None:
    case = a_case(kind="email", address="sam@example.org")
    message = dispatch.reply(case=case, staff=agent, text="It is here.")
    message.deliveries.update(status=S.UNCERTAIN)
    page = message.deliveries.get()
    message.deliveries.update(status=S.SENT)  # the server's late answer
    assert dispatch.try_again(page, agent) is None and message.deliveries.count() == 1


def test_undo_brings_only_the_next_answer_back_as_it_was(
    organisation: Organisation, agent: User
) -> None:
    case = a_case(kind="email", address="sam@example.org")
    switching.switch(case=case, kind="account", once=True)
    letter = Identity.of("post", "Main Street 1\n1000 AA Town")
    choice = switching.switch(case=case, kind="letter", identity=letter)
    back = switching.undo(case=case, choice=choice)
    assert back and (back.kind, back.once) == ("account", True)
    answers = [dispatch.reply(case=case, staff=agent, text=text) for text in ("One", "Two")]
    assert [message.kind for message in answers] == ["account", "email"]


def test_nobody_takes_back_what_is_not_theirs(organisation: Organisation) -> None:
    case, other = a_case(), a_case()
    letter = Identity.of("post", "Main Street 1\n1000 AA Town")
    choice = switching.switch(case=case, kind="letter", identity=letter)
    theirs = switching.switch(case=other, kind="letter", identity=letter)
    assert switching.undo(case=case, choice=theirs) is None
    client = Client()
    address = reverse("site:undo", args=[case.reference])
    assert client.post(address, {"choice": choice.pk}).status_code == 404
    link = services.case_link(other)
    client.post(reverse("site:case_link", args=[link.plain]))
    assert client.post(address, {"choice": choice.pk}).status_code == 404
    own = reverse("site:undo", args=[other.reference])
    client.post(own, {"choice": choice.pk})  # a choice of another case, on the own case
    for row, kept in ((case, choice), (other, theirs)):
        assert fresh(row).choice == kept
    client.post(own, {"choice": theirs.pk})
    assert fresh(other).choice != theirs


@pytest.mark.django_db(transaction=True)
def test_a_letter_has_one_code_however_many_print_it() -> None:
    shop.make_shop()
    case, agent = a_case(kind="letter", address="Main Street 1\n1000 AA Town"), shop.make_agent()
    dispatch.reply(case=case, staff=agent, text="Yes.")
    row = Delivery.objects.select_related("message__case").get()
    issued = in_threads(6, lambda _n: letter.issue_code(row))
    assert not faults(issued) and len(set(issued)) == 1, issued


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("news", ["failed", "doubt", "receipt"])
def test_a_failure_and_a_switch_at_once_do_not_wait_for_each_other(news: str) -> None:
    shop.make_shop()
    case = a_case("email", "sam@example.org")
    message = dispatch.reply(case=case, staff=shop.make_agent(), text="Yes, and in blue.")
    row = Delivery.objects.select_related("message__case").get(message=message)
    Delivery.objects.filter(pk=row.pk).update(status=S.SENDING)
    why, held, asked = Reason.said("no"), threading.Event(), threading.Event()

    def fail() -> None:
        held.wait(5)
        with transaction.atomic():
            asked.set()
            if news == "receipt":
                receipts._move(row, Receipt("1", str(row.pk), "failed", signed=True))
            elif news == "failed":
                sending._fail(row, why)
            else:
                sending._doubt(row, why)

    def switch() -> None:
        """As a switch does: the case first, then what waits in it."""
        with transaction.atomic():
            fresh(case).locked()
            held.set()
            asked.wait(5)
            time.sleep(0.3)
            Delivery.objects.filter(pk=row.pk).update(reason={})

    assert not faults(in_threads(2, lambda number: (switch, fail)[number]()))
    row.refresh_from_db()
    assert row.status == (S.UNCERTAIN if news == "doubt" else S.FAILED)

"""Proposing at the desk: one click, what waits, taking it back, and a warning after a no."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from channels_app import opening, proposals, switching
from channels_app.models import Delivery
from contacts import services
from contacts.models import Case, Consent, Event, Identity, Message, Organisation, Question, User
from contacts.models.question import NO
from tests import shop
from tests.proposals.test_words import NUMBER, knows_phone, sorts


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """A question that wants its answer by e-mail."""
    return opening.open_case(
        organisation=organisation,
        text="My kettle leaks",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )


def propose(desk: Client, case: Case, kind: str = "phone", **more: str) -> Any:
    """Press the button; the page after it."""
    url = reverse("admin:case_propose", args=[case.reference])
    return desk.post(url, {"propose": kind, **more}, follow=True)


def page(desk: Client, case: Case) -> str:
    return str(desk.get(f"/admin/cases/{case.reference}/").content.decode())


def looked_at(desk: Client, case: Case, kind: str) -> str:
    """Pick another way in the composer."""
    url = reverse("admin:case_way", args=[case.reference])
    given = {"text": "Half a thought", "to": kind}
    return str(desk.post(url, given, headers={"HX-Request": "true"}).content.decode())


def test_one_click_in_the_list_of_other_ways_asks(desk: Client, case: Case) -> None:
    body = page(desk, case)
    assert re.search(r'formnovalidate name="propose" value="phone"', body)
    after = propose(desk, case).content.decode()
    assert "They are asked by e-mail. You hear what they say." in after
    assert re.search(r"Proposed: a phone call. Waits for a word until \d+ \w+ \d\d:\d\d\.", after)
    assert "Anna asked by e-mail: “Shall we phone you about this?”" in after
    message = Message.objects.get(template="proposal")
    assert message.staff is not None and message.deliveries.get().channel.kind == "email"
    case.refresh_from_db()
    assert case.waiting_since is not None and case.choice and case.choice.kind == "email"


@pytest.mark.parametrize("kind", ["phone", "sms"])
def test_a_way_that_is_refused_or_overridden_offers_it(desk: Client, case: Case, kind: str) -> None:
    if kind == "sms":
        knows_phone(case)
    body = looked_at(desk, case, kind)
    asks = "Shall we phone you about this?" if kind == "phone" else "Shall we answer you by SMS?"
    assert asks in body and 'name="sentence"' in body
    assert ("desk-way--refused" in body) == (kind == "phone")


def test_an_own_sentence_goes_along(desk: Client, case: Case) -> None:
    propose(desk, case, sentence="  It takes\nfive minutes.  ")
    text = Message.objects.get(template="proposal").text
    assert text == "Shall we phone you about this?\nIt takes five minutes."


def test_two_clicks_ask_once(desk: Client, case: Case) -> None:
    for _twice in range(2):
        propose(desk, case)
    assert Message.objects.filter(template="proposal").count() == 1


def test_it_can_be_taken_back(desk: Client, case: Case) -> None:
    body = propose(desk, case).content.decode()
    undo = re.search(r'formaction="([^"]+/back/)"', body)
    assert undo
    after = desk.post(undo[1], follow=True).content.decode()
    assert "The proposal is taken back." in after and "Waits for a word" not in after
    assert "Anna took the proposal back: a phone call." in after
    assert "said “no”" not in after and "We proposed" not in after  # in the story so far
    assert Delivery.objects.get(message__template="proposal").status == "cancelled"
    assert "It is over already" in desk.post(undo[1], follow=True).content.decode()


def test_after_a_no_it_is_asked_again_only_knowingly(desk: Client, case: Case) -> None:
    propose(desk, case)
    proposals.answer(Question.objects.get(), NO)
    answer = propose(desk, case)
    assert answer.status_code == 409 and Question.objects.count() == 1
    body = answer.content.decode()
    assert "They said no to this today" in body and "Propose it all the same" in body
    assert Question.objects.count() == 1
    assert "They said no to this today" in looked_at(desk, case, "phone")
    assert "They said no" not in looked_at(desk, case, "sms")
    propose(desk, case, sure="1")
    assert Question.objects.count() == 2


def test_one_that_did_not_arrive_is_shown_as_such(desk: Client, case: Case) -> None:
    propose(desk, case)
    Delivery.objects.update(status=Delivery.Status.FAILED)
    assert "It did not arrive; their own page asks it." in page(desk, case)


def test_an_address_that_is_closed_is_said(desk: Client, case: Case) -> None:
    assert case.choice is not None and case.choice.identity is not None
    case.choice.identity.close("email", Identity.BOUNCED)
    propose(desk, case)
    assert not Question.objects.exists() and not Message.objects.filter(template="proposal")


def test_whom_we_speak_to_is_asked_by_word_of_mouth(desk: Client, case: Case) -> None:
    switching.switch(case=case, kind="phone", identity=Identity.of("phone", NUMBER))
    assert 'name="propose"' not in page(desk, case)
    assert "That way cannot be proposed here." in propose(desk, case, "sms").content.decode()


@pytest.mark.parametrize("kind", ["", "fax", "phone\x00"])
def test_a_kind_that_is_none_is_not_there(desk: Client, case: Case, kind: str) -> None:
    assert propose(desk, case, kind).status_code == 404


def test_it_needs_somebody_of_the_staff(case: Case, agent: User) -> None:
    propose(Client(), case)
    assert not Question.objects.exists()
    asked = proposals.propose(case=case, kind="phone", staff=agent)
    url = reverse("admin:case_unpropose", args=[case.reference, asked.pk])
    Client().post(url)
    asked.refresh_from_db()
    assert asked.closed_at is None


def test_of_another_case_nothing_is_taken_back(
    desk: Client, agent: User, case: Case, organisation: Organisation
) -> None:
    asked = proposals.propose(case=case, kind="phone", staff=agent)
    other = opening.open_case(
        organisation=organisation, text="Hi", came_by="account", kind="account", language="en"
    )
    url = reverse("admin:case_unpropose", args=[other.reference, asked.pk])
    assert desk.post(url).status_code == 404


def test_do_not_call_me_is_lifted_by_a_yes_alone(desk: Client, case: Case) -> None:
    level = Consent.Level.NEVER
    Consent.objects.create(customer=case.customer, kind="phone", level=level)
    knows_phone(case)
    body = looked_at(desk, case, "phone")
    assert "desk-way--refused" in body and "You can ask:" in body
    propose(desk, case)
    assert "desk-way--refused" in looked_at(desk, case, "phone")
    proposals.answer(Question.objects.get(), "yes", to=Identity.of("phone", NUMBER))
    case.refresh_from_db()
    assert case.choice is not None and case.choice.kind == "phone"
    assert "desk-way--refused" not in looked_at(desk, case, "phone")


def test_an_answer_after_a_yes_goes_the_new_way(
    desk: Client, case: Case, organisation: Organisation
) -> None:
    """And what waits follows it, once."""
    knows_phone(case)
    answer = reverse("admin:case_answer", args=[case.reference])
    desk.post(answer, {"text": "Two days.", "client_key": str(shop.key()), "seen": "99"})
    propose(desk, case, "sms")
    proposals.answer(Question.objects.get(), "yes", to=Identity.of("phone", NUMBER))
    rows = Delivery.objects.filter(message__text="Two days.").order_by("created_at")
    assert [(row.channel.kind, row.status) for row in rows] == [
        ("email", "cancelled"),
        ("sms", "queued"),
    ]
    proposal = Delivery.objects.get(message__template="proposal")
    assert proposal.status == "cancelled"  # nobody is asked what they said yes to
    assert sorts(case)[-1] == Event.Sort.SWITCHED


def test_its_page_costs_little_more_than_without(desk: Client, case: Case) -> None:
    services.file_message(case=case, kind="email", text="And?")
    costs = []
    for _n in range(2):
        with CaptureQueriesContext(connection) as asked:
            page(desk, case)
        costs.append(len(asked))
        propose(desk, case)
    assert costs[1] <= costs[0] + 3, costs  # the proposals, and how the message went

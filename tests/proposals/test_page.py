"""The card of a proposal on the customer's page: two buttons, no script, nothing twice."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app import proposals, switching
from contacts import holding, services
from contacts.models import Case, Choice, Event, Holder, Identity, Message, Question, User
from tests import shop
from tests.proposals.test_words import NUMBER, calls, kind_of, knows_phone, sorts
from tests.site.conftest import posted, sign_in

CARD = 'class="card asked'


@pytest.fixture
def pocket() -> Client:
    """Sam's browser."""
    cache.clear()
    return Client()


def asks(pocket: Client, agent: User, kind: str = "phone", **more: str) -> Case:
    """A question by the start page, in which another way is proposed."""
    response = pocket.post("/", posted(**{"way": "account", "address_email": None, **more}))
    case = Case.objects.get(reference=response["Location"].split("/")[2])
    proposals.propose(case=case, kind=kind, staff=agent)
    return Case.objects.get(pk=case.pk)


def page(pocket: Client, case: Case, part: str = "") -> str:
    return str(pocket.get(f"/q/{case.reference}/{part}").content.decode())


def say(pocket: Client, case: Case, word: str, question: Question | None = None) -> str:
    """Press a button of the card; where it leads."""
    asked = question or Question.objects.latest("pk")
    given = {"question": asked.pk, "answer": word}
    response = pocket.post(f"/q/{case.reference}/proposal/", given)
    return str(response.headers.get("Location", response.status_code))


def test_the_card_asks_with_two_buttons(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    body = page(pocket, case)
    assert CARD in body and "Shall we phone you about this?" in body
    buttons = re.findall(r'name="answer" value="(\w+)">([^<]+)<', body)
    assert buttons == [("yes", "Yes, call me"), ("no", "No, stay with this page")]
    assert "Nobody calls you before you say yes." in body
    assert CARD in page(pocket, case, "news/")  # and on a page that was open


def test_no_is_said_on_both_sides(pocket: Client, agent: User, desk: Client) -> None:
    case = asks(pocket, agent)
    say(pocket, case, "no")
    body = page(pocket, case)
    assert "Thank you. We go on answering you on your own page." in body
    assert "You said no: we go on answering on your own page." in body and CARD not in body
    staff = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "The customer said no to a phone call." in staff and "Waits for a word" not in staff


def test_yes_without_a_number_leads_to_its_row(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    goal = say(pocket, case, "yes")
    assert goal == f"/q/{case.reference}/switch/?way=phone"
    rows = pocket.get(goal).content.decode()
    assert re.search(r'id="way-phone" value="phone" checked', rows)
    assert kind_of(case) == "account" and not calls(case)
    body = page(pocket, case)  # they went back: the step is still offered
    assert "You said yes. One step is left to go on by phone." in body
    assert say(pocket, case, "yes") == f"/q/{case.reference}/"
    typed = {"way": "phone", "address_phone": NUMBER, "wish_phone": "soon"}
    pocket.post(f"/q/{case.reference}/switch/", typed)
    assert kind_of(case) == "phone" and calls(case) == 1
    assert CARD not in page(pocket, case)


def test_yes_with_a_number_of_this_case_calls(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    switching.switch(case=case, kind="phone", identity=Identity.of("phone", NUMBER))
    switching.switch(case=case, kind="account")
    case.refresh_from_db()
    proposals.propose(case=case, kind="phone", staff=agent)
    assert say(pocket, case, "yes") == f"/q/{case.reference}/"
    assert kind_of(case) == "phone" and calls(case) == 1
    body = page(pocket, case)
    assert "Thank you. We call you as soon as possible." in body and "Undo" in body
    assert "You said yes: a phone call instead of your own page." in body


def test_a_link_alone_shows_no_number_of_the_customer(pocket: Client, agent: User) -> None:
    """Who opened a case by somebody's mail address is not offered that person's telephone."""
    case = asks(pocket, agent, way="email", address_email="sam@example.org")
    knows_phone(case)
    assert "?way=phone" in say(pocket, case, "yes")
    assert kind_of(case) == "email"


def test_who_wrote_a_moment_ago_reads_of_the_step_too(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    Choice.objects.update(kind="sms", by=Choice.By.WRITING)
    Message.objects.filter(template="proposal").update(kind="sms")
    say(pocket, case, "yes")
    body = page(pocket, case)
    assert "From now on we answer by SMS." in body
    assert "You said yes. One step is left to go on by phone." in body


def test_who_signed_in_needs_one_tap(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent, way="email", address_email="sam@example.org")
    knows_phone(case)
    sign_in(pocket, "sam@example.org")
    say(pocket, case, "yes")
    assert kind_of(case) == "phone"
    case.refresh_from_db()
    assert case.choice is not None and case.choice.by == "proposal"


def test_yes_to_whatsapp_shows_where_to_write(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent, kind="whatsapp")
    assert say(pocket, case, "yes") == f"/q/{case.reference}/"
    body = page(pocket, case)
    assert "Waiting for your message" in body and CARD not in body
    assert kind_of(case) == "account"


@pytest.mark.parametrize("first", ["yes", "no"])
def test_a_second_tap_is_told(pocket: Client, agent: User, first: str) -> None:
    case = asks(pocket, agent, kind="letter" if first == "no" else "email")
    say(pocket, case, first)
    page(pocket, case)
    say(pocket, case, "no" if first == "yes" else "yes")
    body = page(pocket, case)
    assert f"You said {first} already. Nothing changes." in body
    assert "{link}" not in body and kind_of(case) == "account"
    assert sorts(case)[-1] == Event.Sort.TOO_LATE


def test_a_tap_on_a_card_that_is_gone_is_told(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    question = Question.objects.get()
    assert proposals.take_back(question, agent)
    assert CARD not in page(pocket, case)
    say(pocket, case, "yes", question)
    assert "We do not ask this any more. Nothing changes." in page(pocket, case)
    assert kind_of(case) == "account"


def test_a_settled_question_asks_nothing(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    services.resolve(case=case)
    assert CARD not in page(pocket, case)


def test_strangers_and_nonsense_are_refused(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent)
    question = Question.objects.get()
    assert say(Client(), case, "yes", question) == "404"
    assert say(pocket, case, "perhaps") == "404"
    for wrong in ("", "0", "x", "9" * 30):
        given = {"question": wrong, "answer": "yes"}
        assert pocket.post(f"/q/{case.reference}/proposal/", given).status_code == 404
    assert pocket.get(f"/q/{case.reference}/proposal/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = pocket.cookies
    given = {"question": str(question.pk), "answer": "yes"}
    assert strict.post(f"/q/{case.reference}/proposal/", given).status_code == 403
    other = asks(pocket, agent, text="And a bell?")
    assert say(pocket, other, "yes", question) == "404"  # of another case
    question.refresh_from_db()
    assert question.closed_at is None


def test_what_the_agent_wrote_is_only_text(pocket: Client, agent: User) -> None:
    response = pocket.post("/", posted(way="account", address_email=None))
    case = Case.objects.get(reference=response["Location"].split("/")[2])
    proposals.propose(case=case, kind="phone", staff=agent, sentence="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(pocket, case)


def test_a_number_that_says_stop_asks_for_another(pocket: Client, agent: User) -> None:
    case = asks(pocket, agent, kind="sms", way="email", address_email="sam@example.org")
    number = Identity.of("phone", NUMBER)
    holding.hold(case.customer, number, how=Holder.How.CODE, proved=True)
    sign_in(pocket, "sam@example.org")
    number.close("sms", Identity.STOPPED)
    assert "?way=sms" in say(pocket, case, "yes")
    assert shop.MAILBOX and kind_of(case) == "email"

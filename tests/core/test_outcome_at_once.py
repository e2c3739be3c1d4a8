"""How it was, said and asked at once: one row, one question, and a case that is as they said."""

import pytest

from channels_app import dispatch, inbound, opening, outcomes
from channels_app.adapters.base import Request
from channels_app.adapters.mail import reply_address
from channels_app.models import Channel
from contacts import services
from contacts.models import Case, Event, Message, Organisation, Outcome, Question, User
from tests import shop, worker
from tests.core.test_at_once import faults, fresh
from tests.core.test_rules import in_threads

SAM = "sam@example.org"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case(db: None) -> Case:
    """One that was answered by mail, and is open."""
    shop.make_shop()
    case = opening.open_case(
        organisation=Organisation.objects.get(),
        text="Does the red one fit a child?",
        came_by="account",
        kind="email",
        address=SAM,
        language="en",
    )
    dispatch.reply(case=case, staff=shop.make_agent(), text="It does.")
    return case


def test_a_case_that_is_resolved_at_once_asks_once(case: Case) -> None:
    agent = User.objects.get()
    assert not faults(in_threads(6, lambda _n: outcomes.resolve(case=fresh(case), by=agent)))
    assert Outcome.objects.count() == 1
    assert Message.objects.filter(template=Question.Sort.SETTLED).count() == 1
    assert case.events.filter(sort=Event.Sort.RESOLVED).count() == 1


def test_yes_and_no_from_several_devices(case: Case) -> None:
    outcomes.resolve(case=fresh(case))

    def say(number: int) -> bool:
        return outcomes.say(case=fresh(case), what="answered", value=bool(number % 2))

    said = in_threads(6, say)
    assert not faults(said)
    # A no opens it again, whoever was first; a yes after it says nothing any more.
    assert fresh(case).state == Case.State.OPEN and Outcome.objects.get().answered is False
    assert case.events.filter(sort=Event.Sort.REOPENED).count() == 1
    assert said.count(False) >= 2  # each other no


def test_an_agent_who_resolves_while_the_customer_writes(case: Case) -> None:
    agent = User.objects.get()
    code = services.reply_code(case).plain
    mail = Channel.objects.get(slug="email")

    def go(number: int) -> None:
        if number % 2:
            outcomes.resolve(case=fresh(case), by=agent)
        else:
            to = reply_address(shop.MAILBOX, code)
            raw = shop.mail(sender=SAM, to=to, text=f"And number {number}?")
            worker.file(inbound.receive(mail, Request(body=raw, envelope_to=(to,))))

    assert not faults(in_threads(6, go))
    came = Message.objects.of(case).filter(direction=Message.Direction.IN)
    assert came.count() == 4 and Case.objects.count() == 1
    waiting = Question.objects.open().filter(case=case)
    if fresh(case).state == Case.State.RESOLVED:
        assert waiting.count() <= 1 and Outcome.objects.count() == 1

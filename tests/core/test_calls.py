"""A call that is asked for after an answer: somebody waits, until it is made or taken back."""

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import dispatch, inbound, opening, switching, todos
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery
from contacts import services
from contacts.models import Case, Choice, Event, Identity, Message, Organisation, User
from tests import shop, worker

PHONE = "020 123 45 67"


@pytest.fixture
def answered(organisation: Organisation, agent: User) -> Case:
    """A case where nobody waits: it was answered on the own page."""
    case = opening.open_case(
        organisation=organisation,
        text="Does the red one fit a child?",
        came_by="account",
        kind="account",
        language="en",
    )
    dispatch.reply(case=case, staff=agent, text="From six years on.")
    return fresh(case)


def fresh(case: Case) -> Case:
    """The row as a page reads it."""
    return Case.objects.select_related("root", "choice", "assignee").get(pk=case.pk)


def wish(case: Case, wish: str = "soon", **values: object) -> Choice:
    """Call me back."""
    phone = Identity.of("phone", PHONE)
    return switching.switch(
        case=fresh(case),
        kind="phone",
        identity=phone,
        wish=wish,
        **values,  # type: ignore[arg-type]
    )


def callback() -> Delivery:
    """The one call that is to do."""
    return Delivery.objects.to_do().get(message__template=dispatch.CALLBACK)


def state_in_the_list(case: Case) -> str:
    """What the customer's list says of the case."""
    client = Client()
    client.post(reverse("site:case_link", args=[services.case_link(case).plain]))
    page = client.get(reverse("site:questions")).content.decode()
    known = ("Solved", "We will call you", "Waiting for our answer", "Answered")
    return next(word for word in known if f">{word}<" in page)


def test_who_wishes_a_call_after_an_answer_waits_for_us(answered: Case, agent: User) -> None:
    assert not Case.objects.waiting().exists() and state_in_the_list(answered) == "Answered"
    wish(answered)
    case = fresh(answered)
    assert list(Case.objects.waiting()) == [case]
    assert case.waiting_since == callback().message.created_at
    assert agent.alerts.get().sort == "answered"
    assert state_in_the_list(case) == "We will call you"


def test_who_waited_before_the_wish_waits_since_then(answered: Case) -> None:
    said = services.file_message(case=answered, kind="account", text="And my invoice?")
    wish(answered)
    assert fresh(answered).waiting_since == said.created_at
    switching.switch(case=fresh(answered), kind="account")
    assert fresh(answered).waiting_since == said.created_at


def test_undo_of_the_wish_leaves_nobody_waiting(answered: Case) -> None:
    choice = wish(answered)
    assert switching.undo(case=fresh(answered), choice=choice)
    assert not Case.objects.waiting().exists() and state_in_the_list(answered) == "Answered"


def test_another_moment_keeps_the_wait(answered: Case) -> None:
    wish(answered)
    since = fresh(answered).waiting_since
    wish(answered, "tomorrow")
    assert fresh(answered).waiting_since == since
    switching.switch(case=fresh(answered), kind="account")
    assert fresh(answered).waiting_since is None


def test_what_was_written_after_the_wish_still_waits(answered: Case) -> None:
    wish(answered)
    said = services.file_message(case=answered, kind="account", text="It is urgent")
    switching.switch(case=fresh(answered), kind="account")
    assert fresh(answered).waiting_since == said.created_at


def test_a_call_that_reached_them_ends_the_wait(answered: Case, agent: User) -> None:
    wish(answered)
    todos.take(callback(), agent)
    todos.finish(callback(), agent, Delivery.Outcome.NOT_REACHED)
    assert fresh(answered).waiting_since and state_in_the_list(answered) == "We will call you"
    todos.finish(callback(), agent, Delivery.Outcome.REACHED, note="It fits.")
    assert fresh(answered).waiting_since is None and state_in_the_list(answered) == "Answered"


def test_a_wish_opens_a_resolved_case(answered: Case, agent: User) -> None:
    services.resolve(case=answered, by=agent)
    wish(answered)
    case = fresh(answered)
    assert case.state == Case.State.OPEN and case.resolved_at is None and case.waiting_since
    assert case.events.filter(sort=Event.Sort.REOPENED, staff=None).count() == 1


def test_an_agent_who_takes_the_wish_down_is_not_told(answered: Case, agent: User) -> None:
    colleague = shop.make_agent("ben")
    wish(answered, by=Choice.By.STAFF, staff=agent)
    assert fresh(answered).waiting_since and not agent.alerts.exists()
    switching.switch(case=fresh(answered), kind="account")
    wish(answered, by=Choice.By.STAFF, staff=colleague)
    assert agent.alerts.get().sort == "answered"


def test_an_answer_that_becomes_a_call_is_still_to_come(answered: Case, agent: User) -> None:
    wish(answered)
    dispatch.reply(case=fresh(answered), staff=agent, text="It fits.")
    assert Delivery.objects.to_do().get().message.text == "It fits."
    assert fresh(answered).waiting_since is None  # we know what to say; it is under To do
    assert state_in_the_list(answered) == "We will call you"


def test_who_writes_instead_waits_for_an_answer(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = opening.open_case(
        organisation=organisation,
        text="Does it fit?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    wish(case)
    to = f"help+{services.reply_code(case).plain}@mail.example.org"
    raw = shop.mail(sender="sam@example.org", to=to, text="Rather by mail: which size?")
    event = inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))
    worker.file(event)
    assert Message.objects.filter(direction="in").count() == 2
    assert not todos.calls_to_come([case]) and fresh(case).waiting_since
    assert state_in_the_list(case) == "Waiting for our answer" and message.pk

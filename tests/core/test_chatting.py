"""Back in the chat: what is typed on the page of who chatted goes on there, and so do answers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import chatting, switching
from channels_app.models import Channel, Chat
from contacts import merging, services
from contacts.models import Case, Choice, Event, Identity, Organisation, User
from tests.core.chats import a_chat, fresh, offer_chat, say


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Sam chats."""
    offer_chat(organisation)
    return a_chat(organisation)


def sams() -> Identity:
    return Identity.of("email", "sam@example.org")


def by_mail(case: Case, by: str) -> None:
    switching.switch(case=fresh(case), kind="email", identity=sams(), by=by)


def writes(case: Case, text: str = "I am back.") -> tuple[str, str]:
    """On the page: by which kind it is filed, and how the case is answered from then on."""
    message = chatting.write(case=fresh(case), text=text)
    choice = fresh(case).stem.choice
    assert choice is not None
    return message.kind, choice.kind


def test_who_answered_by_mail_goes_on_in_the_chat(case: Case, agent: User) -> None:
    by_mail(case, Choice.By.WRITING)
    assert chatting.waits_for_them(fresh(case))
    assert say(case, agent, "Until ten.").kind == "email"
    assert writes(case) == ("chat", "chat")
    choice = fresh(case).choice
    assert choice is not None and choice.by == Choice.By.WRITING
    assert say(case, agent, "Good.").kind == "chat"
    before = case.choices.count()
    assert writes(case, "Thanks.") == ("chat", "chat") and case.choices.count() == before
    event = case.events.filter(sort=Event.Sort.SWITCHED).latest("pk")
    assert event.data == {"kind": "chat", "by": "writing", "before": "email"}


@pytest.mark.parametrize("by", [Choice.By.CUSTOMER, Choice.By.PROPOSAL, Choice.By.STAFF])
def test_who_chose_the_mail_stays_with_it(case: Case, by: str) -> None:
    by_mail(case, by)
    assert not chatting.waits_for_them(fresh(case))
    assert writes(case) == ("account", "email")
    by_mail(case, Choice.By.WRITING)
    assert writes(case) == ("account", "email")
    elsewhere = Identity.of("email", "sam@work.example.org")
    switching.switch(case=fresh(case), kind="email", identity=elsewhere, by=Choice.By.WRITING)
    assert writes(case) == ("account", "email")


def test_who_wrote_a_mail_and_then_chooses_mail_stays_with_it(case: Case) -> None:
    """Nothing changes but that: no line of the history says so."""
    by_mail(case, Choice.By.WRITING)
    lines = case.events.count()
    by_mail(case, Choice.By.CUSTOMER)
    assert case.events.count() == lines and not chatting.waits_for_them(fresh(case))
    assert writes(case) == ("account", "email")
    choice = fresh(case).choice
    assert choice is not None and choice.replaces is not None and choice.replaces.kind == "chat"


def test_who_never_chatted_writes_as_on_any_page(organisation: Organisation) -> None:
    offer_chat(organisation)
    case = a_chat(organisation, kind="account", came_by="account")
    by_mail(case, Choice.By.WRITING)
    assert writes(case) == ("account", "email")


@pytest.mark.parametrize("how", ["off", "paused"])
def test_a_chat_that_is_gone_takes_nobody_back(case: Case, how: str) -> None:
    by_mail(case, Choice.By.WRITING)
    chat = Channel.objects.get(kind="chat")
    if how == "off":
        chat.offer(False)
    else:
        chat.pause(timezone.now() + timedelta(hours=1), "a fault")
    assert writes(case) == ("account", "email")
    chat = Channel.objects.get(kind="chat")
    chat.offer(True)
    chat.resume()
    assert writes(case) == ("chat", "chat")


def test_a_chat_that_was_joined_to_a_letter_goes_on(
    case: Case, organisation: Organisation, agent: User
) -> None:
    """As on every channel: who writes there is answered there. A later wish holds."""
    older = a_chat(organisation, "My bill", kind="email", address="sam@example.org")
    newest = a_chat(organisation, "And the blue one?")
    merging.join(case=fresh(newest), into=fresh(older), by=agent)
    assert writes(newest) == ("chat", "chat")
    assert Chat.objects.filter(case=older).exists()
    switching.part(case=fresh(newest), by=agent)
    choices = [choice.kind for one in (newest, older) if (choice := fresh(one).choice)]
    assert choices == ["chat", "email"]
    merging.join(case=fresh(case), into=fresh(older), by=agent)
    by_mail(case, Choice.By.CUSTOMER)
    assert writes(case) == ("account", "email")


def test_a_resolved_chat_opens_again_and_goes_on(case: Case, agent: User) -> None:
    say(case, agent, "Yes.")
    services.resolve(case=fresh(case), by=agent)
    assert writes(case, "One more thing") == ("chat", "chat")
    assert fresh(case).state == Case.State.OPEN and fresh(case).waiting_since is not None

"""What follows somebody out of a chat is answered into the same case, by whom it was sent to."""

import pytest

from channels_app import away, dispatch, fallback, switching
from channels_app.adapters.mail import reply_address
from channels_app.models import Channel
from contacts import holding, merging, services
from contacts.models import Case, Event, Holder, Identity, Message, Organisation, User
from tests import shop, worker
from tests.core.chats import a_chat, fresh, minutes_go_by, offer_chat, say
from tests.core.test_reply_life import SAM, receive


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Somebody chats."""
    offer_chat(organisation)
    return a_chat(organisation)


@pytest.fixture
def sams(case: Case) -> Identity:
    """Sam's mailbox."""
    return Identity.of("email", SAM)


def prove(case: Case, identity: Identity) -> None:
    """Six digits came back from there in this case."""
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": identity.pk}))


def approve(case: Case, identity: Identity) -> None:
    fallback.approve(case=fresh(case), kind="email", identity=identity)


def withdraw(case: Case) -> None:
    fallback.approve(case=fresh(case), kind="")


def answers_an_old_mail(case: Case) -> Case:
    address = reply_address(shop.MAILBOX, services.reply_code(case).plain)
    return receive(address, In_Reply_To="<unknown@client.example>")


@pytest.mark.parametrize(("known_by", "joins"), [("second", True), ("proof", True), ("", False)])
def test_an_address_that_this_case_knows_may_answer_its_mail(
    case: Case, sams: Identity, known_by: str, joins: bool
) -> None:
    if known_by == "second":
        approve(case, sams)
    if known_by == "proof":
        prove(case, sams)
    assert (answers_an_old_mail(case) == case) is joins
    assert fresh(case).answer_kind == ("email" if joins else "chat")


@pytest.mark.parametrize("is_held", [False, True])
def test_who_was_approved_once_is_read_and_not_answered_there(
    case: Case, sams: Identity, agent: User, sink: shop.Sink, is_held: bool
) -> None:
    """Perhaps the address was a slip, and a stranger reads that mailbox."""
    prove(case, sams)
    approve(case, sams)
    if is_held:
        holding.hold(case.customer, sams, how=Holder.How.TYPED)
    withdraw(case)
    assert answers_an_old_mail(case) == answers_an_old_mail(case) == case
    assert Message.objects.of(fresh(case)).filter(direction="in", identity=sams).count() == 2
    assert fresh(case).answer_kind == "chat"
    assert not Holder.objects.proved().exists()
    say(case, agent, "Yes, it is.")
    worker.send_due()
    (mail,) = sink.mails  # once a day they hear why, without a way in
    assert "do not answer to this address" in str(mail)
    assert "/c/" not in str(mail) and case.reference not in str(mail)


@pytest.mark.parametrize("is_joined", [False, True])
def test_it_is_not_answered_there_where_mail_is_off_or_the_case_was_joined(
    case: Case, organisation: Organisation, sams: Identity, sink: shop.Sink, is_joined: bool
) -> None:
    prove(case, sams)
    approve(case, sams)
    withdraw(case)
    if is_joined:
        merging.join(case=fresh(case), into=a_chat(organisation), by=None)
    else:
        Channel.objects.filter(kind="email").update(is_offered=False)
    answers_an_old_mail(case)
    worker.send_due()
    assert fresh(case).stem.answer_kind == "chat" and not Holder.objects.proved().exists()
    assert not [mail for mail in sink.mails if "/c/" in str(mail) or case.reference in str(mail)]


def test_it_leads_where_it_is_their_second_way_for_everything(case: Case, sams: Identity) -> None:
    approve(case, sams)
    withdraw(case)
    customer = fresh(case).customer
    customer.fallback_kind, customer.fallback_identity = "email", sams
    customer.save()
    answers_an_old_mail(case)
    assert fresh(case).answer_kind == "email"


def test_chosen_or_approved_anew_it_leads_again(case: Case, sams: Identity) -> None:
    approve(case, sams)
    withdraw(case)
    approve(case, sams)
    answers_an_old_mail(case)
    assert fresh(case).answer_kind == "email"
    switching.switch(case=fresh(case), kind="chat")
    answers_an_old_mail(case)
    assert fresh(case).answer_kind == "email"
    switching.switch(case=fresh(case), kind="chat")
    withdraw(case)
    answers_an_old_mail(case)
    assert fresh(case).answer_kind == "chat"
    switching.switch(case=fresh(case), kind="email", identity=sams)
    switching.switch(case=fresh(case), kind="chat")
    answers_an_old_mail(case)
    assert fresh(case).answer_kind == "email"


@pytest.mark.parametrize("was_approved", [False, True])
def test_who_wants_no_second_way_is_not_mailed_where_they_proved_one(
    case: Case, sams: Identity, agent: User, was_approved: bool
) -> None:
    """What does not reach them waits on their page, as it says there."""
    prove(case, sams)
    if was_approved:
        approve(case, sams)
    withdraw(case)
    say(case, agent, "Yes, it is.")
    minutes_go_by()
    assert away.look() == 0 and away.waiting_on_the_page([fresh(case)])


def test_what_was_withdrawn_comes_back_by_no_older_choice(
    case: Case, sams: Identity, agent: User
) -> None:
    approve(case, sams)
    services.allow_calls(case=fresh(case), allowed=True)

    def by_mail(*, once: bool = False) -> None:
        other = Identity.of("email", "other@example.org")
        switching.switch(case=fresh(case), kind="email", identity=other, once=once)

    def take_all_back() -> None:
        withdraw(case)
        services.allow_calls(case=fresh(case), allowed=False)

    def stand() -> tuple[str, str, bool]:
        choice = fresh(case).choice
        assert choice is not None
        return choice.kind, choice.fallback_kind, choice.calls_allowed

    by_mail()
    take_all_back()
    choice = fresh(case).choice
    assert choice is not None and switching.undo(case=fresh(case), choice=choice)
    assert stand() == ("chat", "", False)
    approve(case, sams)
    services.allow_calls(case=fresh(case), allowed=True)
    by_mail(once=True)
    take_all_back()
    switching.switch(case=fresh(case), kind="account", once=True)
    assert stand() == ("account", "", False)
    services.allow_calls(case=fresh(case), allowed=True)
    services.allow_calls(case=fresh(case), allowed=False)
    dispatch.reply(case=fresh(case), staff=agent, text="Yes.")
    assert stand() == ("chat", "", False)

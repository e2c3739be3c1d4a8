"""Shall we phone you? One word, or a tap, by any door; only a yes moves the case."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import dispatch, joining, proposals, switching
from channels_app.models import Delivery
from contacts import holding, merging, services
from contacts.models import Alert, Case, Event, Holder, Identity, Message, Question, Topic, User
from contacts.models.question import YES
from contacts.viewers import Viewer
from portal import past
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM, own_page, texts
from tests.proposals.doors import Door, MailDoor, PocketDoor

pytestmark = pytest.mark.once  # words are words on either database

NUMBER = "+31201112233"
ASKS = "Shall we phone you about this?"


def knows_phone(case: Case, number: str = NUMBER) -> Identity:
    """Staff took down where to call."""
    identity = Identity.of("phone", number)
    holding.hold(case.customer.top, identity, how=Holder.How.STAFF)
    return identity


def asked(door: Door, agent: User, kind: str = "phone", **more: str) -> Case:
    """A case by that door, in which another way is proposed."""
    case = door.opens()
    if kind == "phone":
        knows_phone(case)
    proposals.propose(case=case, kind=kind, staff=agent, **more)
    return Case.objects.get(pk=case.pk)


def kind_of(case: Case) -> str:
    case.refresh_from_db()
    assert case.choice is not None
    return case.choice.kind


def sorts(case: Case) -> list[str]:
    return list(case.events.order_by("seq").values_list("sort", flat=True))


def calls(case: Case) -> int:
    rows = Delivery.objects.filter(message__case=case, channel__kind="phone")
    return rows.filter(status__in=Delivery.OPEN).count()


@pytest.mark.parametrize("word", ["yes", " JA. "])
def test_a_yes_by_any_door_is_a_call_to_do(door: Door, agent: User, word: str) -> None:
    case = asked(door, agent)
    (text,) = door.heard()
    assert text.startswith(ASKS) and "YES or NO" in text and "Anna" in text
    assert kind_of(case) == door.kind and not calls(case)  # nothing moves before
    before = len(texts(case))
    door.write(word)
    assert kind_of(case) == "phone" and calls(case) == 1
    assert case.choice is not None and (case.choice.by, case.choice.wish) == ("proposal", "soon")
    (text,) = door.heard()
    assert text.startswith("Thank you. We call you as soon as possible.")
    assert len(texts(case)) == before and Case.objects.count() == 1  # a word is no message
    assert Alert.objects.filter(user=agent, case=case).exists()


@pytest.mark.parametrize("word", ["no", "Nee"])
def test_a_no_by_any_door_changes_nothing(door: Door, agent: User, word: str) -> None:
    case = asked(door, agent)
    door.heard()
    door.write(word)
    assert kind_of(case) == door.kind and not calls(case)
    assert sorts(case)[-1] == Event.Sort.DECLINED
    (text,) = door.heard()
    assert text.startswith("Thank you. We go on answering you by ")
    assert "phone" in proposals.declined(proposals.of(case))
    assert Alert.objects.filter(user=agent, case=case).exists()


@pytest.mark.parametrize("name", ["whatsapp", "telegram"])
def test_a_tap_says_the_same(request: pytest.FixtureRequest, name: str, agent: User) -> None:
    door: Door = request.getfixturevalue(name)
    case = asked(door, agent)
    door.heard()
    door.tap("Yes")
    assert kind_of(case) == "phone" and len(texts(case)) == 1


@pytest.mark.parametrize("text", ["yes please", "maybe", "1", "new", "yes no"])
def test_other_words_are_a_message_and_it_still_waits(door: Door, agent: User, text: str) -> None:
    case = asked(door, agent)
    door.heard()
    door.write(text)
    assert kind_of(case) == door.kind
    assert proposals.current(proposals.of(case), case) is not None
    if door.kind != "sms":  # who writes there is not certain: it opens a case
        assert texts(case)[-1] == text


def test_a_word_after_an_answer_means_that_answer(door: Door, agent: User) -> None:
    case = asked(door, agent)
    dispatch.reply(case=case, staff=agent, text="Shall I put it aside?")
    door.heard()
    door.write("yes")
    assert kind_of(case) == door.kind and not calls(case)


def test_a_button_means_its_own_question(whatsapp: PocketDoor, agent: User) -> None:
    """Also where we said more since, or somebody shows them a code meanwhile."""
    case = asked(whatsapp, agent)
    whatsapp.heard()
    yes = whatsapp.buttons["Yes"]
    trap = own_page(case.organisation, "A thief's")
    code = joining.invite(trap, whatsapp.channel).code.plain
    whatsapp.write(f"Hello {code}")
    assert Question.objects.get(sort="join").closed_at is None
    whatsapp.heard()
    whatsapp.write(yes)
    assert kind_of(case) == "phone" and kind_of(trap) == "account"
    assert Question.objects.get(sort="join").closed_at is None


def test_what_another_case_asked_still_stands_on_its_page(
    whatsapp: PocketDoor, agent: User
) -> None:
    first = asked(whatsapp, agent)
    services.resolve(case=first)
    second = whatsapp.opens()
    services.reopen(case=first)
    proposals.propose(case=second, kind="phone", staff=agent)
    first.refresh_from_db()
    found = proposals.current(proposals.of(first), first)
    assert found is not None and found[0].identity is None
    whatsapp.heard()
    whatsapp.write("no")
    assert sorts(second)[-1] == Event.Sort.DECLINED and Event.Sort.DECLINED not in sorts(first)


# Without an address of that kind


def test_the_number_that_a_code_proved_and_that_says_yes_is_called(
    whatsapp: PocketDoor, agent: User
) -> None:
    case = whatsapp.opens()
    assert case.choice is not None and case.choice.identity is not None
    number = case.choice.identity
    Holder.objects.all().delete()  # as on the site: nothing but the code brought it into the case
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": number.pk}))
    proposals.propose(case=case, kind="phone", staff=agent)
    whatsapp.heard()
    whatsapp.write("yes")
    assert kind_of(case) == "phone" and case.choice.identity == number and calls(case) == 1


def test_a_number_that_nobody_proved_in_the_case_is_not_called(
    whatsapp: PocketDoor, agent: User
) -> None:
    case = whatsapp.opens()
    Holder.objects.all().delete()
    proposals.propose(case=case, kind="phone", staff=agent)
    whatsapp.heard()
    whatsapp.write("yes")
    assert kind_of(case) == "whatsapp" and not calls(case)


def test_a_mail_says_where_the_step_that_is_left_is_taken(mail: MailDoor, agent: User) -> None:
    case = mail.opens()
    proposals.propose(case=case, kind="phone", staff=agent)
    mail.heard()
    mail.write("yes")
    (text,) = mail.heard()
    assert re.match(r"Thank you. One step is left to go on by phone: http\S+/c/\w+/ ", text)


@pytest.mark.parametrize("kind", ["sms", "phone"])
def test_a_yes_without_a_number_is_told_where_to_fill_it_in(
    telegram: Door, agent: User, kind: str
) -> None:
    case = telegram.opens()
    proposals.propose(case=case, kind=kind, staff=agent)
    telegram.heard()
    telegram.write("yes")
    (text,) = telegram.heard()
    assert "One step is left" in text and "/c/" in text
    assert kind_of(case) == "telegram" and sorts(case)[-1] == Event.Sort.PROPOSED
    found = proposals.current(proposals.of(case), case)
    assert found is not None and found[1] == proposals.Standing.AGREED


def test_a_yes_to_a_messenger_shows_where_to_write(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent, "whatsapp")
    mail.heard()
    mail.write("Ja")
    assert joining.waiting(case) is not None and kind_of(case) == "email"
    (got,) = mail.mails()
    body = got.get_body(("html",))
    assert body is not None and "/c/" in str(body.get_content())
    assert got["References"] and case.reference in str(got["Subject"])


def test_a_number_that_was_only_typed_is_not_written_to(mail: MailDoor, agent: User) -> None:
    case = mail.opens()
    holding.hold(case.customer, Identity.of("phone", VICTIM), how=Holder.How.TYPED)
    proposals.propose(case=case, kind="sms", staff=agent)
    mail.heard()
    mail.write("yes")
    assert kind_of(case) == "email"
    Holder.objects.filter(identity__value=VICTIM).get().prove(Holder.How.CODE)
    Question.objects.all().delete()
    proposals.propose(case=case, kind="sms", staff=agent)
    mail.heard()
    mail.write("yes")
    assert kind_of(case) == "sms"


# Mail: whose word counts


def test_a_word_by_mail_needs_our_answer_address(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    mail.heard()
    mail.send("yes", to="help@mail.example.org")  # anybody can write that sender
    assert kind_of(case) == "email" and Case.objects.count() == 2


def test_a_word_by_mail_to_another_case_is_no_answer(mail: MailDoor, agent: User) -> None:
    other = mail.opens()
    to = str(mail.sink.mails[-1]["Reply-To"])
    mail.send("And a bell, please", to="help@mail.example.org")
    case = Case.objects.latest("pk")
    assert case != other
    knows_phone(case)
    proposals.propose(case=case, kind="phone", staff=agent)
    mail.heard()
    mail.send("yes", to=to)
    assert kind_of(case) == "email" and texts(other)[-1] == "yes"


def test_a_stranger_with_the_address_is_not_heard(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    mail.heard()
    mail.write("yes", sender="mallory@example.net")
    assert kind_of(case) == "email" and not calls(case)


def test_an_automatic_yes_is_none(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    mail.heard()
    to = str(mail.sink.mails[-1]["Reply-To"])
    mail.send("Yes", to=to, Auto_Submitted="auto-replied")
    assert kind_of(case) == "email"


def test_a_forged_yes_by_sms_tells_the_forger_nothing(sms: PocketDoor, agent: User) -> None:
    case = asked(sms, agent)
    sms.heard()
    sms.write("yes", sender=VICTIM)  # another number answers nothing
    assert kind_of(case) == "sms"
    sms.heard()
    sms.write("yes")  # whoever it was: what is said goes to the customer
    sent = pocket.send_all()
    assert {one.to for one in sent} == {SAM} and kind_of(case) == "phone"


# Too late


def over(case: Case, why: str, agent: User) -> None:
    """What happens meanwhile."""
    question = Question.objects.filter(case=case).latest("pk")
    if why == "expired":
        past = timezone.now() - timedelta(minutes=1)
        Question.objects.filter(pk=question.pk).update(expires_at=past)
    elif why == "resolved":
        services.resolve(case=case, by=agent)
    elif why == "switched":
        switching.switch(case=case, kind="account")
    elif why == "taken back":
        assert proposals.take_back(question, agent)
    elif why == "joined":
        merging.join(case=case, into=own_page(case.organisation, "The other one"), by=agent)


LATE = {
    "expired": "That was too late: we asked this some days ago.",
    "resolved": "Your question is settled by now.",
    "switched": "You chose another way since we asked.",
    "taken back": "We do not ask this any more.",
    "joined": "Your question goes on together with another one.",
}


@pytest.mark.parametrize("why", LATE)
def test_a_late_word_is_told_so(door: Door, agent: User, why: str) -> None:
    case = asked(door, agent)
    door.heard()
    over(case, why, agent)
    stem = Case.objects.get(pk=case.pk).stem
    before = kind_of(stem)
    door.heard()
    door.write("yes")
    (text,) = door.heard()
    assert text.startswith(f"{LATE[why]} Nothing changes.")
    assert kind_of(stem) == before and not calls(stem)
    rows = Event.objects.filter(case__in=[case, stem], sort=Event.Sort.TOO_LATE)
    assert rows.count() == 1 and rows.get().data["answer"] == YES
    door.write("yes")
    door.write("no")
    assert Question.objects.filter(answer=YES).count() == 0


def test_a_second_word_is_told_what_was_said(door: Door, agent: User) -> None:
    case = asked(door, agent)
    door.heard()
    door.write("yes")
    door.heard()
    door.write("yes")
    assert door.heard()[0].startswith("You said yes already.")
    assert Event.Sort.TOO_LATE not in sorts(case)  # it says nothing new
    door.write("no")
    assert door.heard()[0].startswith("You said yes already.")
    assert kind_of(case) == "phone" and calls(case) == 1
    assert sorts(case)[-1] == Event.Sort.TOO_LATE  # the agent knows before they call


def test_late_words_do_not_fill_the_history(sms: PocketDoor, agent: User) -> None:
    case = asked(sms, agent)
    sms.heard()
    over(case, "expired", agent)
    for _n in range(20):
        sms.write("yes")
    assert sorts(case).count(Event.Sort.TOO_LATE) == proposals.MOST_NOTED
    assert len(sms.heard()) <= dispatch.LINES_A_DAY


def test_a_word_after_weeks_is_a_message(whatsapp: PocketDoor, agent: User) -> None:
    case = asked(whatsapp, agent)
    whatsapp.heard()
    long_ago = timezone.now() - timedelta(days=8)
    Question.objects.update(expires_at=long_ago)
    whatsapp.write("yes")
    assert texts(case)[-1] == "yes"


def test_going_back_makes_it_stand_again(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    mail.heard()
    new = switching.switch(case=case, kind="account")
    case.refresh_from_db()
    assert proposals.current(proposals.of(case), case) is None
    switching.undo(case=case, choice=new)
    mail.write("ja")
    assert kind_of(case) == "phone"


# What goes


def test_a_sensitive_case_sends_the_question_alone(mail: MailDoor, agent: User) -> None:
    case = mail.opens()
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="invoice"))
    knows_phone(case)
    case = Case.objects.get(pk=case.pk)
    proposals.propose(case=case, kind="phone", staff=agent, sentence="You owe nine hundred")
    (got,) = mail.mails()
    whole = got.as_string()
    assert ASKS in whole and "hundred" not in whole
    message = Message.objects.get(template="proposal")
    assert message.text.splitlines() == [ASKS, "You owe nine hundred"]


def test_the_agent_s_own_sentence_goes_along(mail: MailDoor, agent: User) -> None:
    asked(mail, agent, sentence="It is easier\nto <b>explain</b>.")
    (got,) = mail.mails()
    html, plain = (str(got.get_body((kind,)).get_content()) for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert "It is easier to <b>explain</b>." in plain and "&lt;b&gt;explain" in html
    assert "/c/" in html and got["Auto-Submitted"] is None


def test_it_asks_in_the_customer_s_language(mail: MailDoor, agent: User) -> None:
    mail.write("Ik wil graag weten of mijn fiets klaar is")
    case = Case.objects.latest("pk")
    proposals.propose(case=case, kind="phone", staff=agent)
    assert case.language == "nl"
    assert Message.objects.get(template="proposal").language == "nl"


def test_what_was_not_sent_yet_does_not_follow_a_switch(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    switching.switch(case=case, kind="account")
    (delivery,) = Delivery.objects.filter(message__template="proposal")
    assert delivery.status == Delivery.Status.CANCELLED


def test_taking_it_back_stops_what_was_not_sent(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    assert proposals.take_back(Question.objects.get(), agent)
    assert mail.mails() == []
    assert not proposals.take_back(Question.objects.get(), agent)
    assert sorts(case).count(Event.Sort.PROPOSED) == 1


def test_it_is_asked_once_and_a_newer_one_ends_it(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    again = proposals.propose(case=case, kind="phone", staff=agent)
    assert Question.objects.count() == 1
    newer = proposals.propose(case=case, kind="sms", staff=agent)
    again.refresh_from_db()
    assert proposals.standing(again, case) == proposals.Standing.NEWER
    assert proposals.standing(newer, case) == proposals.Standing.OPEN


@pytest.mark.parametrize("kind", ["email", "video", "phone"])
def test_what_cannot_be_proposed(mail: MailDoor, agent: User, kind: str) -> None:
    case = mail.opens()
    if kind == "phone":
        knows_phone(case)
        switching.switch(case=case, kind="phone", identity=Identity.of("phone", NUMBER))
        kind = "sms"  # whom one speaks to is asked by word of mouth
    with pytest.raises(proposals.CannotPropose):
        proposals.propose(case=case, kind=kind, staff=agent)
    assert not Question.objects.exists()


def test_every_line_has_its_words(mail: MailDoor, agent: User) -> None:
    case = asked(mail, agent)
    mail.heard()
    mail.write("no")
    proposals.propose(case=case, kind="whatsapp", staff=agent)
    mail.heard()
    mail.write("yes")
    proposals.propose(case=case, kind="phone", staff=agent)
    assert proposals.take_back(Question.objects.latest("pk"), agent)
    mail.heard()
    mail.write("yes")
    staff, sam = Viewer(staff_id=agent.pk), Viewer(customer_id=case.customer_id)
    rows = [row for row in case.events.order_by("seq") if row.sort in past.FOR_STAFF]
    ours = {Event.Sort.PROPOSED, Event.Sort.DECLINED, Event.Sort.TOO_LATE}
    told = [past.line(row, staff, {}) for row in rows if row.sort in ours]
    assert told == [
        "The customer said no to a phone call.",
        "The customer said yes to WhatsApp; one step is left to them.",
        "Anna took the proposal back: a phone call.",
        "The customer said yes to a phone call, too late: nothing changed.",
    ]
    heard = [past.line(row, sam, {}) for row in rows if row.sort in ours & Event.PUBLIC]
    assert heard == [
        "You said no: we go on answering by e-mail.",
        "Your yes came too late: nothing changed.",
    ]

"""A code that comes by a messenger: it joins that case, or says what to do next."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import dispatch, joining
from channels_app.models import Channel, Delivery, InboundItem
from contacts import codes
from contacts.models import Case, Choice, Code, Event, Holder, Identity, Message, Organisation, User
from contacts.models import Question as Asked
from contacts.models.identity import GUESS_SPAN, MAX_GUESSES
from contacts.models.question import read
from tests.messengers import pocket
from tests.messengers.people import (
    SAM,
    THIEF,
    VICTIM,
    by_mail,
    choice_of,
    code_of,
    known,
    own_page,
    texts,
)
from tests.messengers.pocket import Pocket


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Asked on the own page."""
    return own_page(organisation)


def test_send_there_proves_the_address_and_moves_the_case(
    case: Case, whatsapp: Channel, agent: User
) -> None:
    shown = joining.invite(case, whatsapp)
    event = pocket.write(whatsapp, SAM, shown.text)
    assert event.state == event.State.PROCESSED
    assert choice_of(case) == ("whatsapp", SAM)
    choice = case.choices.latest("pk")
    assert choice.by == Choice.By.WRITING
    assert Event.objects.get(sort=Event.Sort.PROVED).data == {"identity": choice.identity_id}
    assert not Holder.objects.filter(identity__value=SAM).exists()  # to that case only
    assert joining.waiting(case) is None
    sent = pocket.send_all()
    assert [out.text for out in sent] == [f"Your question {case.reference} goes on here."]
    dispatch.reply(case=case, staff=agent, text="A new seal helps.")
    assert pocket.send_all()[0].to == SAM


def test_who_has_no_name_yet_gets_the_one_that_they_have_there(
    case: Case, whatsapp: Channel
) -> None:
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text, sender_name="Sam\u202e Vos")
    case.customer.refresh_from_db()
    assert case.customer.name == "Sam Vos"
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text, sender_name="Sammy")
    case.customer.refresh_from_db()
    assert case.customer.name == "Sam Vos"


def test_our_own_text_is_a_line_and_no_message_to_answer(case: Case, whatsapp: Channel) -> None:
    waits = case.waiting_since
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
    line = Message.objects.get(template="joined")
    assert (line.text, line.case, line.kind) == ("", case, "whatsapp")
    case.refresh_from_db()
    assert case.waiting_since == waits
    assert InboundItem.objects.get().message == line


@pytest.mark.parametrize("write", ["{code}", "{blank}", "{low}", "Here: {blank} please"])
def test_a_code_is_found_in_every_spelling(case: Case, whatsapp: Channel, write: str) -> None:
    code = code_of(case, whatsapp)
    said = write.format(code=code, blank=codes.on_paper(code), low=code.lower())
    pocket.write(whatsapp, SAM, said)
    assert choice_of(case) == ("whatsapp", SAM)


def test_a_code_that_was_tapped(case: Case, whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "", join_codes=[code_of(case, whatsapp)])
    assert choice_of(case) == ("whatsapp", SAM)


def test_own_words_beside_the_code_are_a_message(case: Case, whatsapp: Channel) -> None:
    shown = joining.invite(case, whatsapp)
    pocket.write(whatsapp, SAM, f"{shown.text}\nAnd its lid is loose")
    assert texts(case) == ["My kettle leaks", "And its lid is loose"]
    assert not Message.objects.filter(template="joined").exists()


def test_what_is_queued_follows(organisation: Organisation, whatsapp: Channel, agent: User) -> None:
    case = by_mail(organisation, "sam@example.org")
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
    waiting = message.deliveries.exclude(status=Delivery.Status.CANCELLED).get()
    assert (waiting.channel, waiting.identity and waiting.identity.value) == (whatsapp, SAM)


def test_only_the_next_answer(organisation: Organisation, whatsapp: Channel, agent: User) -> None:
    case = by_mail(organisation, "sam@example.org")
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp, once=True).text)
    assert choice_of(case) == ("whatsapp", SAM)
    dispatch.reply(case=case, staff=agent, text="Yes.")
    assert choice_of(case) == ("email", "sam@example.org")


def test_a_code_on_paper_joins_by_any_messenger(case: Case, whatsapp: Channel) -> None:
    letter = Code.objects.issue(codes.JOIN, case=case, lifetime=codes.LETTER_LIFETIME)
    pocket.write(whatsapp, SAM, letter.plain)
    assert choice_of(case) == ("whatsapp", SAM)


@pytest.mark.parametrize("how", ["used", "expired", "revoked", "foreign", "other_kind"])
def test_a_dead_code_loses_nothing_and_says_what_to_do(
    case: Case, whatsapp: Channel, how: str
) -> None:
    code = joining.invite(case, whatsapp).code
    if how == "used":
        code.redeem()
    elif how == "expired":
        Code.objects.update(expires_at=timezone.now())
    elif how == "revoked":
        joining.call_off(case)
    elif how == "foreign":
        other = Organisation.objects.create(name="Other", phone="+31201111111")
        Channel.objects.filter(pk=whatsapp.pk).update(organisation=other)
        whatsapp.refresh_from_db()
    else:
        Code.objects.update(kind="sms")
    pocket.write(whatsapp, SAM, f"My lid is loose {code.plain}")
    assert choice_of(case) == ("account", "")
    new = Case.objects.exclude(pk=case.pk).get()
    assert new.messages.get(direction="in").text == f"My lid is loose {code.plain}"
    assert new.may_belong_to == (None if how == "foreign" else case)
    lines = [out.text for out in pocket.send_all() if "This code does not work" in out.text]
    assert len(lines) == 1


def test_our_text_twice_is_one_join(case: Case, whatsapp: Channel) -> None:
    shown = joining.invite(case, whatsapp)
    for _n in range(2):
        pocket.write(whatsapp, SAM, shown.text)
    assert Case.objects.count() == 1
    assert case.choices.filter(kind="whatsapp").count() == 1


def test_ten_letters_that_are_a_word_are_no_guess(case: Case, whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "Your management is great")
    assert Identity.objects.get(value=SAM).guesses == 0


def test_after_ten_wrong_codes_none_is_looked_at_for_an_hour(case: Case, whatsapp: Channel) -> None:
    known_code = code_of(case, whatsapp)
    for number in range(10):
        pocket.write(whatsapp, SAM, f"2345{number % 7 + 2}23ABC")
    pocket.write(whatsapp, SAM, known_code)
    assert not Asked.objects.exists()
    Identity.objects.update(guessed_at=timezone.now() - timedelta(hours=2))
    pocket.write(whatsapp, SAM, known_code)
    assert Asked.objects.exists()  # they opened a case meanwhile: now they are asked


def test_at_most_five_codes_of_one_message_are_looked_up(case: Case, whatsapp: Channel) -> None:
    wrong = [f"2345{number}23ABC" for number in range(2, 8)]
    pocket.write(whatsapp, SAM, " / ".join([*wrong, code_of(case, whatsapp)]))
    assert choice_of(case) == ("account", "")


# -- Somebody else's address: only its holder's YES joins.


def asked(case: Case, whatsapp: Channel) -> None:
    """The victim's telephone sends the code that somebody else showed."""
    known(VICTIM)
    pocket.write(whatsapp, VICTIM, joining.invite(case, whatsapp).text)
    assert choice_of(case) == ("account", "")


def test_a_known_address_is_asked_and_its_yes_joins(case: Case, whatsapp: Channel) -> None:
    asked(case, whatsapp)
    question = pocket.send_all()[-1]
    assert question.text == (
        f"You are joining question {case.reference}. Reply YES to go on here, or NO."
    )
    assert [button.word for button in question.buttons] == ["yes", "no"]
    assert case.title not in question.text
    event = Event.objects.get(sort=Event.Sort.QUESTIONED)
    assert event.data["answer"] == ""
    pocket.write(whatsapp, VICTIM, " Yes. ")
    assert choice_of(case) == ("whatsapp", VICTIM)
    assert Case.objects.count() == 1 and texts(case)[1:] == [""]
    assert Asked.objects.get().answer == "yes"


def test_staff_see_what_it_may_belong_to(
    organisation: Organisation, case: Case, whatsapp: Channel
) -> None:
    known(VICTIM)
    pocket.write(whatsapp, VICTIM, "My own question")
    own = Case.objects.exclude(pk=case.pk).get()
    pocket.write(whatsapp, VICTIM, joining.invite(case, whatsapp).text)
    case.refresh_from_db()
    assert case.may_belong_to == own


def test_no_joins_nothing_and_ends_the_code(case: Case, whatsapp: Channel) -> None:
    asked(case, whatsapp)
    pocket.write(whatsapp, VICTIM, "Nee")
    assert choice_of(case) == ("account", "") and joining.waiting(case) is None
    pocket.write(whatsapp, VICTIM, "yes")  # too late: now it is a message like any other
    assert choice_of(case) == ("account", "")
    assert Case.objects.exclude(pk=case.pk).get().title == "yes"


def test_own_words_beside_a_code_that_is_asked_about_are_not_lost(
    case: Case, whatsapp: Channel
) -> None:
    known(VICTIM)
    pocket.write(whatsapp, VICTIM, joining.invite(case, whatsapp).text + " My lid is loose")
    own = Case.objects.exclude(pk=case.pk).get()
    assert (own.title, own.may_belong_to) == ("My lid is loose", case)


# -- A sender that can be forged answers with what only its owner can read.


def test_by_sms_a_number_that_only_the_telephone_gets_joins(case: Case, sms: Channel) -> None:
    pocket.write(sms, SAM, joining.invite(case, sms).text)
    assert choice_of(case) == ("account", "")
    question = pocket.send_all()[-1]
    number = Code.objects.get(purpose=codes.ANSWER).plain
    assert question.to == SAM and f"Reply {number}." in question.text and not question.buttons
    row = Message.objects.get(template="ask_to_join")
    assert number not in row.text
    pocket.write(sms, SAM, number)
    assert choice_of(case) == ("sms", SAM)


@pytest.mark.parametrize("said", ["yes", "0000", "{number} please"])
def test_by_sms_nothing_else_joins(case: Case, sms: Channel, said: str) -> None:
    pocket.write(sms, SAM, joining.invite(case, sms).text)
    number = Code.objects.get(purpose=codes.ANSWER).plain
    if said == "0000" and number == said:
        said = "0001"
    pocket.write(sms, SAM, said.format(number=number))
    assert choice_of(case) == ("account", "")


def test_five_wrong_numbers_end_the_question(case: Case, sms: Channel) -> None:
    pocket.write(sms, SAM, joining.invite(case, sms).text)
    number = Code.objects.get(purpose=codes.ANSWER).plain
    for n in range(5):
        pocket.write(sms, SAM, str((int(number) + n + 1) % 10_000).zfill(4))
    pocket.write(sms, SAM, number)
    assert choice_of(case) == ("account", "")


def test_a_forged_sender_does_not_make_us_send_without_end(case: Case, sms: Channel) -> None:
    for _n in range(8):
        pocket.write(sms, VICTIM, joining.invite(case, sms).text)
    asks = Message.objects.filter(template="ask_to_join")
    assert asks.count() == 5
    assert Asked.objects.open().count() == 1


def test_only_the_whole_text_is_an_answer() -> None:
    assert [read(text) for text in ("YES", " ja. ", "No", "nee", "42 ")] == [
        "yes",
        "yes",
        "no",
        "no",
        "42",
    ]
    assert [read(text) for text in ("yes please", "yes yes", "", "1234567", "٤٢")] == [""] * 5


def test_who_is_new_to_us_is_not_the_thief(case: Case, whatsapp: Channel) -> None:
    pocket.write(whatsapp, THIEF, joining.invite(case, whatsapp).text)
    assert Pocket.sent == [] and choice_of(case) == ("whatsapp", THIEF)


def test_dead_codes_are_guesses_as_well(case: Case, whatsapp: Channel) -> None:
    """Who tries old codes one after the other is not listened to for ever."""
    right = code_of(case, whatsapp)
    for _n in range(MAX_GUESSES):
        dead = Code.objects.issue(codes.JOIN, case=case, kind="whatsapp")
        dead.revoke()
        pocket.write(whatsapp, SAM, dead.plain)
    pocket.write(whatsapp, SAM, right)
    assert not Asked.objects.exists()
    Identity.objects.update(guessed_at=timezone.now() - GUESS_SPAN)
    pocket.write(whatsapp, SAM, right)
    assert Asked.objects.open().exists()  # they wrote in cases of their own: they are asked
    pocket.write(whatsapp, SAM, "yes")
    assert choice_of(case) == ("whatsapp", SAM)

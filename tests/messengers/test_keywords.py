"""STOP, START and HELP by SMS, and what a stopped address still gets: nothing."""

import pytest

from channels_app import dispatch
from channels_app.models import Channel, Delivery
from contacts.models import Case, Event, Identity, Message, User
from contacts.viewers import Viewer
from portal import past
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM

S = Delivery.Status


@pytest.fixture
def case(sms: Channel) -> Case:
    """Asked by SMS."""
    pocket.write(sms, SAM, "My kettle leaks")
    pocket.send_all()
    return Case.objects.get()


def lines(sort: str = Event.Sort.STOPPED) -> list[bool]:
    """What the history says of stops and starts."""
    return [row.data["stopped"] for row in Event.objects.filter(sort=sort).order_by("pk")]


@pytest.mark.parametrize(
    "word", ["STOP", "stop.", " Stopall ", "unsubscribe", "END", "quit", "Revoke"]
)
def test_stop_closes_sms_and_opens_no_case(case: Case, sms: Channel, word: str) -> None:
    pocket.write(sms, SAM, word)
    identity = Identity.objects.get(value=SAM)
    assert identity.why_closed("sms") == Identity.STOPPED and identity.is_usable_by("whatsapp")
    assert Case.objects.count() == 1 and lines() == [True]
    event = Event.objects.get(sort=Event.Sort.STOPPED)
    line = past.line(event, Viewer(staff_id=1), {identity.pk: identity})
    assert line == f"SMS to {identity} was stopped by the customer."


def test_stop_twice_is_said_once_and_start_opens_again(case: Case, sms: Channel) -> None:
    for word in ("STOP", "STOP", "START", "START", "START"):
        pocket.write(sms, SAM, word)
    assert Identity.objects.get(value=SAM).is_usable_by("sms") and lines() == [True, False]


def test_nothing_is_sent_after_stop(case: Case, sms: Channel, agent: User) -> None:
    message = dispatch.reply(case=case, staff=agent, text="A new seal helps.")
    identity = Identity.objects.get(value=SAM)
    dispatch.say("Hello", to=identity, by=sms, language="en")
    pocket.write(sms, SAM, "STOP")
    assert pocket.send_all() == []
    delivery = message.deliveries.get()
    assert (delivery.status, delivery.reason["code"]) == (S.FAILED, "stopped")
    assert Event.objects.filter(sort=Event.Sort.FAILED).exists()  # staff are told
    with pytest.raises(dispatch.Refusal):
        dispatch.reply(case=case, staff=agent, text="And another thing")
    pocket.write(sms, SAM, "Another question")
    pocket.write(sms, SAM, "HELP")
    assert pocket.send_all() == []


def test_a_fallback_does_not_go_to_a_stopped_number(case: Case, sms: Channel, agent: User) -> None:
    message = dispatch.reply(case=case, staff=agent, text="A new seal helps.")
    Delivery.objects.filter(message=message).update(role=Delivery.Role.FALLBACK)
    pocket.write(sms, SAM, "STOP")
    assert pocket.send_all() == [] and message.deliveries.get().status == S.FAILED


@pytest.mark.parametrize(("word", "says"), [("HELP", "Reply STOP"), ("Hulp", "STOP")])
def test_help_says_who_we_are(sms: Channel, word: str, says: str) -> None:
    pocket.write(sms, SAM, word)
    text = pocket.send_all()[0].text
    assert text.startswith("Test Shop, 020 123 4567.") and says in text
    assert not Case.objects.exists()
    assert Message.objects.get().language == ("nl" if word == "Hulp" else "en")


def test_what_the_provider_understood_it_answers_itself(case: Case, sms: Channel) -> None:
    pocket.write(sms, SAM, "HELP", keyword="help")
    assert pocket.send_all() == []
    pocket.write(sms, SAM, "Genoeg", keyword="stop")
    assert lines() == [True]


@pytest.mark.parametrize(
    ("language", "says"), [("nl", "Schrijf hier uw vraag"), ("tr", "Write your question here")]
)
def test_who_opens_a_conversation_hears_what_it_is_for(
    whatsapp: Channel, language: str, says: str
) -> None:
    for _time in range(3):
        pocket.write(whatsapp, SAM, greeting=True, language=language)
    assert not Case.objects.exists()
    texts = [sent.text for sent in pocket.send_all()]
    assert len(texts) == 3 and texts[0].startswith("Test Shop.") and says in texts[0]


def test_a_word_in_a_sentence_is_a_message(case: Case, sms: Channel) -> None:
    pocket.write(sms, VICTIM, "Please stop the leak")
    assert Identity.objects.get(value=VICTIM).is_usable_by("sms") and Case.objects.count() == 2


def test_on_whatsapp_stop_is_a_word(whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "STOP")
    assert Identity.objects.get(value=SAM).is_usable_by("whatsapp")
    assert Case.objects.get().title == "STOP"

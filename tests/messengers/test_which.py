"""Who has several open questions says which one a message is about."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import inbound, which
from channels_app.models import Channel, InboundEvent, InboundItem
from contacts import services
from contacts.models import Case, Message, Question, Topic
from contacts.models.question import MAX_A_DAY
from tests import worker
from tests.adapters.telegram import PNG
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM, choice_of, texts

State = InboundItem.State


def two(channel: Channel, sender: str = SAM) -> tuple[Case, Case]:
    """Two open cases that were asked from one address; the older one first."""
    pocket.write(channel, sender, "May I drive the blue one?")
    first = Case.objects.latest("pk")
    services.resolve(case=first)
    pocket.write(channel, sender, "Where is my invoice?")
    services.reopen(case=first)
    pocket.send_all()
    return first, Case.objects.latest("pk")


@pytest.fixture
def cases(whatsapp: Channel) -> tuple[Case, Case]:
    """A drive and an invoice."""
    return two(whatsapp)


def asked() -> list[str]:
    """What was asked, newest last."""
    rows = Message.objects.filter(template="which").order_by("pk")
    return [row.text for row in rows]


def file_again() -> None:
    """What the sweep rings, and what a worker does then."""
    which.recover()
    worker.file_all()


def over() -> None:
    """An hour later."""
    past = timezone.now() - timedelta(seconds=1)
    Question.objects.filter(closed_at=None).update(expires_at=past)
    file_again()


def test_it_asks_which_and_files_what_was_meant(
    whatsapp: Channel, cases: tuple[Case, Case]
) -> None:
    drive, invoice = cases
    pocket.write(whatsapp, SAM, "On Friday, please", id="friday")
    item = InboundItem.objects.get(external_id="friday")
    assert item.state == State.WAITING and Case.objects.count() == 2
    (text,) = asked()
    assert text.splitlines() == [
        "You have several questions with us. Which one is this about?",
        f"1 May I drive the blue one? ({drive.reference})",
        f"2 Where is my invoice? ({invoice.reference})",
        "3 A new question",
        "Reply with the number. Without an answer it becomes a new question.",
    ]
    (sent,) = pocket.send_all()
    assert [(button.word, button.label[:7]) for button in sent.buttons] == [
        ("1", "1 May I"),
        ("2", "2 Where"),
        ("3", "3 A new"),
    ]
    pocket.write(whatsapp, SAM, " 1. ")
    worker.file_all()
    assert texts(drive)[-1] == "On Friday, please" and Case.objects.count() == 2
    item.refresh_from_db()
    assert item.state == State.FILED and item.message is not None
    assert choice_of(drive) == ("whatsapp", SAM)
    assert [one.text for one in pocket.send_all()] == [
        f"Thank you. It is with question {drive.reference}."
    ]


@pytest.mark.parametrize("word", ["3", "new", "Nieuw."])
def test_it_is_a_new_question(whatsapp: Channel, cases: tuple[Case, Case], word: str) -> None:
    pocket.write(whatsapp, SAM, "Do you sell bells?")
    pocket.write(whatsapp, SAM, word)
    worker.file_all()
    assert Case.objects.count() == 3 and Case.objects.latest("pk").title == "Do you sell bells?"


def test_without_an_answer_it_is_one_after_an_hour(
    whatsapp: Channel, cases: tuple[Case, Case]
) -> None:
    for text in ("Do you sell bells?", "And horns?"):
        pocket.write(whatsapp, SAM, text)
    file_again()
    assert Case.objects.count() == 2 and len(asked()) == 1
    over()
    new = Case.objects.latest("pk")
    assert texts(new) == ["Do you sell bells?", "And horns?"] and Case.objects.count() == 3
    assert new.may_belong_to == cases[1]
    file_again()
    assert Case.objects.count() == 3
    pocket.send_all()
    pocket.write(whatsapp, SAM, "1")  # too late
    assert Case.objects.count() == 3 and len(asked()) == 1
    (sent,) = pocket.send_all()
    assert sent.text == f"That was too late: your message is question {new.reference} now."


def test_all_that_waited_goes_together(whatsapp: Channel, cases: tuple[Case, Case]) -> None:
    for text in ("On Friday", "At ten"):
        pocket.write(whatsapp, SAM, text)
    pocket.write(whatsapp, SAM, "1")
    worker.file_all()
    assert texts(cases[0])[-2:] == ["On Friday", "At ten"] and len(asked()) == 1


def test_a_file_that_waited_is_there(whatsapp: Channel, cases: tuple[Case, Case]) -> None:
    photo = {"name": "a.png", "type": "image/png", "content": "", "id": "kept-1"}
    pocket.Pocket.files["kept-1"] = PNG
    pocket.write(whatsapp, SAM, "", files=[photo])
    pocket.write(whatsapp, SAM, "2")
    worker.file_all()
    message = Message.objects.filter(direction="in").latest("pk")
    assert message.case == cases[1] and message.attachments.get().file.read() == PNG


@pytest.mark.parametrize("text", ["4", "0", "1 please", "yes", ""])
def test_any_other_word_waits_as_well(
    whatsapp: Channel, cases: tuple[Case, Case], text: str
) -> None:
    pocket.write(whatsapp, SAM, "On Friday")
    pocket.write(whatsapp, SAM, text or "?")
    worker.file_all()
    assert InboundItem.objects.filter(state=State.WAITING).count() == 2 and len(asked()) == 1


def test_a_picture_with_a_number_below_is_no_answer(
    whatsapp: Channel, cases: tuple[Case, Case]
) -> None:
    pocket.write(whatsapp, SAM, "On Friday")
    pocket.Pocket.files["kept-1"] = PNG
    photo = {"name": "a.png", "type": "image/png", "content": "", "id": "kept-1"}
    pocket.write(whatsapp, SAM, "1", files=[photo])
    assert InboundItem.objects.filter(state=State.WAITING).count() == 2


def test_an_answer_by_another_address_or_kind_is_none(
    whatsapp: Channel, sms: Channel, cases: tuple[Case, Case]
) -> None:
    pocket.write(whatsapp, SAM, "On Friday")
    pocket.write(whatsapp, VICTIM, "1")
    pocket.write(sms, SAM, "1")
    worker.file_all()
    assert InboundItem.objects.filter(state=State.WAITING).count() == 1


def test_a_case_that_was_settled_meanwhile_is_open_again(
    whatsapp: Channel, cases: tuple[Case, Case]
) -> None:
    pocket.write(whatsapp, SAM, "On Friday")
    services.resolve(case=cases[0])
    pocket.write(whatsapp, SAM, "1")
    worker.file_all()
    cases[0].refresh_from_db()
    assert cases[0].state == Case.State.OPEN and texts(cases[0])[-1] == "On Friday"


def test_nothing_of_a_sensitive_case_is_said(whatsapp: Channel) -> None:
    first, _second = two(whatsapp)
    topic = Topic.objects.create(name={"en": "Money"}, slug="money", is_sensitive=True)
    Case.objects.filter(pk=first.pk).update(topic=topic)
    pocket.write(whatsapp, SAM, "On Friday")
    assert f"1 {first.reference}" in asked()[0] and "blue" not in asked()[0]


def test_a_forged_sender_is_asked_nothing(sms: Channel) -> None:
    for text in ("One", "Two", "Three"):
        pocket.write(sms, SAM, text)
    assert Case.objects.count() == 3 and not asked()


def test_only_so_often_a_day(whatsapp: Channel, cases: tuple[Case, Case]) -> None:
    for number in range(MAX_A_DAY + 1):
        pocket.write(whatsapp, SAM, f"Message {number}")
        over()
    assert len(asked()) == MAX_A_DAY and Case.objects.count() == 2 + MAX_A_DAY + 1


def test_it_asks_in_their_language(whatsapp: Channel) -> None:
    two(whatsapp)
    pocket.write(whatsapp, SAM, "Ik wil graag weten of het op vrijdag kan")
    assert asked()[0].startswith("U hebt meer vragen bij ons.")


def test_a_worker_that_dies_between_loses_nothing(
    whatsapp: Channel, cases: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    pocket.write(whatsapp, SAM, "On Friday")
    pocket.write(whatsapp, SAM, "1")
    with monkeypatch.context() as patch:
        patch.setattr(services, "file_message", _broken)
        worker.file_all()
    assert InboundItem.objects.filter(state=State.WAITING).count() == 1
    InboundEvent.objects.update(leased_until=None)
    inbound.recover()
    worker.file_all()
    assert texts(cases[0])[-1] == "On Friday"


def _broken(**_more: object) -> Message:
    raise RuntimeError

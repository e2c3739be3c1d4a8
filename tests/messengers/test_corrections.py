"""What customers do to a message that is there already, files that are fetched, and receipts."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, inbound
from channels_app.adapters.base import Reason, Rejected, Unavailable
from channels_app.models import Channel, Delivery, InboundEvent
from contacts import services
from contacts.models import Attachment, Case, Event, Identity, Message, User
from contacts.viewers import Viewer
from portal import timeline
from tests import worker
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM
from tests.messengers.pocket import Pocket

STAFF = Viewer(staff_id=1)
JPEG = b"\xff\xd8\xff\xe0picture"


@pytest.fixture
def case(whatsapp: Channel) -> Case:
    """Asked by a message that the provider calls "m1"."""
    pocket.write(whatsapp, SAM, "My kettle leaks", id="m1")
    return Case.objects.get()


def correct(to: Channel, sort: str, text: str = "", **more: str) -> InboundEvent:
    """The customer changes "m1" on their telephone."""
    thing = {"sort": "correction", "change": sort, "external_id": f"{sort}-{text}"}
    who = {"provider_id": "m1", "scheme": "phone", "sender": SAM}
    return pocket.post(to, {**thing, **who, "text": text, **more})


def shown(case: Case, viewer: Viewer) -> list[str]:
    """The lines of a page, without the opening."""
    case.refresh_from_db()
    entries = timeline.page(case, viewer).entries
    return [entry.words or (entry.message.text if entry.message else "") for entry in entries]


def customer(case: Case) -> Viewer:
    """Who has the link of the case."""
    return Viewer(case_ids=frozenset({case.pk}))


def test_an_edit_keeps_both(case: Case, whatsapp: Channel) -> None:
    correct(whatsapp, "edited", "My boiler leaks")
    message = Message.objects.get(direction="in")
    assert (message.text, message.corrected) == ("My boiler leaks", "edited")
    assert any("Before: “My kettle leaks”" in line for line in shown(case, STAFF))
    assert "My boiler leaks" in shown(case, customer(case))
    assert not any("kettle" in line for line in shown(case, customer(case)))


def test_what_was_deleted_only_staff_see(case: Case, whatsapp: Channel) -> None:
    correct(whatsapp, "deleted")
    assert "My kettle leaks" in shown(case, STAFF)
    lines = shown(case, customer(case))
    assert "My kettle leaks" not in lines and "You deleted a message." in lines
    correct(whatsapp, "edited", "Something else")
    assert Message.objects.get(direction="in").text == "My kettle leaks"


def test_a_file_of_a_deleted_message_is_gone_for_customers(whatsapp: Channel) -> None:
    Pocket.files["f1"] = JPEG
    file = {"name": "leak.jpg", "type": "image/jpeg", "id": "f1"}
    pocket.write(whatsapp, SAM, "Look", id="m1", files=[file])
    case = Case.objects.get()
    browser = Client()
    browser.post(f"/c/{services.case_link(case).plain}/")
    page = f"/files/{Attachment.objects.get().pk}/"
    assert browser.get(page).status_code == 200
    correct(whatsapp, "deleted")
    assert browser.get(page).status_code == 404


def test_a_reaction_is_a_line(case: Case, whatsapp: Channel, agent: User) -> None:
    correct(whatsapp, "reacted", "👍")
    assert "The customer reacted with 👍." in shown(case, STAFF)
    assert "You reacted with 👍." in shown(case, customer(case))
    answer = dispatch.reply(case=case, staff=agent, text="A new seal helps.")
    pocket.send_all()
    ours = answer.deliveries.get().provider_id
    correct(whatsapp, "reacted", "❤", provider_id=ours)
    assert Event.objects.filter(sort=Event.Sort.CORRECTED).count() == 2
    correct(whatsapp, "edited", "Hacked", provider_id=ours)
    answer.refresh_from_db()
    assert answer.text == "A new seal helps."


@pytest.mark.parametrize("more", [{"sender": VICTIM}, {"provider_id": "m2"}, {"sender": "x"}])
def test_somebody_elses_message_is_not_touched(
    case: Case, whatsapp: Channel, more: dict[str, str]
) -> None:
    event = correct(whatsapp, "edited", "Hacked", **more)
    assert event.state == event.State.NEW  # it may have overtaken its message: once more
    InboundEvent.objects.update(leased_until=None)
    worker.file(event)
    event.refresh_from_db()
    assert event.state == event.State.PROCESSED and event.items.get().state == "ignored"
    assert Message.objects.get(direction="in").text == "My kettle leaks"


def test_a_correction_that_overtakes_its_message_is_not_lost(whatsapp: Channel) -> None:
    event = correct(whatsapp, "edited", "My boiler leaks")
    pocket.write(whatsapp, SAM, "My kettle leaks", id="m1")
    InboundEvent.objects.update(leased_until=None)
    worker.file(event)
    assert Message.objects.get(direction="in").text == "My boiler leaks"


# -- Files that the provider keeps.

FILE = {"name": "leak.jpg", "type": "image/jpeg", "id": "f1"}


def test_a_file_is_fetched(whatsapp: Channel) -> None:
    Pocket.files["f1"] = JPEG
    pocket.write(whatsapp, SAM, "Look", files=[FILE])
    file = Attachment.objects.get()
    assert (file.name, file.file.read()) == ("leak.jpg", JPEG)


def test_a_file_that_cannot_be_had_now_is_tried_again(whatsapp: Channel) -> None:
    Pocket.files["f1"] = Unavailable("later", retry_after=timedelta(minutes=7))
    event = pocket.write(whatsapp, SAM, "Look", files=[FILE])
    assert event.state == event.State.NEW and not Case.objects.exists()
    assert event.leased_until and event.leased_until > timezone.now() + timedelta(minutes=6)
    Pocket.files["f1"] = JPEG
    InboundEvent.objects.update(leased_until=None)
    worker.file(event)
    assert Attachment.objects.get().name == "leak.jpg"


def test_at_the_last_try_the_words_come_without_it(whatsapp: Channel) -> None:
    event = pocket.write(whatsapp, SAM, "Look", files=[FILE])
    InboundEvent.objects.update(leased_until=None, tries=inbound.MAX_TRIES - 1)
    worker.file(event)
    case = Case.objects.get()
    assert case.title == "Look" and not Attachment.objects.exists()
    assert "A file was not taken: leak.jpg." in shown(case, customer(case))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (FILE, Rejected(Reason.said("It is not what it says."))),
        (FILE, b""),
        ({**FILE, "name": "leak.exe"}, JPEG),
        (FILE, b"x" * 30_000_000),
    ],
)
def test_a_file_that_we_do_not_take_is_kept_out(
    whatsapp: Channel, file: dict[str, str], content: Any
) -> None:
    Pocket.files["f1"] = content
    pocket.write(whatsapp, SAM, "Look", files=[file])
    assert Case.objects.get().title == "Look" and not Attachment.objects.exists()
    assert Event.objects.get(sort=Event.Sort.KEPT_OUT).data["name"] == file["name"]


def test_too_many_files_are_not_even_fetched(whatsapp: Channel, settings: Any) -> None:
    settings.MAX_FILES = 2
    Pocket.files.update({f"f{n}": JPEG for n in range(4)})
    pocket.write(whatsapp, SAM, "Look", files=[{**FILE, "id": f"f{n}"} for n in range(4)])
    assert Attachment.objects.count() == 2 and Pocket.fetched == ["f0", "f1"]


# -- Receipts.


@pytest.mark.parametrize("order", list(permutations(("sent", "delivered", "read"))))
def test_receipts_in_any_order_end_at_read(
    case: Case, whatsapp: Channel, agent: User, order: tuple[str, ...]
) -> None:
    delivery = dispatch.reply(case=case, staff=agent, text="Yes.").deliveries.get()
    pocket.send_all()
    for status in order:
        receipt = {"sort": "receipt", "external_id": f"{status}", "key": str(delivery.pk)}
        pocket.post(whatsapp, {**receipt, "status": status, "signed": True})
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.READ and delivery.sent_at


def test_who_has_no_such_messenger_is_closed_for_that_kind_only(
    case: Case, whatsapp: Channel, agent: User
) -> None:
    delivery = dispatch.reply(case=case, staff=agent, text="Yes.").deliveries.get()
    pocket.send_all()
    receipt = {"sort": "receipt", "external_id": "1", "key": str(delivery.pk), "gone": True}
    pocket.post(whatsapp, {**receipt, "status": "failed", "signed": True})
    identity = Identity.objects.get(value=SAM)
    assert not identity.is_usable_by("whatsapp") and identity.is_usable_by("sms")

"""Files that a provider hands out slowly, or not at all: none is asked for twice for nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app.adapters.base import InFile, Unavailable
from channels_app.models import Channel, InboundEvent
from contacts.models import Attachment, Message
from tests import worker
from tests.messengers import pocket
from tests.messengers.people import SAM
from tests.messengers.pocket import Pocket

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20


def batch(channel: Channel, count: int) -> InboundEvent:
    """Several pictures in one request."""
    things = [
        {
            "external_id": f"m{n}",
            "provider_id": f"m{n}",
            "scheme": "phone",
            "sender": SAM,
            "files": [{"name": f"{n}.jpg", "type": "image/jpeg", "id": f"f{n}"}],
        }
        for n in range(count)
    ]
    return pocket.post(channel, *things)


def test_a_batch_that_is_tried_again_fetches_only_what_is_missing(whatsapp: Channel) -> None:
    Pocket.fetched.clear()
    Pocket.files.update({f"f{n}": JPEG for n in range(5)}, f3=Unavailable("later"))
    event = batch(whatsapp, 5)
    assert event.state == event.State.NEW and Attachment.objects.count() == 4
    Pocket.fetched.clear()
    Pocket.files["f3"] = JPEG
    InboundEvent.objects.update(leased_until=None)
    worker.file(event)
    assert Pocket.fetched == ["f3"] and Attachment.objects.count() == 5
    event.refresh_from_db()
    assert event.state == event.State.PROCESSED


def test_while_its_files_come_nobody_else_begins_with_it(
    whatsapp: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten files of a minute each are longer than a lease."""
    leases = []

    def slow(adapter: Pocket, file: InFile, limit: int) -> InFile:
        leases.append(InboundEvent.objects.get().leased_until)
        InboundEvent.objects.update(leased_until=timezone.now() + timedelta(seconds=1))
        return InFile(file.name, file.content_type, JPEG)

    monkeypatch.setattr(Pocket, "fetch", slow)
    batch(whatsapp, 3)
    soon = timezone.now() + timedelta(seconds=90)
    assert len(leases) == 3 and all(lease and lease > soon for lease in leases)


def test_who_was_overtaken_leaves_it_to_the_other(
    whatsapp: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stolen(adapter: Pocket, file: InFile, limit: int) -> InFile:
        InboundEvent.objects.update(tries=2)
        return InFile(file.name, file.content_type, JPEG)

    monkeypatch.setattr(Pocket, "fetch", stolen)
    event = batch(whatsapp, 3)
    assert event.state == event.State.NEW and event.tries == 2
    assert Message.objects.filter(direction="in").count() == 1  # what it had is no loss

"""A telephone that keeps what was sent to it: SMS, and a messenger with a reply window."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from channels_app import opening
from channels_app.adapters.base import Adapter, Capabilities, Outbound, Sent
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, Delivery, InboundEvent, InboundItem
from contacts.models import Case, Identity, Organisation
from tests import shop, worker

NUMBER = "+31612345678"
MakeCase = Callable[..., Case]


class Telephone(Adapter):
    """What SMS and WhatsApp can do."""

    kinds: ClassVar[frozenset[str]] = frozenset({"sms", "whatsapp"})
    webhooks: ClassVar[bool] = True
    sent: ClassVar[list[Outbound]] = []

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """As the real ones."""
        if kind == "sms":
            return Capabilities(receipts=True, max_text=1600, max_segments=3)
        return Capabilities(
            receipts=True,
            max_text=4096,
            media=frozenset({"image/png", "application/pdf"}),
            max_file=100,
            reply_window=timedelta(hours=24),
            templates=True,
            can_start=False,
        )

    def send(self, outbound: Outbound) -> Sent:
        """Keep it."""
        self.sent.append(outbound)
        return Sent(f"out-{outbound.key}")


@pytest.fixture
def organisation(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Organisation]:
    """A small shop whose customers have telephones."""
    monkeypatch.setitem(PROVIDERS, "telephone", Telephone)
    Telephone.sent.clear()
    found = shop.make_shop()
    for place, kind in enumerate(("sms", "whatsapp"), start=10):
        Channel.objects.create(
            organisation=found,
            kind=kind,
            provider="telephone",
            slug=kind,
            name=kind,
            address="+3197000000",
            position=place,
        )
    yield found


@pytest.fixture
def make_case(organisation: Organisation) -> MakeCase:
    """A case that is answered by a kind."""

    def make(kind: str, language: str = "en", **values: Any) -> Case:
        given = {"text": "Is it there?", "address": NUMBER, "came_by": "account", **values}
        case = opening.open_case(organisation=organisation, kind=kind, language=language, **given)
        Delivery.objects.filter(message__case=case).delete()
        return case

    return make


def wrote(kind: str, ago: timedelta = timedelta()) -> InboundItem:
    """The customer wrote there so long ago."""
    channel = Channel.objects.get(kind=kind)
    event = InboundEvent.objects.create(
        channel=channel, sha256=str(InboundEvent.objects.count()), raw=b""
    )
    item = InboundItem.objects.create(
        event=event,
        channel=channel,
        sort="message",
        external_id=event.sha256,
        identity=Identity.of("phone", NUMBER),
    )
    InboundItem.objects.filter(pk=item.pk).update(created_at=item.created_at - ago)
    return item


def send_all() -> list[Outbound]:
    """What a worker does; what was sent by it."""
    before = len(Telephone.sent)
    worker.send_due()
    return Telephone.sent[before:]

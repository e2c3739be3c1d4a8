"""What a provider posts in one request: one odd thing in it keeps nothing else waiting."""

import json
import time
from typing import Any

import pytest

from channels_app.adapters.base import BadPayload, Inbound
from channels_app.adapters.meta import read
from channels_app.models import Channel
from contacts.models import Case, Message
from tests.messengers import pocket

ODD: list[dict[str, Any]] = [
    {"type": "contacts", "contacts": [1, None, {"phones": "x", "emails": [3]}]},
    {"type": "contacts", "contacts": {"phones": []}},
    {"type": "order", "order": {"product_items": [[], "x"], "text": {"a": 1}}},
    {"type": "unsupported", "errors": ["x", {"code": "y"}]},
    {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": []}},
    {"type": "interactive", "interactive": {"type": ["x"]}},
    {"type": "location", "location": {"latitude": {"a": "b"}}},
    {"type": "image", "image": {"id": 7, "mime_type": None}},
    {"type": None},
    {"type": ["text"], "text": {"body": "x"}},
    {"type": "text", "text": "x", "context": []},
    {"type": "text", "text": {"body": "\ud800 x"}},
]


def posted(messages: list[Any], **value: Any) -> bytes:
    """A request of Meta's."""
    one = {"metadata": {"phone_number_id": "1"}, "messages": messages, **value}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": one}]}]}).encode()


def good(number: int) -> dict[str, Any]:
    """A message as it should be."""
    own = {"from": "31612345678", "id": f"w{number}", "type": "text"}
    return {**own, "text": {"body": f"Message {number}"}}


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:40])
def test_the_messages_around_an_odd_one_are_read(odd: dict[str, Any]) -> None:
    own = {"from": "31612345678", "id": "odd"}
    value = {"contacts": ["x", {"profile": []}], "errors": [1]}
    things = list(read(posted([good(1), {**own, **odd}, good(2)], **value), "1"))
    texts = [thing.text for thing in things if isinstance(thing, Inbound)]
    assert [text for text in texts if text.startswith("Message")] == ["Message 1", "Message 2"]
    json.dumps(texts).encode()
    "".join(texts).encode()


@pytest.mark.parametrize("messages", [{}, "x", [1], [good(1), None]])
def test_what_is_no_list_of_messages_cannot_be_read(messages: Any) -> None:
    with pytest.raises(BadPayload):
        list(read(posted(messages), "1"))


def test_a_number_that_is_not_ours_is_another_channel_s() -> None:
    assert list(read(posted([good(1)]), "2")) == []


def test_a_huge_batch_is_read_in_time() -> None:
    body = posted([good(n) for n in range(8000)])
    began = time.process_time()
    assert len(list(read(body, "1"))) == 8000
    assert time.process_time() - began < 5


def test_the_same_id_by_two_channels_of_a_kind_is_two_messages(whatsapp: Channel) -> None:
    other = pocket.channel(whatsapp.organisation, slug="other")
    for channel in (whatsapp, other, whatsapp):
        pocket.write(channel, "+31612345678", f"By {channel.slug}", id="wamid.1")
    texts = Message.objects.filter(direction="in").order_by("pk").values_list("text", flat=True)
    assert list(texts) == ["By whatsapp", "By other"]
    assert Case.objects.count() == 1


def test_a_receipt_for_what_another_channel_sent_moves_nothing(whatsapp: Channel) -> None:
    other = pocket.channel(whatsapp.organisation, slug="other")
    pocket.write(whatsapp, "+31612345678", "Is it there?")
    pocket.send_all()
    delivery = Message.objects.filter(direction="out").latest("pk").deliveries.get()
    receipt = {"sort": "receipt", "key": str(delivery.pk), "signed": True, "external_id": "r"}
    pocket.post(other, {**receipt, "status": "failed", "gone": True})
    delivery.refresh_from_db()
    assert delivery.status == "sent" and delivery.identity and not delivery.identity.closed

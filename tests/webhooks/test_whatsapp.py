"""WhatsApp by the portal's own door: what Meta posts becomes messages, or is refused."""

import json
from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, Choice, Customer, Identity, Message, Organisation, User
from tests.adapters import whatsapp as meta
from tests.webhooks.channels import channel_at, post
from tests.webhooks.conftest import work
from tests.webhooks.providers import Provider

PLACE = "/webhooks/whatsapp/"


@pytest.fixture
def channel(
    organisation: Organisation, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Channel:
    """The shop's number at Meta."""
    return channel_at(meta.WhatsApp, organisation, provider, monkeypatch)


def hi(sender: str, pk: str = "wamid.1", text: str = "Is it there?") -> Any:
    """Somebody writes."""
    own = {"from": sender, "id": pk, "type": "text", "text": {"body": text}}
    person = {"wa_id": sender, "profile": {"name": "Ana"}}
    return meta.posted(meta.value(messages=[own]) | {"contacts": [person]})


def test_meta_hears_its_own_word_and_nothing_else(channel: Channel, client: Client) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
    answer = client.get(PLACE, asked | {"hub.verify_token": meta.WORD})
    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert answer["Content-Type"].startswith("text/plain")
    assert client.get(PLACE, asked | {"hub.verify_token": "another"}).status_code == 403
    assert client.get(PLACE).status_code == 403


def test_every_spelling_of_a_number_is_one_customer(channel: Channel, client: Client) -> None:
    assert post(client, channel, hi("5215512345678")).status_code == 200
    assert post(client, channel, hi("525512345678", "wamid.2", "And when?")).status_code == 200
    work()
    assert Identity.objects.get().value == "+525512345678"
    assert Customer.objects.get().name == "Ana"
    assert Message.objects.filter(direction="in").count() == 2
    for choice in Choice.objects.all():
        assert (choice.kind, choice.by) == ("whatsapp", Choice.By.WRITING)


def test_a_message_in_two_batches_is_one(channel: Channel, client: Client) -> None:
    once = json.loads(hi("31612345678").body)
    twice = meta.posted(once["entry"][0]["changes"][0]["value"], meta.value(statuses=[]))
    for request in (hi("31612345678"), twice):
        assert post(client, channel, request).status_code == 200
    work()
    assert Message.objects.filter(direction="in").count() == 1


def test_a_forged_or_foreign_post_files_nothing(channel: Channel, client: Client) -> None:
    for request in meta.WhatsApp().forged().values():
        if request.headers:
            assert post(client, channel, request).status_code == 403
    assert InboundEvent.objects.count() == 0
    text = {"from": "31612345678", "id": "1", "type": "text", "text": {"body": "Hi"}}
    assert (
        post(client, channel, meta.posted(meta.value(meta.OTHER, messages=[text]))).status_code
        == 200
    )
    work()
    assert Message.objects.count() == 0


def test_an_answer_goes_there_and_its_receipt_finds_it(
    channel: Channel, client: Client, agent: User, provider: Provider
) -> None:
    post(client, channel, hi("31612345678"))
    work()
    case = Case.objects.get()
    delivery = dispatch.reply(case=case, staff=agent, text="Yes, it is.").deliveries.get()
    work()
    told = json.loads(provider.calls[-1][2])
    assert told["to"] == "31612345678" and told["text"]["body"]
    key = told["biz_opaque_callback_data"]
    post(client, channel, meta.posted(meta.value(statuses=[meta.status("delivered", key)])))
    work()
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.DELIVERED and delivery.provider_id == meta.MESSAGE

"""A7 over HTTP: WhatsApp's day is over; nothing goes unseen, and the case goes on."""

import html
import json
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from channels_app.models import Channel, Delivery, InboundEvent, InboundItem
from contacts.models import Case
from tests import shop, worker
from tests.adapters.whatsapp import WhatsApp, posted, value
from tests.webhooks.channels import channel_at, post
from tests.webhooks.providers import Provider, provider_server


@pytest.fixture
def meta(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A shop with WhatsApp, and who speaks for Meta."""
    with provider_server() as provider:
        channel_at(WhatsApp, shop.make_shop(), provider, monkeypatch, position=9)
        yield provider


def write(text: str) -> None:
    """Sam presses send; Meta posts it."""
    own = {"from": "31612345678", "id": uuid.uuid4().hex, "timestamp": str(int(time.time()))}
    request = posted(value(messages=[own | _text(text)]))
    assert post(Client(), Channel.objects.get(kind="whatsapp"), request).status_code == 200
    worker.file(InboundEvent.objects.latest("pk"))
    work()


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": text}}


def work() -> None:
    """What a worker does."""
    worker.send_due()


def told(provider: Provider) -> list[Any]:
    """What Meta was asked to bring."""
    said = [json.loads(call[2]) for call in provider.calls]
    return [one.get("text", {}).get("body") or one.get("template") for one in said]


def a_day_goes_by() -> None:
    InboundItem.objects.update(created_at=F("created_at") - timedelta(hours=24))


class Desk:
    """Anna answers."""

    def __init__(self) -> None:
        self.browser = Client()
        self.browser.force_login(shop.make_agent())

    def page(self, case: Case) -> str:
        answer = self.browser.get(reverse("admin:case", args=[case.reference]))
        return html.unescape(answer.content.decode())

    def send(self, case: Case, text: str, **more: str) -> int:
        given = {"text": text, "kind": "", "client_key": str(uuid.uuid4()), "seen": "99", **more}
        address = reverse("admin:case_answer", args=[case.reference])
        status = self.browser.post(address, given).status_code
        work()
        return status


def test_the_window_closes(meta: Provider) -> None:
    write("Where is my parcel?")
    case, desk = Case.objects.get(), Desk()
    assert told(meta)[0].startswith(f"We have your question {case.reference}.")
    assert "24 h left to answer by WhatsApp." in desk.page(case) or "23 h" in desk.page(case)
    assert desk.send(case, "It comes tomorrow.") == 302
    assert told(meta)[1] == "It comes tomorrow.\nAnna, Test Shop"

    a_day_goes_by()
    page = desk.page(case)
    assert "WhatsApp lets us answer only within 24 hours" in page and "data-send" not in page
    assert desk.send(case, "It is there now.") == 422 and len(told(meta)) == 2
    why = "WhatsApp is closed"
    assert desk.send(case, "It is there now.", kind="account", why=why) == 302
    assert len(told(meta)) == 2

    texts = Channel.objects.get(kind="whatsapp").templates
    body = "You have an answer to {{1}}. Read it: {{2}} ."
    texts.create(name="an_answer", language="en", body=body, state="approved")
    assert "a text that was approved goes" in desk.page(case)
    assert desk.send(case, "Please sign for it.") == 302
    sent = told(meta)[2]
    values = [one["text"] for one in sent["components"][0]["parameters"]]
    assert sent["name"] == "an_answer" and values[0] == case.reference and "/c/" in values[1]

    write("I signed!")
    assert desk.send(case, "Thank you.") == 302
    assert told(meta)[-1] == "Thank you.\nAnna, Test Shop"
    assert Case.objects.count() == 1


def test_it_closes_while_the_answer_waits(meta: Provider) -> None:
    write("Where is my parcel?")
    case, desk = Case.objects.get(), Desk()
    Channel.objects.get(kind="whatsapp").pause(case.opened_at + timedelta(days=9), "a break")
    desk.send(case, "It comes tomorrow.")
    a_day_goes_by()
    Channel.objects.get(kind="whatsapp").resume()
    work()
    assert len(told(meta)) == 1
    assert "lets us answer only within 24 hours" in desk.page(case)
    failed = Delivery.objects.get(message__template="")
    assert (failed.status, failed.reason["code"]) == ("failed", "window_closed")

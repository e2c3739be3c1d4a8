"""A7 over HTTP: WhatsApp's day is over; nothing goes unseen, and the case goes on."""

import html
import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app.models import Channel, Delivery, InboundEvent, InboundItem
from contacts.models import Case
from tests import shop, worker
from tests.adapters.whatsapp import WhatsApp, posted, value
from tests.webhooks.channels import channel_at, post
from tests.webhooks.providers import Provider, provider_server

MAIL = "sam@example.org"


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


def it_closes_while_an_answer_waits(desk: Desk, case: Case, text: str) -> None:
    """It was written in time, and the provider was not there."""
    whatsapp = Channel.objects.get(kind="whatsapp")
    whatsapp.pause(timezone.now() + timedelta(days=9), "a break")
    assert desk.send(case, text) == 302
    a_day_goes_by()
    Channel.objects.get(kind="whatsapp").resume()
    work()
    work()  # and what that rings for


class Pocket:
    """Sam's browser, which opened the link that came by WhatsApp."""

    def __init__(self, link: str) -> None:
        self.browser = Client()
        self.press(link)

    def press(self, path: str, **fields: str) -> str:
        """Send a form; the page that follows."""
        answer = self.browser.post(path, fields, follow=True)
        assert answer.status_code == 200, answer.content.decode()[:2000]
        return html.unescape(answer.content.decode())

    def page(self, case: Case, more: str = "") -> str:
        return html.unescape(self.browser.get(f"/q/{case.reference}/{more}").content.decode())

    def moves(self, case: Case, sink: shop.Sink) -> None:
        """To e-mail, with the six digits that came there, and back to WhatsApp."""
        switch = f"/q/{case.reference}/switch/"
        self.press(switch, way="email", address_email=MAIL)
        work()
        code = re.search(r"^ +(\d{6})\r?$", read(sink.mails[-1]), re.MULTILINE)
        assert code is not None
        self.press(f"{switch}code/", code=code[1])
        back = re.search(r'value="(whatsapp:\d+)"', self.page(case, "switch/"))
        assert back is not None
        self.press(switch, way=back[1])


def read(mail: EmailMessage) -> str:
    """Its text."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(text: str) -> str:
    found = re.search(r"/c/[a-z2-7]+/", text)
    assert found is not None
    return found[0]


def test_it_closes_while_the_answer_waits(meta: Provider, sink: shop.Sink) -> None:
    """Nothing was approved: nothing goes anywhere, and the agent cannot overlook it."""
    write("Where is my parcel?")
    case, desk = Case.objects.get(), Desk()
    sam = Pocket(link_in(told(meta)[0]))
    sam.moves(case, sink)
    mails = len(sink.mails)
    it_closes_while_an_answer_waits(desk, case, "It comes tomorrow.")
    assert len(told(meta)) == 1 and len(sink.mails) == mails
    assert "lets us answer only within 24 hours" in desk.page(case)
    failed = Delivery.objects.get(message__template="", message__direction="out")
    assert (failed.status, failed.reason["code"]) == ("failed", "window_closed")
    queue = html.unescape(desk.browser.get(reverse("admin:cases")).content.decode())
    assert case.reference in queue  # it needs an answer again
    page = sam.page(case)
    assert "It comes tomorrow." in page and "Our last answer did not reach you." in page


def test_the_mail_that_was_approved_is_used(meta: Provider, sink: shop.Sink) -> None:
    write("Where is my parcel?")
    case, desk = Case.objects.get(), Desk()
    sam = Pocket(link_in(told(meta)[0]))
    sam.moves(case, sink)
    assert "how we reach you where it does not work" not in sam.page(case)
    it_closes_while_an_answer_waits(desk, case, "It comes tomorrow.")

    page = sam.page(case)
    assert "Or keep WhatsApp, and say how we reach you where it does not work:" in page
    offered = re.search(r'name="second" value="(email:\d+)"', page)
    assert offered is not None and MAIL not in page.split("strip__more")[1].split("</form>")[0]
    said = sam.press(f"/q/{case.reference}/second/", second=offered[1])
    assert "Where we cannot reach you by WhatsApp, we answer by e-mail." in said

    page = desk.page(case)
    assert f"Goes by e-mail to {MAIL}: WhatsApp's 24 hours are over, and the customer approved" in (
        page
    )
    assert "Why another way?" not in page
    assert desk.send(case, "It is at your door.") == 302
    assert read(sink.mails[-1]).startswith(
        "We could not reach you by WhatsApp, so this comes by e-mail."
    )
    assert "It is at your door." in read(sink.mails[-1]) and len(told(meta)) == 1
    line = "We could not reach you by WhatsApp, so the answer comes by e-mail."
    assert line in sam.page(case)
    page = desk.page(case)
    assert "instead, as the customer approved: WhatsApp's 24 hours are over." in page
    assert not Case.objects.waiting().exists()

    write("Thank you, I have it!")  # and there the first way is open again
    assert desk.send(case, "You are welcome.") == 302
    assert told(meta)[-1] == "You are welcome.\nAnna, Test Shop"
    assert Case.objects.count() == 1


def test_what_was_approved_takes_over_from_an_answer_on_its_way(
    meta: Provider, sink: shop.Sink
) -> None:
    write("Where is my parcel?")
    case, desk = Case.objects.get(), Desk()
    sam = Pocket(link_in(told(meta)[0]))
    sam.moves(case, sink)
    it_closes_while_an_answer_waits(desk, case, "It comes tomorrow.")
    offered = re.search(r'name="second" value="(email:\d+)"', sam.page(case))
    assert offered is not None
    sam.press(f"/q/{case.reference}/second/", second=offered[1])
    write("Hello?")
    it_closes_while_an_answer_waits(desk, case, "It is at your door.")
    assert "It is at your door." in read(sink.mails[-1]) and len(told(meta)) == 1
    assert not Case.objects.waiting().exists() and Case.objects.count() == 1

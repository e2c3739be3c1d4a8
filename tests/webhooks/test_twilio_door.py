"""Twilio at the door of the webhooks: what it hears, and what becomes of what it says."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, Identity, Message, Organisation
from tests.adapters import twilio
from tests.webhooks.channels import channel_at, post
from tests.webhooks.conftest import work
from tests.webhooks.providers import Provider

URL = f"{settings.PUBLIC_URL}/webhooks/sms/"


@pytest.fixture
def sms(organisation: Organisation, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """The shop's number at Twilio."""
    return channel_at(twilio.Twilio, organisation, provider, monkeypatch)


def signed(fields: dict[str, str], query: str = "", **more: str) -> Request:
    """A form of Twilio's."""
    return twilio.posted(fields, query, url=URL, **more)


def text(sid: str = "SM1", body: str = "Is it there?") -> dict[str, str]:
    """An SMS that came in."""
    return twilio.text(MessageSid=sid, Body=body)


def test_twilio_hears_that_nothing_is_to_be_sent(sms: Channel, client: Client) -> None:
    """A word of plain text would go to the customer as an SMS."""
    answer = post(client, sms, signed(text()))
    assert answer.status_code == 200
    assert answer.content.decode() == '<?xml version="1.0" encoding="UTF-8"?><Response/>\n'
    assert sms.adapter().stored[1].startswith("text/xml")


def test_a_text_out_of_the_blue_opens_one_case(sms: Channel, client: Client) -> None:
    for _n in range(2):  # Twilio tries again where the answer was lost
        post(client, sms, signed(text()))
    work()
    case = Case.objects.get()
    message = Message.objects.get(direction=Message.Direction.IN)
    assert message.text == "Is it there?" and message.kind == "sms"
    assert case.choice is not None and case.choice.identity == Identity.objects.get(
        value=twilio.SAM
    )


def test_a_second_text_of_the_same_number_proves_nothing(sms: Channel, client: Client) -> None:
    """The number can be forged: it joins nothing by itself."""
    post(client, sms, signed(text()))
    work()
    post(client, sms, signed(text("SM2", "Send it to my new address")))
    work()
    assert Case.objects.count() == 2


def test_whoever_has_no_token_is_refused(sms: Channel, client: Client) -> None:
    other = signed(text("SM2")).header("x-twilio-signature")
    for proof in ("", twilio.signature(URL, list(text().items()), "another"), other):
        request = signed(text(), signature=proof)
        assert post(client, sms, request).status_code == 403
    assert not InboundEvent.objects.exists()


def test_news_find_the_delivery_by_our_key_in_the_signed_address(
    sms: Channel, client: Client
) -> None:
    post(client, sms, signed(text()))
    work()
    message = Message(direction=Message.Direction.OUT, kind="sms", text="It is.", language="en")
    Case.objects.get().append(message)
    to, now = Identity.objects.get(value=twilio.SAM), timezone.now()
    sent = {"status": Delivery.Status.SENT, "sent_at": now, "next_attempt_at": now}
    one, other = (
        Delivery.objects.create(message=message, identity=to, channel=sms, **sent)
        for _n in range(2)
    )
    event = signed(twilio.news("delivered"), f"key={one.pk}")
    for query in ((("key", str(other.pk)),), ()):
        assert post(client, sms, replace(event, query=query)).status_code == 403
    assert post(client, sms, event).status_code == 200
    work()
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.status, other.status) == (Delivery.Status.DELIVERED, Delivery.Status.SENT)

"""Twilio at the door of the webhooks: what it hears, and what becomes of what it says."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.utils import timezone
from twilio.request_validator import RequestValidator

from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, Identity, Message, Organisation
from tests.webhooks.conftest import Post, work
from tests.webhooks.providers import FORM, Call, Provider

TOKEN, SID, OURS, SAM = "token-at-the-door", "AC" + "0" * 32, "+3197010200000", "+31612345678"


@pytest.fixture
def sms(organisation: Organisation, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """The shop's number at Twilio."""
    monkeypatch.setenv("TW_SID", SID)
    monkeypatch.setenv("TW_TOKEN", TOKEN)
    monkeypatch.setenv("TW_URL", provider.url)
    provider.always = (201, {}, b'{"sid": "SM0"}')
    channel = Channel(
        organisation=organisation,
        kind="sms",
        provider="twilio",
        slug="sms",
        name="SMS",
        address=OURS,
        config={
            "account_sid": "env:TW_SID",
            "auth_token": "env:TW_TOKEN",
            "base_url": "env:TW_URL",
        },
    )
    channel.full_clean()
    channel.save()
    return channel


def signed(fields: dict[str, str], query: str = "", token: str = TOKEN) -> Call:
    """A form of Twilio's."""
    url = f"{settings.PUBLIC_URL}/webhooks/sms/{query}"
    proof = RequestValidator(token).compute_signature(url, fields)
    return urlencode(fields).encode(), FORM | {"X-Twilio-Signature": proof}


def text(sid: str = "SM1", body: str = "Is it there?") -> dict[str, str]:
    """An SMS that came in."""
    return {"MessageSid": sid, "From": SAM, "To": OURS, "Body": body, "NumMedia": "0"}


def test_twilio_hears_that_nothing_is_to_be_sent(sms: Channel, post: Post) -> None:
    """A word of plain text would go to the customer as an SMS."""
    answer = post("sms", signed(text()))
    assert answer.status_code == 200
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>\n'
    assert sms.adapter().stored[1].startswith("text/xml")


def test_a_text_out_of_the_blue_opens_one_case(sms: Channel, post: Post) -> None:
    for _n in range(2):  # Twilio tries again where the answer was lost
        post("sms", signed(text()))
    work()
    case = Case.objects.get()
    message = Message.objects.get(direction=Message.Direction.IN)
    assert message.text == "Is it there?" and message.kind == "sms"
    assert case.choice is not None and case.choice.identity == Identity.objects.get(value=SAM)


def test_a_second_text_of_the_same_number_proves_nothing(sms: Channel, post: Post) -> None:
    """The number can be forged: it joins nothing by itself."""
    post("sms", signed(text()))
    work()
    post("sms", signed(text("SM2", "Send it to my new address")))
    work()
    assert Case.objects.count() == 2


def test_whoever_has_no_token_is_refused(sms: Channel, post: Post) -> None:
    for call in (
        signed(text(), token="another"),
        (urlencode(text()).encode(), FORM),
        (signed(text())[0], signed(text("SM2"))[1]),
    ):
        assert post("sms", call).status_code == 403
    assert not InboundEvent.objects.exists()


def test_news_find_the_delivery_by_our_key_in_the_signed_address(sms: Channel, post: Post) -> None:
    post("sms", signed(text()))
    work()
    message = Message(direction=Message.Direction.OUT, kind="sms", text="It is.", language="en")
    Case.objects.get().append(message)
    to, now = Identity.objects.get(value=SAM), timezone.now()
    sent = {"status": Delivery.Status.SENT, "sent_at": now, "next_attempt_at": now}
    one, other = (
        Delivery.objects.create(message=message, identity=to, channel=sms, **sent)
        for _n in range(2)
    )
    event = {"MessageSid": "SM9", "MessageStatus": "delivered", "From": OURS, "To": SAM}
    call = signed(event, f"?key={one.pk}")
    assert post("sms", call, query=f"?key={other.pk}").status_code == 403
    assert post("sms", call).status_code == 403
    assert post("sms", call, query=f"?key={one.pk}").status_code == 200
    work()
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.status, other.status) == (Delivery.Status.DELIVERED, Delivery.Status.SENT)

"""Mails that a provider brings: cases open, answers join, by the same rules as everywhere."""

import pytest

from channels_app import dispatch, inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundEvent, InboundItem
from contacts.models import Case, Message, User
from tests import shop
from tests.webhooks.conftest import Post, work
from tests.webhooks.providers import (
    Call,
    Provider,
    mailgun_mail,
    mailgun_pieces,
    postmark_mail,
)

SAM = "sam@example.org"


@pytest.fixture(params=["mailgun", "postmark"])
def channel(request: pytest.FixtureRequest) -> Channel:
    """The shop's mailbox, once at each provider."""
    found: Channel = request.getfixturevalue(request.param)
    return found


def brought(channel: Channel, raw: bytes, to: str = shop.MAILBOX) -> Call:
    """That mail, as the channel's provider posts it."""
    make = mailgun_mail if channel.provider == "mailgun" else postmark_mail
    return make(raw, to=to)


def test_a_mail_opens_a_case_and_the_answer_joins_it(
    channel: Channel, agent: User, post: Post, provider: Provider
) -> None:
    first = shop.mail(sender=SAM, to=shop.MAILBOX, subject="The blue bike", text="Is it there?")
    assert post(channel.slug, brought(channel, first)).status_code == 200
    work()
    case = Case.objects.get()
    assert case.title == "The blue bike" and case.choice and case.choice.kind == "email"
    message = dispatch.reply(case=case, staff=agent, text="It is.")
    work()
    assert message.deliveries.get().status == Delivery.Status.SENT
    reply_to = next(a for a in _addresses(provider) if "+" in a)
    again = shop.mail(sender=SAM, to="someone@example.org", subject="Re: x", text="Great!")
    # The mail itself does not name our address: the provider's envelope does.
    assert post(channel.slug, brought(channel, again, to=reply_to)).status_code == 200
    work()
    assert Case.objects.count() == 1
    texts = [m.text for m in Message.objects.of(case).filter(direction="in").order_by("seq")]
    assert texts == ["Is it there?", "Great!"]


def _addresses(provider: Provider) -> list[str]:
    """Every address of ours in what the provider was told to send."""
    said = b" ".join(body for _path, _headers, body in provider.calls).decode()
    words = said.replace("%2B", "+").replace("%40", "@").replace('"', " ").replace("&", " ")
    return [w.rpartition("=")[2] for w in words.split() if w.endswith("@mail.example.org")]


def test_a_stranger_with_the_code_opens_a_case_of_his_own(
    channel: Channel, agent: User, post: Post, provider: Provider
) -> None:
    post(channel.slug, brought(channel, shop.mail(sender=SAM, to=shop.MAILBOX)))
    work()
    dispatch.reply(case=Case.objects.get(), staff=agent, text="It is.")
    work()
    reply_to = next(a for a in _addresses(provider) if "+" in a)
    theirs = shop.mail(sender="eve@example.net", to=reply_to)
    post(channel.slug, brought(channel, theirs, to=reply_to))
    work()
    assert Case.objects.count() == 2


def test_the_same_request_again_is_one_event(channel: Channel, post: Post) -> None:
    call = brought(channel, shop.mail(sender=SAM, to=shop.MAILBOX))
    assert [post(channel.slug, call).status_code for _n in range(2)] == [200, 200]
    assert InboundEvent.objects.count() == 1
    work()
    assert [post(channel.slug, call).status_code for _n in range(2)] == [200, 200]
    work()
    assert Case.objects.count() == 1 and InboundEvent.objects.count() == 1


def test_the_same_mail_in_another_request_is_one_message(channel: Channel, post: Post) -> None:
    raw = shop.mail(sender=SAM, to=shop.MAILBOX)
    for _n in range(2):
        assert post(channel.slug, brought(channel, raw)).status_code == 200
        work()
    assert InboundEvent.objects.count() == 2 and Case.objects.count() == 1


def test_the_rules_for_machines_hold(channel: Channel, post: Post) -> None:
    raw = shop.mail(sender=SAM, to=shop.MAILBOX, Auto_Submitted="auto-replied")
    post(channel.slug, brought(channel, raw))
    loop = shop.mail(sender="desk@other.example", to=shop.MAILBOX, X_Onecase=shop.MAILBOX)
    post(channel.slug, brought(channel, loop))
    work()
    assert {item.state for item in InboundItem.objects.all()} == {InboundItem.State.IGNORED}
    assert not Case.objects.exists() and not Delivery.objects.exists()


def test_nothing_secret_is_stored_of_a_request(channel: Channel, post: Post) -> None:
    call = brought(channel, shop.mail(sender=SAM, to=shop.MAILBOX))
    post(channel.slug, call, Cookie="a=b", **{"X-Other": "c"})
    event = InboundEvent.objects.get()
    assert event.envelope == {
        "from": "",
        "to": [],
        "method": "POST",
        "headers": [["content-type", call[1]["Content-Type"]]],
    }


@pytest.mark.parametrize("multipart", [False, True])
def test_the_bytes_of_a_mail_are_not_touched(mailgun: Channel, post: Post, multipart: bool) -> None:
    raw = shop.mail(sender=SAM, to=shop.MAILBOX, text="PLACE", subject="Old")
    raw = raw.replace(b'charset="utf-8"', b"charset=iso-8859-1").replace(b"7bit", b"8bit")
    raw = raw.replace(b"PLACE", "déjà + vu & ½ = %41".encode("latin-1"))
    call = mailgun_mail(raw, to=shop.MAILBOX, multipart=multipart)
    assert post("mailgun", call).status_code == 200
    work()
    assert Message.objects.get(direction="in").text == "déjà + vu & ½ = %41"


def test_a_mail_in_pieces_is_put_together(mailgun: Channel, post: Post) -> None:
    raw = shop.mail(sender=SAM, to=shop.MAILBOX, subject="Pieces", text="With a note")
    call = mailgun_pieces(raw, to=shop.MAILBOX, files={"note.txt": b"a note", "b.txt": b"b"})
    assert post("mailgun", call).status_code == 200
    work()
    message = Message.objects.get(direction="in")
    assert message.text == "With a note" and message.case and message.case.title == "Pieces"
    assert sorted(file.name for file in message.attachments.all()) == ["b.txt", "note.txt"]


def test_postmark_without_raw_content_is_put_together(postmark: Channel, post: Post) -> None:
    raw = shop.mail(sender=SAM, to=shop.MAILBOX, subject="Pieces", text="No raw content")
    assert post("postmark", postmark_mail(raw, to=shop.MAILBOX, whole=False)).status_code == 200
    work()
    assert Message.objects.get(direction="in").text == "No raw content"


@pytest.mark.parametrize("name", ["message-headers", "Headers"])
def test_headers_without_end_are_set_aside_and_not_read(
    mailgun: Channel, post: Post, name: str
) -> None:
    """Half a megabyte of them keeps the standard library busy for seconds, with gigabytes."""
    raw = shop.mail(sender=SAM, to=shop.MAILBOX)
    long = b"X-Long: " + b"=?utf-8?q?a?= " * 40_000 + b"\r\n" + raw
    if name == "Headers":
        Channel.objects.filter(pk=mailgun.pk).update(
            provider="postmark", config={"webhook_secret": "env:PM_SECRET"}
        )
        call = postmark_mail(long, to=shop.MAILBOX, whole=False)
    else:
        call = mailgun_pieces(long, to=shop.MAILBOX, files={})
    assert post("mailgun", call).status_code == 200
    work()
    event = InboundEvent.objects.get()
    assert event.state == InboundEvent.State.QUARANTINED
    assert event.reason == "Its headers are too long." and not Case.objects.exists()


def test_a_null_in_a_mail_stops_nothing(channel: Channel, post: Post) -> None:
    raw = shop.mail(sender=SAM, to=shop.MAILBOX, text="a PLACE b").replace(b"PLACE", b"\x00")
    assert post(channel.slug, brought(channel, raw)).status_code == 200
    work()
    text = Message.objects.get(direction="in").text
    assert "\x00" not in text and text.startswith("a ")


def test_the_mailboxs_other_door_stays_open(channel: Channel) -> None:
    """Mail that reaches the portal by SMTP or a pipe is read as ever: all doors are one channel."""
    raw = shop.mail(sender=SAM, to=shop.MAILBOX)
    inbound.receive(channel, Request(body=raw))
    work()
    assert Case.objects.count() == 1

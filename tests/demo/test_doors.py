"""The SMTP door: what it takes, what it refuses, and what it says when the database is away."""

import smtplib
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from channels_app.management import smtp
from channels_app.models import InboundEvent, InboundItem
from contacts.models import Case, Message, Organisation
from tests import worker

MAIL = (
    b"From: Tom <tom@example.org>\r\nTo: help@mail.example.org\r\nSubject: The blue bike\r\n"
    b"Message-ID: <one@example.org>\r\n\r\nIs it still there?\r\n"
)


@pytest.fixture
def client(door: int, shop: Organisation) -> Any:
    """A plain SMTP client at the door."""
    with smtplib.SMTP("127.0.0.1", door, timeout=10) as connection:
        connection.ehlo()
        yield connection


def test_a_mail_is_stored_raw_before_250(client: smtplib.SMTP) -> None:
    client.sendmail("tom@example.org", ["help@mail.example.org"], MAIL)
    event = InboundEvent.objects.get()
    assert bytes(event.raw) == MAIL
    assert event.state == InboundEvent.State.NEW
    assert event.envelope == {"from": "tom@example.org", "to": ["help@mail.example.org"]}


def test_the_mail_opens_a_case(client: smtplib.SMTP) -> None:
    client.sendmail("tom@example.org", ["help@mail.example.org"], MAIL)
    worker.file(InboundEvent.objects.get())
    case = Case.objects.get()
    assert case.title == "The blue bike"
    assert Message.objects.get(case=case, direction="in").text == "Is it still there?"


def test_the_same_mail_again_is_one_event(client: smtplib.SMTP) -> None:
    for _n in range(2):
        client.sendmail("tom@example.org", ["help@mail.example.org"], MAIL)
    assert InboundEvent.objects.count() == 1


def test_the_same_mail_by_another_way_is_one_message(client: smtplib.SMTP) -> None:
    client.sendmail("tom@example.org", ["help@mail.example.org"], MAIL)
    client.sendmail(
        "tom@example.org", ["help@mail.example.org"], b"Received: from elsewhere\r\n" + MAIL
    )
    for event in InboundEvent.objects.all():
        worker.file(event)
    assert InboundEvent.objects.count() == 2
    assert InboundItem.objects.filter(state="filed").count() == 1
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    "address",
    [
        "help@mail.example.org",
        "HELP@Mail.Example.Org",
        "help+abcdefghijklmnopqrstuvwx22@mail.example.org",
    ],
)
def test_own_addresses_are_taken(client: smtplib.SMTP, address: str) -> None:
    client.mail("tom@example.org")
    assert client.rcpt(address)[0] == 250


@pytest.mark.parametrize(
    "address", ["tom@example.org", "help@example.org", "sales@mail.example.org", "help", "@", "+@x"]
)
def test_this_is_no_relay(client: smtplib.SMTP, address: str) -> None:
    client.mail("spam@example.org")
    code, _text = client.rcpt(address)
    assert 500 <= code < 600
    assert client.docmd("DATA")[0] == 503


def test_an_empty_sender_may_write(client: smtplib.SMTP) -> None:
    client.sendmail("", ["help@mail.example.org"], MAIL)
    assert InboundEvent.objects.get().envelope["from"] == ""


def test_the_size_limit_is_announced_and_enforced(
    client: smtplib.SMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.esmtp_features["size"] == str(30 * 1024 * 1024) == str(smtp.MAX_BYTES)
    assert client.mail("tom@example.org", [f"SIZE={smtp.MAX_BYTES + 1}"])[0] == 552


def test_more_than_was_announced_is_refused(
    door: int, shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "MAX_BYTES", 10_000)
    with smtplib.SMTP("127.0.0.1", door, timeout=10) as connection:
        connection.helo()
        connection.mail("tom@example.org")
        connection.rcpt("help@mail.example.org")
        assert connection.data(MAIL + b"x" * 70 + b"\r\n" + b"y\r\n" * 10_000)[0] == 552
    assert not InboundEvent.objects.exists()


def test_a_long_line_is_taken(client: smtplib.SMTP) -> None:
    client.sendmail("tom@example.org", ["help@mail.example.org"], MAIL + b"x" * 20_000 + b"\r\n")
    assert b"x" * 20_000 in bytes(InboundEvent.objects.get().raw)


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_a_database_fault_asks_to_try_again(
    client: smtplib.SMTP, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    client.mail("tom@example.org")
    if step == "data":
        client.rcpt("help@mail.example.org")

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("the database is away")

    name = "store" if step == "data" else "channel_of"
    monkeypatch.setattr(f"channels_app.management.commands.listen_smtp.{name}", away)
    if step == "rcpt":
        assert client.rcpt("help@mail.example.org")[0] == 451
    else:
        assert client.data(MAIL)[0] == 451
    monkeypatch.undo()
    assert client.noop()[0] == 250
    assert not InboundEvent.objects.exists()


def test_garbage_ends_that_connection_only(client: smtplib.SMTP, door: int) -> None:
    other = smtplib.SMTP("127.0.0.1", door, timeout=10)
    other.send(b"\x00\xff\xfe\r\n" * 3)
    other.close()
    client.sendmail("tom@example.org", ["help@mail.example.org"], MAIL)
    assert InboundEvent.objects.filter(received_at__lte=timezone.now()).count() == 1


def test_the_fifty_first_is_turned_away(
    door: int, shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "MAX_CONNECTIONS", 1)
    with smtplib.SMTP("127.0.0.1", door, timeout=10) as first:
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", door, timeout=10)
        assert refused.value.smtp_code == 421
        assert first.noop()[0] == 250
    monkeypatch.undo()
    with smtplib.SMTP("127.0.0.1", door, timeout=10) as again:
        assert again.noop()[0] == 250

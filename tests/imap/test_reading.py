"""Mail in a mailbox becomes messages, and is moved away after that."""

import re
import smtplib
import time
from typing import Any
from urllib.parse import quote

import pytest
from django.db import OperationalError

from channels_app import dispatch, inbound
from channels_app.adapters.imap import Mailbox
from channels_app.management import imap, smtp
from channels_app.management.commands.listen_smtp import Door
from channels_app.models import Channel, InboundEvent, InboundItem
from contacts.models import Case, Message
from tests import shop as shops
from tests import worker
from tests.imap.conftest import fresh, process, stored, until
from tests.imap.dovecot import Account, Dovecot


def mail(text: str = "Is it still there?", **more: str) -> bytes:
    """A mail of Tom's, with the line ends of the network."""
    raw = shops.mail(sender="Tom <tom@example.org>", to=shops.MAILBOX, text=text, **more)
    return raw.replace(b"\n", b"\r\n")


def idle(readers: imap.Readers, channel: Channel) -> None:
    """Start, and wait until nothing is left to be read."""
    readers.look()
    assert until(lambda: fresh(channel).last_read_at)
    time.sleep(0.2)  # it says so just before it waits


def test_a_mail_that_arrives_while_idle_is_a_case_within_two_seconds(
    channel: Channel, mailbox: Account, readers: imap.Readers
) -> None:
    idle(readers, channel)
    raw, begun = mail(), time.monotonic()
    mailbox.put(raw)
    assert until(stored(1), 2)
    seconds = time.monotonic() - begun
    process()
    print(f"from arrival to committed: {seconds * 1000:.0f} ms")
    assert seconds < 2
    assert Message.objects.get(direction="in").text == "Is it still there?"
    assert bytes(InboundEvent.objects.get().raw) == raw  # as it was, byte for byte
    assert until(lambda: mailbox.count("Onecase") == 1)
    assert (mailbox.count(), mailbox.raw("Onecase")) == (0, [raw])


def test_what_lies_there_is_read_oldest_first_whether_seen_or_not(
    channel: Channel, mailbox: Account, readers: imap.Readers
) -> None:
    raws = [mail(f"Number {number}") for number in range(3)]
    for raw in raws:
        mailbox.put(raw)
    mailbox.client.select("INBOX")
    mailbox.client.store("1", "+FLAGS", r"(\Seen)")
    mailbox.client.unselect()
    readers.look()
    assert until(stored(3))
    assert [bytes(event.raw) for event in InboundEvent.objects.order_by("pk")] == raws
    assert until(lambda: mailbox.count("Onecase") == 3)
    assert mailbox.flags("Onecase").count(rb"\Seen") == 1  # reading marks nothing


def test_what_somebody_marked_as_deleted_is_not_read(
    channel: Channel, mailbox: Account, readers: imap.Readers
) -> None:
    mailbox.put(mail())
    mailbox.client.select("INBOX")
    mailbox.client.store("1", "+FLAGS", r"(\Deleted)")
    mailbox.client.unselect()
    mailbox.put(mail())
    readers.look()
    assert until(lambda: mailbox.count("Onecase") == 1)
    assert (mailbox.count(), InboundEvent.objects.count()) == (1, 1)


def test_a_reply_joins_its_case(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle(readers, channel)
    mailbox.put(mail())
    assert until(stored(1))
    process()
    with shops.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        dispatch.reply(case=Case.objects.get(), staff=shops.make_agent(), text="It is.")
        worker.send_due()
        answer = next(m for m in sink.mails if "It is." in str(m))
    mailbox.put(
        mail("I take it.", subject="Re: it").replace(
            shops.MAILBOX.encode(), str(answer["Reply-To"]).encode()
        )
    )
    assert until(stored(2))
    process()
    case = Case.objects.get()
    assert [m.text for m in case.messages.filter(direction="in")] == [
        "Is it still there?",
        "I take it.",
    ]


def test_a_mail_by_two_doors_is_one_message(
    channel: Channel, mailbox: Account, readers: imap.Readers
) -> None:
    raw = mail()
    mailbox.put(b"Received: from elsewhere\r\nDelivered-To: help@mail.example.org\r\n" + raw)
    with smtp.in_background(Door(), "mail.test") as port, smtplib.SMTP("127.0.0.1", port) as door:
        door.sendmail("tom@example.org", [shops.MAILBOX], raw)
    readers.look()
    assert until(stored(2))
    process()
    assert InboundItem.objects.filter(state="filed").count() == 1
    assert Message.objects.filter(direction="in").count() == 1


def test_it_is_moved_only_after_the_commit(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    move = Mailbox.move

    def watched(self: Mailbox, uids: Any, folder: str) -> None:
        seen.append(InboundEvent.objects.count())
        move(self, uids, folder)

    monkeypatch.setattr(Mailbox, "move", watched)
    for number in range(3):
        mailbox.put(mail(f"{number}"))
    readers.look()
    assert until(lambda: mailbox.count("Onecase") == 3)
    assert seen == [3]


def test_while_the_database_is_away_the_mail_stays(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []

    def away(*args: object) -> None:
        tries.append(time.monotonic())
        raise OperationalError("the database is away")

    monkeypatch.setattr(inbound, "receive", away)
    monkeypatch.setattr(imap, "database_answers", lambda: False)
    mailbox.put(mail())
    readers.look()
    assert until(lambda: len(tries) == 2)
    assert (mailbox.count(), mailbox.count("Onecase")) == (1, 0)
    assert fresh(channel).read_fault == imap.NO_DATABASE.stored


def test_one_that_is_refused_again_and_again_does_not_block_the_others(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, tries = inbound.receive, []

    def picky(where: Channel, request: Any) -> object:
        if b"poison" in request.body:
            tries.append(1)
            raise ValueError("a secret of the mail: poison")
        return receive(where, request)

    monkeypatch.setattr(inbound, "receive", picky)
    monkeypatch.setattr(imap, "LATER", (0.3, 0.6, 60.0))
    mailbox.put(mail("poison"))
    mailbox.put(mail("good 1"))
    readers.look()
    assert until(lambda: mailbox.count("Onecase") == 1)
    assert until(lambda: len(tries) == 3)
    mailbox.put(mail("good 2"))
    assert until(lambda: mailbox.count("Onecase") == 2)
    assert len(tries) == 3
    assert (mailbox.count(), InboundEvent.objects.count()) == (1, 2)
    assert until(lambda: fresh(channel).read_fault == imap.NOT_STORED.stored)


def test_a_mail_that_is_too_big_is_set_aside_once(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "MAX_BYTES", 10_000)
    big = mail("x" * 70 + "\r\n" + "y\r\n" * 10_000)
    mailbox.put(big)
    mailbox.put(mail("small"))
    readers.look()
    assert until(lambda: mailbox.count("Onecase-too-big") == 1 and mailbox.count("Onecase") == 1)
    assert mailbox.count() == 0
    event = InboundEvent.objects.get(state=InboundEvent.State.QUARANTINED)
    assert bytes(event.raw) == big.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert (event.reason, event.envelope["from"]) == (imap.BIG, "tom@example.org")
    assert not inbound.again(event)  # it would file a message without its words
    process()
    assert Message.objects.filter(direction="in").count() == 1
    assert imap.MAX_BYTES == 10_000 and smtp.MAX_BYTES == 30 * 1024 * 1024


def test_a_mail_that_is_deleted_under_us_is_no_fault(
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetch = Mailbox.fetch

    def late(self: Mailbox, uids: Any) -> dict[int, bytes]:
        with server.account(mailbox.user) as other:  # the reader's thread: not our connection
            if other.count() == 3:
                other.client.select("INBOX")
                other.client.store("2", "+FLAGS", r"(\Deleted)")
                other.client.expunge()
        return fetch(self, uids)

    monkeypatch.setattr(Mailbox, "fetch", late)
    for number in range(3):
        mailbox.put(mail(f"{number}"))
    readers.look()
    assert until(lambda: mailbox.count("Onecase") == 2)
    mailbox.put(mail("after"))
    assert until(lambda: mailbox.count("Onecase") == 3)
    assert mailbox.count() == 0
    assert until(lambda: fresh(channel).read_error == "")


@pytest.mark.parametrize(
    ("folder", "done"),
    [
        ("INBOX", "Read by Onecase"),
        ("Vragen & één", "Verwerkt: één & twee"),
        ("日本語", 'with "quotes" & back\\slash'),
    ],
)
def test_names_of_folders_may_be_any(
    folder: str,
    done: str,
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if folder != "INBOX":
        mailbox.make(folder)
    path = f"/{quote(folder, safe='')}?done={quote(done, safe='')}"
    monkeypatch.setenv("IMAP_URL", server.url(mailbox.user, path))
    mailbox.put(mail(), folder)
    readers.look()
    assert until(lambda: mailbox.count(done) == 1), fresh(channel).read_error
    assert mailbox.count(folder) == 0


def test_two_hundred_at_once(channel: Channel, mailbox: Account, readers: imap.Readers) -> None:
    for number in range(200):
        mailbox.put(mail(f"Number {number}", Message_ID=f"<{number}@client.example>"))
    begun = time.monotonic()
    readers.look()
    assert until(lambda: mailbox.count("Onecase") == 200, 60)
    seconds = time.monotonic() - begun
    print(f"200 mails: {seconds:.1f} s, {200 / seconds:.0f} a second")
    found = [
        int(re.search(rb"<(\d+)@client", bytes(event.raw))[1])  # type: ignore[index]
        for event in InboundEvent.objects.order_by("pk")
    ]
    assert found == list(range(200))
    assert 200 / seconds > 20

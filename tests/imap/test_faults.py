"""What goes wrong with a mailbox: said in clear words, survived, and nobody else's trouble."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from channels_app.adapters import imap as protocol
from channels_app.adapters.imap import Mailbox, place_of
from channels_app.management import imap
from channels_app.models import Channel, InboundEvent
from contacts.models import Message
from tests.imap import dovecot
from tests.imap.conftest import fresh, give_mailbox, process, stored, until
from tests.imap.dovecot import PASSWORD, Account, Dovecot
from tests.imap.test_reading import idle, mail
from tests.shop import free_port


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays as they are, but a tenth."""
    for name in ("DROPPED", "REFUSED", "DATABASE"):
        delay = getattr(imap, name)
        monkeypatch.setattr(imap, name, imap.Delay(delay.first / 10, delay.longest / 10))


def other_mailbox(monkeypatch: pytest.MonkeyPatch, url: str) -> Channel:
    """A second e-mail channel with a mailbox of its own."""
    channel = Channel.objects.get(slug="email")
    channel.pk, channel.slug, channel.name = None, "sales", "sales"
    channel.address, channel.last_read_at = "sales@mail.example.org", None
    channel.save(force_insert=True)
    monkeypatch.setenv("IMAP_URL_SALES", url)
    return give_mailbox("sales", "IMAP_URL_SALES")


def test_the_server_is_restarted(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, readers: imap.Readers, user: str
) -> None:
    with dovecot.running() as server:
        monkeypatch.setenv("IMAP_URL", server.url(user))
        idle(readers, channel)
        server.stop()
        assert until(lambda: "cannot be reached" in fresh(channel).read_error)
        time.sleep(2)
        server.start()
        with server.account(user) as mailbox:
            mailbox.put(mail())
            begun = time.monotonic()
            assert until(lambda: mailbox.count("Onecase") == 1, 15)
            print(f"read {time.monotonic() - begun:.1f} s after the restart")
        assert until(lambda: fresh(channel).read_error == "")
    assert InboundEvent.objects.count() == 1


def test_a_wrong_password_is_said_tried_later_and_never_written(
    channel: Channel,
    server: Dovecot,
    user: str,
    quick: None,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = "hush-hush"
    monkeypatch.setenv("IMAP_URL", server.url(user, password=wrong))
    caplog.set_level(logging.DEBUG)
    readers.look()
    assert until(lambda: "refuses the user name or password" in fresh(channel).read_error)
    assert fresh(channel).last_read_at is None
    text = caplog.text + fresh(channel).read_error + repr(place_of(server.url(user)))
    assert "refuses" in caplog.text
    assert wrong not in text and PASSWORD not in text


def test_one_broken_mailbox_does_not_stop_another(
    channel: Channel,
    mailbox: Account,
    quick: None,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sales = other_mailbox(monkeypatch, f"imap://me:secret@127.0.0.1:{free_port()}")
    readers.look()
    assert until(lambda: "cannot be reached" in fresh(sales).read_error)
    mailbox.put(mail())
    assert until(stored(1), 3)
    assert fresh(channel).read_error == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_dies_is_started_again(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(self: imap.Reader, mailbox: Mailbox) -> str:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(imap.Reader, "_round", dies)
        readers.look()
        assert until(lambda: not readers.running[channel.pk].is_alive())
    mailbox.put(mail())
    readers.look()
    assert until(stored(1))


def test_a_fault_of_ours_is_logged_and_survived(
    channel: Channel,
    mailbox: Account,
    quick: None,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(self: imap.Reader, mailbox: Mailbox) -> str:
        raise RuntimeError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr(imap.Reader, "_round", fails)
        readers.look()
        assert until(lambda: fresh(channel).read_fault == imap.FAULT.stored)
    mailbox.put(mail())
    assert until(stored(1))
    assert until(lambda: fresh(channel).read_error == "")


def test_two_mailboxes_and_two_channels(
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sales = other_mailbox(monkeypatch, server.url(mailbox.user + "-sales", tls=False))
    with server.account(mailbox.user + "-sales") as theirs:
        mailbox.put(mail("for help"))
        theirs.put(mail("for sales"))
        readers.look()
        assert until(stored(2))
        assert {e.channel_id: b"sales" in bytes(e.raw) for e in InboundEvent.objects.all()} == {
            channel.pk: False,
            sales.pk: True,
        }
        assert until(lambda: theirs.count("Onecase") == mailbox.count("Onecase") == 1)


def test_one_mailbox_for_two_channels_is_read_for_the_first(
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sales = other_mailbox(monkeypatch, server.url(mailbox.user, "/inbox?done=Else"))
    mailbox.put(mail())
    readers.look()
    assert until(lambda: mailbox.count("Onecase") == 1)
    assert fresh(sales).read_fault == imap.TWICE.stored
    assert list(readers.running) == [channel.pk]
    assert InboundEvent.objects.get().channel_id == channel.pk


def test_channels_come_change_and_go_while_it_runs(
    channel: Channel,
    server: Dovecot,
    user: str,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Channel.objects.filter(pk=channel.pk).update(config={})
    readers.look()
    assert readers.running == {}
    give_mailbox("email")
    readers.look()
    first = readers.running[channel.pk]
    monkeypatch.setenv("IMAP_URL_NEW", server.url(user + "-new"))
    give_mailbox("email", "IMAP_URL_NEW")
    readers.look()
    assert readers.running[channel.pk] is not first
    assert until(lambda: not first.is_alive(), 2)
    with server.account(user + "-new") as moved:
        moved.put(mail())
        assert until(stored(1))
    Channel.objects.filter(pk=channel.pk).update(config={})
    last = readers.running[channel.pk]
    readers.look()
    assert readers.running == {} and until(lambda: not last.is_alive(), 2)


def test_a_mailbox_that_was_made_anew_is_read_from_its_first_mail(
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    quick: None,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first UID means another mail now: what was known of it must not hold."""
    monkeypatch.setenv("IMAP_URL", server.url(mailbox.user, "/Questions"))
    mailbox.make("Questions")
    monkeypatch.setattr(Mailbox, "move", _refuses)  # so that UID 1 is remembered as read
    mailbox.put(mail("before"), "Questions")
    readers.look()
    assert until(lambda: fresh(channel).read_error == "“Moving is refused.”")
    old = readers.running[channel.pk]._memory
    assert list(old.stored) == [1]
    mailbox.client.delete("Questions")
    time.sleep(1.1)  # UIDVALIDITY is a time in seconds
    mailbox.make("Questions")
    mailbox.put(mail("after"), "Questions")
    assert until(stored(2))
    texts = [bytes(event.raw) for event in InboundEvent.objects.order_by("pk")]
    assert b"before" in texts[0] and b"after" in texts[1]
    assert readers.running[channel.pk]._memory.uid_validity != old.uid_validity


def _refuses(self: Mailbox, uids: Any, folder: str) -> None:
    raise protocol.FolderRefused("Moving is refused.")


def test_mail_that_cannot_be_moved_is_read_once_and_moved_when_it_can_be(
    channel: Channel, mailbox: Account, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []
    fetch = Mailbox.fetch

    def counted(self: Mailbox, uids: Any) -> dict[int, bytes]:
        fetched.extend(uids)
        return fetch(self, uids)

    monkeypatch.setattr(Mailbox, "fetch", counted)
    with monkeypatch.context() as refused:
        refused.setattr(Mailbox, "move", _refuses)
        mailbox.put(mail("1"))
        readers.look()
        assert until(lambda: fresh(channel).read_error == "“Moving is refused.”")
        mailbox.put(mail("2"))
        assert until(stored(2))
        assert mailbox.count() == 2 and fetched == [1, 2]
    mailbox.put(mail("3"))
    assert until(lambda: mailbox.count("Onecase") == 3)
    assert fetched == [1, 2, 3] and mailbox.count() == 0
    assert until(lambda: fresh(channel).read_error == "")


def test_a_done_folder_that_vanishes_is_made_again(
    channel: Channel, mailbox: Account, readers: imap.Readers
) -> None:
    mailbox.put(mail("1"))
    idle(readers, channel)
    assert until(lambda: mailbox.count("Onecase") == 1)
    mailbox.client.delete("Onecase")
    mailbox.put(mail("2"))
    assert until(lambda: mailbox.count("Onecase") == 1 and mailbox.count() == 0)


def test_a_read_only_folder_is_read_once_and_said(
    channel: Channel, user: str, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own rights (ACL): read and look up, nothing else."""
    with dovecot.running(mail_plugins="acl", **{"plugin/acl": "vfile:/nowhere"}) as server:
        monkeypatch.setenv("IMAP_URL", server.url(user))
        with server.account(user) as mailbox:
            mailbox.put(mail())
            place = server.folder / "mail" / user / "Maildir"
            (place / "dovecot-acl").write_text("owner lr\n")
            readers.look()
            assert until(lambda: fresh(channel).read_fault == imap.READ_ONLY.stored)
            assert InboundEvent.objects.count() == 1 and mailbox.count() == 1


@pytest.mark.parametrize(
    "capabilities",
    ["IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 IDLE UIDPLUS", "IMAP4rev1 IDLE"],
    ids=["bare", "no MOVE", "no UIDPLUS"],
)
def test_servers_that_can_less(
    capabilities: str,
    channel: Channel,
    user: str,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "POLL_SECONDS", 0.3)
    with dovecot.running(imap_capability=capabilities) as server:
        monkeypatch.setenv("IMAP_URL", server.url(user))
        with server.account(user) as mailbox:
            idle(readers, channel)
            mailbox.put(mail("1"))
            mailbox.put(mail("2"))
            assert until(lambda: mailbox.count("Onecase") == 2 and mailbox.count() == 0)
    assert InboundEvent.objects.count() == 2


def test_without_uidplus_what_people_marked_as_deleted_stays(
    channel: Channel, user: str, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dovecot.running(imap_capability="IMAP4rev1 IDLE") as server:
        monkeypatch.setenv("IMAP_URL", server.url(user))
        with server.account(user) as mailbox:
            mailbox.put(mail("kept"))
            mailbox.client.select("INBOX")
            mailbox.client.store("1", "+FLAGS", r"(\Deleted)")
            mailbox.client.unselect()
            mailbox.put(mail("read"))
            readers.look()
            assert until(lambda: mailbox.count("Onecase") == 1)
            assert until(lambda: fresh(channel).last_read_at)
            assert any(b"kept" in raw for raw in mailbox.raw("INBOX"))
    assert InboundEvent.objects.count() == 1


def test_mail_comes_over_tls_while_idle(
    channel: Channel,
    server: Dovecot,
    mailbox: Account,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "cert.pem"))
    monkeypatch.setenv("IMAP_URL", server.url(mailbox.user, tls=True))
    idle(readers, channel)
    mailbox.put(mail())
    assert until(stored(1), 2)


def test_a_connection_that_died_silently_is_noticed(
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    quick: None,
    readers: imap.Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A relay that swallows everything from one moment on, as a dead router does."""
    monkeypatch.setattr(protocol, "TIMEOUT", 0.5)
    monkeypatch.setattr(imap, "RENEW_SECONDS", 1.0)
    with relay(server.port) as (port, dead):
        url = server.url(mailbox.user).replace(str(server.port), str(port))
        monkeypatch.setenv("IMAP_URL", url)
        idle(readers, channel)
        dead.set()
        mailbox.put(mail())
        time.sleep(0.5)
        assert InboundEvent.objects.count() == 0
        assert until(lambda: "cannot be reached" in fresh(channel).read_error)
        dead.clear()
        assert until(stored(1))


@contextmanager
def relay(target: int) -> Iterator[tuple[int, threading.Event]]:
    """Passes bytes on to a port; calls that lived while `dead` was set stay silent for ever."""
    server, dead = socket.create_server(("127.0.0.1", 0)), threading.Event()
    ends: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket, state: dict[str, bool]) -> None:
        while True:
            try:
                data = source.recv(65536)
                state["dead"] |= dead.is_set()
                if not state["dead"]:
                    sink.sendall(data)
            except OSError:
                return
            if not data:
                if not state["dead"]:
                    sink.close()
                return

    def serve() -> None:
        while True:
            try:
                near, _address = server.accept()
                far = socket.create_connection(("127.0.0.1", target))
            except OSError:
                return
            ends.extend((near, far))
            state = {"dead": dead.is_set()}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=(*pair, state), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1], dead
    finally:
        for end in (server, *ends):
            end.close()


def test_no_database_connection_is_held_while_idle(
    channel: Channel, readers: imap.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    wait = Mailbox.wait

    def watched(self: Mailbox, *args: Any) -> None:
        held.append(connections["default"].connection is not None)
        wait(self, *args)

    monkeypatch.setattr(Mailbox, "wait", watched)
    idle(readers, channel)
    assert held == [False]


def test_what_came_by_imap_can_be_read_by_the_worker(
    channel: Channel, mailbox: Account, readers: imap.Readers
) -> None:
    mailbox.put(b"no mail at all")
    mailbox.put(b"\r\n")
    mailbox.put(mail("fine"))
    readers.look()
    assert until(lambda: mailbox.count() == 0)
    process()
    assert Message.objects.filter(direction="in").count() == 1
    assert InboundEvent.objects.filter(state="new").count() == 0

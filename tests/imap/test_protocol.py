"""One connection to a mailbox: addresses, TLS, and servers that are none."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from channels_app.adapters import imap as protocol
from channels_app.adapters.base import SendError
from channels_app.adapters.imap import Mailbox, place_of
from channels_app.management import imap
from portal.redaction import redact
from tests.imap.dovecot import Dovecot


@contextmanager
def garbage(answer: bytes, *, then_close: bool = False) -> Iterator[int]:
    """A server that says always the same; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    calls: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                call, _address = server.accept()
                calls.append(call)
                call.sendall(answer)
                if then_close:
                    call.close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        socket.socket.shutdown(server, socket.SHUT_RDWR)
        server.close()
        for call in calls:
            call.close()


def test_the_delays_grow_and_have_an_end() -> None:
    assert [imap.REFUSED.after(n) for n in range(1, 7)] == [20, 40, 80, 160, 300, 300]
    assert [imap.DROPPED.after(n) for n in (1, 2, 7, 1000)] == [1, 2, 60, 60]


def test_an_address_in_a_log_line_loses_its_password(server: Dovecot) -> None:
    assert "right" not in redact(f"cannot open {server.url('tom')}")


def test_tls_is_checked_by_name_and_issuer(
    server: Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(user, tls=True)
    with pytest.raises(SendError, match="imap_certificate"):
        protocol.check(url)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "cert.pem"))
    assert protocol.check(url) == {"imap_host": "localhost", "count": "0"}
    with pytest.raises(SendError, match="imap_certificate"):
        protocol.check(url.replace("localhost", "127.0.0.1"))
    start = server.url(user, "?tls=1")
    assert protocol.check(start.replace("127.0.0.1", "localhost"))["count"] == "0"
    with pytest.raises(SendError, match="imap_certificate"):
        protocol.check(start)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/Nothing", "imap_no_folder"),
        ("/INBOX?done=inbox", "imap_same_folder"),
    ],
)
def test_a_wrong_folder_is_said(server: Dovecot, user: str, path: str, words: str) -> None:
    with pytest.raises(SendError, match=words):
        protocol.check(server.url(user, path))


@pytest.mark.parametrize(
    ("answer", "close", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "imap_nonsense|imap_broke"),
        (b"* OK\r\n" + b"\xff\x00\r\n" * 50, False, "imap_nonsense|imap_broke"),
        (b"* BYE too many\r\n", True, "imap_nonsense|imap_broke"),
        (b"", True, "imap_broke"),
        (b"", False, "imap_unreachable"),
        (b"x" * 100_000, True, "imap_nonsense|imap_broke"),
    ],
    ids=["http", "noise", "bye", "closed", "silent", "long line"],
)
def test_what_is_no_imap_server_is_said(
    answer: bytes, close: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "TIMEOUT", 0.5)
    with garbage(answer, then_close=close) as port, pytest.raises(SendError, match=words):
        protocol.check(f"imap://me:secret@127.0.0.1:{port}")


def test_tls_where_there_is_none_is_said(server: Dovecot, user: str) -> None:
    url = server.url(user, tls=True).replace(str(server.tls_port), str(server.port))
    with pytest.raises(SendError, match="imap_tls"):
        protocol.check(url)


def test_an_unknown_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SendError, match="imap_no_host"):
        protocol.check("imaps://me:secret@imap.example.org")


@pytest.mark.parametrize(
    "url",
    [
        *("", "imaps://", "smtp://me:pw@host", "imaps://host", "imaps://me@host"),
        *("imaps://me:pw@host:port", "imaps://me:pw@[::1", "imaps://me:a%0d%0ab@host"),
        *("imap://me:pw@mail.example.org", "imap://me:pw@10.0.0.1"),
    ],
)
def test_a_bad_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SendError) as refused:
        place_of(url)
    assert refused.value.why.code in ("imap_url", "imap_needs_tls")
    assert refused.value.why.data == {}


def test_what_an_address_says() -> None:
    place = place_of("imaps://help%40example.org:a%3Ab@mail.example.org/A%20%26%20B?done=Z%2FY")
    assert (place.host, place.port, place.user) == ("mail.example.org", 993, "help@example.org")
    assert (place.password, place.folder, place.done) == ("a:b", "A & B", "Z/Y")
    assert place_of("imap://a:b@127.0.0.1").tls == "none"
    assert place_of("imap://a:b@mail.example.org?tls=1").port == 143


def test_keepalive_is_on(server: Dovecot, user: str) -> None:
    with Mailbox(place_of(server.url(user))) as mailbox:
        sock = mailbox._client.sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_news_that_come_in_one_piece_with_an_answer_are_seen() -> None:
    """A server that tells of new mail together with its "+": no poll would wake for it."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        call, _address = server.accept()
        call.sendall(b"* OK hello\r\n")
        idle_tag = b""
        for line in call.makefile("rb"):
            tag, _space, command = line.strip().partition(b" ")
            word = command.split(b" ")[0].upper()
            if line.strip() == b"DONE":
                call.sendall(b"%s OK done\r\n" % idle_tag)
            elif word == b"CAPABILITY":
                call.sendall(b"* CAPABILITY IMAP4rev1 IDLE\r\n%s OK done\r\n" % tag)
            elif word == b"SELECT":
                call.sendall(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%s OK done\r\n" % tag)
            elif word == b"IDLE":
                idle_tag = tag
                call.sendall(b"* 1 EXISTS\r\n+ idling\r\n* 2 EXISTS\r\n")
            else:
                call.sendall(b"%s OK done\r\n" % tag)

    threading.Thread(target=serve, daemon=True).start()
    here, _there = socket.socketpair()
    port = server.getsockname()[1]
    with Mailbox(place_of(f"imap://me:secret@127.0.0.1:{port}")) as mailbox:
        assert mailbox.uid_validity == "7"
        begun = time.monotonic()
        mailbox.wait(5, here)
        assert time.monotonic() - begun < 1
    server.close()

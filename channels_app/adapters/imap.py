"""One mailbox over IMAP: what the adapter's test and the reader of mail need of it, no more.

It knows no model. What a server says is never repeated (it may hold a secret): each fault becomes
a reason of our own. Mail is named by its UID within the UIDVALIDITY of the open folder.
"""

import imaplib
import ipaddress
import re
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from imap_tools.errors import ImapToolsError, MailboxLoginError
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.utils import encode_folder

from channels_app.adapters.base import Misconfigured, Reason, SendError, Unavailable

TIMEOUT = 30.0  # seconds for each answer of the server
POLL_SECONDS = 15.0  # between two looks where the server cannot say that mail came
MAX_HEADER = 64 * 1024  # of a mail that is too big to be read whole
DONE = "Onecase"
# A connection that is dead at the other end is noticed after two minutes of silence.
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
# "NO" to a sign-in with one of these says nothing about the password (RFC 5530).
_NOT_NOW = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\b", re.IGNORECASE)


class FolderRefused(SendError):
    """The server does not let mail be moved, or a folder be made: reading goes on."""


@dataclass(frozen=True)
class Place:
    """Where mail is read: a server, an account, a folder, and where it goes afterwards."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    done: str = DONE
    tls: str = "implicit"  # implicit, start (STARTTLS), or none

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What makes two of them the same mailbox."""
        folder = "INBOX" if self.folder.upper() == "INBOX" else self.folder
        return self.host.lower(), self.port, self.user, folder


def place_of(url: str) -> Place:
    """The mailbox of imaps://user:password@host:993/INBOX?done=Onecase. Raises Misconfigured."""
    form = Reason("imap_url")
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise Misconfigured(form) from None
    if parts.scheme not in ("imap", "imaps") or not (host and parts.username and parts.password):
        raise Misconfigured(form)
    query = parse_qs(parts.query)
    tls = "implicit" if parts.scheme == "imaps" else "start" if query.get("tls") == ["1"] else ""
    if not tls and not _is_here(host):
        raise Misconfigured(Reason("imap_needs_tls"))
    place = Place(
        host=host,
        port=port or (993 if tls == "implicit" else 143),
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.removeprefix("/")) or "INBOX",
        done=query.get("done", [DONE])[0],
        tls=tls or "none",
    )
    names = place.user + place.password + place.folder + place.done
    if any(ord(character) < 32 for character in names):
        raise Misconfigured(form)
    if place.done.upper() == place.folder.upper():
        raise Misconfigured(Reason("imap_same_folder"))
    return place


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


@contextmanager
def own_words() -> Iterator[None]:
    """Turn what goes wrong on the way into a SendError with a reason of our own."""
    try:
        yield
    except SendError:
        raise
    except socket.gaierror:
        raise Unavailable(Reason("imap_no_host"), everyone=True) from None
    except ssl.SSLCertVerificationError:
        raise Misconfigured(Reason("imap_certificate")) from None
    except ssl.SSLError:
        raise Unavailable(Reason("imap_tls"), everyone=True) from None
    except OSError:
        raise Unavailable(Reason("imap_unreachable"), everyone=True) from None
    except imaplib.IMAP4.abort:
        raise Unavailable(Reason("imap_broke"), everyone=True) from None
    except (imaplib.IMAP4.error, ImapToolsError, ValueError, LookupError, TypeError):
        raise Unavailable(Reason("imap_nonsense"), everyone=True) from None


class Mailbox:
    """An open folder. Every method raises SendError and nothing else of the network's."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.writable = True
        self.uid_validity = ""
        self._made: dict[str, str] = {}  # folder as configured -> as it is called there
        with own_words():
            self._box = _connect(place)
            try:
                self._open()
            except BaseException:
                self._box.client.shutdown()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def _client(self) -> Any:
        return self._box.client

    def _open(self) -> None:
        _keep_alive(self._client.sock)
        capabilities = self._capabilities()
        self._login("AUTH=PLAIN" in capabilities)
        capabilities = self._capabilities()
        self.can_idle = "IDLE" in capabilities
        self.can_move = "MOVE" in capabilities
        self.has_uidplus = "UIDPLUS" in capabilities
        self._select()

    def _capabilities(self) -> frozenset[str]:
        _ok, data = self._client.capability()
        return frozenset((data[-1] or b"").decode("ascii", "replace").upper().split())

    def _login(self, plain: bool) -> None:
        """Sign in; by AUTHENTICATE where the server has it: any character may be in a password."""
        sign_in = self._box.login_utf8 if plain else self._box.login
        try:
            sign_in(self.place.user, self.place.password, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except UnicodeEncodeError:
            raise Misconfigured(Reason("imap_letters")) from None
        except (imaplib.IMAP4.error, MailboxLoginError) as error:
            if _NOT_NOW.search(str(error)):
                raise Unavailable(Reason("imap_not_now"), everyone=True) from None
            raise Misconfigured(Reason("imap_password")) from None

    def _select(self) -> None:
        try:
            self._box.folder.set(self.place.folder)
        except imaplib.IMAP4.readonly:
            self.writable = False
            self._box.folder.set(self.place.folder, readonly=True)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, ImapToolsError):
            raise Misconfigured(Reason("imap_no_folder")) from None
        _name, data = self._client.response("UIDVALIDITY")
        self.uid_validity = (data[0] or b"").decode("ascii", "replace") if data else ""

    def uids(self) -> list[int]:
        """All mails of the folder but those that somebody marked as deleted, oldest first."""
        self._client.untagged_responses.clear()  # what came while idle would pile up for weeks
        with own_words():
            return sorted(int(uid) for uid in self._box.uids("UNDELETED", charset=None))

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """How many bytes each has; one that is gone meanwhile has no entry."""
        with own_words():
            _typ, data = self._client.uid("FETCH", _set(uids), "(UID RFC822.SIZE)")
            found = {}
            for item in data:
                line = item[0] if isinstance(item, tuple) else item or b""
                uid, size = _UID.search(line), _SIZE.search(line)
                if uid and size:
                    found[int(uid[1])] = int(size[1])
            return found

    def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The raw bytes; nothing is marked as seen. What is gone, or refused, has no entry."""
        found = self._bodies(uids, "BODY.PEEK[]")
        if not found and len(uids) > 1:  # one that cannot be read made the server refuse all
            for uid in uids:
                found |= self._bodies([uid], "BODY.PEEK[]")
        return found

    def head(self, uid: int) -> bytes:
        """The header of one mail, cut at the bound; b"" if it is gone."""
        found = self._bodies([uid], f"BODY.PEEK[HEADER]<0.{MAX_HEADER}>")
        return found.get(uid, b"")[:MAX_HEADER]

    def _bodies(self, uids: Sequence[int], part: str) -> dict[int, bytes]:
        with own_words():
            _typ, data = self._client.uid("FETCH", _set(uids), f"(UID {part})")
            return _literals(data, set(uids))

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move them to a folder, which is made if it is missing. Raises FolderRefused."""
        with own_words():
            name = self._folder(folder)
            if not self._moved(uids, name):
                self._made.clear()  # somebody may have removed it
                if not self._moved(uids, self._folder(folder)):
                    raise FolderRefused(Reason("imap_no_move"))

    def _moved(self, uids: Sequence[int], folder: str) -> bool:
        target = encode_folder(folder)
        if self.can_move:
            return bool(self._client.uid("MOVE", _set(uids), target)[0] == "OK")
        if self._client.uid("COPY", _set(uids), target)[0] != "OK":
            return False
        if self._client.uid("STORE", _set(uids), "+FLAGS.SILENT", r"(\Deleted)")[0] != "OK":
            return False
        self._expunge(uids)
        return True

    def _expunge(self, uids: Sequence[int]) -> None:
        """Remove those and no others: a bare EXPUNGE takes what people marked as well."""
        if self.has_uidplus:
            self._client.uid("EXPUNGE", _set(uids))
            return
        marked = {int(uid) for uid in self._box.uids("DELETED", charset=None)}
        if marked <= set(uids):
            self._client.expunge()

    def _folder(self, wanted: str) -> str:
        """What a folder is called there; made where it is missing."""
        if wanted not in self._made:
            self._made[wanted] = self._existing(wanted) or self._new(wanted)
        return self._made[wanted]

    def _names(self, wanted: str) -> list[str]:
        """As it is written, and below the folder that is read: some servers allow only that."""
        root = self._box.folder.list("", "")
        delimiter = root[0].delim if root and root[0].delim not in ("", "NIL") else "/"
        return [wanted, f"{self.place.folder}{delimiter}{wanted}"]

    def _existing(self, wanted: str) -> str:
        names = self._names(wanted)
        return next((name for name in names if self._box.folder.exists(name)), "")

    def _new(self, wanted: str) -> str:
        for name in self._names(wanted):
            try:
                self._box.folder.create(name)
            except imaplib.IMAP4.abort:
                raise
            except (imaplib.IMAP4.error, ImapToolsError):
                continue
            with suppress(ImapToolsError):
                self._box.folder.subscribe(name, True)  # so that mail programs show it
            return name
        raise FolderRefused(Reason("imap_no_new_folder"))

    def wait(self, seconds: float, wake: socket.socket) -> None:
        """Sleep until the folder may have changed, the time is over or somebody wakes us."""
        with own_words():
            if not self.can_idle:
                _poll(min(seconds, POLL_SECONDS), wake)
                self._client.noop()
                return
            tag = self._client._command("IDLE")
            while self._client._get_response() is not None:  # None: the server waits with us
                if self._client.tagged_commands.get(tag):
                    del self._client.tagged_commands[tag]
                    self.can_idle = False
                    return
            if not self._came_along():
                _poll(seconds, self._client.sock, wake)
            self._client.send(b"DONE\r\n")
            self._client._get_tagged_response(tag)

    def _came_along(self) -> bool:
        """Whether news came in one piece with the last answer: no poll would tell of it."""
        sock, own = self._client.sock, vars(self._client)
        file = own.get("file") or own["_file"]  # its name from Python 3.14 on
        sock.settimeout(0)
        try:
            return bool(file.peek(1))
        except OSError:
            return False
        finally:
            sock.settimeout(TIMEOUT)

    def hang_up(self) -> None:
        """End the connection under whoever waits on it; from another thread."""
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(
                self._client.sock, socket.SHUT_RDWR
            )  # not TLS's own, which waits

    def close(self) -> None:
        """Say good-bye, but do not wait long for an answer."""
        with suppress(OSError, AttributeError, imaplib.IMAP4.error, ImapToolsError):
            self._client.sock.settimeout(1.0)
            self._box.logout()
        with suppress(OSError, AttributeError):
            self._client.shutdown()


def _connect(place: Place) -> BaseMailBox:
    if place.tls == "implicit":
        context = ssl.create_default_context()
        return MailBox(place.host, place.port, timeout=TIMEOUT, ssl_context=context)
    if place.tls == "start":
        context = ssl.create_default_context()
        return MailBoxStartTls(place.host, place.port, timeout=TIMEOUT, ssl_context=context)
    return MailBoxUnencrypted(place.host, place.port, timeout=TIMEOUT)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if (number := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, number, value)


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _literals(data: Sequence[Any], wanted: set[int]) -> dict[int, bytes]:
    """UID to bytes, of an answer to FETCH; the UID stands before the bytes or after them."""
    found = {}
    for place, item in enumerate(data):
        before, raw = item if isinstance(item, tuple) else (item or b"", b"")
        after = data[place + 1] if isinstance(item, tuple) and place + 1 < len(data) else b""
        uid = _UID.search(before) or (_UID.search(after) if isinstance(after, bytes) else None)
        # An answer without bytes is an empty mail, or the flags of one, said in between.
        if uid and int(uid[1]) in wanted and b"BODY[" in before:
            found[int(uid[1])] = raw
    return found


def _poll(seconds: float, *sockets: socket.socket) -> None:
    poller = select.poll()
    for sock in sockets:
        poller.register(sock, select.POLLIN)
    poller.poll(seconds * 1000)


def check(url: str) -> dict[str, str]:
    """Really sign in and open the folder: which server, how many mails. Raises SendError."""
    with Mailbox(place_of(url)) as mailbox:
        if not mailbox.writable:
            raise Misconfigured(Reason("imap_read_only"))
        return {"imap_host": mailbox.place.host, "count": str(len(mailbox.uids()))}

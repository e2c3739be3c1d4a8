"""Asking an address by HTTP: time-outs, bounds, what a fault means, and no private address."""

import functools
import ipaddress
import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any

from channels_app.adapters.base import (
    BadPayload,
    Misconfigured,
    Reason,
    Rejected,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.payload import read_object

CONNECT, READ = 5.0, 15.0  # seconds to connect, and between two pieces of an answer
WHOLE = 60.0  # seconds for the body of an answer, however steadily it drips
MAX_PAUSE = timedelta(days=1)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
UNICAST = ipaddress.ip_network("2000::/3")
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: IPv4 in its last four bytes
NOBODYS = ipaddress.ip_network("2001:db8::/32")  # for documentation: nothing can live there

# It writes each address that is asked, and Telegram's token is part of one.
logging.getLogger("httpx").addFilter(lambda record: False)


@dataclass(frozen=True)
class Answer:
    """What a provider said to a call."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in small letters
    content: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it says that all is well."""
        return 200 <= self.status < 300

    @functools.cached_property
    def said(self) -> dict[str, Any]:
        """The JSON object; empty where it is none."""
        try:
            return read_object(self.content)
        except BadPayload:
            return {}

    @property
    def retry_after(self) -> timedelta | None:
        """How long it asks us to wait: seconds, or a date, never more than a day."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal() and value.isascii():
            return min(timedelta(seconds=int(value[:6])), MAX_PAUSE)
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        wait = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
        return max(timedelta(0), min(wait, MAX_PAUSE))


class Outside:
    """The way to addresses that somebody gave us: by https, and to public ones only.

    `near`: this very machine is one of them, also without https (the demo, and tests).
    """

    # How names become addresses; the addresses it gives are the ones connected to.
    look_up: Callable[..., Iterable[Any]] = staticmethod(socket.getaddrinfo)

    def __init__(self, *, near: bool = False) -> None:
        self._near = near
        # A connection is known by its address alone: never the next host's at the same address.
        self._stranger = client(0)

    def close(self) -> None:
        """Close the connections."""
        self._stranger.close()

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Hand something over; what is said to it besides status and headers is not read.

        Raises Unavailable, Rejected (no public address).
        """
        with judged(), self._ask(url, "POST", content=content, headers=headers) as answer:
            return answer_of(answer)

    def _known(self, target: Any) -> Any:
        """The client for an address that is trusted as it stands; None for any other."""
        return self._stranger if self._near and target.host in LOOPBACK else None

    def _client_for(self, host: str) -> Any:
        return self._stranger

    def _ask(self, url: str, method: str = "GET", **content: Any) -> Any:
        """Ask where it is trusted, or by https at the public address of another host."""
        target = httpx().URL(url)
        if known := self._known(target):
            return known.stream(method, target, **content)
        public = target.scheme == "https" and target.port in (None, 443) and target.host
        if not public or target.userinfo:
            raise Rejected(Reason("file_refused"))
        address = self._address(target.host)
        headers = {**content.pop("headers", {}), "Host": target.netloc.decode("ascii")}
        # Connected to the address that was looked at: a name may lead elsewhere a moment later.
        return self._client_for(target.host).stream(
            method,
            target.copy_with(host=address),
            headers=headers,
            extensions={"sni_hostname": target.raw_host.decode("ascii").strip("[]")},
            **content,
        )

    def _address(self, host: str) -> str:
        """The address of a host, unless one of them is not public."""
        try:
            found = [entry[4][0] for entry in self.look_up(host, 443, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            raise Unavailable(Reason("file_unreachable")) from None
        if not found or not all(map(is_public, found)):
            raise Rejected(Reason("file_refused"))
        return found[0]


def is_public(address: str) -> bool:
    """Whether anybody on the Internet could reach it: not this machine, not the network around."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        within = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in TRANSLATED:
            within = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if within:
            return is_public(str(within))
        return ip in NOBODYS or (ip in UNICAST and ip.is_global)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def httpx() -> Any:
    """Loaded when something is first asked for: 0.3 s for every process otherwise."""
    return import_module("httpx")


@functools.cache
def _trusted() -> Any:
    """The certificates that we believe, read once."""
    return httpx().create_ssl_context(trust_env=False)


def client(kept_open: float, **options: Any) -> Any:
    """Follows nothing, and takes neither proxy nor password from the environment."""
    library = httpx()
    found = library.Client(
        timeout=library.Timeout(READ, connect=CONNECT),
        limits=library.Limits(keepalive_expiry=kept_open),
        verify=_trusted(),
        trust_env=False,
        follow_redirects=False,
        **options,
    )
    # Packed answers would have to be unpacked before their size is known.
    found.headers.update({"User-Agent": "Onecase", "Accept-Encoding": "identity"})
    return found


def answer_of(answer: Any, content: bytes = b"") -> Answer:
    """What was said, with as much of its body as was read."""
    return Answer(answer.status_code, dict(answer.headers), content)


@contextmanager
def judged() -> Iterator[None]:
    """What goes wrong at an address that somebody gave us: perhaps later, or never there."""
    try:
        yield
    except SendError:
        raise
    except Exception as error:
        fault = broken(error, safe=True)
        if isinstance(fault, Misconfigured):  # the address is wrong, not ours
            fault = Rejected(Reason("file_refused"))
        raise fault from None


def read(answer: Any, limit: int) -> bytes:
    """At most `limit` bytes of a body, as they came."""
    end, content = time.monotonic() + WHOLE, bytearray()
    for piece in answer.iter_raw():
        content += piece
        if len(content) >= limit:
            break
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(content[:limit])


def broken(error: Exception, *, safe: bool) -> Exception:
    """What a fault of the connection means; one that nobody foresaw stays what it is."""
    library = httpx()
    if isinstance(error, (library.ConnectError, library.ConnectTimeout, library.PoolTimeout)):
        return Unavailable(fault_of("provider_unreachable", error), everyone=True)
    wrong = (library.InvalidURL, library.UnsupportedProtocol, library.LocalProtocolError)
    if isinstance(error, (*wrong, UnicodeError)):
        return Misconfigured(fault_of("provider_url_wrong", error))
    if not isinstance(error, (library.HTTPError, OSError)):
        return error
    # Half a request is none, and nobody acts on it.
    if safe or isinstance(error, library.WriteTimeout):
        return Unavailable(fault_of("mail_broke", error))
    return Uncertain(fault_of("mail_broke_sending", error))


def fault_of(code: str, error: BaseException) -> Reason:
    """The sort of fault at its root, never its words: they may hold an address or a secret."""
    while not isinstance(error, OSError) and (below := error.__cause__ or error.__context__):
        error = below
    return Reason(code, {"fault": type(error).__name__})

"""The one HTTP door to providers: time-outs, bounds, no private address, no secret in any word.

What became of a call -> ours:
  nobody there, nothing handed over -> Unavailable, for the whole account
  silent or broken afterwards       -> Uncertain (what may be repeated: Unavailable)
  429  -> Unavailable, with retry_after, for the whole account      5xx -> Unavailable
  401, 403, a redirect -> Misconfigured                       other 4xx -> Rejected
  2xx without the words that we expect -> Uncertain

httpx is loaded when a door is first opened: 0.3 s for every process otherwise.
"""

import functools
import ipaddress
import logging
import math
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels_app.adapters.base import (
    Adapter,
    BadPayload,
    Misconfigured,
    Reason,
    Rejected,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.payload import is_number, media_type, one_line, read_object

CONNECT, READ = 5.0, 15.0  # seconds to connect, and between two pieces of an answer
WHOLE = 60.0  # seconds for the body of an answer, however steadily it drips
KEPT_OPEN = 20.0  # seconds; every provider closes later than that, so no call meets a closed door
MAX_ANSWER = 1024 * 1024  # bytes of what a provider says to a call
MAX_HOPS = 5
MAX_PAUSE = timedelta(days=1)
MAX_QUEUE = 1.0  # seconds that a call waits for its turn; then the row waits, not the worker
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


class Door:
    """The way to one account at one provider. Connections stay open between calls.

    `base_url` comes from the configuration and is trusted; credentials go to its origin and to the
    hosts of `also`, nowhere else. `secrets` are cut out of whatever a provider says.
    """

    # How names become addresses; the addresses it gives are the ones connected to.
    look_up: Callable[..., Iterable[Any]] = staticmethod(socket.getaddrinfo)

    def __init__(
        self,
        base_url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        also: frozenset[str] = frozenset(),
        per_second: float = 0,
    ) -> None:
        check_base(base_url)
        self._base = base_url.rstrip("/")
        self._secrets, self._also = secrets, also
        self._pace = _pace(self._base, auth and auth[0], per_second) if per_second else None
        httpx = _httpx()
        try:
            self._origin = _origin(httpx.URL(self._base))
            self._client = _client(KEPT_OPEN, auth=auth, headers=headers)
        except (httpx.InvalidURL, ValueError) as error:
            raise Misconfigured(_fault("provider_url_wrong", error)) from None
        # A connection is known by its address alone: never the next host's at the same address.
        self._stranger = _client(0)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._stranger.close()

    def call(self, method: str, path: str, *, repeatable: bool = False, **content: Any) -> Answer:
        """One call; `content` is httpx's: data, json, files, params.

        Gives the answer whatever its status. Raises Unavailable, Misconfigured, Uncertain.
        """
        if self._pace is not None:
            self._pace.wait()
        safe = repeatable or method == "GET"
        try:
            with self._client.stream(method, self._base + path, **content) as answer:
                safe = safe or not answer.is_success  # a refusal counts without all of its words
                return _answer(answer, _read(answer, MAX_ANSWER))
        except Exception as error:
            raise _broken(error, safe=safe) from None

    def refusal(self, answer: Answer, said: object = "") -> SendError:
        """What an answer that is no success means, where the provider's own code says no more."""
        detail = f"{answer.status} {self.clean(said)}".strip()
        if answer.status == 429 or answer.status >= 500:
            everyone = answer.status in (429, 503)
            return Unavailable(detail, retry_after=answer.retry_after, everyone=everyone)
        if answer.ok:
            return Uncertain(Reason("provider_nonsense"))
        if answer.status < 400 or answer.status in (401, 403):
            return Misconfigured(detail)
        return Rejected(detail)

    def clean(self, said: object) -> str:
        """Words of a provider on one line, without anything that we keep secret."""
        text = one_line(said)
        for secret in filter(None, self._secrets):
            text = text.replace(secret, "…")
        return text

    def fetch(self, url: str, limit: int) -> tuple[bytes, str]:
        """What stands at an address that somebody gave us, and its type, without parameters.

        Raises Unavailable (perhaps later), Rejected (never: no public address, too large, gone).
        """
        for _hop in range(MAX_HOPS):
            try:
                with self._ask(url) as answer:
                    if not answer.has_redirect_location:
                        return self._file(answer, limit)
                    url = str(_httpx().URL(url).join(answer.headers["location"]))
            except SendError:
                raise
            except Exception as error:
                broken = _broken(error, safe=True)
                if isinstance(broken, Misconfigured):  # the address is wrong, not ours
                    broken = Rejected(Reason("file_refused"))
                raise broken from None
        raise Rejected(Reason("file_refused"))

    def fetch_kept(self, url: object, size: object, limit: int) -> tuple[bytes, str]:
        """The same of a file that the provider keeps for us, where and as large as it says."""
        if is_number(size) and size > limit:
            raise Rejected(Reason("file_too_large"))
        if not isinstance(url, str):
            raise Unavailable(Reason("provider_nonsense"))
        return self.fetch(url, limit)

    def _ask(self, url: str) -> Any:
        """Ask for a file: at the provider, or by https at the public address of another host."""
        target = _httpx().URL(url)
        if _origin(target) == self._origin:
            return self._client.stream("GET", target)
        public = target.scheme == "https" and target.port in (None, 443) and target.host
        if not public or target.userinfo:
            raise Rejected(Reason("file_refused"))
        address = self._address(target.host)
        client = self._client if target.host in self._also else self._stranger
        # Connected to the address that was looked at: a name may lead elsewhere a moment later.
        return client.stream(
            "GET",
            target.copy_with(host=address),
            headers={"Host": target.netloc.decode("ascii")},
            extensions={"sni_hostname": target.raw_host.decode("ascii").strip("[]")},
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

    def _file(self, answer: Any, limit: int) -> tuple[bytes, str]:
        if answer.status_code == 429 or answer.status_code >= 500:
            after = _answer(answer, b"").retry_after
            raise Unavailable(str(answer.status_code), retry_after=after)
        if answer.status_code != 200:
            raise Rejected(str(answer.status_code))
        content = _read(answer, limit + 1)
        if len(content) > limit:
            raise Rejected(Reason("file_too_large"))
        return content, media_type(answer.headers.get("content-type"))


class HttpAdapter(Adapter, ABC):
    """An adapter whose provider is spoken to by HTTP: `door` is opened once, by `_open`."""

    settings_optional: ClassVar[tuple[str, ...]] = ("base_url",)
    home: ClassVar[str]  # the provider's own address

    @functools.cached_property
    def door(self) -> Door:
        """The way to the provider, open from the first call on."""
        return self._open()

    @abstractmethod
    def _open(self) -> Door:
        """A door at `base_url`, with the account's keys."""

    @property
    def base_url(self) -> str:
        """Where the provider is asked: at home, unless the account's own setting says where."""
        own = "base_url" in dict(self.account.config)
        return (self.account.setting("base_url") if own else self.home).rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        if "door" in self.__dict__:
            self.door.close()
            del self.door


def send_in_parts(parts: Iterable[tuple[Any, ...]], send: Callable[..., str]) -> str:
    """Send an answer that is several messages, each as `send(*part)`; the id of the last.

    Once a part of it is there the rest is never sent blindly: what then fails is Uncertain.
    """
    sent = ""
    for part in parts:
        try:
            sent = send(*part)
        except SendError as error:
            if not sent:
                raise
            everyone = error.everyone or isinstance(error, Misconfigured)
            raise Uncertain(error.why, everyone=everyone) from None
    return sent


class Pace:
    """At most so many calls a second by all threads of this process: evenly, one after another."""

    def __init__(self, per_second: float) -> None:
        self._every = 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Until it is our turn. Raises Unavailable where that takes longer than MAX_QUEUE."""
        with self._lock:
            now = time.monotonic()
            wait = max(self._next - now, 0.0)
            if wait > MAX_QUEUE:
                after = timedelta(seconds=math.ceil(wait))
                raise Unavailable(Reason("provider_pace"), retry_after=after)
            self._next = max(self._next, now) + self._every
        if wait:
            time.sleep(wait)


def check_base(url: str) -> None:
    """A key and a customer's words leave this machine encrypted, or not at all."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Misconfigured(Reason("provider_url_plain"))


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


def _httpx() -> Any:
    return import_module("httpx")


@functools.cache
def _pace(base: str, account: str | None, per_second: float) -> Pace:
    """One for all doors to an account: each thread has a door of its own."""
    return Pace(per_second)


@functools.cache
def _trusted() -> Any:
    """The certificates that we believe, read once."""
    return _httpx().create_ssl_context(trust_env=False)


def _client(kept_open: float, **options: Any) -> Any:
    """Follows nothing, and takes neither proxy nor password from the environment."""
    httpx = _httpx()
    client = httpx.Client(
        timeout=httpx.Timeout(READ, connect=CONNECT),
        limits=httpx.Limits(keepalive_expiry=kept_open),
        verify=_trusted(),
        trust_env=False,
        follow_redirects=False,
        **options,
    )
    # Packed answers would have to be unpacked before their size is known.
    client.headers.update({"User-Agent": "Onecase", "Accept-Encoding": "identity"})
    return client


def _origin(url: Any) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _answer(answer: Any, content: bytes) -> Answer:
    return Answer(answer.status_code, dict(answer.headers), content)


def _read(answer: Any, limit: int) -> bytes:
    """At most `limit` bytes of a body, as they came."""
    end, content = time.monotonic() + WHOLE, bytearray()
    for piece in answer.iter_raw():
        content += piece
        if len(content) >= limit:
            break
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(content[:limit])


def _broken(error: Exception, *, safe: bool) -> Exception:
    """What a fault of the connection means; one that nobody foresaw stays what it is."""
    httpx = _httpx()
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Unavailable(_fault("provider_unreachable", error), everyone=True)
    wrong = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    if isinstance(error, (*wrong, UnicodeError)):
        return Misconfigured(_fault("provider_url_wrong", error))
    if not isinstance(error, (httpx.HTTPError, OSError)):
        return error
    # Half a request is none, and nobody acts on it.
    if safe or isinstance(error, httpx.WriteTimeout):
        return Unavailable(_fault("mail_broke", error))
    return Uncertain(_fault("mail_broke_sending", error))


def _fault(code: str, error: BaseException) -> Reason:
    """The sort of fault at its root, never its words: they may hold an address or a secret."""
    while not isinstance(error, OSError) and (below := error.__cause__ or error.__context__):
        error = below
    return Reason(code, {"fault": type(error).__name__})

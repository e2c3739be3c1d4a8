"""The one HTTP door to providers: time-outs, bounds, no private address, no secret in any word.

What became of a call -> ours:
  nobody there, nothing handed over -> Unavailable, for the whole account
  silent or broken afterwards       -> Uncertain (what may be repeated: Unavailable)
  429  -> Unavailable, with retry_after, for the whole account      5xx -> Unavailable
  401, 403, a redirect -> Misconfigured                       other 4xx -> Rejected
  2xx without the words that we expect -> Uncertain
"""

import functools
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels_app.adapters.base import (
    Adapter,
    Misconfigured,
    Reason,
    Rejected,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.outside import (
    LOOPBACK,
    Answer,
    Outside,
    answer_of,
    broken,
    client,
    fault_of,
    httpx,
    judged,
    read,
)
from channels_app.adapters.payload import is_number, media_type, one_line

KEPT_OPEN = 20.0  # seconds; every provider closes later than that, so no call meets a closed door
MAX_ANSWER = 1024 * 1024  # bytes of what a provider says to a call
MAX_HOPS = 5
MAX_QUEUE = 1.0  # seconds that a call waits for its turn; then the row waits, not the worker


class Door(Outside):
    """The way to one account at one provider. Connections stay open between calls.

    `base_url` comes from the configuration and is trusted; credentials go to its origin and to the
    hosts of `also`, nowhere else. `secrets` are cut out of whatever a provider says.
    """

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
        super().__init__()
        self._base = base_url.rstrip("/")
        self._secrets, self._also = secrets, also
        self._pace = _pace(self._base, auth and auth[0], per_second) if per_second else None
        library = httpx()
        try:
            self._origin = _origin(library.URL(self._base))
            self._client = client(KEPT_OPEN, auth=auth, headers=headers)
        except (library.InvalidURL, ValueError) as error:
            raise Misconfigured(fault_of("provider_url_wrong", error)) from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        super().close()

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
                return answer_of(answer, read(answer, MAX_ANSWER))
        except Exception as error:
            raise broken(error, safe=safe) from None

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
            with judged(), self._ask(url) as answer:
                if not answer.has_redirect_location:
                    return self._file(answer, limit)
                url = str(httpx().URL(url).join(answer.headers["location"]))
        raise Rejected(Reason("file_refused"))

    def fetch_kept(self, url: object, size: object, limit: int) -> tuple[bytes, str]:
        """The same of a file that the provider keeps for us, where and as large as it says."""
        if is_number(size) and size > limit:
            raise Rejected(Reason("file_too_large"))
        if not isinstance(url, str):
            raise Unavailable(Reason("provider_nonsense"))
        return self.fetch(url, limit)

    def _known(self, target: Any) -> Any:
        return self._client if _origin(target) == self._origin else None

    def _client_for(self, host: str) -> Any:
        return self._client if host in self._also else self._stranger

    def _file(self, answer: Any, limit: int) -> tuple[bytes, str]:
        if answer.status_code == 429 or answer.status_code >= 500:
            after = answer_of(answer).retry_after
            raise Unavailable(str(answer.status_code), retry_after=after)
        if answer.status_code != 200:
            raise Rejected(str(answer.status_code))
        content = read(answer, limit + 1)
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


@functools.cache
def _pace(base: str, account: str | None, per_second: float) -> Pace:
    """One for all doors to an account: each thread has a door of its own."""
    return Pace(per_second)


def _origin(url: Any) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)

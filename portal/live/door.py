"""The door of the streams: an ASGI application in front of Django, for `/live/` alone.

Django's middleware here is synchronous. A stream behind it would keep one thread, and what that
thread keeps open, for as long as a page is looked at. So this path goes another way, and does for
itself what the middleware does for it: the host, https, both sessions, the headers.
"""

import asyncio
import contextvars
import io
import logging
import signal
import threading
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, InterfaceError, connections

from contacts import tracing
from portal import access, framed
from portal.live import sight, wants
from portal.live.ear import Ear
from portal.live.hub import Hub
from portal.live.pages import Pages, Part
from portal.live.stream import Stream

PATHS = {"/live/", f"{framed.PATH}live/"}
STREAMS_PER_SESSION = 6
THREADS = 4  # which ask the database for all streams of the process
SLOWEST_SEND = 20.0  # seconds until a browser that reads nothing is given up
HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
logger = logging.getLogger("portal.requests")
Scope = MutableMapping[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """No stream for this request: the status and a word."""

    def __init__(self, status: int, words: str) -> None:
        self.status, self.words = status, words


class Door:
    """Everything else goes on to Django."""

    def __init__(self, django: Any) -> None:
        self.django = django
        self.hub: Hub | None = None
        self.pages = Pages()
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="live")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            with tracing.bound(request_id=_id(scope)):
                await self._live(scope, receive, send)
        else:
            await self.django(scope, receive, send)

    async def _live(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            keys, wanted = asked(scope)
            await self._let_in(scope)
            ear = self._ear(keys, wanted)
        except Refused as refused:
            logger.info("A stream is refused with %s.", refused.status)
            await _refuse(send, refused)
            return
        assert self.hub
        watch = asyncio.create_task(_watch(receive, ear))
        try:
            await self._speak(scope, send, keys, wanted, ear)
        except (OSError, TimeoutError):
            pass  # the browser is gone
        except (DatabaseError, InterfaceError):
            await _end(send)  # it comes back by itself, and asks again
        finally:
            self.hub.remove(ear)
            watch.cancel()

    async def _let_in(self, scope: Scope) -> None:
        """Where no page may show the frame it has no streams either. Raises Refused."""
        if not scope["path"].startswith(framed.PATH):
            return
        try:
            is_open = await self._ask(framed.is_open)
        except (DatabaseError, InterfaceError):
            raise Refused(503, "in a moment") from None
        if not is_open:
            raise Refused(404, "no such page")

    def _ear(self, keys: access.SessionKeys, wanted: dict[str, wants.Want]) -> Ear:
        """Listen from now on. Raises Refused where there are too many already."""
        if self.hub is None:
            self.hub = Hub()
            _end_with_the_process(self.hub)
        if self.hub.count(keys.digests) >= STREAMS_PER_SESSION:
            raise Refused(429, "too many streams")
        if len(self.hub.ears) >= settings.LIVE_STREAMS:
            raise Refused(503, "too many streams")
        has_desk = wants.QUEUE in wanted or wants.BELL in wanted
        ear = Ear(frozenset(keys.digests), has_desk)
        self.hub.add(ear)
        return ear

    async def _speak(
        self,
        scope: Scope,
        send: Any,
        keys: access.SessionKeys,
        wanted: dict[str, wants.Want],
        ear: Ear,
    ) -> None:
        """Heard first, then read: nothing falls between the two."""
        assert self.hub
        await self.hub.subscribed(1.0)
        ear.again = False  # whatever was missed so far is read now

        async def look(steps: bool, desk: bool) -> sight.Sight:
            return await self._ask(partial(sight.look, keys, wanted, steps=steps, desk=desk))

        async def fresh(want: wants.Want, had: str) -> Part | None:
            return await self._ask(partial(self.pages.fresh, scope, keys, want, had))

        await _start(send, 200, b"text/event-stream", (b"x-accel-buffering", b"no"))
        async for line in Stream(wanted, ear, look, fresh).lines():
            body = {"type": "http.response.body", "body": line, "more_body": True}
            await asyncio.wait_for(send(body), SLOWEST_SEND)
        await _end(send)

    async def _ask(self, question: Callable[[], T]) -> T:
        """Ask the database in one of a few threads: no stream keeps a connection of its own."""
        inside = partial(contextvars.copy_context().run, _kept, question)
        return await asyncio.get_running_loop().run_in_executor(self.pool, inside)


def _kept(question: Callable[[], T]) -> T:
    """Over the thread's own connection, which stays open; once more where it was cut off."""
    try:
        return question()
    except (DatabaseError, InterfaceError):
        connections.close_all()
        return question()


def asked(scope: Scope) -> tuple[access.SessionKeys, dict[str, wants.Want]]:
    """Whose stream it is and what it is about. Raises Refused."""
    if scope["method"] != "GET":
        raise Refused(405, "GET only")
    if len(scope.get("query_string", b"")) > wants.MAX_QUERY:
        raise Refused(400, "too long")
    try:
        request = ASGIRequest(scope, io.BytesIO())
        request.get_host()
        last = request.headers.get("Last-Event-ID", "")
        wanted = wants.read(request.GET.getlist("want"), last, request.GET.getlist("behind"))
    except (DisallowedHost, RequestDataTooBig, wants.BadWant, UnicodeError):
        raise Refused(400, "bad request") from None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Refused(403, "https only")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refused(403, "our own pages only")
    is_framed = scope["path"].startswith(framed.PATH)
    cookies = framed.cookies_of(request.COOKIES) if is_framed else request.COOKIES
    return access.SessionKeys.of(cookies, is_framed=is_framed), wanted


def _id(scope: Scope) -> str:
    """The id of a request, as our middleware takes it."""
    given = dict(scope["headers"]).get(b"x-request-id", b"") if settings.TRUSTED_PROXIES else b""
    return tracing.accepted(given.decode("latin-1"))


async def _watch(receive: Any, ear: Ear) -> None:
    """Until the browser goes."""
    while (await receive())["type"] != "http.disconnect":
        pass
    ear.end()


async def _start(send: Any, status: int, sort: bytes, *more: tuple[bytes, bytes]) -> None:
    own = (b"x-request-id", tracing.current().get("request_id", "").encode())
    headers = [(b"content-type", sort), *HEADERS, own, *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _end(send: Any) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _refuse(send: Any, refused: Refused) -> None:
    await _start(send, refused.status, b"text/plain; charset=utf-8")
    await send({"type": "http.response.body", "body": refused.words.encode()})


def _end_with_the_process(hub: Hub) -> None:
    """A server that is told to stop waits for open streams; these end at the same signal."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, partial(_stop, loop, hub, before))


def _stop(
    loop: asyncio.AbstractEventLoop, hub: Hub, before: Callable[..., Any], number: int, frame: Any
) -> None:
    loop.call_soon_threadsafe(hub.end_all)
    before(number, frame)

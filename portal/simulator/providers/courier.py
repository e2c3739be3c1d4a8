"""Posts what providers have to tell, from a thread of its own; again, where nobody takes it."""

import heapq
import http.client
import itertools
import logging
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from urllib.parse import urlsplit

from django.conf import settings

from portal.simulator import accounts
from portal.simulator.book import DELIVERED, SENT, Book, Bubble, now
from portal.simulator.providers.base import Hook

logger = logging.getLogger(__name__)
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before each further try
TIMEOUT = 15.0
MAX_ANSWER = 64 * 1024
LOST = "lost"  # a fact: how many webhooks nobody took


class Courier:
    """One thread for each app, so that a webhook that hangs delays no other provider's."""

    def __init__(self, app: str) -> None:
        self.app = app
        self._queue: list[tuple[float, int, int, Hook]] = []
        self._count = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, hooks: Iterable[Hook]) -> None:
        """Post them in time."""
        with self._wake:
            for hook in hooks:
                self._put(time.monotonic() + hook.after, 0, hook)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name=self.app)
                self._thread.start()
            self._wake.notify()

    def _put(self, moment: float, tries: int, hook: Hook) -> None:
        heapq.heappush(self._queue, (moment, next(self._count), tries, hook))

    def _next(self) -> tuple[int, Hook]:
        with self._wake:
            while True:
                wait = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    _moment, _number, tries, hook = heapq.heappop(self._queue)
                    return tries, hook
                self._wake.wait(wait)

    def _work(self) -> None:
        while True:
            tries, hook = self._next()
            if post(hook):
                continue
            if tries == len(PAUSES):
                _give_up(hook)
                continue
            with self._wake:
                self._put(time.monotonic() + PAUSES[tries], tries + 1, hook)


_couriers: dict[str, Courier] = {}
_lock = threading.Lock()


def take(hooks: Iterable[Hook]) -> None:
    """Post them soon, each by its app's own thread."""
    for hook in hooks:
        with _lock:
            courier = _couriers.setdefault(hook.app, Courier(hook.app))
        courier.take([hook])


def post(hook: Hook) -> bool:
    """One try: it goes to the public address, through the door that stands on this machine."""
    parts = urlsplit(hook.url)
    if not hook.url.startswith(f"{settings.PUBLIC_URL}/"):
        return True  # nothing of the demo leaves this machine
    web = urlsplit(accounts.value(accounts.WEB) or settings.PUBLIC_URL)
    rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {**hook.headers, "Host": parts.netloc, "X-Forwarded-Proto": parts.scheme}
    try:
        with closing(http.client.HTTPConnection(web.netloc, timeout=TIMEOUT)) as connection:
            connection.request("POST", rest, hook.body, headers)
            answer = connection.getresponse()
            text = answer.read(MAX_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        logger.info("A webhook of %s was not taken: %s", hook.app, type(error).__name__)
        return False
    if not 200 <= answer.status < 300:
        logger.info("A webhook of %s was answered with %s.", hook.app, answer.status)
        return False
    taken(hook, answer.getheader("Content-Type", ""), text)
    return True


def taken(hook: Hook, content_type: str, text: str) -> None:
    """The shop has it: two ticks. Twilio sends a plain text that it gets as an SMS of the shop."""
    if not hook.bubble:
        return
    book = Book(hook.app)
    book.mark(hook.bubble, DELIVERED)
    if hook.app == "sms" and content_type.startswith("text/plain") and text.strip():
        pk = f"{hook.bubble}-answer"
        said = Bubble(pk, hook.owner, hook.peer, now(), mine=False, text=text, status=SENT)
        book.add(said)


def _give_up(hook: Hook) -> None:
    logger.warning("A webhook of %s was given up.", hook.app)
    book = Book(hook.app)
    book.note(LOST, int(book.fact(LOST, 0)) + 1)

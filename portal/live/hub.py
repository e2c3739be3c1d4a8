"""One ear per process: the hints of all processes, passed to the streams that want them."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import redis.asyncio as redis
from django.conf import settings

from contacts import hints

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 5.0  # seconds between two tries to reach Redis
LISTEN_SECONDS = 15  # without a word for so long, Redis is asked whether it is there


@dataclass(eq=False)
class Ear:
    """What one stream listens for, and what it heard since it last looked."""

    sessions: frozenset[str]
    wants_desk: bool
    cases: frozenset[int] | None = None  # None: not known yet, so every case
    heard: set[int] = field(default_factory=set)
    desk: bool = False
    over: bool = False
    again: bool = False  # hints may have been missed: look at everything
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, case_id: int) -> None:
        """A case has something new; each such hint moves queue and bell as well."""
        if self.wants_desk:
            self.desk = True
        if self.cases is None or case_id in self.cases:
            self.heard.add(case_id)
        elif not self.wants_desk:
            return
        self.wake.set()

    def end(self) -> None:
        """Nothing more is to be said here."""
        self.over = True
        self.wake.set()

    def look_again(self) -> None:
        """Hints may have been missed."""
        self.again = True
        self.wake.set()


class Hub:
    """The streams of this process, and the one connection to Redis that they share."""

    def __init__(self) -> None:
        self.ears: set[Ear] = set()
        self.listening = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    def add(self, ear: Ear) -> None:
        """Let a stream hear; the connection is opened for the first one and kept."""
        self.ears.add(ear)
        if settings.REDIS_URL and (self._reader is None or self._reader.done()):
            self._reader = asyncio.create_task(self._read())

    def remove(self, ear: Ear) -> None:
        """A stream is gone."""
        self.ears.discard(ear)

    def count(self, sessions: Iterable[str]) -> int:
        """How many streams the busiest of these sessions has."""
        return max((sum(one in ear.sessions for ear in self.ears) for one in sessions), default=0)

    async def subscribed(self, seconds: float) -> None:
        """Wait until hints are heard, or go on without: streams look by themselves as well."""
        if settings.REDIS_URL:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.listening.wait(), seconds)

    def end_all(self) -> None:
        """This process stops: every browser comes back to the next one."""
        for ear in self.ears:
            ear.end()

    async def close(self) -> None:
        """Hang up."""
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _read(self) -> None:
        pause = 0.2
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError, TimeoutError) as error:
                logger.warning("Live hints are not heard (%s).", type(error).__name__)
            except Exception:  # whatever it is: deaf for ever would be worse
                logger.exception("Live hints are not heard.")
            self.listening.clear()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE) if not self._was_up else 0.2

    async def _listen(self) -> None:
        """Until the connection breaks. Whoever was here before may have missed something."""
        self._was_up = False
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=1, health_check_interval=LISTEN_SECONDS
        )
        async with client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(hints.TOPIC)
            await pubsub.get_message(ignore_subscribe_messages=False, timeout=2)
            self._was_up = True
            self.listening.set()
            for ear in self.ears:
                if ear.cases is not None:
                    ear.look_again()
            while True:
                line = await pubsub.get_message(timeout=LISTEN_SECONDS)
                if line is not None:
                    self.hear(line["data"].decode(errors="replace"))

    def hear(self, line: str) -> None:
        """Pass one hint on; a line that we do not know means nothing."""
        sort, _colon, rest = line.partition(":")
        if sort == "case" and (pk := rest.partition(" ")[0]).isdecimal() and len(pk) < 19:
            for ear in self.ears:
                ear.hear(int(pk))
        elif sort == "end":
            for ear in self.ears:
                if rest in ear.sessions:
                    ear.end()

"""One hub per process: the hints of all processes, passed to the streams that want them."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

import redis.asyncio as redis
from django.conf import settings

from contacts import hints
from portal.live.ear import Ear
from portal.live.presence import Presence

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 5.0  # seconds between two tries to reach Redis
OWN_LATE = 0.25  # seconds that the side which wrote waits: its own answer has brought it mostly
LISTEN_SECONDS = 15  # without a word for so long, Redis is asked whether it is there


class Hub:
    """The streams of this process, and the one connection to Redis that they share."""

    def __init__(self) -> None:
        self.ears: set[Ear] = set()
        self.listening = asyncio.Event()
        self.presence = Presence(self.ears)
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, ear: Ear) -> None:
        """Let a stream hear; the connection is opened for the first one and kept."""
        self.ears.add(ear)
        if settings.REDIS_URL and not self._tasks:
            self._tasks = [asyncio.create_task(run()) for run in (self._read, self.presence.run)]

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
            self._look_again()
            while True:
                line = await pubsub.get_message(timeout=LISTEN_SECONDS)
                if line is not None:
                    self.hear(line["data"].decode(errors="replace"))

    def hear(self, line: str) -> None:
        """Pass one hint on; a line that we do not know means nothing."""
        sort, _colon, rest = line.partition(":")
        if sort in ("case", "typing", "here"):
            self._hear_case(sort, *rest.partition(" ")[::2])
        elif sort == "again":
            self._look_again()
        elif sort == "channels":
            # Once pages no longer show what was read a moment ago (portal/lately.py).
            later = asyncio.get_running_loop().call_later
            for ear in self.ears:
                later(settings.SITE_SECONDS, ear.look_again)
        elif sort == "end":
            for ear in self.ears:
                if rest in ear.sessions:
                    ear.end()

    def _hear_case(self, sort: str, pk: str, rest: str) -> None:
        if not (pk.isdecimal() and len(pk) < 19):
            return
        case_id = int(pk)
        if sort == "here":
            self.presence.stirred.add(case_id)
            return
        first, _space, second = rest.partition(" ")
        for ear in self.ears:
            if sort == "typing":
                ear.hear_typing((case_id, first), second)
            elif first.isdecimal() and ear.sides(case_id) == {second}:
                later = asyncio.get_running_loop().call_later
                later(OWN_LATE, ear.hear_own, case_id, int(first[:9]))
            else:
                ear.hear(case_id)

    def _look_again(self) -> None:
        for ear in self.ears:
            ear.look_again()

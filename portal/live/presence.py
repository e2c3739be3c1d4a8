"""Who has a case open at this moment: in Redis alone, never in a row, and for all processes.

`here:<pk>:<side>` is a sorted set with a member per open stream, scored by when it ends unless it
is said again: a process that dies takes nobody with it for longer than `LIFE`. Without Redis
nobody is known to be here, and nothing else is missing.
"""

import asyncio
import logging
import time
from collections.abc import Iterable

import redis.asyncio as redis
from django.conf import settings

from contacts import hints
from portal.live.ear import Ear, Here, Place
from portal.live.wants import BEHIND, LISTED

TICK = 1.0  # seconds: how soon it is told that somebody came
REST = 2.0  # and how long who left still counts, so that a page may be loaded anew
AGAIN = 15.0  # everybody says again that they are here, and reads who else is
LIFE = 45.0
ABSENT = (LISTED, BEHIND)  # who hears of a case and has it not open
KEPT = 3600  # seconds that a set remembers when the last one left
logger = logging.getLogger(__name__)


def told(found: Iterable[Here], now: float) -> dict[str, str | bool]:
    """What a page reads of those who count: who is here since when, or since when nobody is."""
    everybody = list(found)
    present = [one for one in everybody if one.until > now]
    if present:
        first = min(present, key=lambda one: one.since)
        return {"here": True, "who": first.name, "since": _iso(first.since)}
    last = max(everybody, key=lambda one: one.until, default=None)
    return {"here": False, "who": "", "since": _iso(last.until) if last else ""}


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Presence:
    """What the streams of this process tell Redis of themselves, and read there of the others."""

    def __init__(self, ears: set[Ear]) -> None:
        self.ears = ears
        self.said: dict[tuple[Place, str], float] = {}  # place and member, and when it left
        self.stirred: set[int] = set()  # cases of which a process said that somebody moved
        self.again_at = 0.0

    async def run(self) -> None:
        """Until the process ends."""
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1
        )
        while True:
            await asyncio.sleep(TICK)
            try:
                await self._tick(client)
            except (redis.RedisError, OSError, TimeoutError):
                self.again_at = 0.0  # all of it, once it answers
                for ear in self.ears:
                    ear.see({place: () for place, found in ear.here.items() if found})
            except Exception:  # whatever it is: no sign of life for ever would be worse
                logger.exception("Who has a case open is not known.")

    async def _tick(self, client: redis.Redis) -> None:
        now = time.time()
        is_again = now >= self.again_at
        came, left = self._moved(now)
        lives = [key for key, gone in self.said.items() if not gone] if is_again else came
        await _write(client, lives, came, left, now)
        asked = {pk for (pk, _side), _member in came} | self._stirred()
        if is_again:
            self.again_at = now + AGAIN
            asked = {pk for ear in self.ears for pk, _side in ear.places}
        if asked:
            found = await _read(client, asked)
            for ear in self.ears:
                ear.see({place: found[place] for place in ear.opposite if place in found})

    def _moved(self, now: float) -> tuple[list[tuple[Place, str]], list[tuple[Place, str]]]:
        """Who came and who left since the last time; who left a moment ago may come back."""
        places = ((ear, place) for ear in self.ears for place in ear.places)
        here = {(place, ear.member(place)) for ear, place in places if place[1] not in ABSENT}
        came = [key for key in here if key not in self.said]
        for key in self.said:
            self.said[key] = 0.0 if key in here else self.said[key] or now
        self.said |= dict.fromkeys(came, 0.0)
        left = [key for key, gone in self.said.items() if gone and gone < now - REST]
        for key in left:
            del self.said[key]
        return came, left

    def _stirred(self) -> set[int]:
        """The cases that were heard of, as far as somebody here has them open."""
        mine = {pk for ear in self.ears for pk, _side in ear.places}
        stirred, self.stirred = self.stirred & mine, set()
        return stirred


async def _write(
    client: redis.Redis,
    lives: list[tuple[Place, str]],
    came: list[tuple[Place, str]],
    left: list[tuple[Place, str]],
    now: float,
) -> None:
    if not lives and not left:
        return
    async with client.pipeline(transaction=False) as line:
        for (pk, side), _member in came:  # what was before them matters no more
            line.zremrangebyscore(_key(pk, side), 0, now)
        for (pk, side), member in lives:
            line.zadd(_key(pk, side), {member: now + LIFE})
            line.expire(_key(pk, side), KEPT)
        for (pk, side), member in left:
            line.zadd(_key(pk, side), {member: now}, xx=True)
        for pk in {pk for (pk, _side), _member in [*came, *left]}:
            line.publish(hints.TOPIC, hints.here(pk))
        await line.execute()


async def _read(client: redis.Redis, cases: set[int]) -> dict[Place, tuple[Here, ...]]:
    places = [(pk, side) for pk in cases for side in ("q", "d")]
    async with client.pipeline(transaction=False) as line:
        for pk, side in places:
            line.zrange(_key(pk, side), 0, -1, withscores=True)
        found = await line.execute()
    rows = zip(places, found, strict=True)
    return {place: tuple(Here.read(*one) for one in row) for place, row in rows}


def _key(pk: int, side: str) -> str:
    return f"here:{pk}:{side}"

"""Tell live pages that a case has something new: a hint, best effort; the rows are the truth."""

import logging
import time

import redis
from django.conf import settings

logger = logging.getLogger(__name__)
TOPIC = "cases"  # where every hint is published
QUIET_SECONDS = 5.0


class _Line:
    """One connection per process, silent for a while after a failure."""

    client: redis.Redis | None = None
    quiet_until = 0.0


def publish(case_id: int, seq: int) -> None:
    """Publish `case:<pk> <seq>`: something in that case is new, or moved on."""
    say(f"case:{case_id} {seq}")


def ended(session: str) -> None:
    """Publish `end:<digest>`: that session was signed out. A digest, never the key itself."""
    say(f"end:{session}")


def say(line: str) -> None:
    """Publish one line; never fails a request, never waits longer than 0.2 s."""
    if not settings.REDIS_URL or time.monotonic() < _Line.quiet_until:
        return
    try:
        if _Line.client is None:
            _Line.client = redis.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=0.2, socket_timeout=0.2
            )
        _Line.client.publish(TOPIC, line)
    except redis.RedisError:
        _Line.quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("Live hints are off for %s s: Redis does not answer.", QUIET_SECONDS)

"""Tell live pages that a case has something new: a hint, best effort; the rows are the truth."""

import logging
import threading
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


def publish(case_id: int, seq: int, by: str = "") -> None:
    """Publish `case:<pk> <seq> <by>`: something in that case is new, or moved on.

    `by`: the side that wrote it, "q" or "d", which has it before its eyes already.
    """
    say(f"case:{case_id} {seq} {by}")


def typing(case_id: int, side: str, who: str) -> None:
    """Publish `typing:<pk> <side> <who>`: who types there this moment, as the other side reads it.

    `side`: "q" for the customer, whose name is "", and "d" for the desk.
    """
    say(f"typing:{case_id} {side} {who}")


def here(case_id: int) -> str:
    """The line that somebody opened a case, or left it; portal.live.presence publishes it."""
    return f"here:{case_id}"


def ended(session: str) -> None:
    """Publish `end:<digest>`: that session was signed out. A digest, never the key itself."""
    say(f"end:{session}")


def channels() -> None:
    """Publish `channels:`: one was switched on or off, which every open page may have to say."""
    say("channels:")


def say(line: str) -> None:
    """Publish one line; never fails a request, never waits longer than 0.2 s.

    After a failure nothing is said for 5 s, then `again:`, which makes every page look for itself.
    """
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
        later = threading.Timer(QUIET_SECONDS, say, ["again:"])
        later.daemon = True
        later.start()

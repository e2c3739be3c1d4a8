"""What every page reads and administrators seldom change: read anew once a second per process.

A page may be a second behind a change, and none of its own process: nothing is sent by it, what
sends reads the rows. What is kept is shared by threads, so that nobody may change it.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings

T = TypeVar("T")
_kept: dict[str, tuple[Any, float]] = {}


def read(name: str, ask: Callable[[], T], times: int = 1) -> T:
    """The answer of that name, at most so many times `SITE_SECONDS` old."""
    now = monotonic()
    answer, until = _kept.get(name, (None, now))
    if until <= now:
        answer = ask()
        _kept[name] = answer, now + times * settings.SITE_SECONDS
    return answer


def forget() -> None:
    """An administrator changed something: this process shows it at once."""
    _kept.clear()

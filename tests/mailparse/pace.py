"""How long hostile text may take: in processor time, as other things run on the machine too."""

import time
from collections.abc import Callable

TRIES = 3


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of this thread."""
    start = time.thread_time()
    call()
    return time.thread_time() - start


def within(limit: float, call: Callable[[], object]) -> bool:
    """Whether one of three tries takes no longer; the first mostly does."""
    return any(seconds(call) < limit for _ in range(TRIES))


def grows_evenly(small: Callable[[], object], large: Callable[[], object]) -> bool:
    """Four times the text takes at most about four times as long; quadratic would be 16."""
    return any(seconds(large) < 9 * seconds(small) + 0.03 for _ in range(TRIES))

"""The bulkhead within a worker: one channel holds no more than its share of the threads.

Whatever a provider does, or however much comes from it at once, the other channels go on. Who finds
no seat leaves word, and whoever sits there does that too, in turn: no thread waits.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

PER_CHANNEL = 3  # of a worker's 16 threads (docs/running.md), for sending and for filing each
What = TypeVar("What", bound=Hashable)


class Seats:
    """So many threads of this process for one key at most."""

    def __init__(self, most: int = PER_CHANNEL) -> None:
        self._most, self._lock = most, threading.Lock()
        self._taken: dict[Hashable, int] = {}
        # What there was no seat for, oldest first, each once. It is lost with the process; the
        # sweep rings again.
        self._left: dict[Hashable, dict[Any, None]] = {}

    def work(self, key: Hashable, job: Callable[[What], int], what: What) -> int:
        """Do `job(what)`, then what others left; the sum of all. 0 where no seat is free."""
        with self._lock:
            if self._taken.get(key, 0) >= self._most:
                self._left.setdefault(key, {})[what] = None
                return 0
            self._taken[key] = self._taken.get(key, 0) + 1
        done, todo = 0, [what]
        try:
            while todo:
                done += job(todo.pop())
                todo = self._next(key)
        except BaseException:
            with self._lock:
                self._rise(key)
            raise
        return done

    def _next(self, key: Hashable) -> list[What]:
        """What was left longest; empty, and the seat is free, where nothing was.

        Both under one lock: who leaves word while the last one rises would not be heard.
        """
        with self._lock:
            left = self._left.get(key)
            if left:
                what = next(iter(left))
                del left[what]
                return [what]
            self._rise(key)
            return []

    def _rise(self, key: Hashable) -> None:
        self._taken[key] -= 1

"""One open stream: what it saw last, and what it has to say now."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from portal.live.hub import Ear
from portal.live.sight import Sight
from portal.live.wants import BELL, QUEUE, Want

PING_SECONDS = 15.0  # rights and numbers are read anew at the latest then
PAUSE = 0.1  # seconds between two looks: a flood of hints is one
DESK_PAUSE = 1.0  # the same for queue and bell, which every case of the house moves
RETRY = b"retry: 1000\n\n"
Look = Callable[[bool, bool], Awaitable[Sight]]


def event(name: str, identifier: str = "", **data: Any) -> bytes:
    """One event as it goes over the line."""
    head = f"id: {identifier}\n" if identifier else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


@dataclass
class Stream:
    """Looks when it hears something, and every 15 s; says only what is new for this browser."""

    wants: dict[str, Want]
    ear: Ear
    look: Look  # (steps, desk) -> what may be seen at this moment
    shown: dict[str, int] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    queue: str = ""
    bell: int | None = None
    served: set[str] = field(default_factory=set)
    desk_from: float = 0.0  # when queue and bell may be looked at again
    desk_waits: bool = False
    pause: float = 0.0  # before the next look

    async def lines(self) -> AsyncIterator[bytes]:
        """Everything that is said, until the rights or the process end."""
        yield RETRY
        sight = await self.look(True, True)
        self._take_steps(sight)
        self.queue, self.bell, self.served = sight.queue or "", sight.bell, sight.keys
        self.shown = {key: self.wants[key].since for key in sight.cases}
        self._listen_for(sight)
        yield event("hello", served=sorted(sight.keys), ended=sorted({*self.wants} - sight.keys))
        if sight.bell is not None:
            yield event("bell", count=sight.bell)
        for line in self._cases(sight, set()):
            yield line
        while self.served and not self.ear.over:
            for line in await self._turn():
                yield line
            await asyncio.sleep(self.pause)  # said first: whoever hears waits for nothing
        if self.ear.over:  # signed out, or this process stops: come back and see what is left
            yield event("bye")

    async def _turn(self) -> list[bytes]:
        """Wait for a hint or for the time of a ping; what to say then."""
        is_ping = not await self._wait()
        if self.ear.over:
            return []
        heard, again = set(self.ear.heard), self.ear.again or is_ping
        if heard and self.ear.desk and not self.desk_waits:  # the case itself comes first
            self.desk_from = max(self.desk_from, time.monotonic() + PAUSE)
        self.desk_waits = self.desk_waits or self.ear.desk or again
        self.ear.heard.clear()
        self.ear.wake.clear()
        self.ear.desk = self.ear.again = False
        desk = self.desk_waits and (again or time.monotonic() >= self.desk_from)
        sight = await self.look(again, desk)
        if self.ear.over:  # signed out while the rows were read
            return []
        said = [*self._ends(sight), *self._cases(sight, heard)]
        said += self._moved_on(sight) if again else []
        said += self._desk(sight) if desk else []
        self.pause = 0.0 if again else PAUSE
        return said or ([event("ping")] if is_ping else [])

    async def _wait(self) -> bool:
        """False when nothing was heard for the time of a ping."""
        while not (self.ear.over or self.ear.again or self.ear.heard):
            pending, left = self.desk_waits or self.ear.desk, self.desk_from - time.monotonic()
            if pending and left <= 0:
                break
            self.ear.wake.clear()
            try:
                await asyncio.wait_for(self.ear.wake.wait(), left if pending else PING_SECONDS)
            except TimeoutError:
                if not pending:
                    return False
        return True

    def _listen_for(self, sight: Sight) -> None:
        self.ear.cases = frozenset(seen.case_id for seen in sight.cases.values())

    def _ends(self, sight: Sight) -> list[bytes]:
        """The rights that were lost since the last look."""
        lost, self.served = self.served - sight.keys, self.served & sight.keys
        self._listen_for(sight)
        return [event("end", ended=sorted(lost))] if lost else []

    def _cases(self, sight: Sight, heard: set[int]) -> list[bytes]:
        """The cases with a new number, and those that a hint was about."""
        said = []
        for key, seen in sight.cases.items():
            if seen.seq > self.shown.get(key, 0) or seen.case_id in heard:
                self.shown[key] = max(seen.seq, self.shown.get(key, 0))
                name = f"{key}:{seen.seq}"
                said.append(event("case", name, case=key, seq=seen.seq))
        return said

    def _moved_on(self, sight: Sight) -> list[bytes]:
        """The cases whose deliveries moved on while a hint was lost."""
        moved = [k for k, s in sight.cases.items() if self.steps.get(k, s.steps) != s.steps]
        self._take_steps(sight)
        return [event("case", case=key, seq=sight.cases[key].seq) for key in moved]

    def _take_steps(self, sight: Sight) -> None:
        self.steps = {key: seen.steps for key, seen in sight.cases.items()}

    def _desk(self, sight: Sight) -> list[bytes]:
        """Queue and bell, where they moved."""
        said = []
        self.desk_waits, self.desk_from = False, time.monotonic() + DESK_PAUSE
        if QUEUE in self.served and sight.queue not in (None, self.queue):
            self.queue = sight.queue or ""
            said.append(event("queue"))
        if BELL in self.served and sight.bell != self.bell:
            self.bell = sight.bell
            said.append(event("bell", count=sight.bell))
        return said

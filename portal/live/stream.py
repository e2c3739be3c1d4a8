"""One open stream: what it saw last, and what it has to say now.

Its events, each with its data as JSON; a `key` or `case` is a want without its number:

    hello   {"served": [key, ...], "ended": [key, ...]}   at the beginning
    case    {"case": key, "seq": 12}                      there is something new; id: `key:seq`
            with "own": true: this browser's own side wrote up to that number
    part    {..., "had": mark, "have": mark, "from": address, "html": what it answers}
            the same, with what is new for a page that has `had`; where its want said a mark
    queue   {}                                            some case of the house moved
    bell    {"count": 3}                                  alerts that were not seen
    typing  {"key": key, "who": "Sanne"}                  somebody types there; "" is the customer
    here    {"key": key, "here": true, "who": "Sanne", "since": "2026-11-23T09:30:00Z"}
            whether the other side has it open, and since when; for a customer only who answers it
    end     {"ended": [key, ...]}                         these may no longer be seen
    bye     {}                                            come back, and see what is left
    ping    {}                                            nothing, for 15 s
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from portal.live import presence
from portal.live.ear import OTHER, Ear
from portal.live.pages import Part
from portal.live.sight import Seen, Sight
from portal.live.wants import BELL, QUEUE, SITE, Want

PING_SECONDS = 15.0  # rights and numbers are read anew at the latest then
PAUSE = 0.1  # seconds between two looks: a flood of hints is one
DESK_PAUSE = 1.0  # the same for queue and bell, which every case of the house moves
RETRY = b"retry: 1000\n\n"
MOST_PARTS = 4  # more news at once are hints alone
Look = Callable[[bool, bool], Awaitable[Sight]]
Fresh = Callable[[Want, str], Awaitable[Part | None]]


def event(name: str, identifier: str = "", /, **data: Any) -> bytes:
    """One event as it goes over the line."""
    head = f"id: {identifier}\n" if identifier else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


@dataclass
class Stream:
    """Looks when it hears something, and every 15 s; says only what is new for this browser."""

    wants: dict[str, Want]
    ear: Ear
    look: Look  # (steps, desk) -> what may be seen at this moment
    fresh: Fresh  # what is new for a page with a mark, by its own rights; None: look first
    marks: dict[str, str] = field(default_factory=dict)  # what the pages show, as far as told
    shown: dict[str, int] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    queue: str = ""
    bell: int | None = None
    served: set[str] = field(default_factory=set)
    seen: dict[str, Seen] = field(default_factory=dict)  # the cases, as they were looked at last
    unlooked: set[int] = field(default_factory=set)  # cases that were told of without a look
    here: dict[str, dict[str, Any]] = field(default_factory=dict)
    desk_from: float = 0.0  # when queue and bell may be looked at again
    desk_waits: bool = False
    pause: float = 0.0  # before the next look

    async def lines(self) -> AsyncIterator[bytes]:
        """Everything that is said, until the rights or the process end."""
        yield RETRY
        sight = await self.look(True, True)
        self._take_steps(sight)
        self.marks = {key: want.mark for key, want in self.wants.items() if want.mark}
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
        signs = self._signs()
        if not (is_ping or self.ear.again or self.ear.told or self._is_desk_due()):
            self.pause = 0.0  # which no row stands behind
            return [*signs, *await self._whose()]
        heard, again = set(self.ear.heard), self.ear.again or is_ping
        own, self.ear.own = self.ear.own, {}
        if (heard or own) and self.ear.desk and not self.desk_waits:  # the case itself comes first
            self.desk_from = max(self.desk_from, time.monotonic() + PAUSE)
        self.desk_waits = self.desk_waits or self.ear.desk or again
        self.ear.heard.clear()
        self.ear.wake.clear()
        self.ear.desk = self.ear.again = False
        own = {case_id: seq for case_id, seq in own.items() if case_id not in heard}
        if not again and (parts := await self._parts(heard, own)) is not None:
            self.pause = PAUSE
            self.unlooked |= heard
            said = [*parts, *await self._own(own), *signs, *await self._whose()]
            return [] if self.ear.over else said
        desk = self.desk_waits and (again or time.monotonic() >= self.desk_from)
        sight = await self.look(again, desk)
        if self.ear.over:  # signed out while the rows were read
            return []
        said = [*self._ends(sight), *self._cases(sight, {*heard, *own}), *signs, *self._here()]
        said += self._moved_on(sight) if again else []
        said += self._desk(sight) if desk else []
        self.pause = 0.0 if again else PAUSE
        return said or ([event("ping")] if is_ping else [])

    async def _wait(self) -> bool:
        """False when nothing was heard for the time of a ping."""
        while not (self.ear.over or self.ear.again or self.ear.told or self.ear.signs):
            if self._is_desk_due():
                break
            pending, left = self.desk_waits or self.ear.desk, self.desk_from - time.monotonic()
            # Streams that came at once, as after a restart, do not look at once for ever.
            rest = PING_SECONDS * random.uniform(0.6, 1.0)
            self.ear.wake.clear()
            try:
                await asyncio.wait_for(self.ear.wake.wait(), left if pending else rest)
            except TimeoutError:
                if not pending:
                    return False
        return True

    def _is_desk_due(self) -> bool:
        return (self.desk_waits or self.ear.desk) and time.monotonic() >= self.desk_from

    def _listen_for(self, sight: Sight) -> None:
        self.unlooked.clear()
        self.seen, self.ear.staff = sight.cases, sight.staff or (0, "")
        self.ear.cases = frozenset(seen.case_id for seen in sight.cases.values())
        self.ear.places = frozenset(
            (s.case_id, self.wants[key].side) for key, s in sight.cases.items()
        )

    def _signs(self) -> list[bytes]:
        """Who types and who is here, by the rights of the last look."""
        typing, self.ear.typing = self.ear.typing, {}
        said = []
        for key, seen in self.seen.items():
            place = seen.case_id, OTHER[key[:1]]
            if place in typing:
                said.append(event("typing", key=key, who=typing[place]))
        return said + (self._here() if self.ear.is_stirred else [])

    def _here(self) -> list[bytes]:
        """Where it is another one than was told last who is here, or whose case it is."""
        self.ear.is_stirred = False
        said, now = [], time.time()
        for key, seen in self.seen.items():
            found = self.ear.here.get((seen.case_id, OTHER[key[:1]]))
            if found is None:
                continue
            counts = [one for one in found if key[:1] != SITE or one.staff == seen.assignee]
            told = presence.told(counts, now)
            if self.here.get(key) != told:
                self.here[key] = told
                said.append(event("here", key=key, **told))
        return said

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

    async def _parts(self, heard: set[int], own: dict[int, int]) -> list[bytes] | None:
        """The cases that a hint was about, with what is new there; None where a look is needed."""
        keys = [key for key, seen in self.seen.items() if seen.case_id in heard]
        if not (keys or own) or len(keys) > MOST_PARTS or not self.marks.keys() >= set(keys):
            return None
        found = {key: await self.fresh(self.wants[key], self.marks[key]) for key in keys}
        said = []
        for key, part in found.items():
            if part is None:
                return None
            if part.html:
                said.append(self._part(key, part))
        return said

    async def _own(self, own: dict[int, int]) -> list[bytes]:
        """The cases that their own side wrote in: the page that did so has it already.

        It is brought nothing, and its next part goes on from what it was brought before.
        """
        if not own:
            return []
        sight = await self.look(True, False)
        said = [*self._ends(sight), *self._here()]
        for key, seen in sight.cases.items():
            if seen.case_id in own:
                self.steps[key] = seen.steps  # what was written here is no news here
            if seen.seq == own.get(seen.case_id):  # else more came, and has a hint of its own
                self.shown[key] = max(seen.seq, self.shown.get(key, 0))
                said.append(event("case", f"{key}:{seen.seq}", case=key, seq=seen.seq, own=True))
        return said

    async def _whose(self) -> list[bytes]:
        """A case that was told without a look may be another's by now: who counts as here."""
        cases = {seen.case_id for key, seen in self.seen.items() if key[:1] == SITE}
        if not any(self.ear.here.get((case_id, OTHER[SITE])) for case_id in cases & self.unlooked):
            return []
        sight = await self.look(False, False)
        return [*self._ends(sight), *self._here()]

    def _part(self, key: str, part: Part) -> bytes:
        had, self.marks[key] = self.marks[key], part.mark
        seq = int(part.mark.partition(".")[0])
        self.shown[key] = max(seq, self.shown.get(key, 0))
        told = {"had": had, "have": part.mark, "from": part.address, "html": part.html}
        return event("part", f"{key}:{seq}", case=key, seq=seq, **told)

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

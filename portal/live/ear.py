"""What one stream of this process listens for: cases, and who is there and types in them."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field

from portal.live.wants import BEHIND, DESK, LISTED, SITE

OTHER = {SITE: DESK, BEHIND: DESK, DESK: SITE, LISTED: SITE}  # whose signs a side reads
Place = tuple[int, str]  # the case, and the side: "q" or "d"


@dataclass(frozen=True)
class Here:
    """One open stream. `staff`: whose, 0 for a customer; times in seconds since 1970."""

    staff: int
    since: float
    name: str
    until: float

    @classmethod
    def read(cls, raw: bytes, until: float) -> "Here":
        """From a member of the set."""
        _stream, staff, since, name = raw.decode(errors="replace").split(" ", 3)
        return cls(int(staff), float(since), name, until)


@dataclass(eq=False)
class Ear:
    """What one stream listens for, and what it heard since it last looked."""

    sessions: frozenset[str]
    wants_desk: bool
    cases: frozenset[int] | None = None  # None: not known yet, so every case
    heard: set[int] = field(default_factory=set)
    own: dict[int, int] = field(default_factory=dict)  # cases that their own side wrote in: number
    desk: bool = False
    over: bool = False
    again: bool = False  # hints may have been missed: look at everything
    places: frozenset[Place] = frozenset()  # cases that may be seen, and from which side
    staff: tuple[int, str] = (0, "")  # whose stream it is, with the name that customers read
    typing: dict[Place, str] = field(default_factory=dict)  # who typed since it last looked
    here: dict[Place, tuple[Here, ...]] = field(default_factory=dict)
    is_stirred: bool = False  # somebody came or left
    stream: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    since: float = field(default_factory=time.time)
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

    def hear_own(self, case_id: int, seq: int) -> None:
        """The side of this stream wrote up to that number; the page that did so has it already."""
        if case_id not in (self.cases or ()):
            self.hear(case_id)
            return
        self.own[case_id] = max(seq, self.own.get(case_id, 0))
        self.desk = self.desk or self.wants_desk
        self.wake.set()

    @property
    def told(self) -> bool:
        """Whether it heard of any of its cases."""
        return bool(self.heard or self.own)

    @property
    def signs(self) -> bool:
        """Whether somebody types, came or left: nothing that a row tells."""
        return bool(self.typing) or self.is_stirred

    @property
    def opposite(self) -> set[Place]:
        """Where it reads who types and who is here."""
        return {(case_id, OTHER[side]) for case_id, side in self.places}

    def sides(self, case_id: int) -> set[str]:
        """From which sides it has that case open."""
        return {side for pk, side in self.places if pk == case_id}

    def member(self, place: Place) -> str:
        """How its being here is written down: a customer's page without a name."""
        staff, name = self.staff if place[1] == DESK else (0, "")
        return f"{self.stream} {staff} {self.since:.0f} {name}"

    def hear_typing(self, place: Place, who: str) -> None:
        """Somebody types there."""
        if place in self.opposite:
            self.typing[place] = who
            self.wake.set()

    def see(self, found: dict[Place, tuple[Here, ...]]) -> None:
        """Who is there now, by what was read of those places."""
        if found:
            self.here |= found
            self.is_stirred = True
            self.wake.set()

    def end(self) -> None:
        """Nothing more is to be said here."""
        self.over = True
        self.wake.set()

    def look_again(self) -> None:
        """Hints may have been missed."""
        self.again = True
        self.wake.set()

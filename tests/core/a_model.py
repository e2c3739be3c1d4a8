"""What should be, in a few lines: cases that are joined and parted, and how each is answered.

A small model beside the real thing. It holds times as the real one wrote them, for nothing else can
say which of two came first.
"""

from dataclasses import dataclass, field
from datetime import datetime

OPEN, RESOLVED = "open", "resolved"
Way = tuple[str, str]  # a kind and the value of its address


@dataclass(eq=False)
class Wish:
    """One choice, and the one that Undo goes back to; `said_in`: the joined case it was said in."""

    way: Way
    once: bool = False
    before: "Wish | None" = None
    said_in: int | None = None


@dataclass
class Said:
    """A message: in which case it lies, and which way it went; `moves` is where it came from."""

    pk: int
    home: int
    at: datetime
    came: bool
    way: Way = ("", "")
    once: bool = False
    moves: list[tuple[int, str, datetime | None]] = field(default_factory=list)


@dataclass
class Matter:
    """One case as it stands: the state of one that is joined is that of before."""

    wishes: list[Wish]
    state: str = OPEN
    resolved_at: datetime | None = None
    waits: datetime | None = None
    into: int | None = None
    again: list[datetime] = field(default_factory=list)  # they pressed "Ask again"

    @property
    def wish(self) -> Wish:
        """The newest counts."""
        return self.wishes[-1]


class Model:
    """All cases and all that was said."""

    def __init__(self) -> None:
        self.matters: list[Matter] = []
        self.said: list[Said] = []

    def stem(self, number: int) -> int:
        """The case that this one was joined to in the end."""
        into = self.matters[number].into
        return number if into is None else self.stem(into)

    def family(self, stem: int) -> set[int]:
        """It and all that were joined to it."""
        return {n for n in range(len(self.matters)) if self.stem(n) == stem}

    def heard(self, number: int, at: datetime) -> None:
        """The customer needs us in that case."""
        stem = self.matters[self.stem(number)]
        stem.state, stem.resolved_at = OPEN, None
        stem.waits = min(filter(None, (stem.waits, at)))

    def chooses(self, number: int, way: Way, *, once: bool = False) -> None:
        """The panel: the same again is nothing; twice "only once" comes back to the usual way."""
        stem = self.matters[self.stem(number)]
        now = stem.wish
        if (now.way, now.once) == (way, once):
            return
        base = now.before if once and now.once and now.before else now
        self._wishes(number, Wish(way, once, base))

    def wrote_there(self, number: int, way: Way) -> None:
        """Who writes on another channel has chosen it."""
        stem = self.matters[self.stem(number)]
        if stem.wish.way != way:
            self._wishes(number, Wish(way, before=stem.wish))

    def undoes(self, number: int) -> None:
        """The newest choice is taken back, where there is one before it."""
        stem = self.matters[self.stem(number)]
        if (old := stem.wish.before) is not None:
            stem.wishes.append(Wish(old.way, old.once, old.before, old.said_in))
            self._follows(number)

    def _wishes(self, number: int, wish: Wish) -> None:
        stem = self.stem(number)
        wish.said_in = None if stem == number else number
        self.matters[stem].wishes.append(wish)
        self._follows(number)

    def _follows(self, number: int) -> None:
        """What waits goes by the new choice; what went stays where it is."""
        stem = self.stem(number)
        for said in self.said:
            if not said.came and self.stem(said.home) == stem:
                said.way, said.once = self.matters[stem].wish.way, self.matters[stem].wish.once

    def goes(self) -> None:
        """A mail of a case that was joined meanwhile goes by the choice of the whole."""
        for said in self.said:
            if said.way[0] == "email" and not said.once:
                said.way = self.matters[self.stem(said.home)].wish.way

    def is_answered(self, number: int) -> None:
        """Nobody waits any more, and "only the next answer" is over."""
        stem = self.matters[self.stem(number)]
        stem.waits = None
        if stem.wish.once and stem.wish.before is not None:
            usual = stem.wish.before
            stem.wishes.append(Wish(usual.way, before=usual, said_in=usual.said_in))

    def joins(self, number: int, into: int) -> bool:
        """Whether it may; the work of both is the work of the whole."""
        stem = self.stem(into)
        if self.matters[number].into is not None or stem == number:
            return False
        source, target = self.matters[number], self.matters[stem]
        source.into = stem
        target.waits = min(filter(None, (source.waits, target.waits)), default=None)
        if source.state == OPEN:
            target.state, target.resolved_at = OPEN, None
        return True

    def parts(self, number: int) -> bool:
        """Whether it was joined; both are then as what is addressed to them says."""
        if self.matters[number].into is None:
            return False
        target = self.stem(number)
        self.matters[number].into = None
        self._own_wishes(number, target)
        for part in (number, target):
            self.recount(part)
            self._follows(part)
        return True

    def _own_wishes(self, part: int, target: int) -> None:
        """What was said in the part is the part's; Undo leads to no wish of the other one."""
        family, rest = self.family(part), self.matters[target]
        moved = [wish for wish in rest.wishes if wish.said_in in family]
        if not moved:
            return
        rest.wishes = [wish for wish in rest.wishes if wish not in moved]
        self.matters[part].wishes += moved
        for wish in moved:
            wish.said_in = None if wish.said_in == part else wish.said_in
        for number in (part, target):
            own = self.matters[number].wishes
            newest: Wish | None = None
            based: Wish | None = None
            for wish in own:
                before = base = wish.before
                while before is not None and before not in own:
                    before = before.before
                if base is not None and before is None and newest is not None:
                    before = newest.before if based is base else newest
                wish.before, newest, based = before, wish, base

    def recount(self, number: int) -> None:
        """They wait since the oldest that no answer and no end came after."""
        stem, family = self.matters[number], self.family(number)
        lines = [said for said in self.said if said.home in family]
        over = [said.at for said in lines if not said.came]
        over += [stem.resolved_at] if stem.resolved_at else []
        came = [said.at for said in lines if said.came]
        came += [at for member in family for at in self.matters[member].again]
        first = min((at for at in came if not over or at > max(over)), default=None)
        if stem.state == OPEN:
            stem.waits = first
        elif first is not None:
            stem.state, stem.resolved_at, stem.waits = OPEN, None, first

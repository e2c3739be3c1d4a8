"""Situations to ask the adviser about: every combination that is small, and drawn ones."""

from collections.abc import Iterable, Iterator
from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st

from channels_app.advice import situation as s
from channels_app.advice.claims import everything
from channels_app.advice.situation import Offered, Situation
from contacts.kinds import KINDS

TOPICS: tuple[dict[str, Any], ...] = (
    {},
    {"is_simple": True},
    {"is_complex": True},
    {"is_sensitive": True},
    {"is_complex": True, "is_sensitive": True},
)
PHASES = ("", s.LOOKING, s.COMPARING, s.BUYING, s.AFTER)
SOON = ("", s.NOW, s.TODAY, s.CAN_WAIT)
MATTERS = ("", s.QUICK, s.TALK, s.WRITING, s.PLAIN)
RELATIONS = ("", s.EXISTING)
AGES = ("", s.YOUNG, s.MIDDLE, s.OLDER)
BOARDS = tuple(everything(closed=closed) for closed in ((), ("phone", "chat", "in_person")))
POINTS = st.floats(-1.05, 1.05)


def each(boards: Iterable[tuple[Offered, ...]]) -> Iterator[Situation]:
    """Every combination of topic, phase, urgency, what matters, relation and who is there.

    The age group is drawn: with it too there would be four times as many.
    """
    drawn = Random(7)
    for topic, phase, soon, matters, relation, board in product(
        TOPICS, PHASES, SOON, MATTERS, RELATIONS, boards
    ):
        yield Situation(
            board,
            phase=phase,
            how_soon=soon,
            matters=matters,
            relation=relation,
            age=drawn.choice(AGES),
            **topic,
        )


@st.composite
def some_offers(draw: st.DrawFn) -> tuple[Offered, ...]:
    """Some kinds in some order, with anything that they may be able to do."""
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, unique=True))
    return tuple(
        Offered(
            KINDS[name],
            is_open=draw(st.booleans()),
            live=draw(st.booleans()),
            written=draw(st.booleans()),
            private=draw(st.booleans()),
            promise_minutes=draw(st.sampled_from([None, 5, 1440, 4320])),
        )
        for name in names
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Anything that a page may tell the adviser."""
    counted = st.dictionaries(st.sampled_from(sorted(KINDS)), POINTS)
    return Situation(
        draw(some_offers()),
        phase=draw(st.sampled_from(PHASES)),
        how_soon=draw(st.sampled_from(SOON)),
        matters=draw(st.sampled_from(MATTERS)),
        relation=draw(st.sampled_from(RELATIONS)),
        age=draw(st.sampled_from(AGES)),
        preferred=draw(st.sampled_from(["", *KINDS])),
        worked=draw(counted),
        found=draw(counted),
        **draw(st.sampled_from(TOPICS)),
    )

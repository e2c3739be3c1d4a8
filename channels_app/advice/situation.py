"""What the adviser is told: the question, the person who asks, and what is offered now."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contacts.kinds import Kind

NOW, TODAY, CAN_WAIT = "now", "today", "can_wait"  # how soon, as Case.HowSoon says it
LOOKING, COMPARING, BUYING, AFTER = "looking", "comparing", "buying", "after"  # as Topic.Phase
QUICK, TALK, WRITING, PLAIN = "quick", "talk", "writing", "plain"  # what matters most
YOUNG, MIDDLE, OLDER = "18-34", "35-54", "55+"  # as Customer.AgeBand
PROSPECT, EXISTING = "prospect", "existing"  # as Customer.Relation


@dataclass(frozen=True)
class Offered:
    """A kind as it is offered at this moment, with what it can do.

    `there` ends a sentence: "open until 17:30", "within 4 hours"; "" where nothing is known.
    `nobody_free`: nobody could call at this moment; `next_free`: when we can, "at 15:00", where
    a time can be chosen.
    Whether a machine or a person carries it out is left out on purpose: that is our cost (R6).
    """

    kind: Kind
    is_open: bool = True
    live: bool = False  # both sides are there at the same time
    written: bool = True  # leaves a record
    private: bool = True  # carries what is confidential; else only a notice goes
    promise_minutes: int | None = None
    there: str = ""
    nobody_free: bool = False
    next_free: str = ""


@dataclass(frozen=True)
class Situation:
    """One question. What is not known, or not said, is empty; nothing is guessed (R19).

    `worked`: how answers by a kind went for this very person, `found`: what others found with such
    questions; both in points by kind (`evidence`).
    """

    offers: tuple[Offered, ...]
    is_complex: bool = False
    is_sensitive: bool = False
    is_simple: bool = False  # a topic was chosen, and it is neither
    phase: str = ""
    how_soon: str = ""
    matters: str = ""
    relation: str = ""
    age: str = ""  # the band that they told, where an administrator switched that on
    preferred: str = ""  # the kind that they said they like
    worked: Mapping[str, float] = field(default_factory=dict)
    found: Mapping[str, float] = field(default_factory=dict)

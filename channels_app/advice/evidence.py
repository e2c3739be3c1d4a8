"""What customers found, as points: a prior of so many people, and the own counts that move it.

The published studies differ by about ten percentage points on the same thing (S3: 56 % under 35
prefer chat to the phone; S4: 65 % of them take the phone). A sample of 30 is off by as much, so
that a published share counts as 30 people of one's own. On how often a channel settles a question
nothing is published: all kinds begin at the house's own mean, which counts as 20 answers.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from channels_app.advice.ranking import Advice, Weights, recommend
from channels_app.advice.situation import Situation
from channels_app.advice.sources import log_odds

PEOPLE, ANSWERS = 30, 20  # what a prior counts as
OWN_ANSWERS = 2  # of one customer: two answers of theirs weigh as much as the prior
MOST = 1.05  # points at most: it decides what is close, and turns no clear advice round
CHOSEN = 0.5  # a suggestion is itself a reason to choose, so that the choice counts half


@dataclass(frozen=True)
class Counts:
    """Cases of one topic and kind in a year, and what customers said of them afterwards."""

    chosen: int = 0
    answered: int = 0
    unanswered: int = 0
    repeated: int = 0
    unrepeated: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.chosen + other.chosen,
            self.answered + other.answered,
            self.unanswered + other.unanswered,
            self.repeated + other.repeated,
            self.unrepeated + other.unrepeated,
        )


NONE = Counts()


@dataclass(frozen=True)
class Rate:
    """A share with its prior (a Beta of `worth` pseudo-counts) and what was counted."""

    prior: float
    worth: int
    yes: int
    no: int

    @property
    def counted(self) -> int:
        """How many were counted."""
        return self.yes + self.no

    @property
    def result(self) -> float:
        """The mean of the posterior."""
        return (self.prior * self.worth + self.yes) / (self.worth + self.yes + self.no)

    @property
    def shift(self) -> float:
        """How far the counts moved it from its prior, in points."""
        return log_odds(self.result) - log_odds(self.prior)


@dataclass(frozen=True)
class Found:
    """What was found of one kind: how often it is chosen, settles it, and makes people repeat."""

    chosen: Rate
    resolved: Rate
    repeated: Rate

    @property
    def points(self) -> float:
        """The sum, bounded."""
        moved = CHOSEN * self.chosen.shift + self.resolved.shift - self.repeated.shift
        return max(-MOST, min(MOST, moved))


def before(situation: Situation, weights: Weights) -> dict[str, float]:
    """The share that would choose each kind with that topic, before anything was counted."""
    offers = tuple(replace(offered, is_open=True) for offered in situation.offers)
    topic = Situation(
        offers,
        is_complex=situation.is_complex,
        is_sensitive=situation.is_sensitive,
        is_simple=situation.is_simple,
        phase=situation.phase,
    )
    return shares(recommend(topic, weights))


def shares(ranked: Iterable[Advice]) -> dict[str, float]:
    """The share that would choose each kind by its published score: what scores mean."""
    likely = {row.kind.name: math.exp(row.score) for row in ranked}
    whole = sum(likely.values())
    return {name: value / whole for name, value in likely.items()}


def found(
    prior: Mapping[str, float], counts: Mapping[str, Counts], house: Counts
) -> dict[str, Found]:
    """What was found of each offered kind with one topic; `house`: all topics and kinds together.

    A kind that nobody chose yet stays where it began: perhaps nobody could.
    """
    total = sum(counts.get(name, NONE).chosen for name in prior)
    resolved = _mean(house.answered, house.unanswered)
    repeated = _mean(house.repeated, house.unrepeated)
    rows = {}
    for name, share in prior.items():
        own = counts.get(name, NONE)
        share = min(max(share, 0.001), 0.999)  # a sole kind is chosen by all, and says nothing
        others = total - own.chosen if own.chosen and len(prior) > 1 else 0
        rows[name] = Found(
            Rate(share, PEOPLE, own.chosen if len(prior) > 1 else 0, others),
            Rate(resolved, ANSWERS, own.answered, own.unanswered),
            Rate(repeated, ANSWERS, own.repeated, own.unrepeated),
        )
    return rows


def worked(answered: int, unanswered: int) -> float:
    """How a kind went for one customer, in points: one good answer is 0.7; at most `MOST`."""
    rate = Rate(0.5, OWN_ANSWERS, answered, unanswered)
    return max(-MOST, min(MOST, rate.shift))


def _mean(yes: int, no: int) -> float:
    """A share that is never 0 or 1."""
    return (yes + 1) / (yes + no + 2)

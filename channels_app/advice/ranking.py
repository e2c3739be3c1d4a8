"""From a situation to a ranked list: points add up, and can be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from channels_app.advice.factors import FACTORS, Factor
from channels_app.advice.situation import Offered, Situation
from contacts.kinds import MESSAGE, Kind

Weights = Mapping[tuple[str, str], float]  # (factor, kind): points that an administrator set
PUBLISHED: Weights = MappingProxyType({})


@dataclass(frozen=True)
class Part:
    """One factor's share in a score, in points."""

    factor: Factor
    points: float


@dataclass(frozen=True)
class Advice:
    """One offered kind with its arithmetic. `score`: the sum of its parts.

    `is_withheld`: it is not suggested for what is private (R21), however many points it has.
    `is_own`: the person's own wish, which goes before any arithmetic (R19).
    """

    offered: Offered
    parts: tuple[Part, ...]
    score: float
    is_withheld: bool
    is_own: bool

    @property
    def kind(self) -> Kind:
        """The registry entry."""
        return self.offered.kind


def recommend(situation: Situation, weights: Weights = PUBLISHED) -> list[Advice]:
    """Every offered kind, the best first; equals stay in the order they were given in."""
    rows = [_weighed(situation, offered, weights) for offered in situation.offers]
    return sorted(rows, key=lambda row: (row.is_withheld, not row.is_own, -round(row.score, 6)))


def suggested(ranked: list[Advice]) -> Advice | None:
    """The one that is suggested; None where all that is offered is withheld."""
    return ranked[0] if ranked and not ranked[0].is_withheld else None


def weight(factor: Factor, kind: Kind, weights: Weights) -> float:
    """What a factor weighs for a kind, in points: the own figure, or the published one."""
    return weights.get((factor.slug, kind.name), factor.published(kind))


def _weighed(situation: Situation, offered: Offered, weights: Weights) -> Advice:
    found = (
        Part(factor, weight(factor, offered.kind, weights) * factor.strength(situation, offered))
        for factor in FACTORS
    )
    parts = tuple(part for part in found if part.points)
    return Advice(
        offered,
        parts,
        sum(part.points for part in parts),
        # S3: people find chat less secure and less official; a messenger is read by its maker.
        is_withheld=situation.is_sensitive and offered.kind.group == MESSAGE,
        # What somebody says in this very question is nearer than what they like as a rule (R15).
        is_own=offered.kind.name == situation.preferred and not situation.matters,
    )

"""The suggested row: what the adviser is told, and its answer in the page's own words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels_app import promises, tallying
from channels_app.advice import evidence, sentences
from channels_app.advice import situation as s
from channels_app.advice.evidence import Found
from channels_app.advice.ranking import Weights, recommend
from channels_app.advice.ranking import suggested as best_of
from channels_app.advice.situation import Offered, Situation
from channels_app.models import Weight
from channels_app.promises import Offer
from contacts.models import Customer, Outcome, Topic
from portal import lately
from portal.site.ways import Way

# The answers to "What matters most to you?"; asked and never guessed (R19), and not stored.
MATTERS: dict[str, Promise] = {
    s.QUICK: _("A quick answer"),
    s.TALK: _("To talk it through"),
    s.WRITING: _("To have it in writing"),
    s.PLAIN: _("Simple, without a computer"),
}


@dataclass(frozen=True)
class Asked:
    """What somebody answered to the three short questions, and who it is."""

    topic: Topic | None = None
    how_soon: str = ""
    matters: str = ""
    customer: Customer | None = None
    with_age: bool = False  # whether what they told of their age is used


def advise(ways: list[Way], asked: Asked) -> None:
    """Mark one row as suggested, with its reasons, and those that only carry a notice."""
    topic = asked.topic
    for way in ways:
        way.only_notice = bool(topic and topic.is_sensitive and not way.offer.private)
    ranked = recommend(situation(ways, asked), weights())
    best = best_of(ranked)
    if best is None or len(ranked) < 2:  # a sole way is no advice
        return
    for way in ways:
        way.is_suggested = way.kind == best.kind
        if way.is_suggested:
            way.reason = sentences.sentence(best)
            way.speaks_for, way.speaks_against = sentences.reasons(best)


def weights() -> Weights:
    """What an administrator weighs otherwise, at most a second old."""
    return lately.read("weights", Weight.objects.own)


def situation(ways: list[Way], asked: Asked) -> Situation:
    """What the adviser is told. Of who is signed in one query more: how answers went for them."""
    topic, customer = asked.topic, asked.customer
    rows = {way.kind.name: way for way in ways}
    told = Situation(
        offers=tuple(offered(way.offer, way.times) for way in rows.values()),
        is_complex=bool(topic and topic.is_complex),
        is_sensitive=bool(topic and topic.is_sensitive),
        is_simple=bool(topic and not (topic.is_complex or topic.is_sensitive)),
        phase=topic.phase if topic else "",
        how_soon=asked.how_soon,
        matters=asked.matters,
        relation=customer.relation if customer else "",
        age=customer.age_band if customer and asked.with_age else "",
        preferred=customer.preferred_kind if customer else "",
        worked=_worked(customer) if customer else {},
    )
    if topic is None:  # nobody knows yet which questions are such ones
        return told
    return replace(told, found={kind: row.points for kind, row in found(told, topic).items()})


def found(told: Situation, topic: Topic | None) -> dict[str, Found]:
    """What customers with that topic found of each offered kind; nothing before the first count."""
    tallies = lately.read("tallies", tallying.counts)
    if not tallies:
        return {}
    own = tallies.get(topic.pk if topic else None, {})
    return evidence.found(evidence.before(told, weights()), own, tallying.house(tallies))


def offered(offer: Offer, free: Sequence[datetime] = ()) -> Offered:
    """An offer as the adviser sees it: what it does for the customer, and nothing of its cost.

    `free`: the next free times, where they were looked for.
    """
    now = timezone.now()
    return Offered(
        kind=offer.kind,
        is_open=offer.is_open and not offer.is_unstaffed,
        live=offer.live,
        written=offer.written,
        private=offer.private,
        promise_minutes=offer.promise_minutes,
        there=promises.there_line(offer, now),
        nobody_free=offer.nobody_free,
        next_free=promises.at_moment(free[0], now) if free else "",
    )


def _worked(customer: Customer) -> dict[str, float]:
    people = Customer.objects.family({customer.pk})
    rows = Outcome.objects.by_kind(people)
    return {kind: evidence.worked(helped, not_helped) for kind, helped, not_helped in rows}

"""A population drawn from the published percentages: how often is the preferred way suggested?

Published, and drawn from: who prefers chat by sort of question (S3: 49 % and 26 %) and by age (S3:
56 % and 29 %), who over 55 never chatted (S3: 60 %), and who takes the phone by age (S4: 65 % and
75 %). What is assumed where nothing is published stands in `report`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from random import Random

from channels_app.advice import situation as s
from channels_app.advice import sources
from channels_app.advice.claims import ALL, IN_PERSON, LETTER
from channels_app.advice.evidence import NONE, Counts, found, shares
from channels_app.advice.ranking import recommend
from channels_app.advice.situation import Situation
from channels_app.advice.sources import log_odds
from contacts.kinds import ACCOUNT, CHAT, EMAIL, PHONE

PEOPLE, SEED, LEARNED_FROM = 20_000, 7, 1_000
AGES = (s.YOUNG, s.MIDDLE, s.OLDER)
OTHERWISE = (EMAIL, IN_PERSON, ACCOUNT)
DRAWN = (CHAT, PHONE, *OTHERWISE)
# Nothing is published on who prefers a messenger: they are not offered here.
KNOWN = tuple(offered for offered in ALL if offered.kind.name in (*DRAWN, LETTER))
SHOPPING = Situation(KNOWN, is_simple=True, phase=s.COMPARING)
FINANCIAL = Situation(KNOWN, is_sensitive=True)
SORTS = {"shopping": SHOPPING, "financial": FINANCIAL}
MOST_CHOSEN = (PHONE, IN_PERSON, ACCOUNT)
Order = Callable[["Person"], Sequence[str]]


@dataclass(frozen=True)
class Person:
    """Who asks, what about, and the way that they like best."""

    age: str
    sort: str
    says_plain: bool
    prefers: str


def draw(random: Random) -> Person:
    """One person."""
    age = _one_of(AGES, random)
    sort = _one_of(tuple(SORTS), random)
    never_chatted = age == s.OLDER and random.random() < sources.NEVER_CHATTED_55
    return Person(
        age,
        sort,
        says_plain=never_chatted and random.random() < 0.5,
        prefers=_preferred(age, sort, never_chatted, random),
    )


def _preferred(age: str, sort: str, never_chatted: bool, random: Random) -> str:
    by_sort = sources.CHAT_SHOPPING if sort == "shopping" else sources.CHAT_FINANCIAL
    apart = log_odds(sources.CHAT_UNDER_35) - log_odds(sources.CHAT_OVER_35)
    # One third is young: so the mean over the ages stays what is published for the sort.
    chat = _share(log_odds(by_sort) + (apart * 2 / 3 if age == s.YOUNG else -apart / 3))
    if age == s.OLDER:  # those who did chat make up for those who never did
        chat = 0.0 if never_chatted else min(1.0, chat / (1 - sources.NEVER_CHATTED_55))
    if random.random() < chat:
        return CHAT
    low, high = sources.PHONE_18_TO_34, sources.PHONE_55_AND_OVER
    phone = {s.YOUNG: low, s.MIDDLE: (low + high) / 2, s.OLDER: high}[age]
    return PHONE if random.random() < phone else _one_of(OTHERWISE, random)


def _share(points: float) -> float:
    return 1 / (1 + exp(-points))


def _one_of(values: Sequence[str], random: Random) -> str:
    return values[int(random.random() * len(values))]


@dataclass(frozen=True)
class Result:
    """How often an order put the preferred way first, and among its first two: share by sort."""

    name: str
    first: dict[str, float]
    within_two: dict[str, float]


def results() -> list[Result]:
    """Every order on the same people, drawn from a fixed seed."""
    random = Random(SEED)
    people = [draw(random) for _person in range(PEOPLE)]
    learners, judged = people[:LEARNED_FROM], people[LEARNED_FROM:]
    popular = _popular(people)
    by_topic = _advised(SORTS)
    by_age = {
        age: _advised({sort: replace(told, age=age) for sort, told in SORTS.items()})
        for age in AGES
    }
    learned = _advised(_learned(learners))
    orders: dict[str, Order] = {
        "At random": lambda person: _any_two(random),
        "A fixed order: phone, in person, own page (Microsoft 2017)": lambda person: MOST_CHOSEN,
        "The most popular first, as if known beforehand": lambda person: popular,
        "The adviser, from the topic alone": lambda person: by_topic[person.sort, False],
        "The adviser, with the third question": (
            lambda person: by_topic[person.sort, person.says_plain]
        ),
        "The adviser, with the third question, and everybody told their age": (
            lambda person: by_age[person.age][person.sort, person.says_plain]
        ),
        f"The adviser, after {LEARNED_FROM:,} own cases": (
            lambda person: learned[person.sort, person.says_plain]
        ),
    }
    return [_result(name, order, judged) for name, order in orders.items()]


def _advised(situations: Mapping[str, Situation]) -> dict[tuple[str, bool], tuple[str, ...]]:
    """The adviser's order for each sort of question, with and without the third answer."""
    return {
        (sort, plain): tuple(
            row.kind.name for row in recommend(replace(situation, matters=s.PLAIN if plain else ""))
        )
        for sort, situation in situations.items()
        for plain in (False, True)
    }


def _learned(people: Sequence[Person]) -> dict[str, Situation]:
    """The same situations with what these people chose; how it went for them is not drawn."""
    situations = {}
    for sort, situation in SORTS.items():
        chosen = Counter(person.prefers for person in people if person.sort == sort)
        counts = {kind: Counts(chosen=number) for kind, number in chosen.items()}
        rows = found(shares(recommend(situation)), counts, NONE)
        situations[sort] = replace(
            situation, found={name: row.points for name, row in rows.items()}
        )
    return situations


def _popular(people: Sequence[Person]) -> tuple[str, ...]:
    return tuple(kind for kind, _number in Counter(p.prefers for p in people).most_common())


def _any_two(random: Random) -> tuple[str, ...]:
    names = [offered.kind.name for offered in KNOWN]
    first = names.pop(int(random.random() * len(names)))
    return first, _one_of(names, random)


def _result(name: str, order: Order, people: Sequence[Person]) -> Result:
    asked = Counter(person.sort for person in people)
    first: Counter[str] = Counter()
    within_two: Counter[str] = Counter()
    for person in people:
        best = order(person)[:2]
        first[person.sort] += best[0] == person.prefers
        within_two[person.sort] += person.prefers in best
    return Result(
        name,
        {sort: first[sort] / asked[sort] for sort in SORTS},
        {sort: within_two[sort] / asked[sort] for sort in SORTS},
    )

"""docs/advice.md: the factors, every claim with what came out, and the simulated population."""

from collections.abc import Iterable, Iterator, Sequence

from channels_app.advice import evidence, population
from channels_app.advice.claims import claims
from channels_app.advice.factors import FACTORS
from channels_app.advice.population import SORTS
from contacts.kinds import KINDS

INTRODUCTION = """\
# The advice

Written by `manage.py advice_report`; what is changed here by hand goes at its next run.

The start page asks at most three short questions (what is it about, how soon, what matters most);
each can be skipped. What is known gives points to each offered channel, the points add up, and the
highest sum carries the badge *Suggested*. A point is log-odds: 0.7 more makes a channel about
twice as likely to be the right one. Nothing is guessed, nothing is hidden, and what a channel
costs is not among what the adviser is told. Two things go before the arithmetic: the customer's
own usual channel is first (unless they say in this very question what matters most: then it counts
as points), and what is private is led to no messenger.
"""
WEIGHTS = """\
## What counts

The published starting weights. Where a source gives percentages, the points are computed from them
(*usual*, *texts*, *shopping*, *private*, and those of age); where it gives a direction or an order
without a figure, the points are ours, in steps of 0.35 that are the same for every factor.
Administrators see them under *Advice*, may set others, and go back.

Age counts only where an administrator switched it on (off by default), and only for who told it on
the page with their preferences; it is never guessed. Two studies speak of it, and differ: asked to
compare the two, 56 % under 35 prefer chat to the phone (Software Advice); asked what they take,
65 % of them take the phone (S4). Both are met as far as both can be: chat stands above the phone as
the first one found it, and where no chat is offered the phone is first in every generation.
"""
CLAIMS = """\
## What the articles claim

Each claim of requirements.md, sections 1 and 2, that is about advice, as a situation with the
order that must come out. Everything is offered, and open unless the claim says otherwise. S0 to S4
are the articles, R the requirements.
"""
SIMULATED = """\
## A simulated population

{people:,} people drawn from the published percentages (seed {seed}); the first {learners:,} are
what the last line learned from, the others are judged. The share whose preferred channel is the
first one, and among the first two:
"""
HONEST = """\
What is drawn from a figure: who prefers chat, by sort of question and by age, and who over 55
never chatted (Software Advice); who takes the phone, by age (S4). What is assumed, as nothing is
published: three ages of equal size; shopping and financial questions in equal parts; between the
ages the middle of the two phone figures; whoever takes neither chat nor phone takes e-mail, a
visit or the own page alike; messengers are left out, as nothing says who prefers them; every
second one of those who never chatted says that they want it without a computer. The adviser hears
an age in the one line that says so, and nowhere else.

How to read it. On shopping the adviser suggests chat, as Software Advice found, and beats a fixed
order and the most popular channel; the third question adds to it, because it finds those who would
never chat. Among the first two a plain count of what is popular does better: from published
figures alone the adviser holds e-mail for the next best, where people would phone; own cases
correct it.

On what is private both simpler orders do far better at the first place, and that is meant: most of
these people would phone, and a quarter would chat, while the adviser leads to the own page first,
the phone second, and never to a messenger (R21). It gives up hits for safety. With own cases the
phone takes the first place, as close as the two are, and the adviser does as well as a fixed
order; chat stays out, so that the most popular order keeps its lead among the first two.

Told the age of everybody, the adviser does no better on shopping: what the question is about weighs
more than who asks. On what is private it does, as for people over 55 the phone passes the own page.
An administrator who switches it on gains little, and may well leave it off.

Whether a suggested channel *settles* a question better is not to be seen here, as nothing is
published on it: own outcomes will say.
"""
LEARNING = """\
## What own outcomes change

Per topic and channel there is a prior and there are own counts. The prior of *chosen* is the share
that the published weights give; it counts as {people} people, for the studies differ by about ten
percentage points on the same thing, which is how far a sample of {people} is off. On how often a
channel settles a question, or makes people repeat themselves, nothing is published: every channel
begins at the house's own mean, which counts as {answers} answers. The distance between prior and
result, in points, is one more factor: *chosen* counts half (a suggestion is itself a reason to
choose), *settled* and *repeated* whole, together at most {most} points.
"""


def text() -> str:
    """The whole page."""
    return "\n".join((INTRODUCTION, *_weights(), *_claims(), *_population(), *_learning()))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _weights() -> Iterator[str]:
    yield WEIGHTS
    rows = []
    for factor in FACTORS:
        points = {str(kind.staff_label): factor.published(kind) for kind in KINDS.values()}
        words = ", ".join(f"{name} {value:+.2f}" for name, value in points.items() if value)
        rows.append((f"*{factor.slug}*: {factor.name}", words, "; ".join(map(str, factor.sources))))
    yield _table(("Factor", "Points", "Source"), rows)


def _claims() -> Iterator[str]:
    yield CLAIMS
    rows = []
    for claim in claims():
        came = ", ".join(f"{row.kind.name} {row.score:+.2f}" for row in claim.ranked[:3])
        rows.append((claim.rule, claim.says, claim.expected, came, "yes" if claim.is_met else "NO"))
    met = sum(row[-1] == "yes" for row in rows)
    yield f"{met} of {len(rows)} are met.\n"
    yield _table(("Source", "Claim", "Expected", "First three", "Met"), rows)


def _population() -> Iterator[str]:
    yield SIMULATED.format(
        people=population.PEOPLE, seed=population.SEED, learners=population.LEARNED_FROM
    )
    head = ["Order", *(f"{sort}: {what}" for sort in SORTS for what in ("first", "first two"))]
    rows = []
    for result in population.results():
        cells = [(result.first[sort], result.within_two[sort]) for sort in SORTS]
        rows.append([result.name, *(f"{100 * share:.0f} %" for pair in cells for share in pair)])
    yield _table(head, rows)
    yield HONEST


def _learning() -> Iterator[str]:
    yield (
        LEARNING.format(
            people=evidence.PEOPLE, answers=evidence.ANSWERS, most=evidence.MOST
        ).rstrip("\n")
        + "\n"
    )

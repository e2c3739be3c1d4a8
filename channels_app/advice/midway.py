"""In the middle of a case: is another way better by now (R27)? A nudge to the agent, no more.

Only what the customer said or wrote speaks here: how often it went back and forth, what stands in
it for certain, and how soon they need it. What a way costs us is not among it (R6).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from channels_app.advice import situation as s
from channels_app.advice.situation import Offered
from channels_app.advice.written import BSN, CARD, IBAN, days, numbers
from contacts.kinds import ACCOUNT, MESSAGE, PHONE, Kind

# No source gives a figure. Three rounds of question and answer are what one talk would have
# settled (R17, S0); a messenger is made for short turns, so that twice as many are many there. A
# complicated matter is told faster than it is typed (R17, R23): half as many.
MANY, MANY_SHORT = 6, 12  # turns of either side
# A private matter is worth a nudge once it goes on so: they wrote, we answered, they wrote.
GOES_ON = 3  # turns
# So long "now" and "today" may wait before the phone is the better way (R20). A quarter of an hour
# is what a chat counts as lively; two hours are a quarter of a working day.
PATIENCE = {s.NOW: timedelta(minutes=15), s.TODAY: timedelta(hours=2)}
NEAR = 2  # days: a day that they name is a deadline when it is today or within so many
MOST_LINES = 40  # of what was said, the newest

SENSITIVE, TURNS, SOON, DAY = "private", "turns", "soon", "day"
WRITTEN: dict[str, str | Promise] = {
    IBAN: gettext_lazy("They wrote the number of a bank account %(by)s, which is not private."),
    CARD: gettext_lazy("They wrote the number of a payment card %(by)s, which is not private."),
    BSN: gettext_lazy("They wrote their citizen service number %(by)s, which is not private."),
}


@dataclass(frozen=True)
class Line:
    """One thing that was said: by whom, by which kind, what, and when (aware, local time)."""

    is_ours: bool
    kind: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Midway:
    """A case that goes on. What is not known is empty; nothing is guessed.

    `lines`: what was said, the oldest first. `unwanted`: the kinds that they never want, or said
    no to here. `put_off`: the nudges that an agent answered with *Not now*. `waits`: since when
    they wait for us; `is_asked`: a proposal waits for their word. `now` is aware, local time.
    """

    kind: Kind
    offers: tuple[Offered, ...]
    lines: tuple[Line, ...]
    now: datetime
    is_private: bool = True  # the way it goes by now
    is_complex: bool = False
    is_sensitive: bool = False
    how_soon: str = ""
    waits: datetime | None = None
    day_first: bool = False  # how they write a date in figures
    unwanted: frozenset[str] = frozenset()
    put_off: frozenset[str] = frozenset()
    is_asked: bool = False


@dataclass(frozen=True)
class Nudge:
    """Propose that kind. `key` names its reason, so that *Not now* silences this one alone."""

    kind: Kind
    key: str
    sentence: str


def nudge(told: Midway) -> Nudge | None:
    """What an agent may propose now, the weightiest reason first; None where nothing is better."""
    if told.is_asked or told.kind.spoken:
        return None
    for key, sentence, kinds in _reasons(told):
        better = None if key in told.put_off else _first(told, kinds)
        if better is not None:
            return Nudge(better, key, sentence)
    return None


def _first(told: Midway, kinds: Iterable[str]) -> Kind | None:
    """The first of these kinds that they can have now, and did not refuse."""
    can = {row.kind.name: row.kind for row in told.offers if row.is_open}
    fit = (name for name in kinds if name != told.kind.name and name not in told.unwanted)
    return next((can[name] for name in fit if name in can), None)


def _reasons(told: Midway) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What speaks for another way: the key of the reason, the sentence, and the kinds to try."""
    here = list(_here(told))
    turns = count_turns(here)
    if not told.is_private:
        yield from _private(told, here, turns)
    yield from _soon(told)
    many = MANY_SHORT if told.kind.group == MESSAGE else MANY
    if turns >= (many // 2 if told.is_complex else many):
        sentence = ngettext(
            "It went back and forth %(count)s time: a talk may settle it.",
            "It went back and forth %(count)s times: a talk may settle it.",
            turns // 2,
        )
        yield f"{TURNS}-{told.kind.name}", sentence % {"count": turns // 2}, (PHONE,)


def _private(
    told: Midway, here: list[Line], turns: int
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    better = (ACCOUNT, PHONE)
    texts = [line.text for line in here if not line.is_ours and line.kind == told.kind.name]
    found = frozenset().union(*map(numbers, texts))
    by = {"by": told.kind.staff_by}
    for sort, sentence in WRITTEN.items():
        if sort in found:
            yield f"{sort}-{told.kind.name}", str(sentence) % by, better
    if told.is_sensitive and turns >= GOES_ON:
        sentence = _("This is private, and they write about it %(by)s.") % by
        yield f"{SENSITIVE}-{told.kind.name}", sentence, better


def _soon(told: Midway) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """They need it soon, and wait for us."""
    if told.waits is None:
        return
    patience = PATIENCE.get(told.how_soon)
    if patience is not None and told.now - told.waits >= patience:
        words = {
            s.NOW: _("They need it now, and still wait."),
            s.TODAY: _("They need it today, and still wait."),
        }
        yield f"{SOON}-{told.how_soon}", words[told.how_soon], (PHONE,)
    named = min(_named(told, told.waits), default=None)
    if named is not None:
        words_of = {"day": formats.date_format(named, "l j F")}
        yield (
            f"{DAY}-{named}",
            _("They wrote of %(day)s, and wait for an answer.") % words_of,
            (PHONE,),
        )


def _named(told: Midway, since: datetime) -> Iterator[date]:
    """The days that they named in what waits for an answer, from today to `NEAR` days ahead."""
    today = told.now.date()
    for line in told.lines[-MOST_LINES:]:
        if not line.is_ours and line.at >= since:
            found = days(line.text, line.at.date(), day_first=told.day_first)
            yield from (day for day in found if today <= day <= today + timedelta(days=NEAR))


def _here(told: Midway) -> Iterator[Line]:
    """What was said since they went on by this way, the newest first.

    What was written on their own page belongs to any way: there they open a case, and read it.
    """
    for line in told.lines[: -MOST_LINES - 1 : -1]:
        if line.kind not in (told.kind.name, ACCOUNT):
            return
        yield line


def count_turns(lines: Iterable[Line]) -> int:
    """How often the word went from one side to the other, and the first one."""
    turns, last = 0, None
    for line in lines:
        turns += line.is_ours is not last
        last = line.is_ours
    return turns

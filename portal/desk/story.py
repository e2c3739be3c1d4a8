"""The story so far, by rules: who takes over reads it in a minute, and asks nothing again.

Pure: facts in, sentences out. `facts.of` reads the facts of a case.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from contacts.kinds import KINDS
from portal.desk import words
from portal.marks import ToDo
from portal.words import WISHES

MOST_FILES = 4


@dataclass(frozen=True)
class Said:
    """One thing that was said: when, by which kind, by whom, in which words."""

    at: datetime
    kind: str
    text: str
    by: str = ""


@dataclass(frozen=True)
class Tried:
    """Calls or visits of one kind that reached nobody, since somebody was reached last."""

    kind: str
    times: int
    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """A question of ours about another way; `answer` is "" while it waits for a word."""

    kind: str
    at: datetime
    answer: str = ""


@dataclass(frozen=True)
class Switched:
    """The newest switch; `seq`: its number in the history, `by`: the colleague who noted it."""

    seq: int
    at: datetime
    kind: str
    before: str
    by: int | None = None
    once: bool = False


@dataclass(frozen=True)
class Assigned:
    """The newest hand-over; `by`: the colleague who did it; `line`: what they said to it."""

    seq: int
    at: datetime
    name: str
    giver: str
    by: int | None = None
    to: int | None = None
    line: str = ""


@dataclass(frozen=True)
class Facts:
    """What the story is made of."""

    asked: Said | None
    answered: Said | None = None
    then: Said | None = None  # what the last answer answers, where it is another question
    in_words: tuple[str, ...] = ()  # promises that stand in notes of calls and visits
    unanswered: int = 0  # messages of the customer after our last answer
    is_unreached: bool = False  # they wait, because our last answer did not arrive
    went_on: bool = False  # they chose another way since that answer
    latest: Said | None = None  # the newest of those
    is_resolved: bool = False
    resolved_at: datetime | None = None
    about: str = ""
    how_soon: str = ""
    due: datetime | None = None  # when the promise of the channel breaks
    is_late: bool = False
    targets: tuple[str, ...] = ()  # how ours stand, or were met
    to_do: tuple[ToDo, ...] = ()  # open calls, letters, visits
    proposals: tuple[Asked, ...] = ()
    tried: tuple[Tried, ...] = ()
    name: str = ""
    proved: tuple[str, ...] = ()  # addresses
    language: str = ""
    topic: str = ""
    files: tuple[str, ...] = ()  # that the customer sent, the newest first
    told: tuple[Said, ...] = ()  # in spoken words that a colleague noted, the newest first
    points: str = ""  # what is open, in the agents' own words
    points_by: str = ""
    points_at: datetime | None = None
    wanted: str = ""  # kind of the choice
    address: str = ""
    wish: str = ""
    once: bool = False
    chosen: str = ""
    calls_allowed: bool = False
    switched: Switched | None = None
    assigned: Assigned | None = None


@dataclass(frozen=True)
class News:
    """What may be new to somebody: its number in the history, whose doing it was, in words.

    `to`: who was given the case, and reads instead `handed`, which says so to them.
    """

    seq: int
    by: int | None
    text: str
    to: int | None = None
    handed: str = ""

    @property
    def is_said(self) -> bool:
        """Whether a person did it, and not the rules."""
        return self.by is not None or not self.handed


@dataclass(frozen=True)
class Story:
    """The card: sentences, "" for what there is nothing to say about.

    `open` is the rules' own line. Where agents wrote `points` it stands below them while
    something `is_owed`: their words may be older than it.
    """

    asked: str
    then: str  # what the last answer answers
    answered: str
    promised: str
    targets: str
    open: str
    tried: str
    known: str
    wish: str
    points: str = ""
    points_by: str = ""
    is_owed: bool = False
    news: tuple[News, ...] = ()

    @property
    def latest(self) -> tuple[News, ...]:
        """The newest of the news alone, if there is any."""
        return tuple(sorted(self.news, key=lambda item: item.seq)[-1:])


def tell(facts: Facts) -> Story:
    """The card."""
    return Story(
        asked=_asked(facts),
        then=f"{_where(facts.then)}: {_quote(facts.then.text)}" if facts.then else "",
        answered=_answered(facts),
        promised=_promised(facts),
        targets=" ".join(facts.targets),
        open=_open(facts),
        tried=" ".join(map(_tried, facts.tried)),
        known=_not_again(facts),
        wish=_wish(facts),
        points=facts.points,
        points_by=_points_by(facts),
        is_owed=bool(facts.unanswered or facts.to_do or facts.is_unreached),
        news=tuple(_news(facts)),
    )


def _quote(text: str, limit: int = 180) -> str:
    # What came without words is a picture or another file.
    return _("“%(text)s”") % {"text": words.shorten(text, limit)} if text else _("a file")


def _where(said: Said) -> str:
    return f"{words.day_and_time(said.at)}, {words.by(said.kind)}"


def _asked(facts: Facts) -> str:
    if facts.asked is None:
        return _("Nothing was written down.")
    line = f"{_where(facts.asked)}: {_quote(facts.asked.text)}"
    if facts.about:
        line += " " + _("About: %(about)s.") % {"about": facts.about}
    if facts.how_soon:
        line += " " + _("Needed: %(when)s.") % {"when": facts.how_soon}
    return line


def _answered(facts: Facts) -> str:
    if facts.answered is None:
        return _("Not answered yet.")
    who = facts.answered.by or _("We")
    return f"{who}, {_where(facts.answered)}: {_quote(facts.answered.text)}"


def _promised(facts: Facts) -> str:
    """What we owe, and until when. What is to do stands under open, unless agents wrote there."""
    if facts.is_resolved:
        return ""
    parts = [capfirst(line if line[-1:] in ".!?" else f"{line}.") for line in facts.in_words]
    if facts.due:
        line = (
            _("An answer was due %(when)s.") if facts.is_late else _("An answer before %(when)s.")
        )
        parts.append(line % {"when": words.day_and_time(facts.due)})
    for asked in facts.proposals:
        if not asked.answer:
            values = {"when": words.day_and_time(asked.at), "kind": words.noun(asked.kind)}
            parts.append(_("We proposed %(kind)s %(when)s: no word yet.") % values)
    return " ".join(parts)


def _open(facts: Facts) -> str:
    if facts.is_resolved:
        when = words.day_and_time(facts.resolved_at) if facts.resolved_at else ""
        return (_("Nothing: done %(when)s.") % {"when": when}).replace(" .", ".")
    parts = []
    if facts.unanswered:
        count = ngettext(
            "%(count)s message without an answer",
            "%(count)s messages without an answer",
            facts.unanswered,
        ) % {"count": facts.unanswered}
        is_new = facts.latest is not None and facts.latest != facts.asked
        detail = f": {_quote(facts.latest.text)}" if is_new and facts.latest else ""
        parts.append(count + (detail or "."))
    for to_do in facts.to_do:
        values = {"kind": words.noun(to_do.kind), "when": words.day_and_time(to_do.at)}
        spoken = KINDS[to_do.kind].spoken
        line = _("To do: %(kind)s, %(when)s.") if spoken else _("To do: %(kind)s.")
        parts.append(line % values)
    if facts.is_unreached:
        parts.append(_unreached(facts))
    return " ".join(parts) or _("Waiting for the customer.")


def _unreached(facts: Facts) -> str:
    if facts.went_on:
        return _("Our last answer did not reach them, and they chose another way: answer again.")
    return _("Our last answer did not reach them: answer by another way.")


def _tried(tried: Tried) -> str:
    count = ngettext(
        "%(kind)s: not reached, %(when)s.",
        "%(kind)s: not reached %(count)s times, last %(when)s.",
        tried.times,
    ) % {
        "kind": words.label(tried.kind),
        "count": tried.times,
        "when": words.day_and_time(tried.at),
    }
    return f"{count[:-1]}: {_quote(tried.note, 120)}" if tried.note else count


def _not_again(facts: Facts) -> str:
    """What the customer must not be asked again; their language alone is no such thing."""
    known = list(_known(facts))
    return "" if known == [capfirst(facts.language)] else " · ".join(known)


def _known(facts: Facts) -> Iterable[str]:
    if facts.name:
        yield facts.name
    if facts.proved:
        yield _("%(addresses)s (proved)") % {"addresses": ", ".join(facts.proved)}
    if facts.language:
        yield capfirst(facts.language)
    if facts.topic:
        yield _("topic: %(topic)s") % {"topic": facts.topic}
    if facts.files:
        yield _files(facts.files)
    if facts.told:
        newest = facts.told[0]
        values = {"by": words.by(newest.kind), "when": words.day_and_time(newest.at)}
        line = _("told us %(by)s %(when)s") % values
        more = len(facts.told) - 1
        if more:
            line += " " + ngettext(
                "and %(count)s time before", "and %(count)s times before", more
            ) % {"count": more}
        yield line
    for asked in facts.proposals:
        if asked.answer:
            said = pgettext("answer", "yes") if asked.answer == "yes" else pgettext("answer", "no")
            values = {"kind": words.noun(asked.kind), "when": words.day_and_time(asked.at)}
            yield _("said “%(said)s” to %(kind)s, %(when)s") % {**values, "said": said}


def _files(files: tuple[str, ...]) -> str:
    names = ", ".join(words.shorten(name, 40) for name in files[:MOST_FILES])
    more = len(files) - MOST_FILES
    if more > 0:
        names += " " + _("and %(count)s more") % {"count": more}
    return _("sent: %(names)s") % {"names": names}


def _points_by(facts: Facts) -> str:
    if not (facts.points and facts.points_at):
        return ""
    return f"{facts.points_by}, {words.day_and_time(facts.points_at)}"


def _wish(facts: Facts) -> str:
    if not facts.wanted:
        return _("The customer did not choose yet.")
    line = words.by(facts.wanted)
    if facts.address:
        line += " " + _("to %(address)s") % {"address": facts.address}
    if facts.wish in WISHES:
        line += f", {WISHES[facts.wish]}"
    if facts.once:
        line += ", " + _("for the next answer only")
    line = line[:1].upper() + line[1:]
    if facts.chosen:
        line += f" ({facts.chosen})"
    if facts.calls_allowed and not KINDS[facts.wanted].rings:
        line += ". " + _("May be called")
    return line + "."


def _news(facts: Facts) -> Iterable[News]:
    """What somebody who looked at it earlier may not know yet."""
    if (switched := facts.switched) is not None:
        values = {
            "by": words.by(switched.kind),
            "before": words.noun(switched.before),
            "when": words.day_and_time(switched.at),
        }
        if switched.once:
            text = _("The next answer goes %(by)s instead of %(before)s, since %(when)s.")
        elif switched.kind == switched.before:
            text = _("Still %(by)s, but where or when is new since %(when)s.")
        else:
            text = _("Now %(by)s instead of %(before)s, since %(when)s.")
        yield News(switched.seq, switched.by, text % values)
    if (given := facts.assigned) is not None:
        values = {
            "name": given.name,
            "giver": given.giver,
            "when": words.day_and_time(given.at),
        }
        if not given.giver:
            text = _("The rules gave the case to %(name)s, %(when)s.")
            handed = _("The rules gave this to you, %(when)s.")
        elif given.name == given.giver:
            text = handed = _("%(name)s took the case, %(when)s.")
        else:
            text = _("%(giver)s handed the case to %(name)s, %(when)s.")
            handed = _("%(giver)s handed this to you, %(when)s.")
        line = f" {_quote(given.line, 300)}" if given.line else ""
        yield News(given.seq, given.by, text % values + line, given.to, handed % values + line)

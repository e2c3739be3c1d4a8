"""The story so far, in four lines made by rules: who takes over reads these and asks nothing again.

`tell` is pure: facts in, sentences out. `facts_of` reads the facts of a case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app.dispatch import SPOKEN
from contacts.kinds import KINDS
from contacts.models import Case, Choice, Message
from contacts.models.message import MessageQuerySet
from portal.desk import words
from portal.timeline import Timeline
from portal.words import WISHES

MOST_UNANSWERED = 100  # counted no further
MOST_TO_DO = 5


@dataclass(frozen=True)
class Said:
    """One thing that was said: when, by which kind, by whom, in which words."""

    at: datetime
    kind: str
    text: str
    by: str = ""


@dataclass(frozen=True)
class Facts:
    """What the story is made of."""

    asked: Said | None
    answered: Said | None = None
    unanswered: int = 0  # messages of the customer after our last answer
    latest: Said | None = None  # the newest of those
    is_resolved: bool = False
    resolved_at: datetime | None = None
    about: str = ""
    how_soon: str = ""
    to_do: tuple[str, ...] = ()  # kinds of open calls, letters, visits
    wanted: str = ""  # kind of the choice
    address: str = ""
    wish: str = ""
    once: bool = False
    chosen: str = ""
    calls_allowed: bool = False


@dataclass(frozen=True)
class Story:
    """Four lines, each a sentence or two."""

    asked: str
    answered: str
    open: str
    wish: str


def tell(facts: Facts) -> Story:
    """The four lines."""
    return Story(_asked(facts), _answered(facts), _open(facts), _wish(facts))


def _quote(text: str, limit: int = 180) -> str:
    # What came without words is a picture or another file.
    return _("“%(text)s”") % {"text": words.shorten(text, limit)} if text else _("a file")


def _asked(facts: Facts) -> str:
    if facts.asked is None:
        return _("Nothing was written down.")
    where = f"{words.day_and_time(facts.asked.at)}, {words.by(facts.asked.kind)}"
    line = f"{where}: {_quote(facts.asked.text)}"
    if facts.about:
        line += " " + _("About: %(about)s.") % {"about": facts.about}
    if facts.how_soon:
        line += " " + _("Needed: %(when)s.") % {"when": facts.how_soon}
    return line


def _answered(facts: Facts) -> str:
    if facts.answered is None:
        return _("Not answered yet.")
    who = facts.answered.by or _("We")
    where = f"{words.day_and_time(facts.answered.at)}, {words.by(facts.answered.kind)}"
    return f"{who}, {where}: {_quote(facts.answered.text)}"


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
        detail = f": {_quote(facts.latest.text, 120)}" if is_new and facts.latest else ""
        parts.append(count + (detail or "."))
    for kind in facts.to_do:
        parts.append(_("To do: %(kind)s.") % {"kind": words.noun(kind)})
    return " ".join(parts) or _("Waiting for the customer.")


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


def facts_of(case: Case, history: Timeline | None = None, to_do: Sequence[str] = ()) -> Facts:
    """Read the facts of a case in a fixed number of queries.

    `history` is what a page has read of its newest lines: the last answer and what came after it
    is found there, where it reaches back so far. `to_do`: see `timeline.Change`.
    """
    rows = Message.objects.read_of(case)
    came = rows.filter(direction=Message.Direction.IN)
    first = history.first if history else _light(came.order_by("created_at", "seq"))
    answer, after = (history and _last_answer(history)) or _asked_answer(rows, came)
    unanswered = len(after[:MOST_UNANSWERED]) if case.waiting_since else 0
    choice = case.choice
    return Facts(
        asked=_said(first),
        answered=_said(answer),
        unanswered=unanswered,
        latest=_said(after[-1]) if unanswered else None,
        is_resolved=case.state == Case.State.RESOLVED,
        resolved_at=case.resolved_at,
        about=case.about,
        how_soon=case.get_how_soon_display(),
        to_do=tuple(to_do[:MOST_TO_DO]),
        **(_chosen(choice) if choice else {}),
    )


def _last_answer(history: Timeline) -> tuple[Message | None, list[Message]] | None:
    """The last answer and what came after it; None where it may be older than these lines."""
    at = max((n for n, said in enumerate(history.messages) if _is_spoken(said)), default=None)
    if at is None and (history.older or history.is_tail):
        return None
    answer = None if at is None else history.messages[at]
    later = history.messages if at is None else history.messages[at + 1 :]
    return answer, [said for said in later if _is_to_answer(said)]


def _is_to_answer(message: Message) -> bool:
    came = message.direction == Message.Direction.IN
    return came and message.template not in Message.WAITS_FOR_NOTHING


def _is_spoken(message: Message) -> bool:
    return message.direction == Message.Direction.OUT and message.template in ("", SPOKEN)


def _asked_answer(
    rows: MessageQuerySet, came: MessageQuerySet
) -> tuple[Message | None, list[Message]]:
    """The same, asked of the database. By time: numbers of cases that were joined overlap."""
    spoken = rows.filter(direction=Message.Direction.OUT, template__in=("", SPOKEN))
    answer = _light(spoken.order_by("-created_at", "-seq"))
    after = came.filter(created_at__gte=answer.created_at) if answer else came
    to_answer = after.exclude(template__in=Message.WAITS_FOR_NOTHING)
    later = to_answer.select_related("staff").defer("html", "whole_text")
    found = list(later.order_by("-created_at", "-seq")[:MOST_UNANSWERED])[::-1]
    if answer is not None:
        found = [m for m in found if (m.created_at, m.seq) > (answer.created_at, answer.seq)]
    return answer, found


def _light(rows: MessageQuerySet) -> Message | None:
    """The first one, without what can be large."""
    return rows.select_related("staff").defer("html", "whole_text").first()


def _said(message: Message | None) -> Said | None:
    if message is None:
        return None
    by = message.staff.public_name if message.staff else ""
    return Said(message.created_at, message.kind, message.text or message.subject, by)


def _chosen(choice: Choice) -> dict[str, Any]:
    return {
        "wanted": choice.kind,
        "address": str(choice.identity) if choice.identity else "",
        "wish": choice.wish,
        "once": choice.once,
        "chosen": words.chosen(choice),
        "calls_allowed": choice.calls_allowed,
    }

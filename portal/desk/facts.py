"""Reads the facts that the story of a case is made of, in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.db.models.functions import Left
from django.utils import timezone

from channels_app import due, proposals
from channels_app.due import Owed
from channels_app.models import Channel, Delivery
from contacts import notes
from contacts.kinds import KINDS, SCHEMES
from contacts.models import Case, Choice, Event, Message, Question
from contacts.models.message import MessageQuerySet
from portal import marks
from portal.context import offered
from portal.desk import addresses, dues, words
from portal.desk.story import Asked, Assigned, Facts, Said, Story, Switched, Tried, tell
from portal.marks import ToDo
from portal.timeline import Timeline

MOST_UNANSWERED = 100  # counted no further
MOST_TO_DO = 5
MOST_HAPPENED = 100  # events that are looked at
MOST_TOLD = 50  # files and noted words, of a long case the newest
MOST_PROPOSALS = 5
MOST_PROMISES = 4  # in the words of notes, the newest
NOTE_READ = 2000  # characters of a note in which promises are looked for
SPOKEN_KINDS = [kind.name for kind in KINDS.values() if kind.spoken]
HAPPENED = (
    Event.Sort.SWITCHED,
    Event.Sort.ASSIGNED,
    Event.Sort.ATTEMPTED,
    Event.Sort.DONE,
    Event.Sort.POINTS,
)


def story_of(case: Case) -> Story:
    """The card of a case, on a page that has read nothing else of it."""
    return tell(of(case, to_do=marks.change(case).to_do))


def of(
    case: Case,
    history: Timeline | None = None,
    to_do: Sequence[ToDo] = (),
    known: Sequence[addresses.Known] | None = None,
    channels: Sequence[Channel] | None = None,
    proposed: Sequence[Question] | None = None,
    said: Sequence[Message] | None = None,
    owed: Owed | None = None,
) -> Facts:
    """Read the facts of a case.

    `history` is what a page has read of its newest lines. `to_do`: see `marks.Change`. `known`,
    its addresses, the offered `channels`, what was `proposed`, what was `said` (`lately`) and what
    is `owed`, are read where a page has them not.
    """
    rows = Message.objects.read_of(case)
    came = rows.filter(direction=Message.Direction.IN)
    first = history.first if history else _light(came.order_by("created_at", "seq"))
    answer, before, after = _apart(lately(case, history) if said is None else said)
    if answer is None and len(after) > MOST_UNANSWERED:
        answer = _saying(case).filter(Message.SAID).first()
    unanswered = len(after[:MOST_UNANSWERED]) if case.waiting_since else 0
    choice = case.choice
    return Facts(
        asked=_said(first),
        then=_said(before) if before is not None and before != first else None,
        answered=_said(answer),
        unanswered=unanswered,
        is_unreached=bool(case.waiting_since and answer and not unanswered and not to_do),
        went_on=bool(answer and case.went_on(answer.created_at, answer.kind, answer.identity_id)),
        latest=_said(after[-1]) if unanswered else None,
        is_resolved=case.state == Case.State.RESOLVED,
        resolved_at=case.resolved_at,
        about=case.about,
        how_soon=case.get_how_soon_display(),
        to_do=tuple(to_do[:MOST_TO_DO]),
        proposals=_proposals(case, proposals.of(case) if proposed is None else proposed),
        name=case.customer.top.name or case.customer.name,
        proved=_proved(addresses.of(case) if known is None else known),
        language=case.get_language_display(),
        topic=str(case.topic) if case.topic else "",
        points=case.open_points,
        **_due(_owed(case, channels) if owed is None else owed),
        **_told(rows),
        **_happened(case),
        **(_chosen(choice) if choice else {}),
    )


def lately(case: Case, history: Timeline | None = None) -> list[Message]:
    """What was said last by either side, the oldest first.

    As a page has read it, where its lines reach back to the last answer; else one query.
    """
    if history is not None:
        found = [m for m in history.messages if m.is_said or m.is_to_answer]
        if _apart(found)[1] is not None or not (history.older or history.is_tail):
            return found
    rows = _saying(case).filter(Message.TO_ANSWER | Message.SAID)
    return list(rows[: MOST_UNANSWERED + 1])[::-1]


def _saying(case: Case) -> MessageQuerySet:
    """By time, the newest first: numbers of cases that were joined overlap."""
    rows = Message.objects.read_of(case).select_related("staff").defer("html", "whole_text")
    return rows.order_by("-created_at", "-seq")


Newest = tuple[Message | None, Message | None, Sequence[Message]]


def _apart(said: Sequence[Message]) -> Newest:
    """Apart, of lines in their order: the last answer, the one before it, those after it."""
    at = max((n for n, message in enumerate(said) if message.is_said), default=None)
    if at is None:
        return None, None, said
    before = next((message for message in said[:at][::-1] if message.is_to_answer), None)
    return said[at], before, said[at + 1 :]


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
        "address": choice.identity.readable if choice.identity else "",
        "wish": choice.wish,
        "once": choice.once,
        "chosen": words.chosen(choice),
        "calls_allowed": choice.calls_allowed,
    }


def _owed(case: Case, channels: Sequence[Channel] | None) -> Owed:
    listed = offered(case.organisation) if channels is None else channels
    return due.of(case, due.speaker(listed, due.kind_of(case)), timezone.now())


def _due(owed: Owed) -> dict[str, Any]:
    """When the promise to who waits breaks, and how our own targets stand."""
    now, found = timezone.now(), owed.promise
    ours = {"targets": tuple(dues.standing(target, now) for target in owed.targets)}
    if found is None:
        return ours
    return ours | {"due": found.at, "is_late": found.level(now) == due.BROKEN}


def _proved(known: Iterable[addresses.Known]) -> tuple[str, ...]:
    """As people read them: what a provider made up tells nobody anything."""
    found = (row.identity for row in known if row.is_proved)
    return tuple(one.readable or str(SCHEMES[one.scheme].label) for one in found)


def _proposals(case: Case, found: Sequence[Question]) -> tuple[Asked, ...]:
    """What we proposed, and what they said; without those that are over without a word."""
    return tuple(
        Asked(row.proposed_kind, row.closed_at or row.created_at, row.answer)
        for row in found[:MOST_PROPOSALS]
        if proposals.standing(row, case) in proposals.SAID_OR_OPEN
    )


def _told(rows: MessageQuerySet) -> dict[str, Any]:
    """Which files the customer sent; what was noted of calls and visits, and promised there."""
    came = Q(direction=Message.Direction.IN)
    noted = came & Q(staff__isnull=False, kind__in=SPOKEN_KINDS)
    files = came & Q(attachments__isnull=False)
    found = rows.exclude(corrected=Message.Corrected.DELETED)
    found = found.filter(noted | files | Q(template=Message.SPOKEN))
    found = found.order_by("-created_at", "-seq").annotate(start=Left("text", NOTE_READ))
    fields = ("pk", "direction", "kind", "staff", "template", "created_at", "start")
    names, told, promised = [], {}, {}
    for pk, direction, kind, staff, template, at, text, name in found.values_list(
        *fields, "attachments__name"
    )[:MOST_TOLD]:
        if name and direction == Message.Direction.IN:
            names.append(name)
        if template == Message.SPOKEN or (staff is not None and kind in SPOKEN_KINDS):
            promised[pk] = notes.read(text).promised
            if direction == Message.Direction.IN:
                told[pk] = Said(at, kind, "")
    lines = [line for some in promised.values() for line in some]
    return {
        "files": tuple(dict.fromkeys(names)),
        "told": tuple(told.values()),
        "in_words": tuple(lines[:MOST_PROMISES]),
    }


def _happened(case: Case) -> dict[str, Any]:
    """The newest switch and hand-over, who wrote the open points, and what was tried in vain."""
    rows = Event.objects.filter(case__in=case.member_ids, sort__in=HAPPENED)
    rows = rows.select_related("staff").order_by("-created_at", "-seq")[:MOST_HAPPENED]
    newest: dict[str, Event] = {}
    tries: list[Event] = []
    for event in rows:
        newest.setdefault(event.sort, event)
        if event.sort in (Event.Sort.ATTEMPTED, Event.Sort.DONE):
            tries.append(event)
    points = newest.get(Event.Sort.POINTS)
    return {
        "tried": _tried(tries),
        "points_by": points.staff.display_name if points and points.staff else "",
        "points_at": points.created_at if points else None,
        "switched": _switched(newest.get(Event.Sort.SWITCHED)),
        "assigned": _assigned(newest.get(Event.Sort.ASSIGNED)),
    }


def _tried(newest_first: Iterable[Event]) -> tuple[Tried, ...]:
    """Tries of each spoken kind that reached nobody, up to the last time that one did."""
    over: set[str] = set()
    found: dict[str, Tried] = {}
    for event in newest_first:
        kind, outcome = event.data.get("kind", ""), event.data.get("outcome", "")
        if event.sort == Event.Sort.DONE and outcome == Delivery.Outcome.REACHED:
            over.add(kind)
        if kind in over or kind not in SPOKEN_KINDS or outcome != Delivery.Outcome.NOT_REACHED:
            continue
        last = found.get(kind) or Tried(kind, 0, event.created_at, event.data.get("note", ""))
        found[kind] = Tried(kind, last.times + 1, last.at, last.note)
    return tuple(found.values())


def _switched(event: Event | None) -> Switched | None:
    if event is None or not event.data.get("before"):
        return None
    data = event.data
    return Switched(
        event.seq,
        event.created_at,
        data["kind"],
        data["before"],
        event.staff_id,
        bool(data.get("once")),
    )


def _assigned(event: Event | None) -> Assigned | None:
    if event is None or not event.data.get("name"):
        return None
    giver = event.staff.display_name if event.staff else ""
    data = event.data
    return Assigned(
        event.seq,
        event.created_at,
        data["name"],
        giver,
        event.staff_id,
        data.get("to"),
        data.get("line", ""),
    )

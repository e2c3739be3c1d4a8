"""The linked history of a case, as one viewer may see it: messages and events, in order."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    Model,
    OuterRef,
    Q,
)
from django.utils import timezone

from channels_app.dispatch import ACKNOWLEDGEMENT, CALLBACK, VISIT
from channels_app.models import Attempt, Channel, Delivery
from channels_app.outbox import APPOINTMENT, CHOOSE_AGAIN, LINE, UNREAD
from contacts.kinds import OWN_PAGE
from contacts.models import Attachment, Case, Event, Identity, Message, User
from contacts.models.message import MessageQuerySet
from contacts.models.outcome import AFTERWARDS
from contacts.viewers import Viewer
from portal import past, words

PAGE = 50
# What says nothing to a customer beside its line.
HIDDEN = (
    *(APPOINTMENT, CALLBACK, VISIT, LINE, "auto_reply", CHOOSE_AGAIN, UNREAD),
    *AFTERWARDS,
)
Totals = list[tuple[str, int]]
Row = TypeVar("Row", bound=Model)
TOLD = ("id", "kind", "is_offered", "paused_until")  # of a channel; whether it holds what waits
UNTOLD = [
    f"channel__{field.name}" for field in Channel._meta.concrete_fields if field.name not in TOLD
]
TRIED = ("number", "outcome", "reason", "detail", "started_at")  # what is told of a try
ROUGH = (*words.FAILED, Delivery.Status.CANCELLED)
MOST_SENT = 5  # acknowledgements among them, which not everybody is shown
OVERLAP = 4  # lines before the new ones that an open page gets again


@dataclass(frozen=True)
class Entry:
    """One line: a message with its deliveries, or an event in words."""

    at: datetime
    seq: int
    message: Message | None = None
    event: Event | None = None
    words: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    state: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Known:
    """What a page has read anyway: its history asks only for what is missing here."""

    people: Iterable[User] = ()
    identities: Iterable[Identity] = ()


NOTHING = Known()


@dataclass(frozen=True)
class Timeline:
    """Oldest first. `older`: the cursor of the page before, None at the beginning.

    `is_tail`: only the newest lines, for a page that has all lines before them. `first`, for
    staff: what the customer asked first, also where it is older than these lines.
    """

    entries: list[Entry]
    older: str | None = None
    is_tail: bool = False
    first: Message | None = None

    @property
    def messages(self) -> list[Message]:
        """The messages among the entries."""
        return [entry.message for entry in self.entries if entry.message is not None]


@dataclass(frozen=True)
class Mark:
    """What a history looked like. `after`: the case's number then; `old`: all but its newest lines.

    It counts each step, which tells every change: deliveries go forward only, and what goes back
    (a try that is repeated) reads the same.
    """

    after: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.after}.{self.old}.{self.new}"

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """The mark that a page sends back; None for anything else."""
        parts = text[:80].split(".")
        if len(parts) != 3 or not (parts[0].isdecimal() and len(parts[0]) < 10):
            return None
        return cls(int(parts[0]), parts[1], parts[2])


@dataclass(frozen=True)
class ToDo:
    """A call, a letter or a visit that somebody is to do; `at`: when its time has come."""

    kind: str
    at: datetime


@dataclass(frozen=True)
class Change:
    """What an open page had, how the same looks `now`, and its next mark.

    `first_at`: the time of the earliest message that the page has not. `to_do`: the open calls,
    letters and visits, the earliest first. `templates`: of the messages that we made. `is_unread`:
    an answer stands on the customer's page that they did not see yet. `is_smooth`: nothing that
    we sent failed, or was called off.
    """

    had: Mark | None
    now: Mark
    mark: Mark
    first_at: datetime | None = None
    to_do: tuple[ToDo, ...] = ()
    templates: frozenset[str] = frozenset()
    is_unread: bool = False
    is_smooth: bool = True

    @property
    def is_none(self) -> bool:
        """Whether nothing changed."""
        return self.had == self.now


def change(case: Case, have: str = "", *, beside: str = "") -> Change:
    """How the history stands against the mark that a page has. One query.

    `beside`: what else the page says, and no row of the case tells. Read before the history is:
    what comes in between is then asked for once too often, not missed.
    """
    had = Mark.read(have)
    after = had.after if had else case.seq
    rows = Message.objects.read_of(case).order_by()
    found = rows.values("template", "deliveries__status", "deliveries__channel__kind").annotate(
        was_old=Count("pk", filter=Q(seq__lte=after - OVERLAP)),
        is_old=Count("pk", filter=Q(seq__lte=case.seq - OVERLAP)),
        all=Count("pk"),
        first_at=Min("created_at", filter=Q(seq__gt=after)),
        due_at=Min("deliveries__next_attempt_at"),
    )
    steps = list(found)
    return Change(
        had,
        _mark(case, after, _totals(steps, "was_old"), steps, beside),
        _mark(case, case.seq, _totals(steps, "is_old"), steps, beside),
        min((row["first_at"] for row in steps if row["first_at"]), default=None),
        _to_do(steps),
        frozenset(row["template"] for row in steps),
        any(_waits_to_be_seen(row) for row in steps),
        not any(row["deliveries__status"] in ROUGH for row in steps),
    )


def _waits_to_be_seen(row: Any) -> bool:
    status, kind = row["deliveries__status"], row["deliveries__channel__kind"]
    return status in (Delivery.Status.SENT, Delivery.Status.DELIVERED) and kind in OWN_PAGE


def _to_do(steps: list[Any]) -> tuple[ToDo, ...]:
    waiting = [row for row in steps if row["deliveries__status"] in Delivery.TO_DO]
    waiting.sort(key=lambda row: row["due_at"])
    return tuple(
        ToDo(row["deliveries__channel__kind"], row["due_at"])
        for row in waiting
        for _n in range(row["all"])
    )


def _mark(case: Case, after: int, old: Totals, steps: list[Any], beside: str) -> Mark:
    # The times of lines are said by the day.
    before = [timezone.localdate(), *case.member_ids, *old]
    return Mark(after, _digest(before), _digest([case.seq, beside, *_totals(steps, "all")]))


def _totals(steps: list[Any], name: str) -> Totals:
    """How many lines there are of each step; how an acknowledgement goes is not told.

    See `question._told`.
    """
    total: Counter[str] = Counter()
    for row in steps:
        step = row["deliveries__status"] or ""
        told = row["template"] != ACKNOWLEDGEMENT or step in words.FAILED
        total[step if told else ""] += row[name]
    # Without what none of them has: else a step of a new line would look like one of the old.
    return sorted((+total).items())


def _digest(given: object) -> str:
    return hashlib.sha256(str(given).encode()).hexdigest()[:12]


def page(
    case: Case,
    viewer: Viewer,
    *,
    before: str = "",
    known: Known = NOTHING,
) -> Timeline:
    """The newest 50 entries, or those before a cursor. A constant number of queries."""
    return _page(case, viewer, before, PAGE, known, with_first=viewer.is_staff)


def sent(case: Case, viewer: Viewer) -> list[Entry]:
    """What went out last, and where a way failed: for lines that have none of it."""
    return _page(case, viewer, "", MOST_SENT, NOTHING, only_sent=True).entries


def _page(
    case: Case,
    viewer: Viewer,
    before: str,
    limit: int,
    known: Known,
    *,
    with_first: bool = False,
    only_sent: bool = False,
) -> Timeline:
    messages = Message.objects.shown_of(case, viewer)
    events = Event.objects.filter(case__in=case.member_ids)
    if only_sent:
        messages = messages.filter(direction=Message.Direction.OUT)
        events = events.filter(sort=Event.Sort.FELL_BACK)
    if not viewer.is_staff:
        events = events.filter(sort__in=Event.PUBLIC)
        messages = messages.exclude(template__in=HIDDEN)
    everything = messages
    if (at := _cursor(before)) is not None:
        messages = messages.filter(created_at__lt=at)
        events = events.filter(created_at__lt=at)
    said = _read(messages, limit + 1, with_first=with_first)
    _with_notes(everything, said)
    first = next((m for m in said[::-1] if m.direction == Message.Direction.IN), None)
    said = said[: limit + 1]
    happened = list(events.order_by("-created_at", "-seq")[: limit + 1])
    deliveries = _deliveries(said, viewer)
    _with_people(case, said, happened, deliveries, known)
    identities = _identities(happened, known)
    entries = [_said(message, deliveries.get(message.pk, []), viewer) for message in said]
    entries += [
        Entry(event.created_at, event.seq, event=event, words=text)
        for event in happened
        if (text := past.line(event, viewer, identities))
    ]
    entries.sort(key=lambda entry: (entry.at, entry.seq), reverse=True)
    shown = entries[:limit]
    older = shown[-1].at.isoformat() if len(entries) > limit else None
    return Timeline(shown[::-1], older, first=first)


def news(case: Case, viewer: Viewer, change: Change, known: Known = NOTHING) -> Timeline:
    """For an open page: its newest lines, or the whole page where it cannot go on from its own."""
    had = change.had
    # Of joined cases the numbers say nothing of the order in time.
    if had is None or had.old != change.now.old or len(case.members) > 1:
        return _page(case, viewer, "", PAGE, known)
    limit = case.seq - had.after + OVERLAP
    if not 0 < limit < PAGE:
        return _page(case, viewer, "", PAGE, known)
    tail = _page(case, viewer, "", limit, known)
    # A message that was moved here is new, and stands among the old ones by its time.
    is_moved = tail.entries and change.first_at and change.first_at < tail.entries[0].at
    if is_moved or any(_changes_another(entry, had.after) for entry in tail.entries):
        return _page(case, viewer, "", PAGE, known)
    return replace(tail, older=None, is_tail=True) if tail.older else tail


def _changes_another(entry: Entry, after: int) -> bool:
    """Whether it is new and changed a line that may be an old one: corrected, or confirmed."""
    is_corrected = entry.event is not None and entry.event.sort == Event.Sort.CORRECTED
    is_about = entry.message is not None and entry.message.regards_id is not None
    return entry.seq > after and (is_corrected or is_about)


def _cursor(before: str) -> datetime | None:
    try:
        # In UTC here: at the ends of the calendar that already overflows.
        return datetime.fromisoformat(before).astimezone(UTC) if before else None
    except (ValueError, OverflowError):
        return None


def _read(messages: MessageQuerySet, limit: int, *, with_first: bool) -> list[Message]:
    """The newest ones with their files, and the customer's first of all.

    The mails' HTML stays where it is: it can be large.
    """
    rows = messages.order_by("-created_at", "-seq")
    if with_first:
        newest = Message.objects.filter(pk__in=rows.values("pk")[:limit]).values("pk")
        asked = messages.filter(direction=Message.Direction.IN).order_by("created_at", "seq")
        first = Message.objects.filter(pk__in=asked.values("pk")[:1]).values("pk")
        rows = Message.objects.filter(pk__in=newest.union(first)).order_by("-created_at", "-seq")
        limit += 1
    has_html = ExpressionWrapper(~Q(html=""), output_field=BooleanField())
    has_files = Exists(Attachment.objects.filter(message=OuterRef("pk")))
    rows = rows.defer("html").annotate(has_html=has_html, has_files=has_files)
    said: list[Message] = list(rows[:limit])
    files: dict[int, list[Attachment]] = defaultdict(list)
    if wanted := [message.pk for message in said if message.has_files]:  # type: ignore[attr-defined]
        for file in Attachment.objects.filter(message__in=wanted).order_by("pk"):
            files[file.message_id].append(file)
    for message in said:
        message.files = files[message.pk]  # type: ignore[attr-defined]
    return said


def _with_notes(messages: MessageQuerySet, said: list[Message]) -> None:
    """Beside the note of a call or a visit what confirms and what corrects it; and the reverse.

    One query where the page has any. Of this case and this viewer alone: a message can be moved.
    """
    noted = [message.pk for message in said if message.is_noted]
    regarded = [message.regards_id for message in said if message.regards_id]
    found: list[Message] = []
    if noted or regarded:
        rows = messages.filter(Q(regards__in=noted) | Q(pk__in=regarded))
        found = list(rows.defer("html", "whole_text").order_by("created_at", "seq"))
    notes = {message.pk: message for message in found}
    for message in said:
        mine = [row for row in found if row.regards_id == message.pk]
        corrections = [row for row in mine if row.direction == Message.Direction.IN]
        message.note = notes.get(message.regards_id or 0)  # type: ignore[attr-defined]
        message.corrections = corrections  # type: ignore[attr-defined]
        message.is_confirmed = len(mine) > len(corrections)  # type: ignore[attr-defined]


def _deliveries(said: list[Message], viewer: Viewer) -> dict[int, list[Delivery]]:
    """By message; with what was tried, for staff: a row for each try, in the same query."""
    rows = Delivery.objects.filter(message__in=[message.pk for message in said])
    rows = rows.select_related("identity", "channel").defer(*UNTOLD)
    if viewer.is_staff:
        rows = rows.annotate(**{f"try_{name}": F(f"attempts__{name}") for name in TRIED})
    found: dict[int, list[Delivery]] = defaultdict(list)
    for _pk, same in groupby(sorted(rows, key=_in_order), key=attrgetter("pk")):
        each = list(same)
        each[0].tries = [_try(row) for row in each if getattr(row, "try_number", None)]  # type: ignore[attr-defined]
        found[each[0].message_id].append(each[0])
    return found


def _in_order(row: Delivery) -> tuple[Any, ...]:
    """They are few: in the database's order each page would wait for Django to write it."""
    return row.created_at, row.pk, getattr(row, "try_number", None) or 0


def _try(row: Delivery) -> Attempt:
    return Attempt(**{name: getattr(row, f"try_{name}") for name in TRIED})


def _with_people(
    case: Case,
    said: list[Message],
    happened: list[Event],
    sent: dict[int, list[Delivery]],
    known: Known,
) -> None:
    """Staff and cases that many lines share, each read once."""
    deliveries = [delivery for some in sent.values() for delivery in some]
    wanted = {message.staff_id for message in said} | {event.staff_id for event in happened}
    wanted |= {delivery.taken_by_id for delivery in deliveries}
    people = _completed({person.pk: person for person in known.people}, User, wanted)
    cases = {member.pk: member for member in case.members} | {case.pk: case}
    for message in said:
        message.case = cases[message.case_id or 0]
        message.staff = people.get(message.staff_id or 0)
    for event in happened:
        event.staff = people.get(event.staff_id or 0)
    for delivery in deliveries:
        delivery.taken_by = people.get(delivery.taken_by_id or 0)


def _identities(events: list[Event], known: Known) -> dict[int, Identity]:
    wanted = {event.data.get("identity") for event in events}
    return _completed({row.pk: row for row in known.identities}, Identity, wanted)


def _completed(rows: dict[int, Row], model: type[Row], wanted: set[int | None]) -> dict[int, Row]:
    """Those rows, and the wanted ones that are not among them."""
    missing = wanted - rows.keys() - {None}
    return rows | model._default_manager.in_bulk(missing) if missing else rows


def _said(message: Message, deliveries: list[Delivery], viewer: Viewer) -> Entry:
    live = [d for d in deliveries if d.status != Delivery.Status.CANCELLED]
    last = live[-1] if live else None
    return Entry(
        at=message.created_at,
        seq=message.seq,
        message=message,
        words=words.template(message, viewer, deliveries[-1] if deliveries else None),
        deliveries=deliveries,
        state=words.state(last) if last else "",
        failed=bool(last and last.status in words.FAILED),
    )

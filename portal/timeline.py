"""The linked history of a case, as one viewer may see it: messages and events, in order."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    Model,
    OuterRef,
    Q,
)

from channels_app.dispatch import CALLBACK, VISIT
from channels_app.models import Attempt, Channel, Delivery
from channels_app.outbox import APPOINTMENT, CHOOSE_AGAIN, LINE, UNREAD
from contacts.models import Attachment, Case, Event, Identity, Message, User
from contacts.models.message import MessageQuerySet
from contacts.models.outcome import AFTERWARDS
from contacts.viewers import Viewer
from portal import past, words
from portal.marks import OVERLAP, Change

PAGE = 50
# What says nothing to a customer beside its line.
HIDDEN = (
    *(APPOINTMENT, CALLBACK, VISIT, LINE, "auto_reply", CHOOSE_AGAIN, UNREAD),
    *AFTERWARDS,
)
Row = TypeVar("Row", bound=Model)
TOLD = ("id", "kind", "is_offered", "paused_until")  # of a channel; whether it holds what waits
UNTOLD = [
    f"channel__{field.name}" for field in Channel._meta.concrete_fields if field.name not in TOLD
]
TRIED = ("number", "outcome", "reason", "detail", "started_at")  # what is told of a try
MOST_SENT = 5  # acknowledgements among them, which not everybody is shown


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

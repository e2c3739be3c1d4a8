"""The linked history of a case, as one viewer may see it: messages and events, in order."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    Min,
    OuterRef,
    Q,
)
from django.utils import timezone

from channels_app.dispatch import ACKNOWLEDGEMENT, CALLBACK
from channels_app.models import Attempt, Channel, Delivery
from contacts.models import Attachment, Case, Event, Identity, Message, User
from contacts.models.message import MessageQuerySet
from contacts.viewers import Viewer
from portal import words

PAGE = 50
HIDDEN = (CALLBACK, "auto_reply")  # messages of ours that say nothing to a customer
Totals = list[tuple[str, int]]
OVERLAP = 10  # lines before the new ones that an open page gets again


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
class Timeline:
    """Oldest first. `older`: the cursor of the page before, None at the beginning.

    `is_tail`: only the newest lines, for a page that has all lines before them.
    """

    entries: list[Entry]
    older: str | None = None
    is_tail: bool = False

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
class Change:
    """What an open page had, how the same looks `now`, and its next mark.

    `first_at`: the time of the earliest message that the page has not.
    """

    had: Mark | None
    now: Mark
    mark: Mark
    first_at: datetime | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing changed."""
        return self.had == self.now


def change(case: Case, have: str = "") -> Change:
    """How the history stands against the mark that a page has. One query.

    Read before the history is: what comes in between is then asked for once too often, not missed.
    """
    had = Mark.read(have)
    after = had.after if had else case.seq
    rows = Message.objects.read_of(case).order_by().values("template", "deliveries__status")
    found = rows.annotate(
        was_old=Count("pk", filter=Q(seq__lte=after - OVERLAP)),
        is_old=Count("pk", filter=Q(seq__lte=case.seq - OVERLAP)),
        all=Count("pk"),
        first_at=Min("created_at", filter=Q(seq__gt=after)),
    )
    steps = list(found)
    return Change(
        had,
        _mark(case, after, _totals(steps, "was_old"), steps),
        _mark(case, case.seq, _totals(steps, "is_old"), steps),
        min((row["first_at"] for row in steps if row["first_at"]), default=None),
    )


def _mark(case: Case, after: int, old: Totals, steps: list[Any]) -> Mark:
    # The times of lines are said by the day.
    before = [timezone.localdate(), *old]
    return Mark(after, _digest(before), _digest([case.seq, *_totals(steps, "all")]))


def _totals(steps: list[Any], name: str) -> Totals:
    """How many lines there are of each step; how an acknowledgement goes is not told.

    See `question._told`.
    """
    total: Counter[str] = Counter()
    for row in steps:
        step = row["deliveries__status"] or ""
        told = row["template"] != ACKNOWLEDGEMENT or step in words.FAILED
        total[step if told else ""] += row[name]
    return sorted(total.items())


def _digest(given: object) -> str:
    return hashlib.sha256(str(given).encode()).hexdigest()[:12]


def page(
    case: Case,
    viewer: Viewer,
    *,
    before: str = "",
    limit: int = PAGE,
    channels: Iterable[Channel] = (),
) -> Timeline:
    """The newest `limit` entries, or those before a cursor. A constant number of queries.

    `channels` are those that the caller knows already; others are asked for.
    """
    messages = Message.objects.read_of(case).visible_to(viewer)
    events = Event.objects.filter(case__in=case.member_ids)
    if not viewer.is_staff:
        events = events.filter(sort__in=Event.PUBLIC)
        messages = messages.exclude(template__in=HIDDEN)
    if (at := _cursor(before)) is not None:
        messages = messages.filter(created_at__lt=at)
        events = events.filter(created_at__lt=at)
    said = _read(messages, limit + 1)
    happened = list(events.order_by("-created_at", "-seq")[: limit + 1])
    deliveries = _deliveries(said, viewer, channels)
    _with_people(case, said, happened, deliveries)
    identities = _identities(happened)
    entries = [_said(message, deliveries.get(message.pk, []), viewer) for message in said]
    entries += [
        Entry(event.created_at, event.seq, event=event, words=text)
        for event in happened
        if (text := words.event(event, viewer, identities))
    ]
    entries.sort(key=lambda entry: (entry.at, entry.seq), reverse=True)
    shown = entries[:limit]
    older = shown[-1].at.isoformat() if len(entries) > limit else None
    return Timeline(shown[::-1], older)


def news(case: Case, viewer: Viewer, change: Change, channels: Iterable[Channel] = ()) -> Timeline:
    """For an open page: its newest lines, or the whole page where it cannot go on from its own."""
    had = change.had
    limit = case.seq - had.after + OVERLAP if had else PAGE
    if had is None or had.old != change.now.old or not 0 < limit < PAGE:
        return page(case, viewer, channels=channels)
    tail = page(case, viewer, limit=limit, channels=channels)
    # A message that was moved here is new, and stands among the old ones by its time.
    if tail.entries and change.first_at and change.first_at < tail.entries[0].at:
        return page(case, viewer, channels=channels)
    return Timeline(tail.entries, None, is_tail=True) if tail.older else tail


def _cursor(before: str) -> datetime | None:
    try:
        # In UTC here: at the ends of the calendar that already overflows.
        return datetime.fromisoformat(before).astimezone(UTC) if before else None
    except (ValueError, OverflowError):
        return None


def _read(messages: MessageQuerySet, limit: int) -> list[Message]:
    """The newest ones with their files. The mails' HTML stays where it is: it can be large."""
    newest = messages.order_by("-created_at", "-seq").values("pk")[:limit]
    rows = Message.objects.filter(pk__in=newest).order_by("-created_at", "-seq").defer("html")
    has_html = ExpressionWrapper(~Q(html=""), output_field=BooleanField())
    has_files = Exists(Attachment.objects.filter(message=OuterRef("pk")))
    said: list[Message] = list(rows.annotate(has_html=has_html, has_files=has_files))
    files: dict[int, list[Attachment]] = defaultdict(list)
    if wanted := [message.pk for message in said if message.has_files]:  # type: ignore[attr-defined]
        for file in Attachment.objects.filter(message__in=wanted).order_by("pk"):
            files[file.message_id].append(file)
    for message in said:
        message.files = files[message.pk]  # type: ignore[attr-defined]
    return said


def _deliveries(
    said: list[Message], viewer: Viewer, channels: Iterable[Channel]
) -> dict[int, list[Delivery]]:
    """By message; with what was tried, for staff."""
    known = {channel.pk: channel for channel in channels}
    rows = Delivery.objects.filter(message__in=[message.pk for message in said])
    rows = rows.select_related("identity").order_by("created_at")
    if not known:
        rows = rows.select_related("channel")
    found: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in rows:
        if delivery.channel_id in known:
            delivery.channel = known[delivery.channel_id]
        found[delivery.message_id].append(delivery)
    if viewer.is_staff and found:
        _with_tries([delivery for some in found.values() for delivery in some])
    return found


def _with_tries(deliveries: list[Delivery]) -> None:
    tries: dict[object, list[Attempt]] = defaultdict(list)
    keys = [delivery.pk for delivery in deliveries]
    for attempt in Attempt.objects.filter(delivery__in=keys).order_by("pk"):
        tries[attempt.delivery_id].append(attempt)
    for delivery in deliveries:
        delivery.tries = tries[delivery.pk]  # type: ignore[attr-defined]


def _with_people(
    case: Case, said: list[Message], happened: list[Event], sent: dict[int, list[Delivery]]
) -> None:
    """Staff and cases that many lines share, each read once."""
    deliveries = [delivery for some in sent.values() for delivery in some]
    wanted = {message.staff_id for message in said} | {event.staff_id for event in happened}
    wanted |= {delivery.taken_by_id for delivery in deliveries}
    people = User.objects.in_bulk(wanted - {None})
    foreign = {message.case_id for message in said} - {case.pk}
    cases = {case.pk: case, **(Case.objects.in_bulk(foreign) if foreign else {})}
    for message in said:
        message.case = cases[message.case_id or 0]
        message.staff = people.get(message.staff_id or 0)
    for event in happened:
        event.staff = people.get(event.staff_id or 0)
    for delivery in deliveries:
        delivery.taken_by = people.get(delivery.taken_by_id or 0)


def _identities(events: list[Event]) -> dict[int, Identity]:
    wanted = {event.data["identity"] for event in events if "identity" in event.data}
    return Identity.objects.in_bulk(wanted) if wanted else {}


def _said(message: Message, deliveries: list[Delivery], viewer: Viewer) -> Entry:
    live = [d for d in deliveries if d.status != Delivery.Status.CANCELLED]
    last = live[-1] if live else None
    return Entry(
        at=message.created_at,
        seq=message.seq,
        message=message,
        words=words.template(message, viewer),
        deliveries=deliveries,
        state=words.state(last) if last else "",
        failed=bool(last and last.status in words.FAILED),
    )

"""The linked history of a case, as one viewer may see it: messages and events, in order."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import Prefetch, Q

from channels_app.dispatch import CALLBACK
from channels_app.models import Attempt, Delivery
from contacts.models import Case, Event, Identity, Message
from contacts.viewers import Viewer
from portal import words

PAGE = 50
HIDDEN = (CALLBACK, "auto_reply")  # messages of ours that say nothing to a customer


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
    """Oldest first. `older`: the cursor of the page before, None at the beginning."""

    entries: list[Entry]
    older: str | None = None


def page(case: Case, viewer: Viewer, *, before: str = "", limit: int = PAGE) -> Timeline:
    """The newest `limit` entries, or those before a cursor. A constant number of queries."""
    stem = case.stem
    messages = Message.objects.of(stem).visible_to(viewer)
    events = Event.objects.filter(Q(case=stem) | Q(case__root=stem))
    if not viewer.is_staff:
        events = events.filter(sort__in=Event.PUBLIC)
        messages = messages.exclude(template__in=HIDDEN)
    if (at := _cursor(before)) is not None:
        messages = messages.filter(created_at__lt=at)
        events = events.filter(created_at__lt=at)
    tries = Prefetch("attempts", Attempt.objects.order_by("pk"))
    rows = Delivery.objects.select_related("channel", "identity", "taken_by").order_by("created_at")
    said = (
        messages.select_related("staff", "identity", "case")
        .prefetch_related("attachments", Prefetch("deliveries", rows.prefetch_related(tries)))
        .order_by("-created_at", "-seq")[: limit + 1]
    )
    done = events.select_related("staff").order_by("-created_at", "-seq")[: limit + 1]
    happened = list(done)
    identities = _identities(happened)
    entries = [_said(message, viewer) for message in said]
    entries += [
        Entry(event.created_at, event.seq, event=event, words=text)
        for event in happened
        if (text := words.event(event, viewer, identities))
    ]
    entries.sort(key=lambda entry: (entry.at, entry.seq), reverse=True)
    shown = entries[:limit]
    older = shown[-1].at.isoformat() if len(entries) > limit else None
    return Timeline(shown[::-1], older)


def _cursor(before: str) -> datetime | None:
    try:
        # In UTC here: at the ends of the calendar that already overflows.
        return datetime.fromisoformat(before).astimezone(UTC) if before else None
    except (ValueError, OverflowError):
        return None


def _identities(events: list[Event]) -> dict[int, Identity]:
    wanted = {event.data["identity"] for event in events if "identity" in event.data}
    return Identity.objects.in_bulk(wanted) if wanted else {}


def _said(message: Message, viewer: Viewer) -> Entry:
    deliveries = list(message.deliveries.all())
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

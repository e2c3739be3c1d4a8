"""What a person carries out: calls, letters, visits."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from channels_app import dispatch
from channels_app.models import Attempt, Delivery
from contacts import search, services
from contacts.models import Event, Message, User

AGAIN_AFTER = timedelta(hours=1)
S = Delivery.Status


class Gone(Exception):
    """A colleague was first, or the customer chose another way meanwhile."""


def take(delivery: Delivery, staff: User) -> None:
    """I'll take it. Raises Gone."""
    if not delivery.move(S.TAKEN, frm=(S.TODO,), taken_by=staff):
        raise Gone


def release(delivery: Delivery, staff: User) -> None:
    """Give it back. Raises Gone unless it was taken by this person."""
    mine = Delivery.objects.filter(pk=delivery.pk, status=S.TAKEN, taken_by=staff)
    if not mine.update(status=S.TODO, taken_by=None):
        raise Gone


def finish(
    delivery: Delivery,
    staff: User,
    outcome: str,
    *,
    note: str = "",
    later_at: datetime | None = None,
) -> Message | None:
    """Say how it went. `note` is what was said: it enters the history as a message (R33).

    Not reached, or later: it stays a to-do, for `later_at` or an hour from now. Raises Gone.
    """
    message = delivery.message
    case = message.case
    assert case is not None
    now = timezone.now()
    note = services.clean_text(note)
    over = outcome in (Delivery.Outcome.REACHED, Delivery.Outcome.SENT)
    fields: dict[str, object] = {"outcome": outcome, "attempt_count": delivery.attempt_count + 1}
    if over:
        fields |= {"finished_at": now, "sent_at": now, "taken_by": staff}
    else:
        fields |= {"next_attempt_at": later_at or now + AGAIN_AFTER, "taken_by": None}
    with transaction.atomic():
        if not delivery.move(S.DONE if over else S.TODO, frm=(S.TODO, S.TAKEN), **fields):
            raise Gone
        Attempt.objects.create(
            delivery=delivery,
            number=delivery.attempt_count,
            outcome=outcome,
            detail=note[:500],
            started_at=now,
        )
        data = {"kind": delivery.channel.kind, "outcome": outcome}
        sort = Event.Sort.DONE if over else Event.Sort.ATTEMPTED
        if not over and note:
            data["note"] = note[:500]
        if not (over and note):
            case.append(Event(sort=sort, staff=staff, data=data), **_answered(message, over))
            return None
        said = Message(
            direction=Message.Direction.OUT,
            kind=delivery.channel.kind,
            chosen_kind=message.chosen_kind,
            why=message.why,
            staff=staff,
            text=note,
            template=dispatch.SPOKEN,
            language=case.stem.language,
        )
        case.append(said, Event(sort=sort, staff=staff, data=data), **_answered(message, over))
        search.index(note, case=case.stem)
        return said


def _answered(message: Message, over: bool) -> dict[str, Any]:
    """A call that the customer asked for, and that reached them, is an answer."""
    changes: dict[str, Any] = {"changed_at": timezone.now()}
    if over and message.template == dispatch.CALLBACK:
        changes["waiting_since"] = None
    return changes

"""A message that was filed in the wrong case goes to the right one."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from contacts import search
from contacts.models import Case, Event, Message, SearchEntry, User


class CannotMove(Exception):
    """Why not, in a word for the caller: "answer", "same", "last"."""


def move_message(*, message: Message, into: Case, by: User) -> None:
    """Move what a customer said, or a note, to another case; both histories say so.

    Raises CannotMove: an answer went to this case's customer and stays; the only message of a
    case is moved by joining the cases.
    """
    source, target = message.case, into.stem
    if source is None or message.direction == Message.Direction.OUT:
        raise CannotMove("answer")
    if source.stem == target:
        raise CannotMove("same")
    with transaction.atomic():
        # Both rows are locked in one order, so that two moves never wait for each other.
        pks = sorted({source.stem.pk, target.pk})
        list(Case.objects.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk"))
        came = Message.objects.of(source).filter(direction=Message.Direction.IN)
        if not came.exclude(pk=message.pk).exists():
            raise CannotMove("last")
        _move(message, source, target, by)


def _move(message: Message, source: Case, target: Case, by: User) -> None:
    now, origin = timezone.now(), source.stem
    target.append(**_arrival(message, target), changed_at=now)
    Message.objects.filter(pk=message.pk).update(case=target, seq=target.seq)
    SearchEntry.objects.filter(case=origin, text=message.text).delete()
    search.index(message.text, case=target)
    left = Event(sort=Event.Sort.MOVED, staff=by, data={"reference": target.reference})
    came = Event(sort=Event.Sort.MOVED, staff=by, data={"reference": origin.reference})
    origin.append(left, waiting_since=waiting_since(origin))
    target.append(came)
    message.refresh_from_db()


def _arrival(message: Message, target: Case) -> dict[str, Any]:
    """What the customer said waits for us in its new case; a note changes nothing there."""
    if message.direction != Message.Direction.IN:
        return {}
    waits = min(filter(None, (target.waiting_since, message.created_at)))
    return {"waiting_since": waits, "state": Case.State.OPEN, "resolved_at": None}


def waiting_since(case: Case) -> Any:
    """Since when the customer waits, read anew from the history of an open case."""
    if case.state != Case.State.OPEN:
        return None
    history = Message.objects.of(case)
    answer = history.filter(direction=Message.Direction.OUT, template="").order_by("seq").last()
    came = history.filter(direction=Message.Direction.IN).order_by("seq")
    first = (came.filter(seq__gt=answer.seq) if answer else came).first()
    return first.created_at if first else None

"""A call that the customer asks for: from then on they wait for us, until it is taken back."""

from datetime import datetime
from typing import Any

from django.db.models import Value
from django.db.models.functions import Coalesce

from contacts.models import Alert, Case, Event, Message


def waits(stem: Case, since: datetime, by: int | None = None) -> tuple[dict[str, Any], list[Alert]]:
    """Changes and alerts of a case whose customer asks to be called: it needs us again.

    `by`: the id of the member of staff who took it down, who needs no word of it.
    """
    changes = {
        "state": Case.State.OPEN,
        "resolved_at": None,
        "waiting_since": Coalesce("waiting_since", Value(since)),
    }
    told = stem.assignee_id if stem.assignee_id != by else None
    return changes, [Alert(user_id=told, sort=Alert.Sort.ANSWERED)] if told else []


def ask(case: Case, message: Message) -> None:
    """They wait for the call that this message stands for; a resolved case opens again."""
    stem = case.stem
    was_over = stem.state == Case.State.RESOLVED
    rows = [Event(sort=Event.Sort.REOPENED, created_at=message.created_at)] if was_over else []
    by = stem.choice.by_staff_id if stem.choice else None
    changes, alerts = waits(stem, message.created_at, by)
    case.append(*rows, alerts=alerts, **changes)


def taken_back(case: Case, template: str) -> None:
    """Nobody calls any more: the messages of that template stand for calls that are taken back.

    Who waited for nothing else waits no more; else since their oldest message after it.
    """
    mine = Message.objects.of(case)
    since = case.stem.waiting_since
    if since is None or not mine.filter(template=template, created_at=since).exists():
        return
    over(case)


def over(case: Case) -> None:
    """What they waited for is over, or under way: now for their oldest message after it, if any."""
    came = Message.objects.of(case).filter(
        Message.TO_ANSWER, created_at__gt=case.stem.waiting_since
    )
    first = came.order_by("created_at").first()
    case.append(waiting_since=first.created_at if first else None)

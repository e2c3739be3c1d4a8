"""Something that we ask in a case, by its current way: a message, and the question that waits.

A tap on the page of the case answers it, a button below the message, or a word: yes, no, ja or nee
and nothing else. A word means what we said last; a button means the message that it stands below.
A word by mail counts only as an answer to that case's mail, or where its sender is certain.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from channels_app import belonging, dispatch, rendering, routing
from channels_app.adapters.base import Inbound
from channels_app.models import Channel
from contacts.models import Case, Identity, Message, Question, User
from contacts.models.question import NO, YES, read, tapped

MAX_MOVES = 5  # of a case to another address, while we wait for the locks of both


class _Moved(Exception):
    """The case is answered at another address by now."""


def hold(case: Case) -> Case:
    """Lock the address that a case is answered at, then the case; the stem, as it is now.

    In this order, as who writes from there does. Needs a transaction that locked neither yet.
    """
    for _try in range(MAX_MOVES):
        at = _address(case.stem)
        with suppress(_Moved), transaction.atomic():
            if at is not None:
                Identity.objects.locking().only("pk").get(pk=at)
            case = case.locked()
            if _address(case) != at:
                raise _Moved  # which lets both go
            return case
    raise _Moved


def _address(case: Case) -> int | None:
    way = routing.route(Message(case=case, direction=Message.Direction.OUT), timezone.now())
    if isinstance(way, routing.Refused) or way.identity is None:
        return None
    return way.identity.pk


def ask(
    *,
    case: Case,
    sort: str,
    text: str,
    wait: timedelta,
    staff: User | None = None,
    at: datetime | None = None,
    **fields: Any,
) -> Question:
    """Ask by the way that the case is answered now, and wait so long for a word.

    The first line of `text` is the question; only that leaves the page of a sensitive case. `at`:
    not before; `fields`: more of the Question. Needs what `hold` needs. Raises dispatch.Refusal.
    """
    with transaction.atomic():
        stem = hold(case)
        message = dispatch.reply(case=stem, staff=staff, text=text, template=sort, at=at)
        return Question.objects.ask(
            sort=sort,
            identity=message.identity,
            kind=message.kind,
            wait=wait,
            case=stem,
            message=message,
            **fields,
        )


def said(channel: Channel, inbound: Inbound, identity: Identity, question: Question) -> str:
    """YES or NO, where a message is nothing else and answers this question of a case; else ""."""
    word = read(inbound.text)
    if word not in (YES, NO) or not _is_certain(channel, inbound, identity, question):
        return ""
    if not tapped(inbound.text) and _said_more(question):
        return ""
    return word


def _is_certain(channel: Channel, inbound: Inbound, identity: Identity, question: Question) -> bool:
    """Whether it comes from who was asked, as far as this needs to be known.

    Whoever forges the sender of an SMS gets nothing by a yes: what follows goes to the customer.
    """
    if not rendering.is_mail(channel):
        return True
    case = belonging.by_reply(channel, inbound, identity)
    if case is None:
        return inbound.authenticated and not inbound.reply_codes
    return question.case is not None and case.stem == question.case.stem


def _said_more(question: Question) -> bool:
    """Whether a person told them something since: a word may be the answer to that."""
    assert question.case is not None
    later = Message.objects.of(question.case).filter(
        direction=Message.Direction.OUT,
        template__in=("", dispatch.SPOKEN),
        created_at__gt=question.created_at,
    )
    return later.exists()

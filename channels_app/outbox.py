"""Writes deliveries and rings the bell on commit: the row is the truth, Celery the doorbell."""

import logging
import time
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from channels_app.models import Appointment, Channel, Chat, Delivery, Device
from contacts.models import Case, Identity, Message, Question

logger = logging.getLogger(__name__)
QUIET_SECONDS = 5.0
UNHEARD_SECONDS = 2  # for so long one bell of a channel speaks for all that is written meanwhile
# Without a case: a line, one that asks for yes or no, one that asks for a number.
LINE, ASK_TO_JOIN, WHICH = "line", "ask_to_join", "which"
# In a case: what asks there for yes or no, by the sort of question.
ASKS = (Question.Sort.PROPOSAL, Question.Sort.SETTLED, Question.Sort.TOLD_TWICE)
CHOOSE_AGAIN = "choose_again"  # in a case: its channel went
APPOINTMENT = "appointment"  # in a case: a time was agreed, moved or called off, or is near
COPY = "copy"  # in a case: all that was said, to keep
UNREAD = "unread"  # in a case: what was not read in the chat
DELIVER, PROCESS = "channels_app.deliver", "channels_app.process"
ASK_AGAIN, ASSIGN = "channels_app.ask_again", "channels_app.assign"
TELL = "channels_app.tell_devices"
# So long who looks at the page has to read an answer before their other devices ring.
MOMENT = timedelta(seconds=5)


class _Bell:
    """Silent for a while after the broker did not answer; the sweep finds what was not rung."""

    quiet_until = 0.0


def ring_to_send(channel_id: int) -> None:
    """Ask a worker to send what is due on a channel: once for all of it, until somebody heard."""
    _ring(DELIVER, [channel_id], once=_bell(channel_id))


def ring_to_file(event_id: int, channel_id: int) -> None:
    """Ask a worker to file an event. The channel: whoever has no seat for it need not ask."""
    _ring(PROCESS, [event_id, channel_id])


def ring_to_ask(leaving_id: int) -> None:
    """Ask a worker to go on asking the customers of a channel that went."""
    _ring(ASK_AGAIN, [leaving_id])


def begin_chat(case: Case, *, anew: bool = True) -> None:
    """A customer begins to chat: a worker is asked on commit who gets the case."""
    Chat.objects.begin(case, anew=anew)
    transaction.on_commit(partial(ring_to_assign, case.stem.pk), robust=True)


def ring_to_assign(case_id: int) -> None:
    """Ask a worker who gets a case."""
    _ring(ASSIGN, [case_id])


def ring_to_tell(case_id: int, after: timedelta = timedelta()) -> None:
    """Ask a worker to tell the devices of a case that there is an answer."""
    _ring(TELL, [case_id], after=after)


def _ring(task: str, args: list[int], once: str = "", after: timedelta = timedelta()) -> None:
    """Never fails and never keeps a request waiting."""
    if not settings.CELERY_BROKER_URL or time.monotonic() < _Bell.quiet_until:
        return
    try:
        if once and not cache.add(once, True, UNHEARD_SECONDS):
            return
        wait = after.total_seconds() or None
        current_app.send_task(task, args=args, retry=False, ignore_result=True, countdown=wait)
    except Exception as error:
        _Bell.quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("The broker does not answer (%s); the sweep will.", type(error).__name__)


def heard(channel_id: int) -> None:
    """A worker is about to look what is due: what is written from now on rings again."""
    with suppress(Exception):  # then the bell is silent for two seconds, and the sweep looks
        cache.delete(_bell(channel_id))


def _bell(channel_id: int) -> str:
    return f"bell:{channel_id}"


def add(
    message: Message,
    channel: Channel,
    identity: Identity | None,
    *,
    role: str = Delivery.Role.MAIN,
    only_notice: bool = False,
    at: datetime | None = None,
    replaces: Delivery | None = None,
    appointment: Appointment | None = None,
) -> Delivery:
    """One outbox row: queued for a worker, or a to-do where a person carries it out."""
    can = channel.capabilities
    now = timezone.now()
    status = Delivery.Status.QUEUED if can.automatic else Delivery.Status.TODO
    stands_there = can.immediate and not channel.is_paused(now)
    delivery = Delivery(
        message=message,
        channel=channel,
        identity=identity,
        role=role,
        status=Delivery.Status.SENT if stands_there else status,
        sent_at=now if stands_there else None,
        only_notice=only_notice,
        next_attempt_at=at or now,
        replaces=replaces,
        appointment=appointment,
    )
    delivery.save(force_insert=True)
    if delivery.status == Delivery.Status.QUEUED and delivery.next_attempt_at <= now:
        transaction.on_commit(partial(ring_to_send, channel.pk), robust=True)
    if stands_there:
        tell_devices(delivery, now)
    return delivery


def tell_devices(delivery: Delivery, now: datetime) -> None:
    """What stands on the page from now on is told to the browsers that want to hear of it."""
    case = delivery.message.case
    if case is None or delivery.role not in (Delivery.Role.MAIN, Delivery.Role.FALLBACK):
        return
    case_id = case.root_id or case.pk
    if Device.objects.owe(case_id, now + MOMENT):
        transaction.on_commit(partial(ring_to_tell, case_id, MOMENT), robust=True)

"""Writes deliveries and rings the bell on commit: the row is the truth, Celery the doorbell."""

import logging
import time
from contextlib import suppress
from datetime import datetime
from functools import partial

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from channels_app.models import Channel, Delivery
from contacts.models import Identity, Message

logger = logging.getLogger(__name__)
QUIET_SECONDS = 5.0
UNHEARD_SECONDS = 2  # for so long one bell of a channel speaks for all that is written meanwhile
# Without a case: a line, one that asks for yes or no, one that asks for a number.
LINE, ASK_TO_JOIN, WHICH = "line", "ask_to_join", "which"
DELIVER, PROCESS = "channels_app.deliver", "channels_app.process"


class _Bell:
    """Silent for a while after the broker did not answer; the sweep finds what was not rung."""

    quiet_until = 0.0


def ring_to_send(channel_id: int) -> None:
    """Ask a worker to send what is due on a channel: once for all of it, until somebody heard."""
    _ring(DELIVER, [channel_id], once=_bell(channel_id))


def ring_to_file(event_id: int, channel_id: int) -> None:
    """Ask a worker to file an event. The channel: whoever has no seat for it need not ask."""
    _ring(PROCESS, [event_id, channel_id])


def _ring(task: str, args: list[int], once: str = "") -> None:
    """Never fails and never keeps a request waiting."""
    if not settings.CELERY_BROKER_URL or time.monotonic() < _Bell.quiet_until:
        return
    try:
        if once and not cache.add(once, True, UNHEARD_SECONDS):
            return
        current_app.send_task(task, args=args, retry=False, ignore_result=True)
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
) -> Delivery:
    """One outbox row: queued for a worker, or a to-do where a person carries it out."""
    can = channel.capabilities
    now = timezone.now()
    status = Delivery.Status.QUEUED if can.automatic else Delivery.Status.TODO
    delivery = Delivery(
        message=message,
        channel=channel,
        identity=identity,
        role=role,
        status=Delivery.Status.SENT if can.immediate else status,
        sent_at=now if can.immediate else None,
        only_notice=only_notice,
        next_attempt_at=at or now,
        replaces=replaces,
    )
    delivery.save(force_insert=True)
    if delivery.status == Delivery.Status.QUEUED and delivery.next_attempt_at <= now:
        transaction.on_commit(partial(ring_to_send, channel.pk), robust=True)
    return delivery

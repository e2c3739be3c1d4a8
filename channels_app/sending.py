"""One try of one delivery: lease held, route asked again, then the network, outside `atomic`."""

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from channels_app import dispatch, outbox, rendering, routing
from channels_app.adapters.base import (
    Misconfigured,
    Reason,
    RecipientGone,
    SendError,
    Sent,
    Uncertain,
)
from channels_app.models import Attempt, Channel, Delivery
from contacts import tracing
from contacts.models import Event, Identity, Message

logger = logging.getLogger(__name__)
BATCH = 20  # rows under one lease: each is looked at again before it is sent
SEEN_EVERY = timedelta(seconds=5)
PAUSE_UNREACHABLE = timedelta(seconds=30)
PAUSE_MISCONFIGURED = timedelta(minutes=5)
RELATED = (
    "identity",
    "message__case__root",
    "message__case__customer__root",
    "message__case__organisation",
    "message__case__topic",
    "message__case__choice__identity",
    "message__identity",
    "message__staff",
    "message__code",
)
FILES = "message__attachments"
# What may change between reading a batch and sending its last row.
FRESH = (
    *("message__case__seq", "message__case__root_id", "message__case__root__seq"),
    *("identity__bounced_at", "identity__blocked_at", "identity__stopped_at"),
)


def deliver(delivery_id: uuid.UUID) -> int:
    """Send what is due on the channel of a delivery, over the same connection; how many tries.

    Rows that another worker leased are left alone.
    """
    rung = Channel.objects.filter(deliveries=delivery_id, deliveries__status=Delivery.Status.QUEUED)
    channel, tried = rung.select_related("organisation").first(), 0
    while channel is not None and _has_room(channel):
        lease, keys = Delivery.objects.claim(channel, timezone.now(), BATCH)
        if not keys:
            break
        batch = Delivery.objects.select_related(*RELATED).prefetch_related(FILES)
        rows = batch.in_bulk(keys)
        for number, key in enumerate(keys):
            delivery = rows[key] if number == 0 else _as_it_is_now(rows[key])
            if delivery is None:
                continue
            delivery.channel, tried = channel, tried + 1
            with tracing.bound(case=_reference(delivery)):
                goes_on = attempt(delivery, lease)
                logger.info("Delivery %s by %s: %s.", delivery.pk, channel.slug, delivery.status)
            if not goes_on:
                Delivery.objects.let_go(lease)
                break
    return tried


def _reference(delivery: Delivery) -> str:
    case = delivery.message.case
    return case.reference if case else "-"


def _has_room(channel: Channel) -> bool:
    """The bulkhead: a slow provider keeps no more than its share of the workers."""
    sending = Delivery.objects.filter(channel=channel, status=Delivery.Status.SENDING).count()
    return sending < channel.max_sending


def _as_it_is_now(delivery: Delivery) -> Delivery | None:
    """The same row; read anew where its case or its address changed since the batch was read."""
    rows = Delivery.objects.filter(pk=delivery.pk)
    now = rows.values_list(*FRESH).first()
    case, identity = delivery.message.case, delivery.identity
    then = (
        *((case.seq, case.root_id, case.root.seq if case.root else None) if case else [None] * 3),
        *(
            (identity.bounced_at, identity.blocked_at, identity.stopped_at)
            if identity
            else [None] * 3
        ),
    )
    return delivery if now == then else rows.select_related(*RELATED).first()


def attempt(delivery: Delivery, lease: uuid.UUID) -> bool:
    """Try once; False where the fault is the channel's, so that the next row would meet it too.

    Whatever happens is written on the row and in an Attempt.
    """
    started = timezone.now()
    if not _still_wanted(delivery):
        return True
    try:
        outbound = rendering.render(delivery)
        adapter = delivery.channel.adapter()
    except Exception as error:  # a broken template must not stop the channel's other rows
        logger.exception("Delivery %s cannot be rendered.", delivery.pk)
        _fail(delivery, Reason("not_made", {"fault": type(error).__name__}))
        return True
    if not delivery.start_sending(lease, timezone.now()):
        return True
    try:
        sent = adapter.send(outbound)
    except SendError as error:
        _record(delivery, type(error).__name__.lower(), started, error.why)
        _after(delivery, error)
        return not (error.everyone or isinstance(error, Misconfigured))
    except Exception as error:
        logger.exception("Delivery %s broke in its adapter.", delivery.pk)
        why = Reason("fault", {"fault": type(error).__name__})
        _record(delivery, "uncertain", started, why)
        _after(delivery, Uncertain(why))
    else:
        _sent(delivery, sent, started)
    return True


def _sent(delivery: Delivery, sent: Sent, started: datetime) -> None:
    S, now = Delivery.Status, timezone.now()
    with transaction.atomic():
        # uncertain: the lease ran out while the provider was slow, and here is its answer
        delivery.move(
            S.SENT,
            frm=(S.SENDING, S.UNCERTAIN),
            sent_at=now,
            provider_id=sent.provider_id[:255],
            leased_until=None,
            reason={},
        )
        _record(delivery, "sent", started, detail=sent.provider_id)
    channel = delivery.channel
    if channel.last_success_at is None or now - channel.last_success_at >= SEEN_EVERY:
        channel.last_success_at = now
        Channel.objects.filter(pk=channel.pk).update(last_success_at=now)


def _still_wanted(delivery: Delivery) -> bool:
    """Ask routing again, just before the network: a "no" that came meanwhile holds (R12)."""
    message = delivery.message
    if message.case is None or delivery.role == Delivery.Role.FALLBACK:
        return True
    by_choice = message.why in (Message.Why.CHOSEN, Message.Why.DEFAULT)
    chosen = routing.chosen_kind(message.case.stem)[0]
    if by_choice and chosen and chosen != message.kind:
        dispatch.reroute(delivery)
        return False
    route = routing.route(message, timezone.now())
    if isinstance(route, routing.Refused):
        _fail(delivery, route.why)
        return False
    delivery.only_notice |= route.only_notice  # the topic may have become sensitive meanwhile
    if by_choice and route.identity != delivery.identity:
        dispatch.reroute(delivery)
        return False
    return True


def _record(
    delivery: Delivery,
    outcome: str,
    started: datetime,
    why: Reason | None = None,
    detail: str = "",
) -> None:
    Attempt.objects.create(
        delivery=delivery,
        number=delivery.attempt_count,
        outcome=outcome[:16],
        reason=why.stored if why else {},
        detail=detail[:500],
        started_at=started,
    )


def _after(delivery: Delivery, error: SendError) -> None:
    now = timezone.now()
    if isinstance(error, Misconfigured):
        delivery.channel.pause(now + PAUSE_MISCONFIGURED, error.why)
    elif error.everyone:
        delivery.channel.pause(now + PAUSE_UNREACHABLE, error.why)
    if isinstance(error, RecipientGone) and delivery.identity is not None:
        Identity.objects.filter(pk=delivery.identity.pk).update(bounced_at=now)
    can_repeat = delivery.channel.capabilities.idempotent
    if isinstance(error, Uncertain) and not can_repeat:
        _doubt(delivery, error.why)
        return
    retry = delivery.retry_at(now, error.retry_after)
    if (error.retryable or isinstance(error, Uncertain)) and retry is not None:
        S = Delivery.Status
        delivery.move(
            S.QUEUED,
            frm=(S.SENDING,),
            next_attempt_at=retry,
            leased_until=None,
            lease=None,
            reason=error.why.stored,
        )
        return
    _fail(delivery, error.why)


def _fail(delivery: Delivery, why: Reason) -> None:
    S = Delivery.Status
    if delivery.move(
        S.FAILED,
        frm=(S.QUEUED, S.SENDING),
        reason=why.stored,
        finished_at=timezone.now(),
        leased_until=None,
    ):
        dispatch.fall_back(delivery)


def _doubt(delivery: Delivery, why: Reason) -> None:
    """Never blindly again: the agent sees that it may have gone, and decides."""
    S = Delivery.Status
    if delivery.move(S.UNCERTAIN, frm=(S.SENDING,), reason=why.stored, leased_until=None):
        dispatch.tell(delivery, Event.Sort.UNCERTAIN)


def recover() -> None:
    """The sweep: ring channels that have due rows, and settle rows whose worker died."""
    now = timezone.now()
    for delivery in Delivery.objects.lost_in_sending(now).select_related("channel", *RELATED)[:500]:
        error = Uncertain(Reason("worker_stopped"))
        _record(delivery, "uncertain", now, error.why)
        _after(delivery, error)
    for channel in Channel.objects.all():
        due = Delivery.objects.due(now).filter(channel=channel).order_by("next_attempt_at")
        first = due.values_list("pk", flat=True).first()
        if first is not None:
            outbox.ring(outbox.DELIVER, str(first))

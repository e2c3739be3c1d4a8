"""One try of one delivery: lease held, route asked again, then the network, outside `atomic`."""

import logging
import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from channels_app import dispatch, outbox, rendering, routing
from channels_app.adapters.base import (
    Misconfigured,
    Reason,
    RecipientGone,
    SendError,
    Uncertain,
)
from channels_app.models import Attempt, Channel, Delivery
from contacts.models import Event, Identity, Message

logger = logging.getLogger(__name__)
BATCH = 50
PAUSE_UNREACHABLE = timedelta(seconds=30)
PAUSE_MISCONFIGURED = timedelta(minutes=5)
RELATED = (
    "channel__organisation",
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


def deliver(delivery_id: uuid.UUID) -> int:
    """Send one due delivery, then go on with its channel's due rows over the same connection.

    How many were tried. A row that another worker leased is left alone.
    """
    first = Delivery.objects.filter(pk=delivery_id).values_list("channel", flat=True).first()
    if first is None:
        return 0
    tried, waiting = 0, [delivery_id]
    while waiting:
        for pk in waiting:
            if not _has_room(first):
                return tried
            lease = Delivery.objects.claim(pk, timezone.now())
            if lease is not None:
                attempt(Delivery.objects.select_related(*RELATED).get(pk=pk), lease)
                tried += 1
        due = Delivery.objects.due(timezone.now()).filter(channel=first)
        waiting = list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])
    return tried


def _has_room(channel_id: int) -> bool:
    """The bulkhead: a slow provider keeps no more than its share of the workers."""
    sending = Delivery.objects.filter(channel=channel_id, status=Delivery.Status.SENDING).count()
    limit = Channel.objects.values_list("max_sending", flat=True).get(pk=channel_id)
    return sending < limit


def attempt(delivery: Delivery, lease: uuid.UUID) -> None:
    """Try once. Whatever happens is written on the row and in an Attempt."""
    started = timezone.now()
    if not _still_wanted(delivery):
        return
    try:
        outbound = rendering.render(delivery)
        adapter = delivery.channel.adapter()
    except Exception as error:  # a broken template must not stop the channel's other rows
        logger.exception("Delivery %s cannot be rendered.", delivery.pk)
        _fail(delivery, Reason("not_made", {"fault": type(error).__name__}))
        return
    if not delivery.start_sending(lease, timezone.now()):
        return
    try:
        sent = adapter.send(outbound)
    except SendError as error:
        _record(delivery, type(error).__name__.lower(), started, error.why)
        _after(delivery, error)
    except Exception as error:
        logger.exception("Delivery %s broke in its adapter.", delivery.pk)
        why = Reason("fault", {"fault": type(error).__name__})
        _record(delivery, "uncertain", started, why)
        _after(delivery, Uncertain(why))
    else:
        # uncertain: the lease ran out while the provider was slow, and here is its answer
        S = Delivery.Status
        now = timezone.now()
        delivery.move(
            S.SENT,
            frm=(S.SENDING, S.UNCERTAIN),
            sent_at=now,
            provider_id=sent.provider_id[:255],
            leased_until=None,
            reason={},
        )
        _record(delivery, "sent", started, detail=sent.provider_id)
        Channel.objects.filter(pk=delivery.channel_id).update(last_success_at=now)


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
    for delivery in Delivery.objects.lost_in_sending(now).select_related(*RELATED)[:500]:
        error = Uncertain(Reason("worker_stopped"))
        _record(delivery, "uncertain", now, error.why)
        _after(delivery, error)
    for channel in Channel.objects.all():
        due = Delivery.objects.due(now).filter(channel=channel).order_by("next_attempt_at")
        first = due.values_list("pk", flat=True).first()
        if first is not None:
            outbox.ring(outbox.DELIVER, str(first))

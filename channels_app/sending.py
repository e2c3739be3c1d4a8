"""One try of one delivery: lease held, route asked again, then the network, outside `atomic`."""

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from channels_app import away, breaker, dispatch, fallback, leaving, outbox, rendering, routing
from channels_app.adapters.base import Reason, RecipientGone, SendError, Sent, Stopped, Uncertain
from channels_app.models import Channel, Delivery, InboundItem
from channels_app.seats import Seats
from contacts import tracing
from contacts.models import Case, Event, Identity, Message, Question

logger = logging.getLogger(__name__)
BATCH = 20  # rows under one lease, read at once; each is held against the database when it goes
IN_VAIN = 3  # batches of which nothing could be begun, before the rest is left to the sweep
SEEN_EVERY = timedelta(seconds=5)
SEATS = Seats()
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


class Batch:
    """Rows under one lease, and what they need, read at once."""

    def __init__(self, channel: Channel, lease: uuid.UUID, keys: Sequence[uuid.UUID]) -> None:
        rows = Delivery.objects.select_related(*RELATED).prefetch_related(FILES).in_bulk(keys)
        self.lease, self.deliveries = lease, [rows[key] for key in keys if key in rows]
        for delivery in self.deliveries:
            delivery.channel = channel
        self.background = rendering.Background(self.deliveries)
        self.offered = routing.offered(channel.organisation_id, channel.kind)


def deliver(channel_id: int) -> int:
    """Send what is due on a channel, over the same connection; how many tries.

    Rows that another worker leased are left alone.
    """
    outbox.heard(channel_id)
    return SEATS.work(channel_id, _send_due, channel_id)


def _send_due(channel_id: int) -> int:
    """Batch after batch, until nothing is due."""
    tried, in_vain = 0, 0
    while in_vain < IN_VAIN:
        # Read for each batch: what an administrator changes holds from the next one on.
        channel = _with_work(channel_id)
        if channel is None or not _has_room(channel):
            break
        lease, keys = Delivery.objects.claim(channel, timezone.now(), BATCH)
        if len(keys) == BATCH:  # there may be more: for whoever has a seat free
            outbox.ring_to_send(channel_id)
        done = _send(channel, lease, keys) if keys else 0
        tried, in_vain = tried + done, 0 if done else in_vain + 1
        if done == len(keys) < BATCH:
            break  # that was all: what is queued from now on rings for itself
    return tried


def _with_work(channel_id: int) -> Channel | None:
    """The channel, where something is due: most that ring find that it was sent already."""
    due = Delivery.objects.due(timezone.now()).filter(channel=OuterRef("pk"))
    found = Channel.objects.select_related("organisation").filter(Exists(due), pk=channel_id)
    return found.first()


def _has_room(channel: Channel) -> bool:
    """The bulkhead: a slow provider keeps no more than its share of the workers."""
    sending = Delivery.objects.filter(channel=channel, status=Delivery.Status.SENDING).count()
    return sending < channel.max_sending


def _send(channel: Channel, lease: uuid.UUID, keys: Sequence[uuid.UUID]) -> int:
    """Send leased rows; how many.

    After a pause only if nobody else does: the first call closes the breaker, or opens it again
    and so ends the batch.
    """
    if channel.paused_until is None:
        return _send_all(Batch(channel, lease, keys))
    if not channel.begin_trial(timezone.now()):
        Delivery.objects.let_go(lease)
        return 0
    mark = channel.paused_until
    done = _send_all(Batch(channel, lease, keys))
    if channel.paused_until == mark:  # it never came to a call: other rows are to tell
        channel.end_trial(timezone.now())
    return done


def _send_all(batch: Batch) -> int:
    """Send the rows of a batch one by one, until one is no longer as it was read; how many."""
    for done, delivery in enumerate(batch.deliveries):
        with tracing.bound(case=_reference(delivery)):
            if not attempt(delivery, batch):
                Delivery.objects.let_go(batch.lease)
                return done
            slug = delivery.channel.slug
            logger.info("Delivery %s by %s: %s.", delivery.pk, slug, delivery.status)
    return len(batch.deliveries)


def _reference(delivery: Delivery) -> str:
    case = delivery.message.case
    return case.reference if case else "-"


def attempt(delivery: Delivery, batch: Batch) -> bool:
    """Try one row of a batch once; whatever happens is written on the row and in an Attempt.

    False, and nothing happened: it, or what was read with it (its paused channel as well), is no
    longer so.
    """
    started = timezone.now()
    grounds = Delivery.objects.filter(pk=delivery.pk, **_grounds(delivery))
    instead = _otherwise(delivery, batch.offered)
    if instead is not None:
        with transaction.atomic():
            delivery.hold_case()  # and then look: nobody switches from here on
            if not grounds.exists():
                return False
            instead()
        return True
    if delivery.channel.capabilities.immediate:
        _stands_there(delivery)
        return True
    try:
        outbound = rendering.render(delivery, batch.background)
        adapter = delivery.channel.adapter()
    except Exception as error:  # a broken template must not stop the channel's other rows
        logger.exception("Delivery %s cannot be rendered.", delivery.pk)
        _fail(delivery, Reason("not_made", {"fault": type(error).__name__}))
        return True
    if not delivery.start_sending(batch.lease, timezone.now(), grounds):
        return False
    try:
        sent = adapter.send(outbound)
    except SendError as error:
        _not_sent(delivery, error, started)
    except Exception as error:
        logger.exception("Delivery %s broke in its adapter.", delivery.pk)
        _not_sent(delivery, Uncertain(Reason("fault", {"fault": type(error).__name__})), started)
    else:
        _sent(delivery, sent, started)
        batch.background.sent(delivery)
    return True


def _stands_there(delivery: Delivery) -> None:
    """What was held while its channel paused: on our own page the row is the delivery.

    The case takes a number more: a page that is open says of each once what it showed.
    """
    S, now, case = Delivery.Status, timezone.now(), delivery.message.case
    with transaction.atomic():
        delivery.hold_case()
        if delivery.move(S.SENT, frm=(S.QUEUED,), sent_at=now, leased_until=None, lease=None):
            if case is not None:
                case.append()
            outbox.tell_devices(delivery, now)
    breaker.well(delivery.channel)


def _grounds(delivery: Delivery) -> dict[str, object]:
    """What routing and rendering took from other rows, by its path: while it is so, it may go.

    Choice and topic of a case change by `Case.append` only, which takes a number of the case.
    Routing itself asks for consents and holders, for each row at its turn.
    """
    message, identity = delivery.message, delivery.identity
    found: dict[str, object] = {"channel__version": delivery.channel.version}
    if identity is not None:
        found["identity__blocked_at__isnull"] = identity.blocked_at is None
        found["identity__closed"] = identity.closed
    case = message.case
    if case is None:
        return found
    stem = case.stem
    path = "message__case" if case.root_id is None else "message__case__root"
    found |= {"message__case": case.pk, "message__case__root": case.root_id}
    found[f"{path}__seq"] = stem.seq
    if stem.topic is not None:
        found[f"{path}__topic__is_sensitive"] = stem.topic.is_sensitive
    if stem.answer_kind != message.kind:  # their own ways, and consents
        customer = stem.customer.top
        found[f"{path}__customer__root"] = stem.customer.root_id
        whose = f"{path}__customer" + ("__root" if stem.customer.root_id else "")
        found[f"{whose}__preferred_kind"] = customer.preferred_kind
        found[f"{whose}__fallback_kind"] = customer.fallback_kind
        found[f"{whose}__fallback_identity"] = customer.fallback_identity_id
    return found


def _second(
    delivery: Delivery, now: datetime, offered: Sequence[Channel]
) -> routing.Route | routing.Refused:
    """The second way again, while it is the one that the customer agreed to or approved."""
    asked = away.way if delivery.message.template == outbox.UNREAD else routing.second
    route = asked(delivery.message, now, among=offered)
    if isinstance(route, routing.Route) and (
        (route.channel.kind, route.identity) == (delivery.channel.kind, delivery.identity)
    ):
        return route
    agreed = fallback.as_agreed(delivery, among=offered)
    if agreed is not None:
        return agreed
    if isinstance(route, routing.Refused):
        return route
    return routing.Refused(Reason("taken_back", {"kind": delivery.channel.kind}))


def _sent(delivery: Delivery, sent: Sent, started: datetime) -> None:
    S, now = Delivery.Status, timezone.now()
    with transaction.atomic():
        went = {"sent_at": now, "provider_id": sent.provider_id[:255], "leased_until": None}
        if delivery.move(S.SENT, frm=(S.SENDING,), reason={}, **went):
            delivery.record("sent", started, detail=sent.provider_id)
        # uncertain: the lease ran out while the provider was slow, and here is its answer
        elif delivery.move(S.SENT, frm=(S.UNCERTAIN,), reason={}, **went):
            delivery.correct("sent", started, detail=sent.provider_id)
        elif not delivery.attempts.filter(number=delivery.attempt_count).exists():
            delivery.record("sent", started, detail=sent.provider_id)  # a receipt was faster
    channel = delivery.channel
    breaker.well(channel)
    if channel.last_success_at is None or now - channel.last_success_at >= SEEN_EVERY:
        channel.last_success_at = now
        Channel.objects.filter(pk=channel.pk).update(last_success_at=now)


def _otherwise(delivery: Delivery, offered: Sequence[Channel]) -> Callable[[], object] | None:
    """Ask routing again: what to do instead where it no longer goes this way; None: send it.

    A "no" that came meanwhile holds (R12), for a second channel and for notices as well.
    """
    message, identity, now = delivery.message, delivery.identity, timezone.now()
    if _is_over(delivery):
        return partial(dispatch.cancel, Delivery.objects.filter(pk=delivery.pk))
    if message.case is not None:
        by_choice = message.why in (Message.Why.CHOSEN, Message.Why.DEFAULT)
        is_line = delivery.role in (Delivery.Role.NOTICE, Delivery.Role.COPY)
        is_second = message.why == Message.Why.FALLBACK
        goes_for = message.chosen_kind if is_second else message.kind
        chosen = routing.chosen_kind(message.case.stem)[0]
        if (by_choice or is_second) and chosen and chosen != goes_for:
            return partial(dispatch.reroute, delivery)
        if is_second:
            route = _second(delivery, now, offered)
        elif is_line:  # it goes where they wrote just now
            route = routing.within(message, routing.Route(delivery.channel, identity, ""), now)
        else:
            route = routing.first(message, now, among=offered)
        if isinstance(route, routing.Refused):
            return partial(_fail, delivery, route.why)
        delivery.only_notice |= route.only_notice  # the topic may have become sensitive meanwhile
        delivery.approved = route.approved
        if by_choice and route.identity != identity:
            return partial(dispatch.reroute, delivery)
        if not (is_line or is_second or delivery.channel.is_offered):
            return partial(dispatch.follow, delivery, route)
    kind = delivery.channel.kind
    if identity is not None and not identity.is_usable_by(kind):
        return partial(_fail, delivery, routing.why_closed(identity, kind))  # a STOP came meanwhile
    return None


def _is_over(delivery: Delivery) -> bool:
    """Whether what it asks need not be asked any more."""
    message = delivery.message
    if message.template == outbox.CHOOSE_AGAIN:
        return leaving.is_over(message)
    if message.template == outbox.UNREAD:
        return away.is_over(message)
    return message.template in outbox.ASKS and not _still_asks(delivery)


def _still_asks(delivery: Delivery) -> bool:
    """Whether a word by this way still answers what it asks: it was not answered or taken back."""
    message = delivery.message
    assert message.case is not None
    if message.template == Question.Sort.SETTLED:
        since = InboundItem.objects.filter(
            identity=delivery.identity,
            channel=delivery.channel,
            created_at__gt=message.created_at,
        )
        # Who writes meanwhile is not done with us.
        if message.case.stem.state == Case.State.OPEN or since.exists():
            return False
    waiting = Question.objects.open().filter(message=message, identity=delivery.identity)
    return waiting.exists()


@transaction.atomic  # a worker that dies in here leaves it to the sweep: nobody would be told
def _not_sent(delivery: Delivery, error: SendError, started: datetime) -> None:
    """Write down the try, and what follows for the channel and for the row."""
    breaker.fault(delivery.channel, error, timezone.now())
    _settle(delivery, error, started)


@transaction.atomic
def _settle(delivery: Delivery, error: SendError, started: datetime) -> None:
    now = timezone.now()
    delivery.record(type(error).__name__.lower(), started, error.why)
    if isinstance(error, RecipientGone) and delivery.identity is not None:
        why = Identity.STOPPED if isinstance(error, Stopped) else Identity.BOUNCED
        delivery.identity.close(delivery.channel.kind, why)
    can_repeat = delivery.channel.capabilities.idempotent
    if isinstance(error, Uncertain) and not can_repeat:
        _doubt(delivery, error.why)
        return
    can_retry = error.retryable or isinstance(error, Uncertain)
    retry = delivery.retry_at(now, error.retry_after) if can_retry else None
    if error.why.code == routing.WINDOW_CLOSED and _may_go_approved(delivery):
        retry = now
    if retry is None:
        _fail(delivery, error.why)
        return
    delivery.move(
        Delivery.Status.QUEUED,
        frm=(Delivery.Status.SENDING,),
        next_attempt_at=retry,
        leased_until=None,
        lease=None,
        reason=error.why.stored,
    )


def _may_go_approved(delivery: Delivery) -> bool:
    """It closed between our look and the provider's; whether the approved text may go at once."""
    if delivery.approved is not None:
        return False
    return routing.approved(delivery.channel, delivery.message.language) is not None


@transaction.atomic
def _fail(delivery: Delivery, why: Reason) -> None:
    S = Delivery.Status
    delivery.hold_case()
    if delivery.move(
        S.FAILED,
        frm=(S.QUEUED, S.SENDING),
        reason=why.stored,
        finished_at=timezone.now(),
        leased_until=None,
    ):
        fallback.fall_back(delivery)


def _doubt(delivery: Delivery, why: Reason) -> None:
    """Never blindly again: the agent sees that it may have gone, and decides."""
    S = Delivery.Status
    delivery.hold_case()
    if delivery.move(S.UNCERTAIN, frm=(S.SENDING,), reason=why.stored, leased_until=None):
        dispatch.tell(delivery, Event.Sort.UNCERTAIN)


def recover() -> None:
    """The sweep: ring channels that have due rows, and settle rows whose worker died."""
    now = timezone.now()
    for delivery in Delivery.objects.lost_in_sending(now).select_related("channel", *RELATED)[:500]:
        _settle(delivery, Uncertain(Reason("worker_stopped")), now)
    for channel in Channel.objects.values_list("pk", flat=True):
        if Delivery.objects.due(now).filter(channel=channel).exists():
            outbox.ring_to_send(channel)

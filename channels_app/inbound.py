"""What comes in: the raw bytes are committed first, then parsed, then filed.

Which case a message joins is design.md section 5.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # reasons: stored in English

from channels_app import corrections, filing, keywords, media, outbox, receipts
from channels_app.adapters.base import (
    Adapter,
    BadPayload,
    BadSignature,
    Block,
    Correction,
    Inbound,
    Parsed,
    Receipt,
    Request,
    SendError,
)
from channels_app.models import Channel, InboundEvent, InboundItem
from channels_app.seats import Seats
from contacts.models import Message

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
MAX_TRIES = 5
MAX_DRAWS = 4  # of a reference
MOST_RUNG = 50  # of one channel by one sweep
SEATS = Seats()
# Threads share one interpreter: more of them at once file nothing sooner, and on SQLite they would
# keep its lock from whoever brings the next thing. Fetching files needs no turn.
TURN = threading.Lock()
SORTS: dict[type, str] = {
    Inbound: "message",
    Correction: "correction",
    Receipt: "receipt",
    Block: "block",
}
State = InboundItem.State


class Later(Exception):
    """What it needs is not there yet; `after`: not before so long."""

    def __init__(self, after: timedelta | None = None) -> None:
        super().__init__()
        self.after = after


class Overtaken(Exception):
    """The lease ran out, and another worker reads it."""


def receive(channel: Channel, request: Request) -> InboundEvent:
    """The only provider door: verify, store the raw bytes, ring.

    Raises BadSignature, BadPayload, Misconfigured (a secret is not set, so nothing is believed).
    """
    adapter = channel.adapter()
    adapter.verify(request)
    key = {"channel": channel, "sha256": hashlib.sha256(adapter.fingerprint(request)).hexdigest()}
    envelope = _envelope(request, adapter)
    try:
        with transaction.atomic():
            event = InboundEvent.objects.create(raw=request.body, envelope=envelope, **key)
            _ring_on_commit(event)
            return event
    except IntegrityError:
        came = InboundEvent.objects.get(**key)  # it came before, and now once more
    if bytes(came.raw) != request.body:
        raise BadSignature("This signature was used before, for something else.")
    return came


def set_aside(
    channel: Channel, request: Request, reason: str, *, is_whole: bool = True
) -> InboundEvent:
    """Keep something straight in quarantine: a door says that it cannot be read as it is.

    Of what is not whole the rest lies where it came from: no other try reads it.
    """
    envelope = _envelope(request, Adapter)
    event, _made = InboundEvent.objects.get_or_create(
        channel=channel,
        sha256=hashlib.sha256(request.body).hexdigest(),
        defaults={
            "raw": request.body,
            "envelope": envelope if is_whole else envelope | {"is_part": True},
            "state": InboundEvent.State.QUARANTINED,
            "reason": reason,
            "processed_at": timezone.now(),
        },
    )
    return event


def _envelope(request: Request, adapter: Adapter | type[Adapter]) -> dict[str, Any]:
    """What is kept of a request besides its bytes: enough to read it later, and no secret."""
    envelope: dict[str, Any] = {"from": request.envelope_from, "to": list(request.envelope_to)}
    if request.method:
        headers = [[n, value] for n, value in request.headers if n in adapter.headers_kept]
        query = [[n, value] for n, value in request.query if n in adapter.query_kept]
        envelope |= {"method": request.method, "headers": headers}
        envelope |= {"query": query} if query else {}
    return envelope


def _ring_on_commit(event: InboundEvent) -> None:
    ring = partial(outbox.ring_to_file, event.pk, event.channel_id)
    transaction.on_commit(ring, robust=True)


def process(event_id: int, channel_id: int) -> None:
    """Parse and file one event of a channel; what cannot be read goes to quarantine, whole.

    Where all seats of the channel are taken, whoever sits there does it.
    """
    SEATS.work(channel_id, _process, event_id)


def _process(event_id: int) -> int:
    """One event; 1 if it was free to be taken."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    claimed = InboundEvent.objects.filter(free, pk=event_id, state=InboundEvent.State.NEW).update(
        leased_until=now + LEASE, tries=F("tries") + 1
    )
    if not claimed:
        return 0
    event = InboundEvent.objects.select_related("channel__organisation").get(pk=event_id)
    if event.tries > MAX_TRIES:
        # Its readers never came back to say why: it may be what killed them.
        _finish(event, _("The worker stopped while reading it."))
        return 1
    try:
        adapter = event.channel.adapter()
        _take_all(event, adapter, adapter.parse(_request(event)))
    except BadPayload as error:
        _finish(event, str(error))
    except Overtaken:
        return 0
    except Exception as error:
        logger.exception("Received item %s could not be processed.", event.pk)
        if event.tries >= MAX_TRIES:
            _finish(event, f"Fault: {type(error).__name__}")
    return 1


def _with_files(item: InboundItem, adapter: Adapter, thing: Parsed) -> Parsed:
    """A message with its files, which some providers keep for us. Raises Later, Overtaken.

    What is here already brings none: of a batch that is tried again all but one may be.
    """
    if not isinstance(thing, Inbound) or not any(file.reference for file in thing.files):
        return thing
    event = item.event
    if item.pk is None and _came_before(item):
        return thing
    try:
        is_last_try = event.tries >= MAX_TRIES
        return media.fetch(adapter, thing, is_last_try=is_last_try, before=partial(_hold, event))
    except SendError as error:
        raise Later(error.retry_after) from error


def _hold(event: InboundEvent) -> None:
    """Files take their time: the lease begins anew with each. Raises Overtaken."""
    held = InboundEvent.objects.filter(pk=event.pk, tries=event.tries, state=event.state)
    if not held.update(leased_until=timezone.now() + LEASE):
        raise Overtaken


def _wait(event: InboundEvent, after: timedelta) -> None:
    """Nothing is lost: the sweep rings it again."""
    until = timezone.now() + max(after, LEASE * event.tries)
    InboundEvent.objects.filter(pk=event.pk).update(leased_until=until)


def _request(event: InboundEvent) -> Request:
    return Request(
        body=bytes(event.raw),
        envelope_from=event.envelope.get("from", ""),
        envelope_to=tuple(event.envelope.get("to", ())),
        received_at=event.received_at,
        method=event.envelope.get("method", ""),
        headers=tuple((name, value) for name, value in event.envelope.get("headers", ())),
        query=tuple((name, value) for name, value in event.envelope.get("query", ())),
    )


def _finish(event: InboundEvent, kept: str) -> None:
    """It was processed; or is in quarantine, where a reason is given."""
    state = InboundEvent.State.QUARANTINED if kept else InboundEvent.State.PROCESSED
    logger.info("Received item %s by %s: %s.", event.pk, event.channel.slug, state)
    InboundEvent.objects.filter(pk=event.pk).update(
        state=state, reason=kept[:500], processed_at=timezone.now(), leased_until=None
    )


def again(event: InboundEvent) -> bool:
    """Try a quarantined event once more; False for one that is not whole."""
    if not event.is_whole:
        return False
    with transaction.atomic():
        InboundItem.objects.filter(event=event, state=State.QUARANTINED).delete()
        InboundEvent.objects.filter(pk=event.pk, state=InboundEvent.State.QUARANTINED).update(
            state=InboundEvent.State.NEW, reason="", tries=0, leased_until=None
        )
        _ring_on_commit(event)
    return True


def recover() -> None:
    """The sweep: ring what was received and never processed, some of each channel."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    late = InboundEvent.objects.filter(
        free, state=InboundEvent.State.NEW, received_at__lte=now - timedelta(seconds=5)
    )
    for channel in Channel.objects.values_list("pk", flat=True):
        oldest = late.filter(channel=channel).order_by("received_at")
        for pk in oldest.values_list("pk", flat=True)[:MOST_RUNG]:
            outbox.ring_to_file(pk, channel)


def _take_all(event: InboundEvent, adapter: Adapter, things: Sequence[Parsed]) -> None:
    """Each thing in a transaction of its own; that of the last one also finishes the event.

    What cannot be had yet keeps nothing else waiting: it is tried again, the rest is there by then.
    """
    kept = _kept_before(event)
    later: list[timedelta] = []
    for left, thing in zip(reversed(range(len(things))), things, strict=True):
        try:
            item = _item(event, thing)
            whole = _with_files(item, adapter, thing)
            kept = _take(item, whole, kept, is_last=not (left or later))
        except Later as error:
            later.append(error.after or timedelta())
    if later:
        _wait(event, max(later))
    elif not things:
        _finish(event, kept)


def _kept_before(event: InboundEvent) -> str:
    """Why a part of it is in quarantine since an earlier try; "" if none is."""
    if event.tries == 1:
        return ""
    kept = InboundItem.objects.filter(event=event, state=State.QUARANTINED)
    return kept.values_list("reason", flat=True).first() or ""


def _take(item: InboundItem, thing: Parsed, kept: str, *, is_last: bool) -> str:
    """File one thing; why the event is kept in quarantine, "" if it is not.

    Its item is stored first: of two doors with the same thing the second one waits, and is refused.
    """
    event, waited = item.event, item.pk is not None
    if isinstance(thing, Inbound):
        item.provider_id = thing.provider_id
        # The provider counts its window from there, however late it reached us or was read.
        item.created_at = min(thing.written_at or event.received_at, event.received_at)
    draws_left = MAX_DRAWS
    while True:
        try:
            with TURN, transaction.atomic():
                if not waited:
                    _insert(item)
                _settle(item, thing)
                why = kept or (item.reason if item.state == State.QUARANTINED else "")
                if is_last:
                    _finish(event, why)
            return why
        except filing.Unfiled as error:
            item.state, item.reason = error.state, error.reason
        except receipts.Unknown as error:
            item.state, item.reason = State.IGNORED, str(error)
        except IntegrityError:
            if not waited and _came_before(item):
                break
            # Else the reference is taken, at a million cases one draw in 700: drawn again.
            draws_left -= 1
            if not draws_left:
                raise
    if is_last:
        _finish(event, kept)
    return kept


def _item(event: InboundEvent, thing: Parsed) -> InboundItem:
    """A new one, to be filed; or the one that waited until now."""
    own = {"external_id": thing.external_id, "sort": SORTS[type(thing)]}
    if event.processed_at is not None:  # it is processed again
        waits = InboundItem.objects.filter(event=event, state=State.WAITING, **own)
        if item := waits.select_related("question").first():
            item.event, item.channel, item.state = event, event.channel, State.FILED
            return item
    return InboundItem(event=event, channel=event.channel, state=State.FILED, **own)


def _insert(item: InboundItem) -> None:
    item.pk = item.identity = item.question = None  # what an earlier round half filed was undone
    item.save(force_insert=True)


def _settle(item: InboundItem, thing: Parsed) -> None:
    if item.state != State.FILED:
        item.save(update_fields=["state", "reason"])
        return
    if isinstance(thing, Receipt):
        item.message = receipts.settle(item.channel, thing)
    elif isinstance(thing, Correction):
        item.message = _correct(item, thing)
    elif isinstance(thing, Block):
        keywords.block(item.channel, thing)
    else:
        item.message = filing.file(item, thing)
    item.save(update_fields=["message", "identity", "question", "state"])


def _correct(item: InboundItem, correction: Correction) -> Message:
    try:
        return corrections.settle(item.channel, correction)
    except corrections.NotHere:
        if item.event.tries == 1:
            raise Later from None  # it overtook its message, which another worker may be filing
        raise filing.Unfiled(State.IGNORED, _("It changes a message that is not here.")) from None


def _came_before(item: InboundItem) -> bool:
    """Whether the same thing came by another door."""
    same = {"channel": item.channel, "external_id": item.external_id, "sort": item.sort}
    return InboundItem.objects.filter(**same).exists()

"""What comes in: the raw bytes are committed first, then parsed, then filed.

Which case a message joins is design.md section 5.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # reasons: stored in English

from channels_app import (
    belonging,
    corrections,
    dispatch,
    joining,
    keywords,
    media,
    opening,
    outbox,
    receipts,
)
from channels_app.adapters.base import (
    Adapter,
    BadPayload,
    BadSignature,
    Correction,
    Inbound,
    Parsed,
    Receipt,
    Request,
    SendError,
)
from channels_app.models import Channel, InboundEvent, InboundItem
from contacts import languages, services
from contacts.addresses import InvalidAddress
from contacts.files import File, clean_name
from contacts.models import (
    Case,
    Choice,
    Event,
    Holder,
    Identity,
    Message,
)

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
MAX_TRIES = 5
MAX_DRAWS = 4  # of a reference
MAX_NEW_CASES = 20  # by one address in an hour; more is a loop or an attack, and waits for staff
AUTO_REPLY = "auto_reply"
SORTS: dict[type, str] = {Inbound: "message", Correction: "correction", Receipt: "receipt"}
State = InboundItem.State


class Unfiled(Exception):
    """Not filed: `state` and the reason for staff."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


class Later(Exception):
    """What it needs is not there yet; `after`: not before so long."""

    def __init__(self, after: timedelta | None = None) -> None:
        super().__init__()
        self.after = after


def receive(channel: Channel, request: Request) -> InboundEvent:
    """The only provider door: verify, store the raw bytes, ring.

    Raises BadSignature, BadPayload, Misconfigured (a secret is not set, so nothing is believed).
    """
    adapter = channel.adapter()
    adapter.verify(request)
    key = {"channel": channel, "sha256": hashlib.sha256(adapter.fingerprint(request)).hexdigest()}
    came = InboundEvent.objects.filter(**key).first()
    if came is None:
        envelope = _envelope(request, adapter.headers_kept)
        try:
            with transaction.atomic():
                event = InboundEvent.objects.create(raw=request.body, envelope=envelope, **key)
                outbox.ring_on_commit(outbox.PROCESS, str(event.pk))
                return event
        except IntegrityError:
            came = InboundEvent.objects.get(**key)
    if bytes(came.raw) != request.body:
        raise BadSignature("This signature was used before, for something else.")
    return came


def set_aside(channel: Channel, request: Request, reason: str) -> InboundEvent:
    """Keep something straight in quarantine: a door says that it cannot be read as it is."""
    event, _made = InboundEvent.objects.get_or_create(
        channel=channel,
        sha256=hashlib.sha256(request.body).hexdigest(),
        defaults={
            "raw": request.body,
            "envelope": _envelope(request, frozenset()),
            "state": InboundEvent.State.QUARANTINED,
            "reason": reason,
            "processed_at": timezone.now(),
        },
    )
    return event


def _envelope(request: Request, headers_kept: frozenset[str]) -> dict[str, Any]:
    """What is kept of a request besides its bytes: enough to read it later, and no secret."""
    envelope: dict[str, Any] = {"from": request.envelope_from, "to": list(request.envelope_to)}
    if request.method:
        kept = [[name, value] for name, value in request.headers if name in headers_kept]
        envelope |= {"method": request.method, "headers": kept}
    return envelope


def process(event_id: int) -> None:
    """Parse and file one event; what cannot be read goes to quarantine with its bytes."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    claimed = InboundEvent.objects.filter(free, pk=event_id, state=InboundEvent.State.NEW).update(
        leased_until=now + LEASE, tries=F("tries") + 1
    )
    if not claimed:
        return
    event = InboundEvent.objects.select_related("channel__organisation").get(pk=event_id)
    if event.tries > MAX_TRIES:
        # Its readers never came back to say why: it may be what killed them.
        _finish(event, _("The worker stopped while reading it."))
        return
    try:
        adapter = event.channel.adapter()
        things = [_with_files(event, adapter, thing) for thing in adapter.parse(_request(event))]
        _take_all(event, things)
    except BadPayload as error:
        _finish(event, str(error))
    except Later as error:
        _wait(event, error.after)
    except Exception as error:
        logger.exception("Received item %s could not be processed.", event.pk)
        if event.tries >= MAX_TRIES:
            _finish(event, f"Fault: {type(error).__name__}")


def _with_files(event: InboundEvent, adapter: Adapter, thing: Parsed) -> Parsed:
    """A message with its files, which some providers keep for us. Raises Later."""
    if not isinstance(thing, Inbound):
        return thing
    try:
        return media.fetch(adapter, thing, is_last_try=event.tries >= MAX_TRIES)
    except SendError as error:
        raise Later(error.retry_after) from error


def _wait(event: InboundEvent, after: timedelta | None) -> None:
    """Nothing is lost: the sweep rings it again."""
    until = timezone.now() + max(after or timedelta(), LEASE * event.tries)
    InboundEvent.objects.filter(pk=event.pk).update(leased_until=until)


def _request(event: InboundEvent) -> Request:
    return Request(
        body=bytes(event.raw),
        envelope_from=event.envelope.get("from", ""),
        envelope_to=tuple(event.envelope.get("to", ())),
        received_at=event.received_at,
        method=event.envelope.get("method", ""),
        headers=tuple((name, value) for name, value in event.envelope.get("headers", ())),
    )


def _finish(event: InboundEvent, kept: str) -> None:
    """It was processed; or is in quarantine, where a reason is given."""
    state = InboundEvent.State.QUARANTINED if kept else InboundEvent.State.PROCESSED
    logger.info("Received item %s by %s: %s.", event.pk, event.channel.slug, state)
    InboundEvent.objects.filter(pk=event.pk).update(
        state=state, reason=kept[:500], processed_at=timezone.now(), leased_until=None
    )


def again(event: InboundEvent) -> None:
    """Try a quarantined event once more."""
    with transaction.atomic():
        InboundItem.objects.filter(event=event, state=State.QUARANTINED).delete()
        InboundEvent.objects.filter(pk=event.pk, state=InboundEvent.State.QUARANTINED).update(
            state=InboundEvent.State.NEW, reason="", tries=0, leased_until=None
        )
        outbox.ring_on_commit(outbox.PROCESS, str(event.pk))


def recover() -> None:
    """The sweep: ring what was received and never processed."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    late = InboundEvent.objects.filter(
        free, state=InboundEvent.State.NEW, received_at__lte=now - timedelta(seconds=5)
    )
    for pk in late.order_by("received_at").values_list("pk", flat=True)[:200]:
        outbox.ring(outbox.PROCESS, str(pk))


def _take_all(event: InboundEvent, things: Sequence[Parsed]) -> None:
    """Each thing in a transaction of its own; that of the last one also finishes the event."""
    kept = ""
    for left, thing in zip(reversed(range(len(things))), things, strict=True):
        kept = _take(event, thing, kept, is_last=not left)
    if not things:
        _finish(event, kept)


def _take(event: InboundEvent, thing: Parsed, kept: str, *, is_last: bool) -> str:
    """File one thing; why the event is kept in quarantine, "" if it is not.

    Its item is stored first: of two doors with the same thing the second one waits, and is refused.
    """
    item = InboundItem(event=event, channel=event.channel, external_id=thing.external_id)
    item.sort = SORTS[type(thing)]
    item.state = State.FILED
    if isinstance(thing, Inbound):
        item.provider_id = thing.provider_id
    draws_left = MAX_DRAWS
    while True:
        try:
            with transaction.atomic():
                _store(item, thing)
                why = kept or (item.reason if item.state == State.QUARANTINED else "")
                if is_last:
                    _finish(event, why)
            return why
        except Unfiled as error:  # what was half filed is undone; now only the reason is stored
            item.state, item.reason = error.state, error.reason
        except receipts.Unknown as error:
            item.state, item.reason = State.IGNORED, str(error)
        except IntegrityError:
            if _came_before(item):
                break
            # Else the reference is taken, at a million cases one draw in 700: drawn again.
            draws_left -= 1
            if not draws_left:
                raise
    if is_last:
        _finish(event, kept)
    return kept


def _store(item: InboundItem, thing: Parsed) -> None:
    item.pk = None
    item.save(force_insert=True)
    if item.state != State.FILED:
        return
    if isinstance(thing, Receipt):
        item.message = receipts.settle(item.channel, thing)
    elif isinstance(thing, Correction):
        item.message = _correct(item, thing)
    else:
        item.message = _file_message(item, thing)
    item.save(update_fields=["message", "identity"])


def _correct(item: InboundItem, correction: Correction) -> Message:
    try:
        return corrections.settle(item.channel, correction)
    except corrections.NotHere:
        if item.event.tries == 1:
            raise Later from None  # it overtook its message, which another worker may be filing
        raise Unfiled(State.IGNORED, _("It changes a message that is not here.")) from None


def _came_before(item: InboundItem) -> bool:
    """Whether the same thing came by another door."""
    same = {"channel": item.channel, "external_id": item.external_id, "sort": item.sort}
    return InboundItem.objects.filter(**same).exists()


def _file_message(item: InboundItem, inbound: Inbound) -> Message | None:
    channel = item.channel
    if inbound.ours or inbound.sender.lower() == channel.address.lower():
        raise Unfiled(State.IGNORED, _("It is our own message: a loop."))
    try:
        identity = Identity.of(inbound.scheme, inbound.sender)
    except InvalidAddress:
        raise Unfiled(State.QUARANTINED, _("It has no sender that could be answered.")) from None
    if identity.blocked_at:
        raise Unfiled(State.IGNORED, _("The sender is blocked."))
    item.identity = identity
    if channel.capabilities.reply_window is not None:
        item.save(update_fields=["identity"])  # what is routed from here on finds the window open
    if identity.closed and channel.capabilities.authenticates_sender:
        identity.open_again(channel.kind, Identity.BOUNCED)  # who writes from there is there
    if keywords.heed(channel, inbound, identity):
        return None
    taken = joining.take(channel, inbound, identity)
    if taken.inbound is None:
        return taken.message
    message = _file(channel, identity, taken)
    for name, why in inbound.kept_out:
        assert message.case is not None
        data = {"name": clean_name(name), "reason": why.stored}
        message.case.append(Event(sort=Event.Sort.KEPT_OUT, data=data))
    return message


def _file(channel: Channel, identity: Identity, taken: joining.Taken) -> Message:
    """What is left of a message: into the case that it belongs to, or into a new one."""
    inbound = taken.inbound
    assert inbound is not None
    case = taken.case or belonging.by_reply(channel, inbound, identity)
    case = case or belonging.by_sender(channel, inbound, identity)
    if case is not None:
        return _join(channel, case, inbound, identity)
    if inbound.automatic:
        raise Unfiled(State.IGNORED, _("An automatic message that answers no case."))
    hint = taken.hint or belonging.hint(channel, inbound, identity)
    return _open(channel, inbound, identity, hint)


def _join(channel: Channel, case: Case, inbound: Inbound, identity: Identity) -> Message:
    if inbound.automatic:
        return _file_auto_reply(channel, case, inbound, identity)
    message = services.file_message(
        case=case, kind=channel.kind, identity=identity, **_content(inbound)
    )
    _follow(case, channel, identity)
    return message


def _follow(case: Case, channel: Channel, identity: Identity) -> None:
    """Who writes on another channel has chosen it: the case follows, and the history says so."""
    if not identity.is_usable_by(channel.kind):
        return  # they said STOP there, and never START
    # Its row is locked since the message was filed: this is the choice of now.
    now = Case.objects.filter(pk=case.stem.pk).values_list("choice__kind", "choice__identity")
    if now.get() == (channel.kind, identity.pk):
        return
    stem = case.locked()
    choice = stem.choice
    base = choice or Choice(kind=channel.kind)
    new = services.copy_choice(
        base,
        kind=channel.kind,
        identity=identity,
        wish="",
        by=Choice.By.WRITING,
        replaces=choice,
    )
    data = services.choice_data(new, before=choice)
    stem.append(new, Event(sort=Event.Sort.SWITCHED, data=data))
    for delivery in dispatch.open_in(stem).select_related("message__case__root", "channel"):
        if delivery.message.why in (Message.Why.CHOSEN, Message.Why.DEFAULT):
            dispatch.reroute(delivery)


def _file_auto_reply(channel: Channel, case: Case, inbound: Inbound, identity: Identity) -> Message:
    """An out-of-office note: kept in the history, but nobody waits for an answer to it."""
    content = _content(inbound)
    files = content.pop("files")
    message = Message(
        direction=Message.Direction.IN,
        kind=channel.kind,
        identity=identity,
        template=AUTO_REPLY,
        language=case.stem.language,
        **content,
    )
    case.append(message)
    services.attach(message, files)
    return message


def _content(inbound: Inbound) -> dict[str, Any]:
    files = [File(f.name, f.content_type, f.content, f.content_id) for f in inbound.files]
    return {
        "text": services.clean_text(inbound.text),
        "whole_text": ""
        if inbound.whole_text.strip() == inbound.text.strip()
        else services.clean_text(inbound.whole_text),
        "html": inbound.html.replace("\x00", ""),
        "subject": services.clean_text(inbound.subject)[:300],
        "files": files,
    }


def _open(channel: Channel, inbound: Inbound, identity: Identity, hint: Case | None) -> Message:
    """A message out of the blue opens a case, to be answered where it came from."""
    if not identity.is_new and _opened_lately(identity) >= MAX_NEW_CASES:
        raise Unfiled(State.QUARANTINED, _("Too many new cases by this address in an hour."))
    organisation = channel.organisation
    customer = services.known_customer(identity)
    default = customer.language if customer else organisation.languages[0]
    language = languages.guess(inbound.text, default)
    if customer is None:
        customer = services.new_customer(
            identity, name=inbound.sender_name, language=language, how=Holder.How.WROTE
        )
    content = _content(inbound)
    case = services.new_case(
        customer=customer,
        choice=Choice(kind=channel.kind, identity=identity, by=Choice.By.WRITING),
        text=content["text"],
        title=inbound.subject or ("" if inbound.text.strip() else _name_of(inbound)),
        organisation=organisation,
        language=language,
        may_belong_to=hint,
    )
    # "We have your question" goes the way that the question came, where that is open to all.
    among = [channel] if channel.is_offered else None
    return opening.store(case, among=among, kind=channel.kind, identity=identity, **content)


def _name_of(inbound: Inbound) -> str:
    """A picture without words is called by its own name."""
    return clean_name(inbound.files[0].name) if inbound.files else ""


def _opened_lately(identity: Identity) -> int:
    """How many cases of the last hour an address was chosen in, as far as it matters."""
    ago = timezone.now() - timedelta(hours=1)
    chosen = Choice.objects.filter(identity=identity, created_at__gte=ago)
    cases = chosen.filter(case__opened_at__gte=ago).values("case").distinct()
    return cases[:MAX_NEW_CASES].count()

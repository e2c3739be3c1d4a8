"""What comes in: the raw bytes are committed first, then parsed, then filed.

Which case a message joins is design.md section 5.
"""

import hashlib
import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # reasons: stored in English

from channels_app import dispatch, opening, outbox, receipts
from channels_app.adapters.base import (
    Adapter,
    BadPayload,
    BadSignature,
    Correction,
    Inbound,
    Parsed,
    Receipt,
    Request,
)
from channels_app.models import Channel, Delivery, InboundEvent, InboundItem
from contacts import codes, languages, services
from contacts.addresses import InvalidAddress
from contacts.files import File
from contacts.models import (
    Case,
    Choice,
    Code,
    Event,
    Holder,
    Identity,
    Message,
)

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
MAX_TRIES = 5
MAX_NEW_CASES = 20  # by one address in an hour; more is a loop or an attack, and waits for staff
AUTO_REPLY = "auto_reply"
State = InboundItem.State


class Unfiled(Exception):
    """Not filed: `state` and the reason for staff."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def receive(channel: Channel, request: Request) -> InboundEvent:
    """The only provider door: verify, store the raw bytes, ring.

    Raises BadSignature, BadPayload, Misconfigured (a secret is not set, so nothing is believed).
    """
    adapter = channel.adapter()
    adapter.verify(request)
    with transaction.atomic():
        event, made = InboundEvent.objects.get_or_create(
            channel=channel,
            sha256=hashlib.sha256(adapter.fingerprint(request)).hexdigest(),
            defaults={"raw": request.body, "envelope": _envelope(request, adapter)},
        )
        if made:
            outbox.ring_on_commit(outbox.PROCESS, str(event.pk))
    if bytes(event.raw) != request.body:
        raise BadSignature("This signature was used before, for something else.")
    return event


def set_aside(channel: Channel, request: Request, reason: str) -> InboundEvent:
    """Keep something straight in quarantine: a door says that it cannot be read as it is."""
    event, _made = InboundEvent.objects.get_or_create(
        channel=channel,
        sha256=hashlib.sha256(request.body).hexdigest(),
        defaults={
            "raw": request.body,
            "envelope": _envelope(request, Adapter),
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
        _finish(event, InboundEvent.State.QUARANTINED, _("The worker stopped while reading it."))
        return
    try:
        parsed = event.channel.adapter().parse(_request(event))
        reasons = [_take(event, thing) for thing in parsed]
    except BadPayload as error:
        _finish(event, InboundEvent.State.QUARANTINED, str(error))
    except Exception as error:
        logger.exception("Received item %s could not be processed.", event.pk)
        if event.tries >= MAX_TRIES:
            _finish(event, InboundEvent.State.QUARANTINED, f"Fault: {type(error).__name__}")
    else:
        kept = next((reason for state, reason in reasons if state == State.QUARANTINED), "")
        done = InboundEvent.State.QUARANTINED if kept else InboundEvent.State.PROCESSED
        _finish(event, done, kept)


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


def _finish(event: InboundEvent, state: str, reason: str) -> None:
    logger.info("Received item %s by %s: %s.", event.pk, event.channel.slug, state)
    InboundEvent.objects.filter(pk=event.pk).update(
        state=state, reason=reason[:500], processed_at=timezone.now(), leased_until=None
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


def _take(event: InboundEvent, thing: Parsed) -> tuple[str, str]:
    """File one thing in one transaction; the same thing by two doors is one item."""
    sort = "receipt" if isinstance(thing, Receipt) else "message"
    with transaction.atomic():
        item, made = InboundItem.objects.get_or_create(
            channel=event.channel,
            external_id=thing.external_id,
            sort=sort,
            defaults={"event": event},
        )
        if not made and item.state != State.NEW:
            return State.IGNORED, _("It came by another door before.")
        try:
            # A savepoint: what was half filed is undone, the item and its reason stay.
            with transaction.atomic():
                if isinstance(thing, Receipt):
                    item.message = receipts.settle(event.channel, thing)
                elif isinstance(thing, Correction):
                    raise Unfiled(State.IGNORED, _("It changes a message that is filed."))
                else:
                    item.provider_id = thing.provider_id
                    item.message = _file_message(event.channel, thing)
            item.state = State.FILED
        except Unfiled as error:
            item.state, item.reason = error.state, error.reason
        except receipts.Unknown as error:
            item.state, item.reason = State.IGNORED, str(error)
        item.save()
    return item.state, item.reason


def _file_message(channel: Channel, inbound: Inbound) -> Message:
    if inbound.ours or inbound.sender.lower() == channel.address.lower():
        raise Unfiled(State.IGNORED, _("It is our own message: a loop."))
    try:
        identity = Identity.of(inbound.scheme, inbound.sender)
    except InvalidAddress:
        raise Unfiled(State.QUARANTINED, _("It has no sender that could be answered.")) from None
    if identity.blocked_at:
        raise Unfiled(State.IGNORED, _("The sender is blocked."))
    case = _case_by_code(inbound, identity) or _case_by_sender(channel, inbound, identity)
    if case is not None:
        return _join(channel, case, inbound, identity)
    if inbound.automatic:
        raise Unfiled(State.IGNORED, _("An automatic message that answers no case."))
    return _open(channel, inbound, identity)


def _case_by_code(inbound: Inbound, identity: Identity) -> Case | None:
    """(b) Our reply MAC and a sender who holds an identity of that case: both."""
    for value in inbound.reply_codes:
        code = Code.objects.find(codes.REPLY, value)
        if code is not None and code.case is not None and belongs(code.case, identity):
            services.prove_by_answer(code.case, identity)
            # Who writes from there is there: a full mailbox, or a refusal for a day, is over.
            Identity.objects.filter(pk=identity.pk).update(bounced_at=None)
            return code.case
    return None


def belongs(case: Case, identity: Identity) -> bool:
    """Whether an address is one of the case's: its customer's, or one that was chosen in it."""
    stem = case.stem
    customers = {case.customer_id, stem.customer_id, case.customer.top.pk, stem.customer.top.pk}
    held = Holder.objects.current().filter(customer__in=customers, identity=identity)
    return held.exists() or stem.choices.filter(identity=identity).exists()


def _case_by_sender(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """(c) The only open case of a proved holder, where the sender is authenticated.

    And only one that this address wrote in before: anybody can type a stranger's address on the
    start page, keep that case's page open, and wait for what the stranger writes.
    """
    if not (inbound.authenticated or channel.capabilities.authenticates_sender):
        return None
    holders = Holder.objects.proved().filter(identity=identity).values("customer")
    cases = Case.objects.open().filter(Q(customer__in=holders) | Q(customer__root__in=holders))
    found = list(cases.order_by("pk")[:2])
    if len(found) != 1:
        return None
    wrote = Message.objects.of(found[0]).filter(
        direction=Message.Direction.IN, identity=identity, staff=None
    )
    return found[0] if wrote.exists() else None


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
    stem = case.locked()
    choice = stem.choice
    if choice is not None and (choice.kind, choice.identity_id) == (channel.kind, identity.pk):
        return
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


def _open(channel: Channel, inbound: Inbound, identity: Identity) -> Message:
    """A message out of the blue opens a case, to be answered where it came from."""
    hour_ago = timezone.now() - timedelta(hours=1)
    lately = Case.objects.filter(choices__identity=identity, opened_at__gte=hour_ago)
    if lately.distinct().count() >= MAX_NEW_CASES:
        raise Unfiled(State.QUARANTINED, _("Too many new cases by this address in an hour."))
    organisation = channel.organisation
    customer = services.known_customer(identity)
    default = customer.language if customer else organisation.languages[0]
    language = languages.guess(inbound.text, default)
    if customer is None:
        customer = services.customer_for(
            identity, name=inbound.sender_name, language=language, how=Holder.How.WROTE
        )
    content = _content(inbound)
    case = services.new_case(
        reference=services.unused_reference(),
        customer=customer,
        choice=Choice(kind=channel.kind, identity=identity, by=Choice.By.WRITING),
        text=content["text"],
        title=inbound.subject,
        organisation=organisation,
        language=language,
        may_belong_to=_may_belong_to(inbound),
    )
    return opening.store(case, kind=channel.kind, identity=identity, **content)


def _may_belong_to(inbound: Inbound) -> Case | None:
    """What a mail refers to without proof: a hint for staff, who may join it."""
    for value in inbound.reply_codes:
        code = Code.objects.known(codes.REPLY, value).first()
        if code is not None and code.case is not None:
            return code.case.stem
    keys = [dispatch.key_of(value) for value in inbound.refers_to]
    sent = Delivery.objects.filter(pk__in=[key for key in keys if key]).exclude(message__case=None)
    delivery = sent.select_related("message__case__root").first()
    if delivery is not None and delivery.message.case is not None:
        return delivery.message.case.stem
    item = (
        InboundItem.objects.filter(provider_id__in=inbound.refers_to)
        .exclude(message=None)
        .select_related("message__case__root")
        .first()
    )
    return item.message.case.stem if item and item.message and item.message.case else None

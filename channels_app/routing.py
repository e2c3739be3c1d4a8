"""Which way a message goes, or why not. Composer, dispatch and sending all ask here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery

from channels_app import reasons
from channels_app.adapters.base import Reason
from channels_app.models import Attempt, Channel, Delivery, InboundItem, Template
from contacts.kinds import EMAIL, MESSAGE, PHONE, POST, WRITING, get
from contacts.models import Case, Choice, Consent, Customer, Holder, Identity, Message

WINDOW_CLOSED = "provider_window"  # as an adapter says it
Consents = Mapping[str, Consent]  # by kind
UNKNOWN = {EMAIL: "no_email", PHONE: "no_phone", POST: "no_post"}
# Why an address is closed, and by which group of kinds; else it is dead for good.
CLOSED = {
    (Identity.BOUNCED, MESSAGE): "not_reached",
    (Identity.STOPPED, MESSAGE): "stopped",
    (Identity.STOPPED, WRITING): "stopped",
}


@dataclass(frozen=True)
class Route:
    """Through which channel, to which address, and why that one (R14).

    `only_notice`: the channel is not private and the case is sensitive, so that only "you have an
    answer" goes this way and the answer itself stays on the secure page (R46). So it is with an
    `approved` text.
    """

    channel: Channel
    identity: Identity | None
    why: str
    only_notice: bool = False
    until: datetime | None = None  # so long one may write freely, where there is a window
    approved: Template | None = None  # the window is closed: this text goes, with a link


@dataclass(frozen=True)
class Refused:
    """Why not; `can_propose`: the customer may be asked first."""

    why: Reason
    can_propose: bool = False

    @property
    def reason(self) -> str:
        """A sentence for staff, in the reader's language."""
        return reasons.words(self.why)


def route(
    message: Message,
    now: datetime,
    *,
    among: Sequence[Channel] | None = None,
    known: Consents | None = None,
) -> Route | Refused:
    """The way of a message (its `kind`, or the customer's choice where that is empty).

    `among`: the offered channels, of that kind or all, where they were read a moment ago; `known`:
    what the customer said of each kind, where that was.

    In this order: the case's choice, the customer's default, consent, address, channel. An
    explicit request in the case beats "do not call me".
    """
    assert message.case is not None
    case = message.case.stem
    chosen, why = chosen_kind(case)
    kind = message.kind or chosen
    if not kind:
        return Refused(Reason("no_choice"))
    if kind != chosen:
        why = Message.Why.FALLBACK if message.why == Message.Why.FALLBACK else Message.Why.OVERRIDE
    refusal = _unwanted(case, kind, known)
    if refusal is not None:
        return refusal
    identity = _identity(case, kind)
    if isinstance(identity, Refused):
        return identity
    channel = _channel(case, kind, identity, among)
    if channel is None:
        return Refused(Reason("switched_off", {"kind": kind}))
    notice = case.is_sensitive and not channel.capabilities.private
    return within(message, Route(channel, identity, why, only_notice=notice), now)


def within(message: Message, way: Route, now: datetime) -> Route | Refused:
    """A way held against the reply window: freely, by a text that was approved, or not at all."""
    assert message.case is not None
    window = way.channel.capabilities.reply_window
    if window is None:
        return way
    until = window_end(way.channel, way.identity)
    if until is not None and until > now:
        return replace(way, until=until)
    text = approved(way.channel, message.language or message.case.stem.language)
    if text is not None:
        return replace(way, only_notice=True, approved=text)
    hours = str(int(window.total_seconds() // 3600))
    return Refused(Reason("window_closed", {"kind": way.channel.kind, "hours": hours}))


def window_end(channel: Channel, identity: Identity | None) -> datetime | None:
    """Until when an address may be answered freely by a channel; None if it never wrote there.

    Where the provider closed it earlier, that moment.
    """
    window = channel.capabilities.reply_window
    if identity is None or window is None:
        return None
    words = InboundItem.objects.filter(identity=identity, channel=channel).order_by("-created_at")
    # What the provider said of it since then: the window is the provider's, and so is its clock.
    closed = Attempt.objects.filter(
        delivery__channel=channel,
        delivery__identity=identity,
        reason__code=WINDOW_CLOSED,
        started_at__gt=OuterRef("created_at"),
    )
    # EXPLAIN at 100,000 cases, 300,000 items, 200,000 deliveries and as many tries: inbound_item_
    # last_word, then the deliveries of that address and their tries by the foreign keys, 0.07 ms.
    refused = Subquery(closed.order_by("started_at").values("started_at")[:1])
    row = words.values_list("created_at", refused).first()
    return (row[1] or row[0] + window) if row else None


def approved(channel: Channel, language: str) -> Template | None:
    """The text that may go outside the window: in the customer's language, else in another."""
    rows = (
        Template.objects.usable().filter(channel=channel) if channel.capabilities.templates else ()
    )
    return min(rows, key=lambda row: (row.language != language, row.pk), default=None)


def chosen_kind(case: Case) -> tuple[str, str]:
    """What the customer chose for this case, else their usual channel; "" if neither."""
    choice = case.choice
    if choice is not None:
        return choice.kind, Message.Why.ONCE if choice.once else Message.Why.CHOSEN
    return case.customer.top.preferred_kind, Message.Why.DEFAULT


def consents(customer: Customer) -> Consents:
    """The newest word of a customer on answers by each kind. One query."""
    people = {customer.pk, customer.top_id}
    rows = Consent.objects.filter(customer__in=people, purpose=Consent.Purpose.SERVICE)
    return {row.kind: row for row in rows.order_by("pk")}


def _unwanted(case: Case, kind: str, known: Consents | None) -> Refused | None:
    choice = case.choice
    info = get(kind)
    if choice is not None and (choice.kind == kind or (info.rings and choice.calls_allowed)):
        return None  # asked for in this very case
    word = (consents(case.customer) if known is None else known).get(kind)
    if word is None or word.level == Consent.Level.GLADLY:
        return None
    day = word.created_at.astimezone(ZoneInfo(case.organisation.time_zone)).date().isoformat()
    never = word.level == Consent.Level.NEVER
    if info.rings:
        code = "no_calls" if never else "calls_on_request"
        return Refused(Reason(code, {"day": day}), can_propose=True)
    code = "unwanted" if never else "on_request"
    return Refused(Reason(code, {"kind": kind, "day": day}), can_propose=True)


def _identity(case: Case, kind: str) -> Identity | Refused | None:
    scheme = get(kind).scheme
    if not scheme:
        return None
    choice: Choice | None = case.choice
    if choice is not None and choice.kind == kind and choice.identity is not None:
        found: Identity | None = choice.identity
    else:
        holder = (
            Holder.objects.current()
            .filter(customer__in={case.customer_id, case.customer.top.pk}, identity__scheme=scheme)
            .best_first()
            .first()
        )
        found = holder.identity if holder else None
    if found is None:
        return Refused(Reason(UNKNOWN.get(scheme, "no_handle"), {"kind": kind}))
    if found.is_usable_by(kind):
        return found
    return Refused(why_closed(found, kind))


def why_closed(identity: Identity, kind: str) -> Reason:
    """Why nothing may go to an address by that kind."""
    code = CLOSED.get((identity.why_closed(kind), get(kind).group), "address_dead")
    return Reason(code, {"address": str(identity), "kind": kind})


def offered(organisation_id: int, kind: str) -> list[Channel]:
    """The channels of one kind that an organisation offers, in its order."""
    return list(Channel.objects.offered().filter(kind=kind, organisation=organisation_id))


def _channel(
    case: Case, kind: str, identity: Identity | None, among: Sequence[Channel] | None
) -> Channel | None:
    """Of several: the branch that was wished for, the last one used, else the offered order."""
    read = offered(case.organisation_id, kind) if among is None else among
    found = [channel for channel in read if channel.kind == kind]
    if len(found) < 2:
        return found[0] if found else None
    wish = case.choice.wish if case.choice and case.choice.kind == kind else ""
    for channel in found:
        if wish and channel.slug == wish:
            return channel
    if case._state.adding:
        return found[0]  # a case that is not stored yet used none of them
    used = {"channel__in": found, "identity": identity, "message__case__in": case.member_ids}
    # Where they wrote to goes first.
    for rows in (InboundItem.objects, Delivery.objects) if identity else (Delivery.objects,):
        last = rows.filter(**used).order_by("-created_at").values_list("channel", flat=True).first()
        if last is not None:
            return next(channel for channel in found if channel.pk == last)
    return found[0]

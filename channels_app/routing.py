"""Which way a message goes, or why not. Composer, dispatch and sending all ask here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from channels_app import reasons
from channels_app.adapters.base import Reason
from channels_app.models import Channel, Delivery
from contacts.kinds import EMAIL, MESSAGE, PHONE, POST, WRITING, get
from contacts.models import Case, Choice, Consent, Customer, Holder, Identity, Message

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
    answer" goes this way and the answer itself stays on the secure page (R46).
    """

    channel: Channel
    identity: Identity | None
    why: str
    only_notice: bool = False


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
    message: Message, now: datetime, *, among: Sequence[Channel] | None = None
) -> Route | Refused:
    """The way of a message (its `kind`, or the customer's choice where that is empty).

    `among`: the offered channels, of that kind or all, where they were read a moment ago.

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
    refusal = _unwanted(case, kind)
    if refusal is not None:
        return refusal
    identity = _identity(case, kind)
    if isinstance(identity, Refused):
        return identity
    channel = _channel(case, kind, identity, among)
    if channel is None:
        return Refused(Reason("switched_off", {"kind": kind}))
    notice = case.is_sensitive and not channel.capabilities.private
    return Route(channel, identity, why, only_notice=notice)


def chosen_kind(case: Case) -> tuple[str, str]:
    """What the customer chose for this case, else their usual channel; "" if neither."""
    choice = case.choice
    if choice is not None:
        return choice.kind, Message.Why.ONCE if choice.once else Message.Why.CHOSEN
    return case.customer.top.preferred_kind, Message.Why.DEFAULT


def consent(customer: Customer, kind: str) -> Consent | None:
    """The newest word of a customer on answers by one kind."""
    people = {customer.pk, customer.top.pk}
    rows = Consent.objects.filter(customer__in=people, kind=kind, purpose=Consent.Purpose.SERVICE)
    return rows.order_by("-pk").first()


def _unwanted(case: Case, kind: str) -> Refused | None:
    choice = case.choice
    info = get(kind)
    if choice is not None and (choice.kind == kind or (info.rings and choice.calls_allowed)):
        return None  # asked for in this very case
    word = consent(case.customer, kind)
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
            .select_related("identity")
            .order_by("-proved_at", "-pk")
            .first()
        )
        found = holder.identity if holder else None
    if found is None:
        return Refused(Reason(UNKNOWN[scheme]))
    if found.is_usable_by(kind):
        return found
    return Refused(why_closed(found, kind))


def why_closed(identity: Identity, kind: str) -> Reason:
    """Why nothing may go to an address by that kind."""
    code = CLOSED.get((identity.why_closed(kind), get(kind).group), "address_dead")
    return Reason(code, {"address": str(identity), "kind": kind})


def offered(organisation_id: int, kind: str) -> list[Channel]:
    """The channels of one kind that an organisation offers, in its order."""
    rows: QuerySet[Channel] = Channel.objects.offered().filter(
        kind=kind, organisation=organisation_id
    )
    return list(rows.select_related("organisation"))


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
    last = (
        Delivery.objects.filter(message__case=case, channel__in=found, identity=identity)
        .order_by("-created_at")
        .first()
    )
    return next((c for c in found if last and c.pk == last.channel_id), found[0])

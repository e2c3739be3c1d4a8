"""Which way a message goes, or why not. Composer, dispatch and sending all ask here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery

from channels_app import due, reasons
from channels_app.adapters.base import Reason
from channels_app.models import Attempt, Channel, Delivery, InboundItem, Template
from contacts import one_person, whose
from contacts.kinds import EMAIL, MESSAGE, PHONE, POST, WRITING, get
from contacts.models import Case, Choice, Consent, Customer, Holder, Identity, Message

WINDOW_CLOSED = "provider_window"  # as an adapter says it
SWITCHED_OFF = "switched_off"
Consents = Mapping[str, Consent]  # by kind
UNKNOWN = {EMAIL: "no_email", PHONE: "no_phone", POST: "no_post"}
MOST_USED = 50  # choices of one case that are looked through for an address, newest first
# Why an address is closed, and by which group of kinds; else it is dead for good.
CLOSED = {
    (Identity.BOUNCED, MESSAGE): "not_reached",
    (Identity.STOPPED, MESSAGE): "stopped",
    (Identity.STOPPED, WRITING): "stopped",
}
# The first way fails for good, so that the second one that the customer approved may be used. A
# channel that is switched off comes back, and a "no" is no failure.
FOR_GOOD = frozenset({"window_closed", "address_dead", "moved", "not_reached", "stopped"})


@dataclass(frozen=True)
class Route:
    """Through which channel, to which address, and why that one (R14).

    `only_notice`: the channel is not private and the case is sensitive, so that only "you have an
    answer" goes this way and the answer itself stays on the secure page (R46). So it is with an
    `approved` text. `because`: what is wrong with the first way, where this is the second one.
    """

    channel: Channel
    identity: Identity | None
    why: str
    only_notice: bool = False
    until: datetime | None = None  # so long one may write freely, where there is a window
    approved: Template | None = None  # the window is closed: this text goes, with a link
    because: Reason | None = None


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
    explicit request in the case beats "do not call me". Where the customer's own way fails for
    good, the second one that they approved.
    """
    found = first(message, now, among=among, known=known)
    if isinstance(found, Route) or found.why.code not in FOR_GOOD or not _follows(message):
        return found
    other = second(message, now, because=found.why, among=among, known=known)
    return other if isinstance(other, Route) else found


def first(
    message: Message,
    now: datetime,
    *,
    among: Sequence[Channel] | None = None,
    known: Consents | None = None,
) -> Route | Refused:
    """As `route`, without the second way."""
    assert message.case is not None
    case = message.case.stem
    chosen, why = chosen_kind(case)
    kind = chosen if _follows(message) else message.kind
    if not kind:
        return Refused(Reason("no_choice"))
    if kind != chosen:
        why = Message.Why.OVERRIDE
    if message.why == Message.Why.ONCE and kind != chosen:
        # Asked for, for this answer alone: the case is back at its usual way by now.
        why, identity = Message.Why.ONCE, _usable(message.identity, kind)
    else:
        refusal = _unwanted(case, kind, known)
        if refusal is not None:
            return refusal
        identity = _identity(case, kind)
    if isinstance(identity, Refused):
        return identity
    return _through(message, kind, identity, why, now, among)


def _follows(message: Message) -> bool:
    """Whether it goes as the customer chose, first or second, and by no other way."""
    assert message.case is not None
    is_second = message.why == Message.Why.FALLBACK
    return is_second or message.kind in ("", chosen_kind(message.case.stem)[0])


def second(
    message: Message,
    now: datetime,
    *,
    because: Reason | None = None,
    among: Sequence[Channel] | None = None,
    known: Consents | None = None,
) -> Route | Refused | None:
    """By the second way that the customer approved, where nothing speaks against it; else None.

    It is a request of their own, but never one to ring who said never; and no third one follows.
    """
    assert message.case is not None
    case = message.case.stem
    kind, identity = approved_second(case)
    if not kind:
        return None
    refusal = _unwanted(case, kind, known, is_asked=True)
    if refusal is not None:
        return refusal
    if get(kind).scheme and (identity is None or whose.is_gone(case, identity)):
        return Refused(Reason(UNKNOWN.get(get(kind).scheme, "no_handle"), {"kind": kind}))
    if identity is not None and not identity.is_usable_by(kind):
        return Refused(why_closed(identity, kind))
    found = _through(message, kind, identity, Message.Why.FALLBACK, now, among)
    return replace(found, because=because) if isinstance(found, Route) else found


def approved_second(case: Case) -> tuple[str, Identity | None]:
    """The kind and address of the second way: the case's own, else the customer's; "" if none."""
    choice, customer = case.choice, case.customer.top
    first = chosen_kind(case)[0]
    if choice is not None and choice.fallback_kind not in ("", first):
        return choice.fallback_kind, choice.fallback_identity
    if customer.fallback_kind not in ("", first):
        return customer.fallback_kind, customer.fallback_identity
    return "", None


def _through(
    message: Message,
    kind: str,
    identity: Identity | None,
    why: str,
    now: datetime,
    among: Sequence[Channel] | None,
) -> Route | Refused:
    """Through which channel, where its window allows it."""
    assert message.case is not None
    case = message.case.stem
    channel = _channel(case, kind, identity, among)
    if channel is None:
        return Refused(Reason(SWITCHED_OFF, {"kind": kind}))
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
    why = Message.Why.DEFAULT
    if case.choice is not None:
        why = Message.Why.ONCE if case.choice.once else Message.Why.CHOSEN
    return due.kind_of(case), why


def consents(customer: Customer) -> Consents:
    """The word of a customer on answers by each kind. One query."""
    return one_person.consents(customer)


def _unwanted(
    case: Case, kind: str, known: Consents | None, *, is_asked: bool = False
) -> Refused | None:
    """What they said of that kind; `is_asked`: they approved it, if only as the second way."""
    choice = case.choice
    info = get(kind)
    if choice is not None and (choice.kind == kind or (info.rings and choice.calls_allowed)):
        return None  # asked for in this very case
    word = (consents(case.customer) if known is None else known).get(kind)
    if word is None or word.level == Consent.Level.GLADLY:
        return None
    day = word.created_at.astimezone(ZoneInfo(case.organisation.time_zone)).date().isoformat()
    never = word.level == Consent.Level.NEVER
    if is_asked and not never:
        return None
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
        found = known_address(case, kind)
    if found is not None and whose.is_gone(case, found):
        return Refused(Reason("moved", {"address": str(found)}))
    if found is None:
        return Refused(Reason(UNKNOWN.get(scheme, "no_handle"), {"kind": kind}))
    return _usable(found, kind)


def known_address(case: Case, kind: str) -> Identity | None:
    """The customer's best address for a kind; one that was shown in this case before a guess."""
    family = Customer.objects.family({case.customer.top_id})
    held = Holder.objects.current().filter(customer__in=family, identity__scheme=get(kind).scheme)
    best = held.best_first().first()
    if best is not None and best.is_sure:
        return best.identity
    return _used_in(case, kind) or (best.identity if best else None)


def _used_in(case: Case, kind: str) -> Identity | None:
    """What this very case proved with a code, or was answered at by that kind before.

    Such an address belongs to the case alone, and so to no holder. Two queries.
    """
    rows = Choice.objects.filter(case__in=case.member_ids, identity__scheme=get(kind).scheme)
    used = list(rows.select_related("identity").order_by("-pk")[:MOST_USED])
    proved = whose.proved_in(case) if used else set()
    for row in used:
        one = row.identity
        if one is None or not (row.kind == kind or one.pk in proved):
            continue
        if one.is_usable_by(kind) and not whose.is_gone(case, one):
            return one
    return None


def _usable(identity: Identity | None, kind: str) -> Identity | Refused | None:
    if identity is None or identity.is_usable_by(kind):
        return identity
    return Refused(why_closed(identity, kind))


def why_closed(identity: Identity, kind: str) -> Reason:
    """Why nothing may go to an address by that kind."""
    code = CLOSED.get((identity.why_closed(kind), get(kind).group), "address_dead")
    return Reason(code, {"address": str(identity), "kind": kind})


def offered(organisation_id: int, kind: str) -> list[Channel]:
    """The channels of one kind that an organisation offers, in its order."""
    return list(Channel.objects.offered().filter(kind=kind, organisation=organisation_id))


def held_by(case: Case) -> list[Channel]:
    """Those of the chosen kind that are offered; else those that hold an answer until they are."""
    kind = chosen_kind(case)[0]
    every = Channel.objects.filter(kind=kind, organisation=case.organisation_id)
    return offered(case.organisation_id, kind) or list(every)


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

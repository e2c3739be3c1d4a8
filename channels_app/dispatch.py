"""The only way out: asks routing, writes Message and Delivery in one transaction."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels_app import outbox, rendering, routing
from channels_app.models import Appointment, Channel, Chat, Delivery, Stranded
from channels_app.models.delivery import DeliveryQuerySet
from contacts import addresses, calls, services
from contacts.files import File
from contacts.kinds import CHAT, KINDS
from contacts.models import (
    Alert,
    Case,
    Choice,
    Code,
    Event,
    Holder,
    Identity,
    Message,
    Organisation,
    User,
)
from contacts.models.outcome import AFTERWARDS

ACKNOWLEDGEMENT = "acknowledgement"
MEETINGS = Message.MEETINGS
CALLBACK, VISIT, SPOKEN = Message.CALLBACK, Message.VISIT, Message.SPOKEN
# Relay spam and mail loops: at most so often does an address hear "we have your question".
UNPROVED_EVERY = timedelta(days=1)
PROVED_EVERY = timedelta(hours=1)
# Whoever forges the sender of an SMS chooses who hears what we say to it. Enough for the codes that
# are looked at in an hour, and for what is said after them. Of appointments as often.
LINES = (outbox.LINE, outbox.APPOINTMENT)
LINES_A_DAY, A_DAY = 12, timedelta(days=1)


class Refusal(Exception):
    """Routing refused; `refused.reason` is a sentence for staff."""

    def __init__(self, refused: routing.Refused) -> None:
        super().__init__(refused.why.code)
        self.refused = refused


class ReasonMissing(Exception):
    """Another channel than the customer's needs a reason."""


def reply(
    *,
    case: Case,
    staff: User | None,
    text: str,
    kind: str = "",
    why_text: str = "",
    files: Sequence[File] = (),
    client_key: uuid.UUID | None = None,
    template: str = "",
    at: datetime | None = None,
    regards: Message | None = None,
) -> Message:
    """Answer by the customer's choice, or by `kind` with a reason; `regards`: the note it confirms.

    The same `client_key` again returns the message that is there. Raises Refusal, ReasonMissing.
    """
    with transaction.atomic():
        stem = case.locked()
        sent = stem.messages.filter(client_key=client_key)
        if client_key and sent.exists():
            return sent.get()
        message = Message(
            case=stem,
            direction=Message.Direction.OUT,
            kind=kind,
            staff=staff,
            text=services.clean_text(text),
            why_text=why_text.strip()[:500],
            client_key=client_key,
            template=template,
            regards=regards,
            language=stem.language,
        )
        route = routing.route(message, timezone.now())
        if isinstance(route, routing.Refused):
            raise Refusal(route)
        if route.why == Message.Why.OVERRIDE and not message.why_text:
            raise ReasonMissing
        go_by(message, route)
        services.write_answer(stem, message, files=files)
        deliver(message, route, at=at)
        if template == CALLBACK:
            calls.ask(stem, message)
        if message.is_answer:
            _settle(stem, message)
            if route.channel.kind == CHAT:
                Chat.objects.answer(stem, message.created_at)
        return message


def go_by(message: Message, route: routing.Route) -> None:
    """Every answer carries what was chosen, what is used, and why (R14)."""
    assert message.case is not None
    message.chosen_kind = routing.chosen_kind(message.case.stem)[0]
    message.kind, message.why = route.channel.kind, route.why
    message.identity = route.identity


def deliver(message: Message, route: routing.Route, **more: Any) -> Delivery:
    """Write the Delivery of a message by a route; `more` as in outbox.add.

    What its kind cannot carry stays on the page, which is said now and not later. That it goes by
    the second way is a line of the history, on both sides. What tells of an appointment still does
    where it `replaces` another row.
    """
    before: Delivery | None = more.get("replaces")
    if before is not None and message.template == outbox.APPOINTMENT:
        more["appointment"] = before.appointment
    notice = route.only_notice or rendering.stays_on_page(message, route.channel)
    if route.why == Message.Why.FALLBACK:
        more["role"] = Delivery.Role.FALLBACK
    is_told = message.template == outbox.UNREAD and before is not None
    if (route.why == Message.Why.FALLBACK or route.because is not None) and not is_told:
        _say_second(message, route)
    return outbox.add(message, route.channel, route.identity, only_notice=notice, **more)


def send_by(message: Message, route: routing.Route, *, replaces: Delivery) -> Delivery:
    """Let a message go another way than it went before."""
    go_by(message, route)
    message.save(update_fields=("chosen_kind", "kind", "why", "identity"))
    return deliver(message, route, replaces=replaces)


def _say_second(message: Message, route: routing.Route) -> None:
    assert message.case is not None
    data: dict[str, Any] = {"kind": route.channel.kind, "before": message.chosen_kind}
    if route.identity is not None:
        data["identity"] = route.identity.pk
    if route.because is not None:
        data["reason"] = route.because.stored
    message.case.append(Event(sort=Event.Sort.FELL_BACK, data=data))


def _settle(case: Case, message: Message) -> None:
    """After an answer: the call that was asked for is in it; "only the next answer" is over."""
    if message.kind == "phone":
        cancel(open_in(case).filter(message__template=CALLBACK, appointment=None))
    choice = case.choice
    if choice is None or not choice.once or message.why == Message.Why.OVERRIDE:
        return
    if choice.replaces is not None:
        if not routing.offered(case.organisation_id, choice.replaces.kind):
            return  # that way is gone: they stay with the one that they chose instead
        added = services.added_to(choice)
        back = services.copy_choice(choice.replaces, once=False, by=Choice.By.RETURNING, **added)
        data = services.choice_data(back, before=choice)
        case.append(back, Event(sort=Event.Sort.SWITCHED, data=data))


def refuse(case: Case, *, staff: User, kind: str, refused: routing.Refused) -> None:
    """Write into the history that somebody tried a way that the customer does not want."""
    data = {"kind": kind, "reason": refused.why.stored}
    case.append(Event(sort=Event.Sort.REFUSED, staff=staff, data=data))


def acknowledgement(
    case: Case, *, among: Sequence[Channel] | None = None
) -> tuple[Message, routing.Route] | None:
    """ "We have your question", by the chosen channel, with none of the sender's words.

    For a case that is about to be stored. None where that channel sends nothing by itself, or the
    address heard from us just now.
    """
    choice = case.choice
    if choice is None or choice.identity is None:
        return None
    if not choice.identity.is_usable_by(choice.kind):
        return None
    message = Message(
        case=case,
        direction=Message.Direction.OUT,
        template=ACKNOWLEDGEMENT,
        language=case.language,
        created_at=case.opened_at,
    )
    route = routing.first(message, timezone.now(), among=among)
    if isinstance(route, routing.Refused) or not route.channel.capabilities.automatic:
        return None
    if not _may_acknowledge(choice.identity):
        return None
    message.kind = message.chosen_kind = route.channel.kind
    message.why, message.identity = route.why, route.identity
    return message, route


def _may_acknowledge(identity: Identity) -> bool:
    """Take the turn of a mailbox by one conditional UPDATE; who proved it has an own turn."""
    now = timezone.now()
    turn, every = identity, UNPROVED_EVERY
    box = addresses.mailbox(identity.scheme, identity.value)
    if identity.acknowledged_at or box != identity.value:  # else its first turn is free to all
        if Holder.objects.proved().filter(identity=identity).exists():
            every = PROVED_EVERY
        elif box != identity.value:
            turn = Identity.of(identity.scheme, box)
    free = Q(acknowledged_at=None) | Q(acknowledged_at__lte=now - every)
    return bool(Identity.objects.filter(free, pk=turn.pk).update(acknowledged_at=now))


def notice(
    *, template: str, identity: Identity, code: Code, language: str, organisation: Organisation
) -> Message | None:
    """A message without a case: a sign-in code, a proof. None if no channel serves the address."""
    channel = code_channel(organisation, identity)
    if channel is None:
        return None
    with transaction.atomic():
        message = Message.objects.create(
            direction=Message.Direction.OUT,
            kind=channel.kind,
            identity=identity,
            template=template,
            code=code,
            language=language,
        )
        outbox.add(message, channel, identity, role=Delivery.Role.NOTICE)
    return message


def say(
    text: str,
    *,
    to: Identity,
    by: Channel,
    language: str,
    template: str = outbox.LINE,
    code: Code | None = None,
    case: Case | None = None,
    appointment: Appointment | None = None,
) -> Message | None:
    """One short line by the channel that somebody wrote through.

    It belongs to no case, unless they answered something that we asked in that `case`, or have an
    `appointment` there. Where {code} stands in it, the code is put in when it is rendered. None
    where nothing may go, or that address heard enough lines today.
    """
    if not by.capabilities.automatic or not to.is_usable_by(by.kind):
        return None
    if template in LINES and _heard_enough(to, template):
        return None
    message = Message(
        direction=Message.Direction.OUT,
        kind=by.kind,
        identity=to,
        template=template,
        text=text,
        code=code,
        language=language,
    )
    if case is None:
        message.save(force_insert=True)
    else:
        case.append(message)
    outbox.add(message, by, to, role=Delivery.Role.NOTICE, appointment=appointment)
    return message


def _heard_enough(identity: Identity, template: str) -> bool:
    today = timezone.now() - A_DAY
    lines = Message.objects.filter(identity=identity, template=template, created_at__gt=today)
    return not identity.is_new and lines.count() >= LINES_A_DAY


def code_channel(organisation: Organisation, identity: Identity) -> Channel | None:
    """Which channel brings a code to an address that perhaps never heard from us."""
    served = [kind.name for kind in KINDS.values() if kind.scheme == identity.scheme]
    channels = Channel.objects.filter(organisation=organisation, kind__in=served)
    for channel in channels.order_by("-is_offered", "position"):
        if channel.capabilities.takes_codes and identity.is_usable_by(channel.kind):
            return channel
    return None


def open_in(case: Case) -> DeliveryQuerySet:
    """What is queued or to do in a case and can still be taken back."""
    return Delivery.objects.filter(message__case__in=case.member_ids, status__in=Delivery.OPEN)


def cancel(deliveries: DeliveryQuerySet) -> int:
    """Take back what no worker is sending; how many it were."""
    return deliveries.filter(status__in=Delivery.OPEN).update(
        status=Delivery.Status.CANCELLED, finished_at=timezone.now(), leased_until=None, lease=None
    )


def reroute(delivery: Delivery, among: Sequence[Channel] | None = None) -> Delivery | None:
    """Let a waiting answer follow the customer's new choice: cancelled, then a new row.

    `among`: what `routing.held_by` read of its case. None where a worker was faster, or the new
    choice has no way (staff are then told). A call, a visit and what is said of them end with it.
    """
    S = Delivery.Status
    message = delivery.message
    case = message.case
    assert case is not None
    with transaction.atomic():
        now = timezone.now()
        gone = delivery.move(S.CANCELLED, frm=Delivery.OPEN, finished_at=now, lease=None)
        if gone and (agreed := delivery.own_appointment) is not None:
            agreed.close(Appointment.State.CANCELLED)
        if not gone or message.template in (CALLBACK, VISIT, outbox.APPOINTMENT, *outbox.ASKS):
            return None
        message.kind, message.why = "", ""
        channels = routing.held_by(case.stem) if among is None else among
        route = routing.route(message, timezone.now(), among=channels)
        if isinstance(route, routing.Refused):
            delivery.move(S.FAILED, frm=(S.CANCELLED,), reason=route.why.stored)
            lost(delivery)
            return None
        if message.template == outbox.UNREAD and route.channel.capabilities.immediate:
            return None  # they are on the page again, where it stands
        new = send_by(message, route, replaces=delivery)
        if new.channel.capabilities.automatic is False and message.template == ACKNOWLEDGEMENT:
            cancel(Delivery.objects.filter(pk=new.pk))
        return new


def follow(delivery: Delivery, route: routing.Route) -> Delivery | None:
    """Its channel is switched off, and another one of that kind brings it: a new row there."""
    now, role = timezone.now(), delivery.role
    with transaction.atomic():
        if not delivery.move(
            Delivery.Status.CANCELLED, frm=Delivery.OPEN, finished_at=now, lease=None
        ):
            return None
        return deliver(delivery.message, route, role=role, replaces=delivery)


def try_again(delivery: Delivery, staff: User) -> Delivery | None:
    """Send a failed or uncertain answer once more, knowingly: a new row by today's route.

    None if it was tried again already. Raises Refusal.
    """
    S = Delivery.Status
    message = delivery.message
    case = message.case
    assert case is not None
    with transaction.atomic():
        message.case = case = case.locked()
        delivery.refresh_from_db(fields=["status"])
        if Delivery.objects.filter(replaces=delivery).exists():
            return None
        if delivery.status not in (S.FAILED, S.UNCERTAIN, S.RETURNED):
            return None
        route = _again(delivery)
        if isinstance(route, routing.Refused):
            raise Refusal(route)
        data = {"again": True, "kind": route.channel.kind}
        case.append(Event(sort=Event.Sort.ATTEMPTED, staff=staff, data=data))
        if message.is_answer and case.waiting_since == message.created_at:
            calls.over(case)  # they wait because it did not arrive
        if Message.Why.FALLBACK in (message.why, route.why):
            return send_by(message, route, replaces=delivery)
        return deliver(message, route, replaces=delivery)


def _again(delivery: Delivery) -> routing.Route | routing.Refused:
    """By today's route; what was not read in a chat stands there, and goes where it went."""
    message = delivery.message
    if message.template == outbox.UNREAD:
        return routing.Route(delivery.channel, delivery.identity, message.why)
    return routing.route(message, timezone.now())


def send_approved(delivery: Delivery) -> Delivery | None:
    """What went outside the reply window goes once more, as an approved text; None without one."""
    message = delivery.message
    if message.case is None or delivery.role != Delivery.Role.MAIN:
        return None
    route = routing.first(message, timezone.now())
    if isinstance(route, routing.Refused) or route.approved is None:
        return None
    return deliver(message, route, replaces=delivery)


def key_of(value: str) -> uuid.UUID | None:
    """The delivery that a Message-ID (or a provider's echo of our key) names; None if none."""
    try:
        return uuid.UUID(value.partition("@")[0])
    except ValueError:
        return None


def lost(delivery: Delivery, staff: User | None = None) -> None:
    """Nothing brings an answer: staff are told, and the customer waits as before.

    A resolved case opens again. Not where a later answer went, or is about to.
    """
    tell(delivery, Event.Sort.FAILED, staff)
    message = delivery.message
    if message.template == outbox.CHOOSE_AGAIN:
        Stranded.objects.filter(message=message).update(to_call=True)
    if message.case is None or not (message.is_answer or message.template == CALLBACK):
        return
    if message.template == CALLBACK:  # which is no line of the customer's
        data = {"kind": "", "before": delivery.channel.kind, "reason": delivery.reason}
        message.case.append(Event(sort=Event.Sort.FELL_BACK, data=data))
    stem = message.case.stem
    answers = Message.objects.of(stem).filter(direction=Message.Direction.OUT, template="")
    if answers.filter(created_at__gt=message.created_at).exists():
        return
    is_over = stem.state == Case.State.RESOLVED
    rows = [Event(sort=Event.Sort.REOPENED, data={"unreached": True})] if is_over else []
    changes, _alerts = calls.waits(stem, message.created_at)
    message.case.append(*rows, **changes)


def tell(delivery: Delivery, sort: str, staff: User | None = None) -> None:
    """Write into the history, and tell the agent, that an answer failed or may have, and why."""
    message = delivery.message
    if message.case is None or message.template in AFTERWARDS:
        return
    stem = message.case.stem
    data = {"kind": delivery.channel.kind, "delivery": str(delivery.pk)}
    data["reason"] = delivery.reason
    people = {pk for pk in (stem.assignee_id, message.staff_id) if pk}
    people -= {staff.pk if staff else None}
    alerts = [Alert(user_id=pk, message=message, sort=sort) for pk in people]
    message.case.append(Event(sort=sort, staff=staff, data=data), alerts=alerts)

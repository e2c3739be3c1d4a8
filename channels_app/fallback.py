"""The second way that the customer approved: used only where the first one fails for good."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from channels_app import dispatch, routing
from channels_app.adapters.base import Reason
from channels_app.models import Channel, Delivery
from channels_app.models.appointment import SMS
from contacts import services
from contacts.models import Case, Choice, Event, Identity, Message, User
from contacts.models.case import READ_WITH

BY_CHOICE = (Message.Why.CHOSEN, Message.Why.ONCE, Message.Why.DEFAULT)


def fall_back(delivery: Delivery, staff: User | None = None) -> Delivery | None:
    """After a final failure: by the second way, where one is approved; else staff are told.

    Where the customer chose another way while it was being sent, by that one. What was itself the
    second way, or an agent's own, ends here. `staff`: who says that it failed. Needs a transaction.
    """
    message = delivery.message
    if message.case is None:
        return None
    delivery.hold_case()
    _read_anew(message.case.stem)
    route = _instead(delivery, message)
    if not isinstance(route, routing.Route):
        dispatch.lost(delivery, staff)
        return None
    dispatch.tell(delivery, Event.Sort.FAILED, staff)
    return dispatch.send_by(message, route, replaces=delivery)


def _read_anew(stem: Case) -> None:
    """What they chose and approved may be newer than what was read to send it."""
    row = Case.objects.select_related(*READ_WITH).get(pk=stem.pk)
    stem.choice, stem.customer, stem.topic, stem.state = (
        row.choice,
        row.customer,
        row.topic,
        row.state,
    )


def _instead(delivery: Delivery, message: Message) -> routing.Route | routing.Refused | None:
    """By which way an answer goes whose first way failed."""
    assert message.case is not None
    way = _as_agreed(delivery, message)
    if isinstance(way, routing.Route):
        return way
    goes_on = message.is_answer or message.template == dispatch.CALLBACK
    if not goes_on or message.why not in BY_CHOICE:
        return None
    now = timezone.now()
    if routing.chosen_kind(message.case.stem)[0] != delivery.channel.kind:
        if message.template == dispatch.CALLBACK:
            return None  # they want no call any more
        return routing.route(Message(case=message.case, language=message.language), now)
    return routing.second(message, now, because=Reason.read(delivery.reason))


def as_agreed(
    second: Delivery, *, among: Sequence[Channel] | None = None
) -> routing.Route | routing.Refused | None:
    """Again the way that was chosen with the time of the call that `second` follows.

    Refused where it is closed by now; None where `second` goes by another one. `among`: the offered
    channels of its kind, where they were read a moment ago.
    """
    call, kind = second.replaces, second.channel.kind
    agreed = call.own_appointment if call is not None else None
    if call is None or agreed is None or agreed.kind_if_missed != kind:
        return None
    way = _as_agreed(call, second.message, among)
    if isinstance(way, routing.Route) and way.identity != second.identity:
        return None
    return way


def _as_agreed(
    call: Delivery, message: Message, among: Sequence[Channel] | None = None
) -> routing.Route | routing.Refused | None:
    """What the customer chose with the time of a call, where nobody answers it; None if nothing.

    A text message goes to the number that was called.
    """
    agreed = call.own_appointment
    kind = agreed.kind_if_missed if agreed is not None else ""
    if not kind or message.case is None:
        return None
    stem, now = message.case.stem, timezone.now()
    to = call.identity if kind == SMS else routing.known_address(stem, kind)
    once = {"kind": kind, "identity": to, "why": Message.Why.ONCE}  # asked for, for this alone
    way = routing.first(Message(case=stem, language=message.language, **once), now, among=among)
    if isinstance(way, routing.Refused):
        return way
    if way.identity is None or not way.channel.capabilities.automatic:
        return None
    return replace(way, why=Message.Why.FALLBACK)


def approve(*, case: Case, kind: str, identity: Identity | None = None) -> None:
    """From now on answer this case by `kind` where its first way fails for good; "": by none.

    The address must be one that the customer may be offered. How and when the first way was
    chosen stays as it was.
    """
    with transaction.atomic():
        stem = case.locked()
        before = stem.choice
        if before is None or kind == before.kind:
            return
        data: dict[str, object] = {"kind": kind, "before": before.kind}
        if identity is not None:
            data["identity"] = identity.pk
        event = Event(sort=Event.Sort.SECOND, data=data)
        choice = services.amended_choice(before, fallback_kind=kind, fallback_identity=identity)
        stem.append(choice, event, changed_at=event.created_at)
        Choice.objects.filter(pk=choice.pk).update(created_at=before.created_at)
        choice.created_at = before.created_at
        _call_off(stem)


def _call_off(stem: Case) -> None:
    """What waits to go by a second way that no longer stands does not go."""
    kind, identity = routing.approved_second(stem)
    waiting = dispatch.open_in(stem).filter(role=Delivery.Role.FALLBACK)
    for delivery in waiting.select_related("message__case__root", "channel", "identity"):
        if (delivery.channel.kind, delivery.identity) == (kind, identity):
            continue
        if as_agreed(delivery) is not None:  # which they chose with the time of the call
            continue
        why = Reason("taken_back", {"kind": delivery.channel.kind})
        gone = {"reason": why.stored, "finished_at": timezone.now(), "lease": None}
        if delivery.move(Delivery.Status.FAILED, frm=Delivery.OPEN, **gone):
            dispatch.lost(delivery)

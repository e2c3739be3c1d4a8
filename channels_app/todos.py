"""What a person carries out: calls, letters, visits."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from channels_app import dispatch, fallback, hours, reasons, routing
from channels_app.adapters.base import Reason
from channels_app.models import Appointment, Channel, Delivery
from contacts import search, services
from contacts.kinds import PHONE
from contacts.models import Case, Event, Identity, Message, User

AGAIN_AFTER = timedelta(hours=1)
TRIES = 3  # calls without an answer, or visits to which nobody came, before it is over
WISHES = ("soon", "morning", "afternoon", "tomorrow")
STARTS = {"morning": time(9), "afternoon": time(13), "tomorrow": time(9)}
ENDS = {"morning": time(12), "afternoon": time(17)}
S = Delivery.Status


class Gone(Exception):
    """A colleague was first, or the customer chose another way meanwhile."""


def call_back(case: Case, wish: str) -> Message | None:
    """A call that the customer asked for, as a to-do at its time; None if nobody may call."""
    message = Message(case=case, direction=Message.Direction.OUT)
    route = routing.route(message, timezone.now())
    if isinstance(route, routing.Refused):
        return None
    at = call_time(route.channel, wish, timezone.now())
    return dispatch.reply(case=case, staff=None, text="", template=dispatch.CALLBACK, at=at)


def call_time(channel: Channel, wish: str, now: datetime) -> datetime:
    """When a wished call is due: now or at the next opening; mornings, afternoons, tomorrow."""
    opening = channel.opening
    local = now.astimezone(ZoneInfo(opening.zone))
    moment = local
    if wish in STARTS:
        moment = datetime.combine(local.date(), STARTS[wish], tzinfo=local.tzinfo)
        over = wish in ENDS and local.time() >= ENDS[wish]
        if wish == "tomorrow" or over:
            moment += timedelta(days=1)
    moment = max(moment, local)
    if hours.is_open(opening, moment):
        return moment
    return hours.opens_at(opening, moment) or moment


def calls_to_come(cases: Iterable[Case]) -> set[int]:
    """Of these stems the ids of those that somebody is going to call. One query."""
    ids = [case.pk for case in cases]
    rows = Delivery.objects.to_do().filter(
        Q(message__case__in=ids) | Q(message__case__root__in=ids), channel__kind=PHONE
    )
    found = rows.annotate(stem=Coalesce("message__case__root", "message__case"))
    return set(found.values_list("stem", flat=True))


def take(delivery: Delivery, staff: User) -> None:
    """I'll take it. Raises Gone."""
    if not delivery.move(S.TAKEN, frm=(S.TODO,), taken_by=staff):
        raise Gone


def release(delivery: Delivery, staff: User) -> None:
    """Give it back. Raises Gone unless it was taken by this person."""
    mine = Delivery.objects.filter(pk=delivery.pk, status=S.TAKEN, taken_by=staff)
    if not mine.update(status=S.TODO, taken_by=None):
        raise Gone
    delivery.show()


def finish(
    delivery: Delivery,
    staff: User,
    outcome: str,
    *,
    note: str = "",
    later_at: datetime | None = None,
) -> Message | None:
    """Say how it went. `note` is what was said: it enters the history as a message (R33).

    Not reached, or later: it stays a to-do, for `later_at` or an hour from now, while we are open;
    not reached for the last time, it is over, and the second way follows. Raises Gone.
    """
    message = delivery.message
    case = message.case
    assert case is not None
    now = timezone.now()
    note = services.clean_text(note)
    over = outcome in (Delivery.Outcome.REACHED, Delivery.Outcome.SENT)
    fields: dict[str, object] = {"outcome": outcome, "attempt_count": delivery.attempt_count + 1}
    if over:
        fields |= {"finished_at": now, "sent_at": now, "taken_by": staff}
    else:
        again_at = later_at or call_time(delivery.channel, "soon", now + AGAIN_AFTER)
        fields |= {"next_attempt_at": again_at, "taken_by": None}
    with transaction.atomic():
        delivery.hold_case()
        if not delivery.move(S.DONE if over else S.TODO, frm=(S.TODO, S.TAKEN), **fields):
            raise Gone
        delivery.record(outcome, now, detail=note)
        data = {"kind": delivery.channel.kind, "outcome": outcome}
        sort = Event.Sort.DONE if over else Event.Sort.ATTEMPTED
        if not over and note:
            data["note"] = note[:500]
        if not (over and note):
            case.append(Event(sort=sort, staff=staff, data=data), **_answered(message, over))
            if outcome == Delivery.Outcome.NOT_REACHED:
                _in_vain_again(delivery, staff)
            _keep(delivery, staff, over)
            return None
        said = Message(
            direction=Message.Direction.OUT,
            kind=delivery.channel.kind,
            chosen_kind=message.chosen_kind,
            why=message.why,
            staff=staff,
            text=note,
            template=dispatch.SPOKEN,
            language=case.stem.language,
        )
        case.append(said, Event(sort=sort, staff=staff, data=data), **_answered(message, over))
        search.index(note, case=case.stem)
        _keep(delivery, staff, over)
        return said


def in_vain(delivery: Delivery) -> int:
    """How often nobody was reached; at an appointment since it was last moved."""
    if (agreed := delivery.own_appointment) is not None:
        return agreed.tries
    return delivery.attempts.filter(outcome=Delivery.Outcome.NOT_REACHED).count()


def tries_of(delivery: Delivery) -> int:
    """After how many tries in vain it is over: at once where they do not come, or want a word."""
    agreed = delivery.own_appointment
    return 1 if agreed is not None and (agreed.kind_if_missed or not agreed.rings) else TRIES


def _in_vain_again(delivery: Delivery, staff: User) -> None:
    agreed = delivery.own_appointment
    if agreed is not None:
        agreed.count_try()
    if in_vain(delivery) >= tries_of(delivery):
        _give_up(delivery, staff)
        if agreed is not None:
            agreed.close(Appointment.State.MISSED, staff=staff)


def _keep(delivery: Delivery, staff: User, over: bool) -> None:
    """An appointment that was held is done."""
    if over and (agreed := delivery.own_appointment) is not None:
        agreed.close(Appointment.State.DONE, staff=staff)


def _give_up(delivery: Delivery, staff: User) -> None:
    """Not reached after the agreed tries."""
    rings, tries = delivery.channel.kind_info.rings, tries_of(delivery)
    why = Reason(reasons.NO_ANSWER if rings else reasons.NOT_MET, {"tries": str(tries)})
    if tries == 1:
        why = Reason(reasons.NOT_AS_AGREED[rings])
    delivery.move(S.FAILED, frm=(S.TODO,), reason=why.stored, finished_at=timezone.now())
    fallback.fall_back(delivery, staff)


@transaction.atomic
def came_back(delivery: Delivery, staff: User) -> None:
    """The letter came back: nothing goes to that address any more. Raises Gone."""
    if delivery.identity_id is not None:  # first, as whoever files what is written from there
        Identity.objects.locking().only("pk").get(pk=delivery.identity_id)
    delivery.hold_case()
    why = Reason(reasons.CAME_BACK)
    now = timezone.now()
    if not delivery.move(S.RETURNED, frm=(S.DONE,), reason=why.stored, finished_at=now):
        raise Gone
    if delivery.identity is not None:
        delivery.identity.close(delivery.channel.kind, Identity.BOUNCED)
    fallback.fall_back(delivery, staff)


def _answered(message: Message, over: bool) -> dict[str, Any]:
    """A call that the customer asked for, and that reached them, is an answer."""
    changes: dict[str, Any] = {"changed_at": timezone.now()}
    if over and message.template in (dispatch.CALLBACK, dispatch.VISIT):
        changes["waiting_since"] = None
    return changes

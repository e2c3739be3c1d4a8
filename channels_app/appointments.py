"""Times to call or to come: how one is booked, moved and called off, and what is said of it."""

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import dispatch, outbox, promises, routing, slots, switching, todos
from channels_app.models import Appointment, Channel, Delivery
from channels_app.models.delivery import DeliveryQuerySet
from channels_app.rendering.text import LINK
from contacts import addresses, calls, codes, services, whose
from contacts.kinds import CALL, VIDEO_CALL, VISIT
from contacts.models import Case, Choice, Code, Holder, Identity, Message, User

logger = logging.getLogger(__name__)
REST = timedelta(days=1)  # so long after its time a link still says what became of it
AHEAD = {VISIT: timedelta(days=1)}  # of a reminder; who need not travel an hour
HOUR = timedelta(hours=1)
AGAIN = timedelta(minutes=15)  # until what could not be said is tried once more
State = Appointment.State
# What a customer reads of each sort, by what became of it; "late": its time is over.
SAID = {
    CALL: {
        "booked": gettext_lazy("We call you on %(when)s."),
        "moved": gettext_lazy("The call is moved: we call you on %(when)s."),
        "cancelled": gettext_lazy("The call of %(when)s is cancelled."),
        "late": gettext_lazy("The call of %(when)s is late: we call you as soon as we can."),
    },
    VIDEO_CALL: {
        "booked": gettext_lazy("We speak to you by video on %(when)s."),
        "moved": gettext_lazy("The video call is moved: we speak to you on %(when)s."),
        "cancelled": gettext_lazy("The video call of %(when)s is cancelled."),
        "late": gettext_lazy("The video call was planned for %(when)s."),
    },
    VISIT: {
        "booked": gettext_lazy("We see you on %(when)s. %(place)s."),
        "moved": gettext_lazy("The visit is moved: we see you on %(when)s. %(place)s."),
        "cancelled": gettext_lazy("The visit of %(when)s is cancelled."),
        "late": gettext_lazy("The visit was planned for %(when)s. %(place)s."),
    },
}


class Taken(Exception):
    """Somebody was faster, or it never was a time of ours; `free`: the next free times."""

    def __init__(self, free: list[datetime]) -> None:
        super().__init__()
        self.free = free


class Over(Exception):
    """It was held, missed or called off meanwhile."""


class NotPossible(Exception):
    """The channel takes no appointments (any more), or there is no number to call."""


@transaction.atomic
def book(
    *,
    case: Case,
    channel: Channel,
    starts_at: datetime,
    identity: Identity | None = None,
    zone: str = "",
    if_missed: str = Appointment.IfMissed.AGAIN,
    staff: User | None = None,
) -> Appointment:
    """Take a free time; who has one on that channel already moves it. A call chooses the phone.

    An answer that waits by phone waits for that call. `identity`: the number to call; `zone`: in
    which the customer reads times, "" for the organisation's; `staff`: who notes it at the
    customer's request. Raises Taken, NotPossible.
    """
    rings = channel.kind_info.rings
    if not slots.takes(channel) or (rings and identity is None):
        raise NotPossible
    home = _locked(case)
    there = Appointment.objects.of(home.stem).booked().filter(channel=channel).first()
    if there is not None:
        return move(appointment=there, starts_at=starts_at, if_missed=if_missed, staff=staff)
    made = Appointment(
        case=home,
        channel=channel,
        starts_at=starts_at,
        minutes=channel.slot_minutes,
        zone=slots.zone_named(zone, channel),
        if_missed=if_missed if rings else Appointment.IfMissed.AGAIN,
        remind_at=_remind_at(channel, starts_at),
    )
    _seat(made)
    lifetime = made.ends_at + REST - timezone.now()
    made.code = Code.objects.issue(codes.APPOINTMENT, case=home, lifetime=lifetime)
    made.save(update_fields=["code"])
    if rings:
        _choose(made, identity, staff)
        _answers(made).update(next_attempt_at=starts_at)
    made.case.append(made.told("booked", staff), changed_at=timezone.now())
    _to_do(made, identity if rings else None)
    confirm(made, "booked", staff)
    return made


def _locked(case: Case) -> Case:
    """The case, its stem locked and as it is now."""
    stem = case.locked()
    if case.pk == stem.pk:
        return stem
    case.root = stem
    return case


def _seat(made: Appointment) -> None:
    """Insert it on a place that is free; the constraint says who of many was first."""
    now = timezone.now()
    for seat in slots.open_seats(made.channel, made.starts_at, now):
        made.seat = seat
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            continue
        return
    raise Taken(slots.next_free(made.channel, now))


def _choose(made: Appointment, identity: Identity | None, staff: User | None) -> None:
    """Who books a call wants to be called (R12), and by whom that was said stands in the case."""
    kind, by = made.channel.kind, Choice.By.STAFF if staff else Choice.By.CUSTOMER
    try:
        switching.switch(case=made.case, kind=kind, identity=identity, by=by, staff=staff)
    except switching.CannotSwitch:  # it was switched off a moment ago: nothing is booked
        raise NotPossible from None
    made.case = _locked(made.case)


def _to_do(made: Appointment, identity: Identity | None) -> None:
    """What a person carries out at its time; the customer waits for it."""
    case = made.case
    message = Message(
        case=case,
        direction=Message.Direction.OUT,
        kind=made.channel.kind,
        chosen_kind=made.channel.kind,
        why=Message.Why.CHOSEN,
        identity=identity,
        template=dispatch.CALLBACK if made.rings else dispatch.VISIT,
        language=case.stem.language,
    )
    services.write_answer(case, message)
    outbox.add(message, made.channel, identity, at=made.starts_at, appointment=made)
    calls.ask(case, message)


@transaction.atomic
def move(
    *,
    appointment: Appointment,
    starts_at: datetime,
    if_missed: str = "",
    staff: User | None = None,
) -> Appointment:
    """Give it another free time; what is to do, and the reminder, move along.

    Raises Taken, Over, and NotPossible where it stays, for the channel takes none any more.
    `if_missed`: another word on what to do when nobody answers; "" leaves it.
    """
    case = _hold(appointment)
    if not appointment.is_booked:
        raise Over
    channel, before, now = appointment.channel, appointment.starts_at, timezone.now()
    fields: dict[str, object] = {"minutes": channel.slot_minutes}
    if if_missed and appointment.rings:
        appointment.agree(if_missed)
    if starts_at == before:
        return appointment
    if not slots.takes(channel):
        raise NotPossible
    fields["remind_at"] = _remind_at(channel, starts_at)
    for seat in slots.open_seats(channel, starts_at, now, appointment):
        try:
            with transaction.atomic():
                appointment.put(starts_at=starts_at, seat=seat, **fields)
        except IntegrityError:
            continue
        break
    else:
        raise Taken(slots.next_free(channel, now))
    _last(appointment)
    _open_rows(appointment).update(next_attempt_at=starts_at)
    _answers(appointment).filter(next_attempt_at=before).update(next_attempt_at=starts_at)
    line = appointment.told("moved", staff, before=before.isoformat())
    case.append(line, changed_at=now)
    confirm(appointment, "moved", staff)
    return appointment


@transaction.atomic
def put_off(*, delivery: Delivery, staff: User, starts_at: datetime, note: str = "") -> None:
    """Later: what both sides come to is moved, and the customer hears of it.

    `delivery`: its to-do, of a free time from now on. Raises Taken, Over, NotPossible, todos.Gone.
    """
    agreed = delivery.own_appointment
    if agreed is None:
        raise Over
    todos.finish(delivery, staff, Delivery.Outcome.LATER, note=note, later_at=starts_at)
    move(appointment=agreed, starts_at=starts_at, staff=staff)


@transaction.atomic
def cancel(*, appointment: Appointment, staff: User | None = None) -> None:
    """Call it off: its place is free, and nobody calls or waits then. Raises Over.

    An answer that was to be said in that call waits by phone again, as it did before.
    """
    case = _hold(appointment)
    if not appointment.close(State.CANCELLED, staff=staff):
        raise Over
    dispatch.cancel(_open_rows(appointment))
    left = _answers(appointment).filter(next_attempt_at=appointment.starts_at)
    left.update(next_attempt_at=timezone.now())
    calls.taken_back(case, dispatch.CALLBACK if appointment.rings else dispatch.VISIT)
    confirm(appointment, "cancelled", staff)


def _hold(appointment: Appointment) -> Case:
    """Lock its case; it is then as it is now."""
    appointment.case = _locked(appointment.case)
    appointment.refresh_from_db(fields=["state", "starts_at", "if_missed", "sequence", "remind_at"])
    return appointment.case


def _open_rows(appointment: Appointment) -> DeliveryQuerySet:
    """Its to-do, while it is one; what we said of it goes as it is."""
    return Delivery.objects.to_meet().filter(appointment=appointment)


def _answers(appointment: Appointment) -> DeliveryQuerySet:
    """What waits to be said by phone besides, and nobody has taken: one call is enough for all."""
    if not appointment.rings:
        return Delivery.objects.none()
    waiting = dispatch.open_in(appointment.case.stem).filter(status=Delivery.Status.TODO)
    return waiting.filter(channel__kind=appointment.channel.kind, appointment=None)


def _last(appointment: Appointment) -> None:
    """Let its link work until it is over."""
    if (code := appointment.code) is not None:
        Code.objects.filter(pk=code.pk).update(expires_at=appointment.ends_at + REST)


def _remind_at(channel: Channel, starts_at: datetime) -> datetime | None:
    """A day before a visit, an hour before any call; None where that is over."""
    at = starts_at - AHEAD.get(channel.kind_info.meeting, HOUR)
    return at if at > timezone.now() else None


def confirm(appointment: Appointment, what: str, staff: User | None = None) -> Message | None:
    """Say it by the customer's own way, with a link to move it; None where no way is known.

    `what`: booked, moved or cancelled; `staff`: who did it. None also where a limit says no, which
    who did it themselves sees on the page.
    """
    case = appointment.case.stem
    way = _way(case, appointment)
    return None if way is None else _tell(appointment, what, way, staff)


def _tell(
    appointment: Appointment, what: str, way: routing.Route, staff: User | None = None
) -> Message | None:
    """Say it that way; None where that address heard enough today."""
    assert way.identity is not None
    case = appointment.case.stem
    if staff is None and not _may_tell(case, way.identity):
        return None
    with translation.override(case.language):
        text = said(appointment, what)
        if what != "cancelled":
            line = _("%(text)s Move or cancel: %(link)s")
            if appointment.has_room:
                line = _("%(text)s Enter, move or cancel: %(link)s")
            text = line % {"text": text, "link": LINK}
    return dispatch.say(
        text,
        to=way.identity,
        by=way.channel,
        language=case.language,
        template=outbox.APPOINTMENT,
        case=appointment.case,
        appointment=appointment,
    )


def _may_tell(case: Case, identity: Identity) -> bool:
    """Anybody may type an address and book, move and cancel: unproved it hears once a day.

    A code that came back in this very case proves it here. All spellings of one mailbox have one
    turn.
    """
    is_proved = Holder.objects.proved().filter(identity=identity).exists()
    if is_proved or identity.pk in whose.proved_in(case):
        return True
    box = addresses.mailbox(identity.scheme, identity.value)
    turn = identity if box == identity.value else Identity.of(identity.scheme, box)
    return turn.take_turn(dispatch.UNPROVED_EVERY)


def when(appointment: Appointment, at: datetime | None = None) -> str:
    """Its time, or `at`, by the customer's clock, with whose that is where it is not the usual."""
    line = promises.day_and_time(appointment.local(at or appointment.starts_at))
    if appointment.zone == appointment.channel.organisation.time_zone:
        return line
    values = {"time": line, "place": slots.place_of(appointment.zone)}
    return _("%(time)s (time of %(place)s)") % values


def _put_off(appointment: Appointment) -> datetime | None:
    """To when staff put it off, where its own time is past; one query then."""
    now = timezone.now()
    if not appointment.is_booked or appointment.starts_at > now:
        return None
    later = _open_rows(appointment).filter(next_attempt_at__gt=now)
    return later.values_list("next_attempt_at", flat=True).first()


def said(appointment: Appointment, what: str) -> str:
    """What became of it, as its customer reads it."""
    later = _put_off(appointment)
    is_late = appointment.is_booked and later is None and appointment.ends_at <= timezone.now()
    if what == "booked" and appointment.rings and appointment.tries:
        again = _("We could not reach you on %(when)s, and try again.")
        return again % {"when": when(appointment)}
    place = appointment.channel.label
    if appointment.channel.address:
        place += f", {appointment.channel.address}"
    lines = SAID[appointment.meeting]
    line = lines["late"] if is_late else lines.get(what, lines["booked"])
    return str(line) % {"when": when(appointment, later), "place": place}


def _way(case: Case, appointment: Appointment) -> routing.Route | None:
    """How they are told: as they are answered, or were before they chose the phone.

    Else by the second way that they approved, or the one for a call that nobody answers.
    """
    choice = case.choice
    before = choice.replaces.kind if choice and choice.replaces else ""
    kinds = (case.answer_kind, before, routing.approved_second(case)[0], appointment.kind_if_missed)
    for kind in filter(None, dict.fromkeys(kinds)):
        message = Message(case=case, kind=kind, language=case.language)
        way = routing.first(message, timezone.now())
        if isinstance(way, routing.Refused) or way.approved is not None or way.identity is None:
            continue
        can = way.channel.capabilities
        if can.automatic and not can.immediate:
            return way
    return None


def remind() -> int:
    """Remind whose time is near, once each; how many were told.

    Each is put off before it is said, so that what fails, or an address that heard enough, is tried
    again and keeps nobody waiting. Needs to be outside a transaction: who moves one holds its case.
    """
    told, now = 0, timezone.now()
    rows = Appointment.objects.to_remind(now).order_by("remind_at")
    for row in rows.select_related("channel__organisation", "case__root")[:100]:
        if not row.remind_next(now + AGAIN):
            continue
        try:
            told += _remind(row)
        except Exception:  # one of them must not keep the others from being told
            logger.exception("Appointment %s: its customer cannot be reminded.", row.pk)
    return told


@transaction.atomic
def _remind(appointment: Appointment) -> bool:
    """Remind the customer of one that is put off, which is then done; not where a limit says no.

    Where no way to say it is known it stands on the page, and that is all.
    """
    claimed = appointment.remind_at
    case = _hold(appointment).stem
    if not appointment.is_booked or appointment.remind_at != claimed:
        return False
    way = _way(case, appointment)
    is_over = appointment.starts_at <= timezone.now()
    if is_over and way is not None:
        logger.warning("Appointment %s: its customer was not reminded in time.", appointment.pk)
    elif way is not None and _tell(appointment, "near", way) is None:
        return False
    appointment.remind_next(None)
    return way is not None and not is_over

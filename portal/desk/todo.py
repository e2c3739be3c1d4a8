"""To do: calls, letters and visits. Somebody takes one, carries it out and says how it went."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import appointments, dispatch, promises, routing, slots, todos
from channels_app.models import Delivery
from contacts import services
from contacts.kinds import Text
from contacts.models import Case, Message, User
from portal import leading, times
from portal.desk import confirm, facts, queue, room, words
from portal.desk.pages import done, page, reading, show, staff_of
from portal.live import sight, stay

SHOWN = 200
LATER_TIMES = 8  # so many free times a video call can be put off to at once
LATER: dict[str, Text] = {
    "hour": gettext_lazy("in an hour"),
    "three": gettext_lazy("in three hours"),
    "tomorrow": gettext_lazy("tomorrow morning"),
    "other": gettext_lazy("at another time"),
}
Outcome = Delivery.Outcome


@dataclass
class Report:
    """What the form about a call, a visit or a letter says, and what is wrong with it."""

    outcome: str = ""
    note: str = ""
    later: str = "hour"
    later_at: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_later(self) -> bool:
        """Whether it is to be done at another time."""
        return self.outcome == Outcome.LATER


def rows() -> QuerySet[Delivery]:
    """To-dos with what their cards show."""
    return Delivery.objects.select_related(
        "message__case__root__customer__root",
        "message__case__customer__root",
        "message__case__topic",
        "message__case__organisation",
        "message__case__choice__identity",
        "message__staff",
        "message__code",
        "channel__organisation",
        "appointment",
        "identity",
        "taken_by",
    ).prefetch_related(words.holders("message__case__customer"))


def find(pk: Any) -> Delivery:
    """One to-do, open or over; 404 for what no person carries out."""
    delivery = rows().filter(pk=pk).first()
    if delivery is None or delivery.message.case is None:
        raise Http404
    if delivery.channel.capabilities.automatic:
        raise Http404
    return delivery


def case_of(delivery: Delivery) -> Case:
    """The case that a to-do belongs to."""
    assert delivery.message.case is not None
    return delivery.message.case.stem


def card(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """What one line of the list shows."""
    case = case_of(delivery)
    message = delivery.message
    is_callback = message.template == dispatch.CALLBACK
    wish = case.choice.wish if case.choice and is_callback else ""
    return {
        "delivery": delivery,
        "case": case,
        "kind": delivery.channel.kind,
        "name": words.customer_name(case.customer, case),
        "is_callback": is_callback,
        "wish": "" if delivery.appointment_id else wish,
        "agreed": delivery.own_appointment,
        "room": room.of(delivery),
        "text": message.text or case.title,
        "is_due": delivery.next_attempt_at <= now,
        "is_late": delivery.next_attempt_at <= now - timedelta(hours=1),
        "when": words.day_and_time(delivery.next_attempt_at),
        "tries": delivery.attempt_count,
    }


@reading
def todo(request: HttpRequest) -> HttpResponse:
    """The list: mine, due, later, and what colleagues have taken."""
    user, now = staff_of(request), timezone.now()
    mark = sight.newest()  # before the rows, as in the queue
    if stay.has_all(request, mark):
        return stay.nothing_new()
    found = list(rows().to_do().order_by("next_attempt_at", "pk")[: SHOWN + 1])  # type: ignore[attr-defined]
    cards = [card(delivery, now) for delivery in found[:SHOWN]]
    mine = [c for c in cards if c["delivery"].taken_by_id == user.pk]
    free = [c for c in cards if c["delivery"].status == Delivery.Status.TODO]
    taken = [c for c in cards if c not in mine and c not in free]
    groups = [
        (_("You have taken"), mine),
        (_("Now"), [c for c in free if c["is_due"]]),
        (_("Later"), [c for c in free if not c["is_due"]]),
        (_("Colleagues have taken"), taken),
    ]
    return show(
        request,
        "desk/todo.html",
        title=_("To do"),
        mark=mark,
        groups=[group for group in groups if group[1]],
        has_more=len(found) > SHOWN,
        tabs=queue.tabs(request, None),
    )


def one(request: HttpRequest, pk: Any) -> HttpResponse:
    """One to-do: the big number or address, the story, and how it went."""
    return _show_one(request, find(pk), Report())


def _show_one(
    request: HttpRequest, delivery: Delivery, report: Report, status: int = 200
) -> HttpResponse:
    user, case = staff_of(request), case_of(delivery)
    is_mine = delivery.status == Delivery.Status.TAKEN and delivery.taken_by_id == user.pk
    response = show(
        request,
        "desk/todo_one.html",
        title=delivery.channel.kind_info.label,
        status=status,
        delivery=delivery,
        case=case,
        card=card(delivery, timezone.now()),
        info=delivery.channel.kind_info,
        story=facts.story_of(case),
        is_mine=is_mine,
        report=report,
        next_step=next_step(delivery) if is_mine and delivery.channel.kind_info.spoken else "",
        instead_of=delivery.message.chosen_kind if is_second(delivery) else "",
        later=_laters(delivery) if is_mine else {},
        outcomes=Outcome,
        files=list(delivery.message.attachments.all()),
    )
    return leading.to_rooms(response, [delivery.channel])


def _laters(delivery: Delivery) -> dict[str, Text]:
    """When it can be done instead: what both sides come to only at a free time. One query then."""
    if not _is_met(delivery):
        return LATER
    now = timezone.now()
    free = slots.next_free(delivery.channel, now, LATER_TIMES)
    found: dict[str, Text] = {times.value_of(at): promises.moment(at, now) for at in free}
    return found | {"other": LATER["other"]}


def _is_met(delivery: Delivery) -> bool:
    """Whether both sides come to it at an agreed time."""
    return delivery.own_appointment is not None and delivery.channel.kind_info.by_appointment


def is_second(delivery: Delivery) -> bool:
    """Whether it is the second way that the customer approved."""
    return delivery.role == Delivery.Role.FALLBACK


def next_step(delivery: Delivery) -> str:
    """Which try this is, and what follows the last one where nobody is reached."""
    if todos.tries_of(delivery) == 1:
        return _as_agreed(delivery)
    number = todos.in_vain(delivery) + 1
    line = _("This is try %(number)s of %(tries)s.") % {"number": number, "tries": todos.TRIES}
    message = Message(case=case_of(delivery), language=delivery.message.language)
    way = None if is_second(delivery) else routing.second(message, timezone.now())
    if not isinstance(way, routing.Route):
        after = _(
            "If the last one fails, the case needs an answer again, and they read that we tried."
        )
        return f"{line} {after}"
    after = _("If the last one fails, we answer %(by)s, as the customer approved.")
    return f"{line} {after % {'by': words.by(way.channel.kind)}}"


def _as_agreed(delivery: Delivery) -> str:
    """What follows where nobody answers, or comes, at the time that they chose."""
    kind = delivery.own_appointment.kind_if_missed if delivery.own_appointment else ""
    if not kind:
        return _("If they do not come, the case needs an answer again.")
    line = _("If nobody answers, they hear %(by)s that you tried, as they chose.")
    return line % {"by": words.by(kind)}


def gone(request: HttpRequest) -> HttpResponse:
    """It was taken or has gone meanwhile."""
    messages.warning(
        request, _("A colleague was first, or the customer chose another way meanwhile.")
    )
    return redirect("admin:todo")


def take(request: HttpRequest, pk: Any) -> HttpResponse:
    """I'll take it."""
    delivery, staff = find(pk), staff_of(request)
    try:
        todos.take(delivery, staff)
    except todos.Gone:
        if not (delivery.status == Delivery.Status.TAKEN and delivery.taken_by_id == staff.pk):
            return gone(request)
    return redirect("admin:todo_one", pk=delivery.pk)


def release(request: HttpRequest, pk: Any) -> HttpResponse:
    """Give it back."""
    delivery = find(pk)
    try:
        todos.release(delivery, staff_of(request))
    except todos.Gone:
        return gone(request)
    done(request, _("It is free for a colleague again."))
    return redirect("admin:todo")


def enter(request: HttpRequest, pk: Any) -> HttpResponse:
    """To the room of a video call; who enters takes it, where nobody has."""
    delivery = find(pk)
    goal = room.enter(request, delivery)
    if goal is None:
        return redirect("admin:todo_one", pk=delivery.pk)
    with suppress(todos.Gone):
        todos.take(delivery, staff_of(request))
    return goal


def finish(request: HttpRequest, pk: Any) -> HttpResponse:
    """Say how it went; what was said enters the history, and its confirmation is drafted."""
    delivery, staff = find(pk), staff_of(request)
    report = read(request, delivery)
    if report.errors:
        return _show_one(request, delivery, report, status=422)
    try:
        said = _finish(delivery, staff, report)
    except appointments.Taken as taken:
        report.errors["later"] = _not_free(taken)
        return _show_one(request, find(pk), report, status=409)
    except appointments.NotPossible:
        report.errors["later"] = _(
            "No time can be agreed on here any more. What was agreed before stays."
        )
        return _show_one(request, find(pk), report, status=409)
    except (todos.Gone, appointments.Over):
        messages.warning(
            request, _("It is no longer to do. What you wrote is below: keep it as a note.")
        )
        return _show_one(request, find(pk), report, status=409)
    done(request, _("Noted: %(outcome)s.") % {"outcome": Outcome(report.outcome).label})
    if report.outcome == Outcome.REACHED and said is not None:
        key = str(delivery.pk)
        return redirect(confirm.after(case_of(delivery), said, saved=key, then="todo"))
    if delivery.status == Delivery.Status.FAILED:
        messages.warning(request, what_follows(delivery))
    return redirect(f"{reverse('admin:todo')}?sent={delivery.pk}")


def _finish(delivery: Delivery, staff: User, report: Report) -> Message | None:
    """Raises todos.Gone; of what both sides come to also appointments' Taken, Over, NotPossible."""
    at = later_at(report) if report.is_later else None
    if at is not None and _is_met(delivery):
        appointments.put_off(delivery=delivery, staff=staff, starts_at=at, note=report.note)
        return None
    if at is not None and report.later != "other" and delivery.channel.kind_info.rings:
        at = todos.call_time(delivery.channel, "soon", at)  # nobody calls after we closed
    return todos.finish(delivery, staff, report.outcome, note=report.note, later_at=at)


def _not_free(taken: appointments.Taken) -> str:
    """That what was chosen is no free time, and what is free next."""
    line = _("This time is not free.")
    if not taken.free:
        return f"{line} {_('No time is free in the next 30 days.')}"
    free = promises.moments(taken.free, timezone.now())
    return f"{line} {_('Next free: %(times)s.') % {'times': free}}"


def what_follows(delivery: Delivery) -> str:
    """What becomes of an answer that did not reach the customer."""
    second = Delivery.objects.filter(replaces=delivery).select_related("channel").first()
    if second is not None:
        by = words.by(second.channel.kind)
        return _("It goes %(by)s now, as the customer approved.") % {"by": by}
    return _("Nothing else was approved: the case needs an answer again, by another way.")


def came_back(request: HttpRequest, pk: Any) -> HttpResponse:
    """The letter came back from the post."""
    delivery = find(pk)
    if delivery.channel.kind != "letter":
        return gone(request)
    try:
        todos.came_back(delivery, staff_of(request))
    except todos.Gone:
        return gone(request)
    messages.warning(request, what_follows(delivery))
    return redirect("admin:case", case_of(delivery).reference)


def read(request: HttpRequest, delivery: Delivery) -> Report:
    """The form as it was sent, with what is wrong."""
    data, info = request.POST, delivery.channel.kind_info
    report = Report(
        outcome=data.get("outcome", ""),
        note=services.clean_text(data.get("note", "")),
        later=data.get("later", "hour"),
        later_at=data.get("later_at", "")[:30],
    )
    allowed = (
        (Outcome.REACHED, Outcome.NOT_REACHED, Outcome.LATER) if info.spoken else (Outcome.SENT,)
    )
    if report.outcome not in allowed:
        report.errors["outcome"] = _("Say how it went.")
    if report.outcome == Outcome.REACHED and not report.note:
        report.errors["note"] = _("Write in a line or two what was said.")
    if len(report.note) > services.MAX_TEXT:
        report.errors["note"] = _("This is too long: at most %(count)s characters.") % {
            "count": services.MAX_TEXT
        }
    if report.is_later and later_at(report) is None:
        report.errors["later_at"] = _("Choose a time that is still to come.")
    return report


def later_at(report: Report) -> datetime | None:
    """When to try again; None for no time, or one that is over."""
    now = timezone.now()
    if (free := times.read(report.later)) is not None:
        return free if free > now else None
    if report.later == "three":
        return now + timedelta(hours=3)
    if report.later == "tomorrow":
        day = timezone.localdate() + timedelta(days=1)
        return timezone.make_aware(datetime.combine(day, time(9)))
    if report.later != "other":
        return now + timedelta(hours=1)
    try:
        at = parse_datetime(report.later_at)
    except ValueError:
        return None
    if at is None:
        return None
    aware = timezone.make_aware(at) if timezone.is_naive(at) else at
    return aware if now < aware < now + timedelta(days=365) else None


def urls() -> list[URLPattern]:
    """The to-do pages."""
    return [
        page("todo/", todo, "todo"),
        page("todo/<uuid:pk>/", reading(one), "todo_one"),
        page("todo/<uuid:pk>/take/", take, "todo_take", post=True),
        page("todo/<uuid:pk>/release/", release, "todo_release", post=True),
        page("todo/<uuid:pk>/enter/", enter, "todo_enter", post=True),
        page("todo/<uuid:pk>/finish/", finish, "todo_finish", post=True),
        page("todo/<uuid:pk>/came-back/", came_back, "todo_came_back", post=True),
    ]

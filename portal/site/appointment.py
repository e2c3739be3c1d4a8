"""A time to be called or to come: picked, moved and cancelled, on the question's page or by a link.

By a link nothing is shown of the case but the time itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import appointments, promises, slots
from channels_app.models import Appointment, Channel
from channels_app.rendering import calendar_file
from contacts import codes
from contacts.addresses import InvalidAddress
from contacts.kinds import EMAIL, PHONE
from contacts.models import Case, Code, Identity
from portal import access, leading, times
from portal.context import site_of
from portal.site import forms, room, strips
from portal.site.agreed import WORDS, bookable, booked
from portal.site.forms import Typed
from portal.site.question import case_for

CHANGES_PER_HOUR = 20  # of one case
IF_MISSED: dict[str, Promise] = {
    Appointment.IfMissed.AGAIN: gettext_lazy("Try again later"),
    Appointment.IfMissed.TEXT: gettext_lazy("Send me a text message"),
    Appointment.IfMissed.EMAIL: gettext_lazy("E-mail me"),
}


@dataclass(frozen=True)
class Door:
    """One way to one appointment, or to the free times of a channel.

    `numbers`: that may be called; `missed`: what can be chosen for where nobody answers; `page`:
    where one is led afterwards.
    """

    case: Case
    channel: Channel
    agreed: Appointment | None
    page: str
    file: str
    numbers: Sequence[Identity] = ()
    missed: Sequence[str] = ()
    owns: bool = False
    by_link: bool = False

    @property
    def rings(self) -> bool:
        """Whether we call; else they come, or both enter a room."""
        return self.channel.kind_info.rings

    @property
    def words(self) -> Mapping[str, Promise]:
        """What the page calls it."""
        return WORDS[self.channel.kind_info.meeting]

    @property
    def number(self) -> str:
        """The number that is called, as this viewer may read it; "" where one has to be typed."""
        if not self.numbers:
            return ""
        return str(self.numbers[0]) if self.owns else self.numbers[0].masked


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def appointment(request: HttpRequest, reference: str, channel: str) -> HttpResponse:
    """The free times of a channel, for who may see the case."""
    try:
        door = _door(request, reference, channel)
    except times.Unknown:
        return _unknown(request, reference)
    if request.method == "POST":
        return _act(request, door)
    return _page(request, door, Typed())


@never_cache
@require_GET
def file(request: HttpRequest, reference: str, channel: str) -> HttpResponse:
    """What was agreed, for the own calendar."""
    _viewer, case = case_for(request, reference)
    try:
        agreed = times.meant([row for row in booked(case) if row.channel.slug == channel], request)
    except times.Unknown:
        return _unknown(request, reference)
    return _file(agreed)


def _unknown(request: HttpRequest, reference: str) -> HttpResponse:
    """Whoever may see the case chooses again, among what stands there now."""
    line = _("This appointment is over, or was changed. Please choose here which one you mean.")
    strips.say(request, line, tone="warn")
    return redirect("site:question", reference)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, code: str) -> HttpResponse:
    """Move or cancel it without signing in. Mail scanners follow links: only a button changes."""
    agreed = _behind(code)
    if agreed is None or not agreed.is_booked or not _is_live(agreed):
        return _gone(request, agreed)
    door = Door(
        case=agreed.case,
        channel=agreed.channel,
        agreed=agreed,
        page=reverse("site:appointment_link", args=[code]),
        file=reverse("site:appointment_link_file", args=[code]),
        by_link=True,
    )
    if request.method == "POST":
        return _act(request, door)
    return _page(request, door, Typed())


@never_cache
@require_GET
def file_by_link(request: HttpRequest, code: str) -> HttpResponse:
    """The same file, for who has the link, as long as it works."""
    agreed = _behind(code)
    return _file(agreed) if agreed and _is_live(agreed) else _gone(request, agreed)


def _file(agreed: Appointment | None) -> HttpResponse:
    if agreed is None:
        raise Http404
    answer = HttpResponse(calendar_file(agreed), content_type="text/calendar; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return answer


def _behind(code: str) -> Appointment | None:
    found = Code.objects.known(codes.APPOINTMENT, code[:64]).first()
    rows = Appointment.objects.select_related("channel__organisation", "code", "case__root")
    return rows.filter(code=found).first() if found else None


def _is_live(agreed: Appointment) -> bool:
    return agreed.code is not None and agreed.code.is_live


def _gone(request: HttpRequest, agreed: Appointment | None) -> HttpResponse:
    """It is over, or never was one: say what can be done."""
    line = ""
    if agreed and agreed.state == Appointment.State.CANCELLED and _is_live(agreed):
        line = appointments.said(agreed, str(agreed.state))
    context = {"line": line, "strips": strips.take(request)}
    return render(request, "site/appointment_gone.html", context, status=410 if agreed else 404)


def _door(request: HttpRequest, reference: str, slug: str) -> Door:
    """As whoever may see the case has it; Http404 for a channel where nothing can be booked.

    Raises times.Unknown.
    """
    viewer, case = case_for(request, reference)
    agreed = times.meant([row for row in booked(case) if row.channel.slug == slug], request)
    channel = agreed.channel if agreed else _offered(request, slug)
    known = access.known_identities(viewer, case)
    args = [case.reference, slug]
    return Door(
        case=case,
        channel=channel,
        agreed=agreed,
        page=reverse("site:question", args=[case.reference]),
        file=_named(reverse("site:appointment_file", args=args), agreed),
        numbers=_numbers(case, known) if channel.kind_info.rings else (),
        missed=_missed(request, known) if channel.kind_info.rings else (),
        owns=access.owns(viewer, case),
    )


def _named(path: str, agreed: Appointment | None) -> str:
    return f"{path}?agreed={agreed.pk}" if agreed else path


def _offered(request: HttpRequest, slug: str) -> Channel:
    found = next((row for row in bookable(request) if row.slug == slug), None)
    if found is None:
        raise Http404
    return found


def _numbers(case: Case, known: Sequence[Identity]) -> list[Identity]:
    """That can be called; the one that was chosen first."""
    chosen = case.choice.identity_id if case.choice and case.choice.kind_info.rings else None
    found = [row for row in known if row.scheme == PHONE and row.is_usable_by(PHONE)]
    return sorted(found, key=lambda row: row.pk != chosen)


def _missed(request: HttpRequest, known: Sequence[Identity]) -> list[str]:
    """What can be chosen for where nobody answers: only what can then be done."""
    found = [Appointment.IfMissed.AGAIN]
    if site_of(request).offer("sms") is not None:
        found.append(Appointment.IfMissed.TEXT)
    if site_of(request).offer(EMAIL) and any(row.scheme == EMAIL for row in known):
        found.append(Appointment.IfMissed.EMAIL)
    return [str(value) for value in found]


def _page(request: HttpRequest, door: Door, typed: Typed, *, status: int = 200) -> HttpResponse:
    """The days with their free times, and what stands already."""
    agreed = door.agreed
    since = request.GET.get("from", "")[:10]
    wanted = typed.get("if_missed") or (agreed.if_missed if agreed else "again")
    context: dict[str, Any] = {
        **forms.context(typed, "number", at=typed.get("at")),
        "case": None if door.by_link else door.case,
        "door": door,
        "line": appointments.said(agreed, "booked") if agreed else "",
        "room": room.of(agreed) if agreed else None,
        "times": times.of(door.channel, _zone(request, door.channel, typed, agreed), since, agreed),
        "is_first": not since,
        "asks_zone": request.method != "POST" and "zone" not in request.GET,
        "if_missed": [(value, IF_MISSED[value], value == wanted) for value in door.missed],
        "strips": strips.take(request),
    }
    response = render(request, "site/appointment.html", context, status=status)
    return leading.to_rooms(response, [door.channel])


def _zone(request: HttpRequest, channel: Channel, typed: Typed, agreed: Appointment | None) -> str:
    """By whose clock the times are shown."""
    zone = typed.get("zone") or request.GET.get("zone", "") or (agreed.zone if agreed else "")
    return slots.zone_named(zone[:64], channel)


def _act(request: HttpRequest, door: Door) -> HttpResponse:
    """Enter its room, cancel it, or take the time that was picked."""
    typed = Typed(request.POST)
    if typed.has("enter"):
        return _enter(request, door)
    key = f"appointment:{door.case.stem.pk}"
    if not access.allow(key, times=CHANGES_PER_HOUR, seconds=3600):
        typed.fail("limit", _("You changed this many times. Please wait a while, or call us."))
        return _page(request, door, typed, status=429)
    if typed.has("cancel"):
        return _cancel(request, door)
    at = times.read(typed.get("at"))
    if at is None:
        typed.fail("at", _("Please choose a time."))
    identity = _number(door, typed)
    if typed.errors or at is None:
        return _page(request, door, typed, status=422)
    try:
        agreed = _take(request, door, typed, at, identity)
    except appointments.Taken as taken:
        typed.fail("at", taken_line(taken, _zone(request, door.channel, typed, door.agreed)))
        return _page(request, door, typed, status=409)
    except appointments.NotPossible:
        strips.say(request, _not_possible(door.agreed), tone="warn")
        return redirect(door.page)
    except appointments.Over:
        strips.say(request, _("This is not possible any more. Please look again."), tone="warn")
        return redirect(door.page)
    strips.say(request, appointments.said(agreed, "moved" if door.agreed else "booked"))
    return redirect(door.page)


def _enter(request: HttpRequest, door: Door) -> HttpResponse:
    """To its room. Who has no more than a link is not told whose appointment it is."""
    name = "" if door.by_link else door.case.stem.customer.top.name
    if door.agreed is None:
        return redirect(door.page)
    goal = room.enter(request, door.agreed, name=name, by_link=door.by_link)
    return goal or redirect(door.page)


def _take(
    request: HttpRequest, door: Door, typed: Typed, at: datetime, identity: Identity | None
) -> Appointment:
    missed = typed.get("if_missed")
    missed = missed if missed in door.missed else ""
    if door.agreed is not None:
        return appointments.move(appointment=door.agreed, starts_at=at, if_missed=missed)
    return appointments.book(
        case=access.home_of(access.viewer_of(request), door.case),
        channel=door.channel,
        starts_at=at,
        identity=identity,
        zone=typed.get("zone", 64),
        if_missed=missed or Appointment.IfMissed.AGAIN,
    )


def _number(door: Door, typed: Typed) -> Identity | None:
    """Whom to call: the number that is known here, else the one that was typed."""
    if not door.rings or door.agreed is not None:
        return None
    if door.numbers:
        return door.numbers[0]
    try:
        return Identity.of(PHONE, typed.get("number"))
    except InvalidAddress as error:
        empty = _("Please write your phone number.")
        typed.fail("number", error if typed.get("number") else empty)
        return None


def taken_line(taken: appointments.Taken, zone: str) -> str:
    """That somebody was faster, and what is free next, by the clock of a zone."""
    now, line = timezone.now(), _("This time was just taken.")
    if not taken.free:
        return line + " " + _("Please choose another one.")
    clock = ZoneInfo(zone)
    free = ", ".join(promises.moment(at.astimezone(clock), now) for at in taken.free)
    return line + " " + _("Next free: %(times)s.") % {"times": free}


def _not_possible(agreed: Appointment | None) -> str:
    """That no time can be picked here any more, and what stands."""
    if agreed is None:
        return _("No time can be chosen here any more. Please choose another way.")
    return _("We give no other times here any more. What we agreed stays: %(line)s") % {
        "line": appointments.said(agreed, "booked")
    }


def _cancel(request: HttpRequest, door: Door) -> HttpResponse:
    if door.agreed is None:
        return redirect(door.page)
    try:
        appointments.cancel(appointment=door.agreed)
    except appointments.Over:
        strips.say(request, _("This is not possible any more. Please look again."), tone="warn")
    else:
        strips.say(request, appointments.said(door.agreed, "cancelled"))
    return redirect(door.page)


def plan(request: HttpRequest, case: Case, wish: str) -> HttpResponse | None:
    """After sending: take the time that was picked with the question, or lead to the others.

    Agreed by the organisation's clock, which the buttons of that time showed.
    """
    choice, at = case.choice, times.read(wish)
    kind = choice.kind if choice else ""
    channel = next((row for row in bookable(request) if row.kind == kind), None)
    if channel is None or choice is None or (channel.kind_info.rings and choice.identity is None):
        return None
    page = redirect("site:appointment", case.reference, channel.slug)
    if at is None:
        return page
    try:
        appointments.book(
            case=case,
            channel=channel,
            starts_at=at,
            identity=choice.identity,
        )
    except appointments.Taken as taken:
        strips.say(request, taken_line(taken, channel.organisation.time_zone), tone="warn")
        return page
    except appointments.NotPossible:
        strips.say(request, _not_possible(None), tone="warn")
    return None

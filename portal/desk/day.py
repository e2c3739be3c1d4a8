"""My day: the calls and visits of today, and those that were missed, in the order of their time."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.models import Appointment, Delivery
from contacts.kinds import KINDS
from contacts.models import User
from portal import leading
from portal.context import site_of
from portal.desk import todo, words
from portal.desk.pages import page, reading, show, staff_of
from portal.live import sight, stay

SHOWN = 100
MISSED_DAYS = 7  # so long a missed one stands here
SPOKEN = [kind.name for kind in KINDS.values() if kind.spoken]


@reading
def day(request: HttpRequest) -> HttpResponse:
    """What is mine, and what nobody has yet: late, today, and missed lately."""
    user, now = staff_of(request), timezone.now()
    mark = sight.newest()  # before the rows, as in the queue
    if stay.has_all(request, mark):
        return stay.nothing_new()
    cards = [todo.card(delivery, now) for delivery in to_do(user, now)]
    missed = lately_missed(user, now)
    groups = [
        (_("Now"), [card for card in cards if card["is_due"]]),
        (_("Later today"), [card for card in cards if not card["is_due"]]),
    ]
    response = show(
        request,
        "desk/day.html",
        title=_("My day"),
        mark=mark,
        groups=[group for group in groups if group[1]],
        missed=missed,
    )
    # Of all that are offered: a video call may come to the page while it stays open.
    return leading.to_rooms(response, site_of(request).channels)


def tonight(now: datetime) -> datetime:
    """The end of this day, by the clock of who looks."""
    local = timezone.localtime(now)
    return local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _mine(user: User, case: str) -> Q:
    """Of one's own cases, or of those that nobody has."""
    owner = f"{case}__root__assignee"
    of_stem = Q(**{f"{case}__root": None}) & _owner(user, f"{case}__assignee")
    return of_stem | (Q(**{f"{case}__root__isnull": False}) & _owner(user, owner))


def _owner(user: User, field: str) -> Q:
    return Q(**{field: user}) | Q(**{field: None})


def to_do(user: User, now: datetime) -> list[Delivery]:
    """The open calls and visits until tonight: taken by this colleague, or by nobody and theirs."""
    rows = todo.rows().filter(
        status__in=Delivery.TO_DO, next_attempt_at__lt=tonight(now), channel__kind__in=SPOKEN
    )
    free = Q(taken_by=None) & _mine(user, "message__case")
    return list(rows.filter(free | Q(taken_by=user)).order_by("next_attempt_at", "pk")[:SHOWN])


def lately_missed(user: User, now: datetime) -> list[dict[str, Any]]:
    """Where nobody was reached, or nobody came, in the last days; the newest first."""
    rows = Appointment.objects.filter(
        _mine(user, "case"),
        state=Appointment.State.MISSED,
        closed_at__gte=now - timedelta(days=MISSED_DAYS),
    ).select_related("channel", "case__root__customer__root", "case__customer__root")
    rows = rows.select_related("case__choice__identity", "case__root__choice__identity")
    found = rows.prefetch_related(words.holders("case__customer")).order_by("-closed_at")[:SHOWN]
    return [
        {
            "agreed": row,
            "case": row.case.stem,
            "kind": row.channel.kind,
            "name": words.customer_name(row.case.stem.customer, row.case.stem),
            "when": words.day_and_time(row.starts_at),
        }
        for row in found
    ]


def urls() -> list[URLPattern]:
    """The page of one's day."""
    return [page("day/", day, "day")]

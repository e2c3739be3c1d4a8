"""The bell: what this staff member must know. Opening a case marks what was told about it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Alert
from portal.desk import chats, counts, navigation, words
from portal.desk.pages import done, page, part, reading, show, staff_of

SHOWN = 100
ICONS = {
    Alert.Sort.ASSIGNED: "user_add",
    Alert.Sort.ANSWERED: "chat",
    Alert.Sort.FAILED: "alert",
    Alert.Sort.UNCERTAIN: "info",
    Alert.Sort.MENTIONED: "user",
    Alert.Sort.UNOWNED: "clock",
    Alert.Sort.ANSWER_DUE: "clock",
    Alert.Sort.RESOLUTION_DUE: "clock",
}
BAD = (Alert.Sort.FAILED, Alert.Sort.UNCERTAIN, Alert.Sort.UNOWNED)


@reading
def alerts(request: HttpRequest) -> HttpResponse:
    """The newest alerts, those not seen first of all."""
    related = ("case__customer__root", "case__root", "case__choice__identity", "message")
    rows = Alert.objects.filter(user=staff_of(request)).select_related(*related)
    rows = rows.prefetch_related(words.holders("case__customer"))
    found = [*rows.filter(seen_at=None).order_by("-created_at")[:SHOWN]]
    found += rows.exclude(seen_at=None).order_by("-created_at")[: SHOWN - len(found)]
    lines = [
        {
            "alert": alert,
            "case": alert.case.stem,
            "name": words.customer_name(alert.case.customer, alert.case),
            "icon": ICONS.get(Alert.Sort(alert.sort), "bell"),
            "is_bad": alert.sort in BAD,
        }
        for alert in found
    ]
    return show(request, "desk/alerts.html", title=_("Alerts"), lines=lines)


@reading
def bell(request: HttpRequest) -> HttpResponse:
    """The bell and the figures of the menu, for a page that is open."""
    found = counts.of(request)
    # A tab that rings for chats asks for them as well.
    calls = chats.calls(found.user, found.duty == "on") if request.GET.get("calls") else None
    figures = {"desk_counts": found, "work": navigation.work(request), "calls": calls}
    return part(request, "desk/_bell_part.html", **figures)


def seen(request: HttpRequest) -> HttpResponse:
    """All of them are seen."""
    Alert.objects.filter(user=staff_of(request), seen_at=None).update(seen_at=timezone.now())
    done(request, _("All alerts are marked as seen."))
    return redirect("admin:alerts")


def urls() -> list[URLPattern]:
    """The bell."""
    return [
        page("alerts/", alerts, "alerts"),
        page("alerts/bell/", bell, "bell"),
        page("alerts/seen/", seen, "alerts_seen", post=True),
    ]

"""Seven steps that tick themselves: each looks at rows of one case, never at clicks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from channels_app.models import Delivery
from contacts.models import Case, Event, Message
from portal import access
from portal.simulator.providers.moods import PROVIDERS

COOKIE = "onecase_tour"
MAX_AGE = timedelta(days=30)
ARRIVED = (Delivery.Status.SENT, Delivery.Status.DELIVERED, Delivery.Status.READ)


@dataclass(frozen=True)
class Step:
    """One step: what to do, where, and whether the case shows that it was done."""

    name: str
    title: str | Promise
    hint: str | Promise
    pane: str
    href: str = ""
    done: bool = False


@dataclass(frozen=True)
class Facts:
    """What the rows of a case say."""

    asked: bool = False
    answered: bool = False
    arrived: bool = False
    replied: bool = False
    switched: bool = False
    pocketed: bool = False
    refused: bool = False


TITLES: dict[str, tuple[str | Promise, str | Promise, str]] = {
    "asked": (
        _("Ask"),
        _("Be the customer: ask something on the site and choose an answer by e-mail."),
        "customer",
    ),
    "answered": (
        _("Answer"),
        _("Be the agent: open the question at the desk, write an answer and send it."),
        "desk",
    ),
    "arrived": (
        _("See it arrive"),
        _("A worker really sends it. Watch it come into the customer's pocket."),
        "pocket",
    ),
    "replied": (
        _("Reply"),
        _("Open it in the pocket and answer there: it lands in the same case."),
        "pocket",
    ),
    "switched": (
        _("Switch"),
        _("On the question's page press Change and choose another way, for instance My own page."),
        "customer",
    ),
    "pocketed": (
        _("Telephone"),
        _("Press Change again and choose WhatsApp. Scan its code with the telephone: press send."),
        "customer",
    ),
    "refused": (
        _("Try to call"),
        _("At the desk press other way and choose Phone. Nobody asked for a call, so it refuses."),
        "desk",
    ),
}


def began(request: HttpRequest) -> datetime | None:
    """When this browser's tour began; None where it did not."""
    try:
        moment = datetime.fromtimestamp(int(request.COOKIES.get(COOKIE, "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if timezone.now() - MAX_AGE < moment <= timezone.now() else None


def begin(response: HttpResponse) -> None:
    """Let the tour of this browser begin now."""
    now = int(timezone.now().timestamp())
    response.set_cookie(
        COOKIE, str(now), max_age=int(MAX_AGE.total_seconds()), httponly=True, samesite="Lax"
    )


@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Begin the tour anew, with the next question."""
    response = redirect("demo:page")
    begin(response)
    return response


def case_of(request: HttpRequest) -> Case | None:
    """The case that the tour looks at: this browser's newest, else the newest of any customer."""
    since = began(request)
    if since is None:
        return None
    staff_wrote = Message.objects.filter(direction="in").exclude(staff=None).values("case")
    fresh = Case.objects.stems().filter(opened_at__gte=since).exclude(pk__in=staff_wrote)
    own = fresh.visible_to(access.viewer_of(request))
    return own.order_by("-opened_at").first() or fresh.order_by("-opened_at").first()


def facts_of(case: Case | None) -> Facts:
    """Look at the rows of a case."""
    if case is None:
        return Facts()
    messages = Message.objects.of(case)
    answers = messages.filter(direction=Message.Direction.OUT, template="")
    first = answers.order_by("seq").first()
    if first is None:
        answered = arrived = replied = False
    else:
        answered = True
        arrived = Delivery.objects.filter(message__in=answers, status__in=ARRIVED).exists()
        later = messages.filter(direction=Message.Direction.IN, staff=None, seq__gt=first.seq)
        replied = later.exists()
    sorts = set(Event.objects.filter(case=case).values_list("sort", flat=True))
    return Facts(
        asked=True,
        answered=answered,
        arrived=arrived,
        replied=replied,
        switched=Event.Sort.SWITCHED in sorts,
        pocketed=messages.filter(direction=Message.Direction.IN, kind__in=PROVIDERS).exists(),
        refused=Event.Sort.REFUSED in sorts,
    )


def steps(case: Case | None) -> Sequence[Step]:
    """The seven steps of the tour."""
    facts = facts_of(case)
    hrefs = {"customer": "/", "desk": "/admin/cases/", "pocket": reverse("demo:pocket")}
    if case is not None:
        hrefs["customer"] = f"/q/{case.reference}/"
        hrefs["desk"] = f"/admin/cases/{case.reference}/"
        if case.choice is not None and case.choice.kind in PROVIDERS:
            hrefs["pocket"] = reverse("demo:telephone")
    return [
        Step(name, title, hint, pane, hrefs[pane], done=getattr(facts, name))
        for name, (title, hint, pane) in TITLES.items()
    ]

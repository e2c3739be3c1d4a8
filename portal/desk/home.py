"""The first page of the desk: own work, and for administrators the figures and what lacks."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from channels_app import assigning, checks, measures, passing
from channels_app.models import Delivery
from contacts.kinds import KINDS, Kind
from contacts.models import Organisation, User
from portal.desk.administration import show, staff_of
from portal.desk.counts import bounded
from portal.desk.counts import shown as figure

SHOWN_OVERRIDES = 5
ENOUGH = 5  # words of customers, below which a share says nothing
PER_PAGE = 50


@dataclass(frozen=True)
class Step:
    """One line of the checklist of an empty installation, ticked by facts."""

    title: str
    hint: str
    url: str
    done: bool


@dataclass(frozen=True)
class Bars:
    """One kind in the chart; widths are per cent of the longest bar, as SVG writes numbers."""

    kind: Kind
    chosen: int
    used: int
    chosen_width: str
    used_width: str


@dataclass(frozen=True)
class Said:
    """How many of those who answered a question said yes; no share of too few (`percent` None)."""

    total: int
    percent: int | None


@dataclass(frozen=True)
class HowItWas:
    """One line of what customers said afterwards: of a kind, or of a number of switches."""

    asked: int
    answered: Said
    repeated: Said
    kind: Kind | None = None
    words: str = ""

    @property
    def said(self) -> tuple[Said, Said]:
        """In the order of the columns."""
        return self.answered, self.repeated


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What Unfold asks for the index page."""
    user, counts = staff_of(request), measures.troubles()
    context |= {
        "title": _("Home"),
        "own": measures.own_work(user),
        "waiting": measures.waiting(),
        "overdue": overdue(),
        "troubles": counts,
        "troubles_failed": counts["failed"] + counts["returned"],
        "is_administrator": user.is_administrator,
    }
    if user.is_administrator:
        context |= figures()
    return context


def overdue() -> dict[str, Any]:
    """How many cases are with nobody for longer than the organisation allows; two queries."""
    organisation = Organisation.current()
    if organisation.pk is None or organisation.owner_within_minutes is None:
        return {"count": 0}
    rows = assigning.overdue(organisation, timezone.now())
    found = bounded(rows)
    return {
        "count": found,
        "figure": figure(found),
        "minutes": organisation.owner_within_minutes,
    }


def figures() -> dict[str, Any]:
    """What only administrators see."""
    respect = measures.respect()
    setup = checks.Setup.read()
    steps = checklist(setup)
    return {
        "respect": respect,
        "percent": None if respect.share is None else _percent(respect.share),
        "bars": bars(respect),
        "overrides": list(measures.overrides()[:SHOWN_OVERRIDES]),
        "afterwards": how_it_was(measures.afterwards()),
        "asks_outcome": setup.organisation is None or setup.organisation.asks_outcome,
        "steps": steps,
        "steps_left": sum(not step.done for step in steps),
        "is_new": not any(step.done for step in steps),
        "findings": [(found, place(found)) for found in checks.findings(setup)],
    }


def how_it_was(found: measures.Afterwards) -> dict[str, Any]:
    """What customers said, kind by kind in the order of the registry, and by their switches."""
    switches = {
        number: ngettext("%(count)s switch", "%(count)s switches", number) % {"count": number}
        for number in range(measures.MANY_SWITCHES)
    }
    switches[0] = _("No switch")
    switches[measures.MANY_SWITCHES] = _("%(count)s or more switches") % {
        "count": measures.MANY_SWITCHES
    }
    total = sum(found.by_kind.values(), measures.Heard())
    return {
        "total": _how(total),
        "by_kind": [
            _how(found.by_kind[name], kind=kind)
            for name, kind in KINDS.items()
            if name in found.by_kind
        ],
        "by_switches": [
            _how(found.by_switches[number], words=words)
            for number, words in switches.items()
            if number in found.by_switches
        ],
    }


def _how(heard: measures.Heard, **more: Any) -> HowItWas:
    answered = _said(heard.answered, heard.not_answered)
    return HowItWas(heard.asked, answered, _said(heard.repeated, heard.not_repeated), **more)


def _said(yes: int, no: int) -> Said:
    total = yes + no
    return Said(total, None if total < ENOUGH else _percent(yes / total))


def _percent(share: float) -> int:
    """Rounded, but 100 only when it is all of them and 0 only when it is none."""
    if share in (0, 1):
        return int(share * 100)
    return min(99, max(1, round(share * 100)))


def bars(respect: measures.Respect) -> list[Bars]:
    """Chosen against used, in the order of the registry; kinds that nobody chose or used go."""
    longest = max([*respect.chosen.values(), *respect.used.values()], default=0)
    return [
        Bars(
            kind=kind,
            chosen=respect.chosen[name],
            used=respect.used[name],
            chosen_width=f"{100 * respect.chosen[name] / longest:.2f}",
            used_width=f"{100 * respect.used[name] / longest:.2f}",
        )
        for name, kind in KINDS.items()
        if respect.chosen[name] or respect.used[name]
    ]


def place(found: checks.Finding) -> str:
    """The page where a finding is put right."""
    if found.id == checks.OUT:
        return reverse("admin:channel_cases", args=[found.channel_id])
    if found.id == passing.MISSED:
        return f"{reverse('admin:cases')}?tab=late"
    if found.channel_id is not None:
        return reverse("admin:channel", args=[found.channel_id])
    if found.topic_id is not None:
        return reverse("admin:topic", args=[found.topic_id])
    on_channels = (checks.NOTHING_OFFERED, checks.ONLY_CHAT, checks.NO_PHONE_CHANNEL)
    return reverse("admin:channels" if found.id in on_channels else "admin:organisation")


def checklist(setup: checks.Setup) -> list[Step]:
    """What a new installation needs before the first customer."""
    organisation, channels = setup.organisation, setup.channels
    mail_works = any(c.kind == "email" and c.last_success_at for c in channels)
    return [
        Step(
            _("Name the organisation"),
            _("Its name, logo and colour stand on every page."),
            reverse("admin:organisation"),
            bool(organisation and organisation.name),
        ),
        Step(
            _("Set the phone number"),
            _("It is always visible to customers."),
            reverse("admin:organisation"),
            bool(organisation and organisation.phone),
        ),
        Step(
            _("Offer a channel"),
            _("The customer chooses among the channels that you offer."),
            reverse("admin:channels"),
            any(channel.is_offered for channel in channels),
        ),
        Step(
            _("Test the mail"),
            _("One button on the e-mail channel really connects."),
            reverse("admin:channels"),
            mail_works,
        ),
        Step(
            _("Add a topic"),
            _("Topics lead the advice, and keep sensitive answers private."),
            reverse("admin:topics"),
            bool(setup.topics),
        ),
        Step(
            _("Add a second member of staff"),
            _("So that nobody is alone, and no one is locked out."),
            reverse("admin:staff"),
            User.objects.filter(is_active=True, is_staff=True).count() > 1,
        ),
    ]


@require_safe
def troubles(request: HttpRequest) -> HttpResponse:
    """Answers that did not, or perhaps did not, arrive; agents see it as well."""
    status = request.GET.get("status", "")
    wanted = (status,) if status in measures.TROUBLES else measures.TROUBLES
    rows = (
        measures.troubled(wanted)
        .order_by("-created_at")
        .select_related("channel", "identity", "message__case__customer")
    )
    counts = measures.troubles()
    tabs = [(s.value, s.label, counts[s.value]) for s in measures.TROUBLES]
    return show(
        request,
        "desk/admin_troubles.html",
        title=_("Did not arrive"),
        page=Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        status_filter=wanted[0] if len(wanted) == 1 else "",
        tabs=tabs,
        total=sum(counts.values()),
        uncertain=Delivery.Status.UNCERTAIN,
    )


def urls() -> list[URLPattern]:
    """The page /admin/troubles/; the index itself is the site's."""
    return [path("troubles/", admin.site.admin_view(troubles), name="troubles")]

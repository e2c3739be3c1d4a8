"""What came in and could not be read: its bytes, why, another try, or set aside as spam."""

import re

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from channels_app import inbound
from channels_app.models import InboundEvent
from portal.desk import counts
from portal.desk.administration import log_change, page, show
from portal.desk.pages import done

PER_PAGE = 50
ASIDE = "aside"
State = InboundEvent.State
# What the parser and the worker wrote down, in English and with figures of their own.
REASONS = [
    (re.compile(r"more than (\d+) parts"), gettext_noop("It has more than %s parts.")),
    (
        re.compile(r"nested deeper than (\d+) parts"),
        gettext_noop("Its parts are nested deeper than %s."),
    ),
    (re.compile(r"larger than (\d+) MB"), gettext_noop("It is larger than %s MB.")),
    (re.compile(r"more than (\d+) lines"), gettext_noop("It has more than %s lines.")),
    (re.compile(r"It is not as expected \((.+)\)\."), gettext_noop("It is not as expected (%s).")),
    (re.compile(r"Fault: (.+)"), gettext_noop("A fault of ours while reading it: %s.")),
]
OTHERS = (gettext_noop("Its headers are too long."),)  # of adapters, which know no words


def reason_of(stored: str) -> str:
    """A stored reason in the reader's language."""
    for pattern, words in REASONS:
        if found := pattern.fullmatch(stored):
            return _(words) % found[1]
    return _(stored) if stored else _("No reason was written down.")


KEPT = (State.QUARANTINED, State.SET_ASIDE)


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Newest first; the bytes stay in the database until somebody asks for them."""
    state = State.SET_ASIDE if request.GET.get("status") == ASIDE else State.QUARANTINED
    rows = (
        InboundEvent.objects.filter(state=state)
        .defer("raw")
        .annotate(size=Length("raw"))
        .select_related("channel")
        .order_by("-received_at")
    )
    shown = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return show(
        request,
        "desk/admin_quarantine.html",
        title=_("Quarantine"),
        page=shown,
        rows=[(event, reason_of(event.reason)) for event in shown],
        is_aside=state == State.SET_ASIDE,
        status_filter=ASIDE if state == State.SET_ASIDE else "",
        waiting_count=_count(State.QUARANTINED),
        aside_count=_count(State.SET_ASIDE),
    )


def _count(state: str) -> str:
    return counts.shown(counts.bounded(InboundEvent.objects.filter(state=state)))


@require_safe
def raw(request: HttpRequest, pk: int) -> HttpResponse:
    """The bytes as they came, to be saved and never shown: they are a stranger's."""
    event = get_object_or_404(InboundEvent, pk=pk, state__in=KEPT)
    return HttpResponse(
        bytes(event.raw),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="received-{event.pk}.eml"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )


def set_aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Spam: out of the way, with its bytes; one click takes it back."""
    event = get_object_or_404(InboundEvent.objects.defer("raw"), pk=pk, state__in=KEPT)
    if event.move(State.SET_ASIDE, frm=State.QUARANTINED):
        log_change(request, event, "Set aside.")
    done(request, _("It is set aside."), undo=reverse("admin:quarantine_back", args=[pk]))
    return redirect("admin:quarantine")


def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """It was no spam, or was set aside by mistake."""
    event = get_object_or_404(InboundEvent.objects.defer("raw"), pk=pk, state__in=KEPT)
    if event.move(State.QUARANTINED, frm=State.SET_ASIDE):
        log_change(request, event, "Put back.")
    messages.success(request, _("It is back in quarantine."))
    return redirect("admin:quarantine")


def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Read it once more, by a worker: after a fault was mended, for instance."""
    event = get_object_or_404(
        InboundEvent.objects.defer("raw"), pk=pk, state=InboundEvent.State.QUARANTINED
    )
    if not inbound.again(event):
        messages.warning(request, _("Only its header is here. Read the mail where it lies."))
        return redirect("admin:quarantine")
    log_change(request, event, "Tried again.")
    messages.success(
        request, _("It is being read again. If that fails, it comes back here with the reason.")
    )
    return redirect("admin:quarantine")


def urls() -> list[URLPattern]:
    """The pages under /admin/quarantine/."""
    return [
        page("quarantine/", overview, "quarantine"),
        page("quarantine/<int:pk>/raw/", raw, "quarantine_raw"),
        page("quarantine/<int:pk>/again/", again, "quarantine_again", post=True),
        page("quarantine/<int:pk>/aside/", set_aside, "quarantine_aside", post=True),
        page("quarantine/<int:pk>/back/", put_back, "quarantine_back", post=True),
    ]

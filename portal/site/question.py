"""The question page: the page after sending, and the one that is kept."""

import uuid
from dataclasses import replace
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import promises
from channels_app.dispatch import ACKNOWLEDGEMENT
from channels_app.rendering import code_url
from contacts import codes, services
from contacts.files import File
from contacts.models import Case, Code, Holder, Message
from contacts.viewers import Viewer
from portal import access, timeline, words
from portal.context import site_of
from portal.live import stay
from portal.site import forms, strips, waiting
from portal.site.buttons import button
from portal.site.forms import Typed
from portal.timeline import Change, Entry, Timeline

MESSAGES_PER_HOUR = 60  # in one case


def case_for(request: HttpRequest, reference: str) -> tuple[Viewer, Case]:
    """The viewer and the case they ask for; Http404 for anybody else."""
    viewer = access.viewer_of(request)
    return viewer, access.visible_case(viewer, reference)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the question, or take what the customer adds to it."""
    viewer, case = case_for(request, reference)
    if request.method != "POST":
        if case.reference != reference:
            return redirect("site:question", case.reference)
        return page(request, viewer, case, Typed())
    typed = Typed(request.POST)
    if not _add(request, case, typed):
        status = 429 if "limit" in typed.errors else 422
        return page(request, viewer, case, typed, status=status)
    if stay.is_asked(request):
        case = access.visible_case(viewer, reference)
        change = timeline.change(case, request.GET.get("have", ""))
        return stay.created(_fresh(request, viewer, case, change))
    return redirect(f"{reverse('site:question', args=[case.reference])}#newest")


def _add(request: HttpRequest, case: Case, typed: Typed) -> bool:
    """File what the customer wrote; False with the errors in `typed`."""
    files = forms.files_of(request, typed)
    text = typed.text()
    if text or not files:
        text = forms.text_of(typed, empty=_("Please write something first."))
    if typed.errors:
        return False
    if not access.allow(f"write:{case.pk}", times=MESSAGES_PER_HOUR, seconds=3600):
        typed.fail("limit", _("You sent many messages. Please wait a while, or call us."))
        return False
    _file(case, text, files, _key_for(case, typed, text))
    return True


def _file(case: Case, text: str, files: list[File], key: uuid.UUID) -> None:
    try:
        services.file_message(case=case, kind="account", text=text, files=files, client_key=key)
    except IntegrityError:
        # Two clicks at once: the other one was first.
        if not Message.objects.filter(case=case, client_key=key).exists():
            raise


def _key_for(case: Case, typed: Typed, text: str) -> uuid.UUID:
    """The form's key; another text under a used key is another message, not a double click."""
    key = forms.client_key_of(typed) or uuid.uuid4()
    used = Message.objects.filter(case=case, client_key=key).first()
    return key if used is None or used.text == text else uuid.uuid4()


def page(
    request: HttpRequest,
    viewer: Viewer,
    case: Case,
    typed: Typed,
    *,
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    """The page with what was typed so far."""
    if notice:
        strips.say(request, notice, tone="warn")
    mark = timeline.change(case).mark
    found = timeline.page(case, viewer, before=request.GET.get("before", ""))
    history = _rendered(request, case, _shown(viewer, found))
    lines = strips.take(request)
    context: dict[str, Any] = {
        **forms.context(typed),
        "case": case,
        "history": history,
        "mark": mark,
        "is_tail": False,
        "is_newest": not request.GET.get("before"),
        "strips": [line for line in lines if not line.get("keep")],
        "sent": next((line for line in lines if line.get("keep")), None),
        "answer": answer(request, viewer, case),
        "link": kept_link(case),
        "pin": _pin(case),
        "waiting": waiting.of(request, case),
    }
    return render(request, "site/question.html", context, status=status)


def _shown(viewer: Viewer, found: Timeline) -> Timeline:
    return replace(found, entries=_told(found.entries, viewer))


def _news(viewer: Viewer, case: Case, change: Change) -> Timeline:
    """The newest lines for a page that has the others; all where no answer is among them.

    Whether the last answer arrived, and whether there was none yet, is said above and below them.
    """
    shown = _shown(viewer, timeline.news(case, viewer, change))
    if shown.is_tail and not _is_answered(shown):
        return _shown(viewer, timeline.page(case, viewer))
    return shown


def _is_answered(shown: Timeline) -> bool:
    return any(entry.message.is_answer for entry in shown.entries if entry.message)


def _rendered(request: HttpRequest, case: Case, shown: Timeline) -> str:
    """The timeline as it stands on the page."""
    sent = [e for e in shown.entries if e.message and e.message.direction == "out"]
    context = {
        "case": case,
        "shown": shown,
        "failed": bool(sent and sent[-1].failed),
        "nothing_yet": "" if shown.older or _is_answered(shown) else _nothing_yet(request, case),
        "is_newest": not request.GET.get("before"),
        "organisation": site_of(request).organisation,
    }
    return render_to_string("site/_timeline.html", context)


def _told(entries: list[Entry], viewer: Viewer) -> list[Entry]:
    """Without acknowledgements to an address that the viewer did not prove.

    A proved address gets more of them (`dispatch.acknowledge`), so that the line would tell
    anybody who types an address whether we know it.
    """
    sent = {
        entry.message.identity_id
        for entry in entries
        if entry.message and entry.message.template == ACKNOWLEDGEMENT and not entry.failed
    }
    if not sent:
        return entries
    proved = Holder.objects.proved().filter(customer=viewer.customer_id, identity__in=sent)
    own = set(proved.values_list("identity_id", flat=True)) if viewer.customer_id else set()
    return [
        entry
        for entry in entries
        if not entry.message
        or entry.message.template != ACKNOWLEDGEMENT
        or entry.failed
        or entry.message.identity_id in own
    ]


def answer(request: HttpRequest, viewer: Viewer, case: Case) -> dict[str, Any]:
    """How we answer this case, for the line under the title."""
    choice, own = case.choice, access.owns(viewer, case)
    offer = site_of(request).offer(choice.kind) if choice else None
    place = None
    if choice and offer and choice.kind == promises.MEETING:
        place = next((c for c in offer.channels if c.slug == choice.wish), offer.channel)
    return {
        "line": words.answer_line(choice, own=own),
        # It stays on one row.
        "address": words.answer_address(choice, own=own),
        "kind": choice.kind_info if choice else None,
        "once": bool(choice and choice.once),
        "is_offered": offer is not None,
        "place": place,
    }


def _nothing_yet(request: HttpRequest, case: Case) -> str:
    """ "Nothing yet. We answer by e-mail before 16:00.", as far as there is a promise."""
    choice = case.choice
    if choice is None or case.waiting_since is None or choice.kind == promises.MEETING:
        return ""
    by, offer = choice.kind_info.by, site_of(request).offer(choice.kind)
    due = promises.due_at(offer.channel, case.waiting_since) if offer else None
    now = timezone.now()
    if due is None or due < now:
        return _("Nothing yet. We answer %(by)s.") % {"by": by}
    return _("Nothing yet. We answer %(by)s before %(when)s.") % {
        "by": by,
        "when": promises.moment(due, now),
    }


def kept_link(case: Case) -> str:
    """The address that opens this case, for keeping; "" when the last one has expired."""
    code = (
        Code.objects.live()
        .filter(purpose=codes.CASE_LINK, case=case, identity=None)
        .order_by("-created_at")
        .first()
    )
    return code_url(code) if code else ""


def _pin(case: Case) -> Code | None:
    """The four digits to say on the phone, while they live; for who wants to be called."""
    if case.choice is None or not case.choice.kind_info.rings:
        return None
    pins = Code.objects.live().filter(purpose=codes.JOIN, case=case, form=codes.PIN)
    return pins.order_by("-created_at").first()


@never_cache
@require_GET
def refresh(request: HttpRequest, reference: str) -> HttpResponse:
    """The timeline again, or 204 where nothing changed; asked for while the page is visible."""
    viewer, case = case_for(request, reference)
    change = timeline.change(case, request.GET.get("have", ""))
    if change.is_none:
        return HttpResponse(status=204)
    return _fresh(request, viewer, case, change)


def _fresh(request: HttpRequest, viewer: Viewer, case: Case, change: Change) -> HttpResponse:
    """What moves on a page that stays open."""
    shown = _news(viewer, case, change)
    context = {
        "case": case,
        "history": _rendered(request, case, shown),
        "mark": change.mark,
        "is_tail": shown.is_tail,
        "answer": answer(request, viewer, case),
        "waiting": waiting.of(request, case),
    }
    return render(request, "site/_history.html", context)


@button
def solved(request: HttpRequest, reference: str) -> HttpResponse:
    """It's solved."""
    _viewer, case = case_for(request, reference)
    services.resolve(case=case)
    return redirect("site:question", case.reference)


@button
def again(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask again: the same question is open once more."""
    _viewer, case = case_for(request, reference)
    services.reopen(case=case)
    strips.say(request, _("Your question is open again. Write below what you still want to know."))
    return redirect(f"{reverse('site:question', args=[case.reference])}#text")


@button
def call_code(request: HttpRequest, reference: str) -> HttpResponse:
    """A code to say when calling now, so that nobody has to tell the story again."""
    _viewer, case = case_for(request, reference)
    if _pin(case) is None and access.allow(f"pin:{case.pk}", times=10, seconds=3600):
        Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    return redirect(f"{reverse('site:question', args=[case.reference])}#call")

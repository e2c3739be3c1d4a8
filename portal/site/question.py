"""The question page: the page after sending, and the one that is kept."""

import uuid
from dataclasses import dataclass, replace
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

from channels_app import chatting, leaving, outcomes, promises, proposals, push, seen
from channels_app.proposals import Standing
from channels_app.rendering import code_url
from contacts import codes, services, whose
from contacts.files import File
from contacts.kinds import CHAT, KINDS, Kind
from contacts.models import Case, Code, Message, Question
from contacts.viewers import Viewer
from portal import access, leading, marks, timeline, words
from portal.context import site_of
from portal.framed import is_framed
from portal.live import stay
from portal.marks import Change
from portal.site import (
    agreed,
    arrival,
    chat,
    expected,
    forms,
    outcome,
    second,
    strips,
    told,
    waiting,
)
from portal.site.agreed import Cards
from portal.site.beside import Beside
from portal.site.buttons import button
from portal.site.chat import Chat
from portal.site.forms import Typed
from portal.timeline import Timeline

MESSAGES_PER_HOUR = 60  # in one case
LINES_PER_HOUR = 300  # of a chat, where one says in many short ones what a letter says at once


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
    if not add(request, case, typed):
        status = 429 if "limit" in typed.errors else 422
        if stay.is_asked(request):
            return stay.refused((problem.text for problem in typed.problems), status)
        return page(request, viewer, case, typed, status=status)
    if stay.is_asked(request) and not typed.has("to_chat"):  # else it is a chat now: loaded anew
        case = access.visible_case(viewer, reference)
        return stay.created(_fresh(request, viewer, case))
    return redirect(f"{reverse('site:question', args=[case.reference])}#newest")


def add(request: HttpRequest, case: Case, typed: Typed, *, regards: Message | None = None) -> bool:
    """File what the customer wrote; False with the errors in `typed`.

    `regards`: what we noted of a call or a visit, which it corrects.
    """
    files = forms.files_of(request, typed)
    text = typed.text()
    if text or not files:
        text = forms.text_of(typed, empty=_("Please write something first."))
    if typed.errors:
        return False
    if not _may_write(case, files):
        typed.fail("limit", _("You sent many messages. Please wait a while, or call us."))
        return False
    home = access.home_of(access.viewer_of(request), case)
    _file(home, text, files, _key_for(case, typed, text), regards)
    return True


def _may_write(case: Case, files: list[File]) -> bool:
    """Whether there were not too many; what carries files weighs as much in a chat as elsewhere."""
    is_line = not files and case.choice is not None and case.choice.kind == CHAT
    what, times = ("line", LINES_PER_HOUR) if is_line else ("write", MESSAGES_PER_HOUR)
    return access.allow(f"{what}:{case.pk}", times=times, seconds=3600)


def _file(
    case: Case, text: str, files: list[File], key: uuid.UUID, regards: Message | None
) -> None:
    try:
        chatting.write(case=case, text=text, files=files, client_key=key, regards=regards)
    except IntegrityError:
        # Two clicks at once: the other one was first.
        if not Message.objects.filter(case=case, client_key=key).exists():
            raise


def _key_for(case: Case, typed: Typed, text: str) -> uuid.UUID:
    """The form's key; another text under a used key is another message, not a double click."""
    key = forms.client_key_of(typed) or uuid.uuid4()
    used = Message.objects.filter(case=case, client_key=key).values_list("text", flat=True)
    return uuid.uuid4() if {*used} - {text} else key


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
    beside = Beside.of(request, viewer, case)
    talk = beside.talk
    change = _seen(request, case, _change(request, case, beside), beside)
    found = timeline.page(case, viewer, before=request.GET.get("before", ""))
    cards = agreed.cards(request, viewer, case, change)
    history = _rendered(request, viewer, case, _shown(viewer, case, found), talk, change, cards)
    lines = strips.take(request)
    context: dict[str, Any] = {
        **forms.context(typed),
        "case": case,
        "history": history,
        "mark": change.mark,
        "is_tail": False,
        "is_newest": not request.GET.get("before"),
        "strips": [line for line in lines if not line.get("keep")],
        "sent": next((line for line in lines if line.get("keep")), None),
        "answer": answer(request, viewer, case, cards),
        "link": kept_link(case),
        "pin": _pin(case),
        "appointments": cards,
        "call": beside.call,
        "chat": talk,
        "leaving": chat.leaving(request, viewer, case) if talk else None,
        "limits": chat.limits(),
        **_open(request, case, change),
        "outcome": outcome.of(case),
        "device_key": "" if is_framed(request) else push.key_for(case),  # no browser asks there
    }
    response = render(request, "site/question.html", context, status=status)
    return leading.to_rooms(response, cards.every_channel)


def _seen(request: HttpRequest, case: Case, change: Change, beside: Beside) -> Change:
    """Who opens the page reads its newest lines: scripts say so later, and more exactly.

    Not what a browser fetches before anybody asked for it, nor in a frame, which may be behind a
    closed panel: its script says when it is looked at. Scanners of links have no session.
    """
    is_asked = not is_framed(request) and "prefetch" not in request.headers.get("Sec-Purpose", "")
    if not (change.is_unread and is_asked and request.method == "GET") or "before" in request.GET:
        return change
    moved = seen.take(case=case, up_to=case.seq, read=True)
    return _change(request, case, beside) if moved else change


def _open(request: HttpRequest, case: Case, change: Change) -> dict[str, Any]:
    """What the customer is waited for: a message from elsewhere, six digits, a yes or a no."""
    waits = waiting.of(request, case)
    found = proposals.of(case) if Question.Sort.PROPOSAL in change.templates else []
    asked = proposals.current(found, case)
    if asked and asked[1] == Standing.AGREED and waits and waits.sort != "done":
        asked = None  # that card says what is left to do
    return {"waiting": waits, "asked": asked and Asked(*asked)}


@dataclass(frozen=True)
class Asked:
    """The card of a proposal."""

    question: Question
    standing: Standing

    @property
    def lines(self) -> list[str]:
        """The question, and the agent's own words."""
        return self.question.message.text.splitlines() if self.question.message else []

    @property
    def kind(self) -> Kind:
        """What is proposed."""
        return KINDS[self.question.proposed_kind]


def _change(request: HttpRequest, case: Case, beside: Beside, have: str = "") -> Change:
    """How the page stands against its mark: its history, its way, and what is said beside it."""
    return marks.change(case, have, beside=away(request, case) + beside.mark)


def _shown(viewer: Viewer, case: Case, found: Timeline) -> Timeline:
    return replace(found, entries=told.to(viewer, case, found.entries))


def _news(viewer: Viewer, case: Case, change: Change, talk: Chat | None) -> Timeline:
    """The newest lines for a page that has the others; all where no answer is among them.

    Whether there was none yet is said below them: not in a chat.
    """
    shown = _shown(viewer, case, timeline.news(case, viewer, change))
    if shown.is_tail and not (_is_answered(shown) or talk):
        return _shown(viewer, case, timeline.page(case, viewer))
    return shown


def _is_answered(shown: Timeline) -> bool:
    return any(entry.message.is_answer for entry in shown.entries if entry.message)


def _rendered(
    request: HttpRequest,
    viewer: Viewer,
    case: Case,
    shown: Timeline,
    talk: Chat | None,
    change: Change,
    cards: Cards,
) -> str:
    """The timeline as it stands on the page."""
    is_newest, sent = not request.GET.get("before"), arrival.last(shown.entries)
    if sent is None and is_newest and not change.is_smooth:
        sent = arrival.last(told.to(viewer, case, timeline.sent(case, viewer)))
    failed = arrival.failed(case, sent)
    context = {
        "case": case,
        "shown": shown,
        "failed": failed,
        "seconds": second.to_ask(request, viewer, case) if failed and is_newest else [],
        "first": case.choice.kind_info if case.choice else None,
        "then": second.standing(viewer, case) if failed == "answer" else None,
        "nothing_yet": ""
        if talk or cards.booked or shown.older or _is_answered(shown)
        else expected.nothing_yet(request, case, cards.to_plan),
        "chat": talk,
        "is_newest": is_newest,
        "organisation": site_of(request).organisation,
    }
    return render_to_string("site/_timeline.html", context, request)


def away(request: HttpRequest, case: Case) -> str:
    """Why nothing goes the way that was chosen: "off", "paused", or "" while it does.

    A branch that was wished for stands for itself.
    """
    choice = case.choice
    if choice is None or case.state != Case.State.OPEN:
        return ""
    found = [channel for channel in site_of(request).channels if channel.kind == choice.kind]
    if choice.kind == promises.MEETING and choice.wish:
        found = [channel for channel in found if channel.slug == choice.wish]
    if not found:
        return "off"
    return "paused" if leaving.gone_among(found, choice.wish, timezone.now()) else ""


def answer(request: HttpRequest, viewer: Viewer, case: Case, cards: Cards) -> dict[str, Any]:
    """How we answer this case, for the line under the title."""
    choice, own = case.choice, access.owns(viewer, case)
    offer = site_of(request).offer(choice.kind) if choice else None
    place = None
    if choice and offer and choice.kind == promises.MEETING:
        place = next((c for c in offer.channels if c.slug == choice.wish), offer.channel)
    gone = away(request, case)
    line = words.answer_line(choice, own=own, calls_from=expected.calls_from(offer))
    if choice and gone == "off":
        line = _("You chose %(kind)s.") % {"kind": choice.kind_info.noun}
    if cards.to_plan:
        line = _("Choose a time for the video call.")
    return {
        "line": line,
        # It stays on one row.
        "address": words.answer_address(choice, own=own),
        "kind": choice.kind_info if choice else None,
        "once": bool(choice and choice.once),
        "is_moved": bool(choice and choice.identity and whose.is_gone(case, choice.identity)),
        "second": second.standing(viewer, case),
        "to_chat": _to_chat(request, case),
        "away": gone,
        "place": place,
        "to_plan": cards.to_plan,
        "is_late": not gone and expected.is_late(case, offer),
    }


def _to_chat(request: HttpRequest, case: Case) -> bool:
    """Whether they are back in the chat once they write here."""
    return bool(site_of(request).offer(CHAT)) and chatting.waits_for_them(case)


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
    return _fresh(request, viewer, case)


def _fresh(request: HttpRequest, viewer: Viewer, case: Case) -> HttpResponse:
    """What moves on a page that stays open; 204 where nothing did."""
    beside = Beside.of(request, viewer, case)
    talk = beside.talk
    change = _change(request, case, beside, request.GET.get("have", ""))
    if change.is_none:
        return stay.nothing_new()
    shown = _news(viewer, case, change, talk)
    cards = agreed.cards(request, viewer, case, change)
    context = {
        "case": case,
        "history": _rendered(request, viewer, case, shown, talk, change, cards),
        "call": beside.call,
        "chat": talk,
        "mark": change.mark,
        "is_tail": shown.is_tail,
        "answer": answer(request, viewer, case, cards),
        "appointments": cards,
        **_open(request, case, change),
        "outcome": outcome.of(case),
    }
    return stay.marked(render(request, "site/_history.html", context), change.mark)


@button
def solved(request: HttpRequest, reference: str) -> HttpResponse:
    """It's solved."""
    _viewer, case = case_for(request, reference)
    outcomes.resolve(case=case)
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

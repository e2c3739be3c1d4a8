"""The case page: the linked history beside the customer, and the composer below it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import due, opening, promises, routing
from channels_app.due import Owed
from contacts import kinds
from contacts.models import Case, Choice, Consent, Customer, User
from portal import access, marks, timeline
from portal.context import topics
from portal.desk import (
    agreed,
    chats,
    composer,
    counts,
    dues,
    facts,
    handing,
    nudging,
    proposing,
    queue,
    same,
    story,
    words,
)
from portal.desk.pages import page, part, reading, show, staff_of
from portal.live import stay


def find(request: HttpRequest, reference: str, related: Sequence[str] = access.TOLD_WITH) -> Case:
    """The case of that reference, or the one it was joined to; 404 without a right to it."""
    return access.visible_case(access.staff_viewer(request.user), reference, related=related)


def address(case: Case) -> str:
    """The address of a case's page."""
    return reverse("admin:case", args=[case.reference])


def case_page(request: HttpRequest, reference: str) -> HttpResponse:
    """The page; with `part`, only its history or what stands beside it, for an open page."""
    wanted = request.GET.get("part")
    shown = access.SHOWN_WITH if wanted == "live" else access.TOLD_WITH
    case = find(request, reference, shown)
    if case.reference != reference.upper():
        return redirect(address(case))
    if wanted == "live":
        return live(request, case)
    if wanted == "beside":
        return beside(request, case)
    if wanted:
        return history(request, case, wanted)
    counts.of(request, case).see()
    draft = composer.Draft(tab="note" if request.GET.get("tab") == "note" else "answer")
    return whole(request, case, draft)


def history(request: HttpRequest, case: Case, wanted: str) -> HttpResponse:
    """Lines of the history: those before a moment, or the newest."""
    before = request.GET.get("before", "")[:40] if wanted == "older" else ""
    found = timeline.page(case, access.staff_viewer(request.user), before=before)
    name = words.customer_name(case.customer, case)
    return part(
        request,
        "desk/_history.html",
        case=case,
        name=name,
        timeline=found,
        replaced=replaced(found),
    )


def live(request: HttpRequest, case: Case, *, is_sent: bool = False) -> HttpResponse:
    """What was said and done since, for the open page: somebody waits for it.

    `is_sent`: the answer to a form, which takes the line along that says so.
    """
    change, staff = marks.change(case, request.GET.get("have", "")), staff_of(request)
    own = timeline.Known(people=[staff])
    found = timeline.news(case, access.staff_viewer(staff), change, own)
    shown = part(
        request,
        "desk/_live.html",
        case=case,
        name=words.customer_name(case.customer, case),
        mark=change.mark,
        timeline=found,
        replaced=replaced(found),
        is_sent=is_sent,
    )
    return stay.marked(shown, change.mark)


def beside(request: HttpRequest, case: Case) -> HttpResponse:
    """What stands around the history, for the open page: it asks for it a moment later."""
    others = queue.cases_beside(case)  # first, as it reads the joined ones along
    change = marks.change(case)
    read = composer.Read.of(case, change)
    return part(
        request,
        "desk/_beside.html",
        case=case,
        name=words.customer_name(case.customer, case),
        receivers=handing.receivers(case, colleagues()),
        **composer.context(case, staff_of(request), read=read),
        **around(case, read, change, others),
    )


def around(
    case: Case,
    read: composer.Read,
    change: marks.Change,
    others: list[Case],
    history: timeline.Timeline | None = None,
) -> dict[str, Any]:
    """What stands around the history, on the whole page and for one that is open."""
    said = facts.lately(case, history)
    owed = due.of(case, due.speaker(read.channels, due.kind_of(case)), timezone.now())
    known = (change.to_do, read.addresses, read.channels, read.proposals, said, owed)
    board = promises.board(case.organisation, timezone.now(), read.channels)
    who = people(case, read, others)
    return {
        "story": story.tell(facts.of(case, history, *known)),
        "urgency": urgency(case, owed),
        "nudge": nudging.of(case, read, change, said, board, who["unwelcome"]),
        **who,
        **choices(board),
        **agreed.beside(case, change, read.channels),
    }


def replaced(found: timeline.Timeline) -> set[Any]:
    """Deliveries that another one took the place of: they need no button any more."""
    return {d.replaces_id for entry in found.entries for d in entry.deliveries if d.replaces_id}


def whole(
    request: HttpRequest, case: Case, draft: composer.Draft, status: int = 200
) -> TemplateResponse:
    """The page with what stands in the composer."""
    others = queue.cases_beside(case)  # first, as it reads the joined ones along
    change, staff = marks.change(case), colleagues()
    read = composer.Read.of(case, change)
    viewer = access.staff_viewer(request.user)
    found = timeline.page(case, viewer, known=known(read, staff))
    name = words.customer_name(case.customer, case)
    return show(
        request,
        "desk/case.html",
        title=case.reference,
        status=status,
        case=case,
        name=name,
        mark=change.mark,
        timeline=found,
        replaced=replaced(found),
        receivers=handing.receivers(case, staff),
        sent=request.GET.get("sent", "")[:36],
        **chats.beside(case, staff_of(request)),
        **composer.context(case, staff_of(request), draft, read),
        **around(case, read, change, others, found),
    )


@reading
def receivers(request: HttpRequest, reference: str) -> HttpResponse:
    """To whom it can be given, and how much each of them has: for a menu that is open."""
    found = handing.weighed(find(request, reference), colleagues())
    return part(request, "desk/_receivers.html", receivers=found)


def colleagues() -> list[User]:
    """To whom a case can be given; most of its lines are theirs."""
    staff = User.objects.filter(is_staff=True, is_active=True)
    return list(staff.order_by("-on_duty", "first_name", "username"))


def known(read: composer.Read, staff: Sequence[User] = ()) -> timeline.Known:
    """What the history need not ask for again."""
    return timeline.Known(staff, [row.identity for row in read.addresses])


def urgency(case: Case, owed: Owed) -> dict[str, Any]:
    """Since when the customer waits, what is due next, and how near that is."""
    now, found = timezone.now(), owed.next
    return {
        "waits": words.span(now - case.waiting_since) if case.waiting_since else "",
        "level": found.level(now) if found else "",
        "due": dues.sentence(found) if found else "",
    }


def people(case: Case, read: composer.Read, others: list[Case]) -> dict[str, Any]:
    """The customer's column."""
    top, who = case.customer.top, same.who(case, read.addresses)
    second, address = routing.approved_second(case)
    return {
        "customer": top,
        "second": second,
        "second_address": address,
        "addresses": read.addresses,
        "who": who,
        # One question at a time: first who it is.
        "proposals": [] if who else same.proposals(case, read.addresses),
        "members": same.members(top) if case.has_people else [],
        "unwelcome": unwelcome(case.customer),
        "others": others,
        "joined": [row for row in case.members if row.merged_into_id == case.pk],
    }


def unwelcome(customer: Customer) -> list[tuple[kinds.Kind, Consent]]:
    """The kinds that the customer does not want, or only on request, with their newest word."""
    return [
        (kinds.get(name), row)
        for name, row in routing.consents(customer).items()
        if row.level != Consent.Level.GLADLY and name in kinds.KINDS
    ]


def choices(board: Sequence[promises.Offer]) -> dict[str, Any]:
    """What the menus offer."""
    offered = [offer.kind for offer in board]
    return {
        "topics": topics(),
        "offered": offered,
        "branches": [c for offer in board if len(offer.channels) > 1 for c in offer.channels],
        "wishes": opening.WISHES,
        "by_staff": Choice.By.STAFF,
    }


def again(
    request: HttpRequest, case: Case, draft: composer.Draft, status: int = 200
) -> TemplateResponse:
    """The page once more, with everything that was typed."""
    return whole(request, case, draft, status)


def answer(request: HttpRequest, reference: str) -> HttpResponse:
    """Send an answer, or say what is wrong with it."""
    # Sending reads it anew, under its lock.
    case = access.visible_case(access.staff_viewer(request.user), reference, related=None)
    draft = composer.read(request)
    message = composer.answer(request, case, draft)
    if message is None:
        case = find(request, reference)
        return again(request, case, draft, status=409 if draft.news else 422)
    return _sent(request, case, draft)


def _sent(request: HttpRequest, case: Case, draft: composer.Draft) -> HttpResponse:
    """The page anew, or only what is new on it where it stays open."""
    if stay.is_asked(request):
        case = find(request, case.reference, access.SHOWN_WITH)
        return stay.created(live(request, case, is_sent=True))
    if request.GET.get("then") == "next":
        goal = urlencode({"from": case.reference, "sent": draft.key})
        return redirect(f"{reverse('admin:chats_next')}?{goal}")
    return redirect(f"{address(case)}?sent={draft.key}#newest")


def note(request: HttpRequest, reference: str) -> HttpResponse:
    """Write a note that only staff see."""
    case = find(request, reference)
    draft = composer.read(request, tab="note")
    if not composer.note(request, case, draft):
        return again(request, case, draft, status=422)
    return _sent(request, case, draft)


def seen(request: HttpRequest, reference: str) -> HttpResponse:
    """What came while the page was looked at: nobody need be told about it."""
    counts.of(request, find(request, reference)).see()
    return HttpResponse(status=204)


def way(request: HttpRequest, reference: str) -> HttpResponse:
    """Another way was picked: its sentence, and the reason it needs or the refusal."""
    case = find(request, reference)
    draft = composer.read(request)
    composer.try_way(case, staff_of(request), draft)
    if request.headers.get("HX-Request"):
        context = composer.context(case, staff_of(request), draft)
        return part(request, "desk/_way.html", case=case, is_swap=True, **context)
    return again(request, case, draft)


def propose(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask whether another way is welcome; who said no before is asked again only knowingly."""
    case = find(request, reference)
    if not proposing.propose(request, case):
        draft = composer.read(request)
        draft.kind = request.POST["propose"]
        return again(request, case, draft, status=409)
    nudging.put_off(request, case)  # what was asked for that reason gets no nudge again
    return redirect(f"{address(case)}#newest")


def unpropose(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Take a proposal back."""
    case = find(request, reference)
    proposing.take_back(request, case, pk)
    return redirect(f"{address(case)}#newest")


def not_now(request: HttpRequest, reference: str) -> HttpResponse:
    """The nudge above the composer is not needed: it comes back for a new reason alone."""
    case = find(request, reference)
    nudging.put_off(request, case)
    return redirect(f"{address(case)}#composer")


def preview(request: HttpRequest, reference: str) -> HttpResponse:
    """How what is being written would go; nothing is stored."""
    case = find(request, reference)
    draft = composer.read(request)
    if request.headers.get("HX-Request"):
        context = composer.context(case, staff_of(request), draft)
        shown = {"case": case, "shows_way": draft.looks, **context}
        return part(request, "desk/_preview_body.html", **shown)
    if request.FILES:
        draft.error, draft.error_field = _("Add your files again before you send."), "files"
    return again(request, case, draft)


def urls() -> list[URLPattern]:
    """The case page and its composer."""
    base = "cases/<str:reference>/"
    return [
        page(base, case_page, "case"),
        page(base + "answer/", answer, "case_answer", post=True),
        page(base + "note/", note, "case_note", post=True),
        page(base + "seen/", seen, "case_seen", post=True),
        page(base + "way/", way, "case_way", post=True),
        page(base + "preview/", preview, "case_preview", post=True),
        page(base + "receivers/", receivers, "case_receivers"),
        page(base + "propose/", propose, "case_propose", post=True),
        page(base + "not-now/", not_now, "case_not_now", post=True),
        page(base + "propose/<int:pk>/back/", unpropose, "case_unpropose", post=True),
    ]

"""Go on another way: the whole story goes along."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import switching
from contacts import codes, services
from contacts.kinds import EMAIL, KINDS, PHONE
from contacts.models import Case, Choice, Event, Holder, Identity
from contacts.viewers import Viewer
from portal import access
from portal.context import site_of
from portal.site import forms, proofs, strips, waiting, ways
from portal.site.buttons import button
from portal.site.carried import carry
from portal.site.forms import Typed, Wanted
from portal.site.known import Known
from portal.site.language import language_of
from portal.site.question import case_for
from portal.site.ways import Way

SWITCHES_PER_HOUR = 30  # in one case


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the rows, or go on by the chosen one."""
    viewer, case = case_for(request, reference)
    first, rest = _rows(request, viewer, case)
    if request.method != "POST":
        return _page(request, case, Typed(), first, rest)
    typed = Typed(request.POST)
    wanted = forms.way_of(typed, first + rest)
    if wanted is not None and not _may_switch(case):
        typed.fail("limit", _("You changed this many times. Please wait a while, or call us."))
    if wanted is None or typed.errors:
        return _page(request, case, typed, first, rest, status=422)
    answer = _go_on(request, case, wanted, typed)
    return answer or _page(request, case, typed, first, rest, status=422)


def stale(request: HttpRequest, reference: str, notice: str) -> HttpResponse:
    """The rows with what was typed, after a form that had grown stale."""
    viewer, case = case_for(request, reference)
    first, rest = _rows(request, viewer, case)
    strips.say(request, notice, tone="warn")
    return _page(request, case, Typed(request.POST), first, rest, status=403)


def _may_switch(case: Case) -> bool:
    return access.allow(f"switch:{case.pk}", times=SWITCHES_PER_HOUR, seconds=3600)


def _rows(request: HttpRequest, viewer: Viewer, case: Case) -> tuple[list[Way], list[Way]]:
    known = Known.to(viewer, case)
    own = access.owns(viewer, case)
    return ways.for_case(site_of(request).board, case, known, now=timezone.now(), masked=not own)


def _page(
    request: HttpRequest,
    case: Case,
    typed: Typed,
    first: list[Way],
    rest: list[Way],
    *,
    status: int = 200,
) -> HttpResponse:
    if request.method == "POST":
        ways.fill(first + rest, typed)
    carried = carry(typed, first + rest)
    if carried.notice:
        strips.say(request, carried.notice, tone="warn")
    choice = case.choice
    context: dict[str, Any] = {
        **forms.context(typed, once=typed.get("once")),
        "case": case,
        "carried": carried.fields,
        "groups": [ways.Group("", first)] * bool(first) + ways.groups(rest),
        "kinds": [offer.kind for offer in site_of(request).board],
        "calls": _calls(request, case, choice),
        "strips": strips.take(request),
    }
    sheet = bool(getattr(request, "htmx", False))
    template = "site/_switch_sheet.html" if sheet else "site/switch.html"
    return render(request, template, context, status=status)


def _calls(request: HttpRequest, case: Case, choice: Choice | None) -> str:
    """What can be said about calls in this case: "allow", "forbid", or nothing to say.

    Without a number nobody could call: who wants that takes the row of the phone and types one.
    """
    if choice is None or site_of(request).offer(PHONE) is None or choice.kind_info.rings:
        return ""
    if choice.calls_allowed:
        return "forbid"
    people = {case.customer_id, case.customer.top.pk}
    numbers = Holder.objects.current().filter(customer__in=people, identity__scheme=PHONE)
    return "allow" if numbers.exists() else ""


def _go_on(request: HttpRequest, case: Case, wanted: Wanted, typed: Typed) -> HttpResponse | None:
    """Switch, or ask for a code first; None with the errors in `typed`."""
    kind = wanted.way.kind
    once = typed.get("once") == "1"
    identity = wanted.identity
    if wanted.way.asks_to_write:
        if wrong := waiting.invite(request, case, kind.name, once=once):
            typed.fail("way", wrong)
            return None
        return redirect("site:question", case.reference)
    if identity is None and kind.scheme:
        identity = Identity.of(kind.scheme, wanted.address)
        if wanted.way.asks_code and not proofs.is_own(request, identity):
            if wrong := waiting.ask_code(request, case, identity, kind=kind.name, once=once):
                typed.fail(wanted.way.address_id, wrong)
                return None
            return redirect("site:switch_code", case.reference)
    done = record(request, case, kind.name, identity, wish=wanted.wish, once=once)
    if done is None:
        typed.fail("way", _("This way is not offered any more. Please choose another one."))
        return None
    return redirect("site:question", case.reference)


def record(
    request: HttpRequest,
    case: Case,
    kind: str,
    identity: Identity | None,
    *,
    wish: str = "",
    once: bool = False,
) -> Choice | None:
    """The switch itself, with a strip that can undo it; None if it is not offered any more."""
    before = case.choice
    try:
        choice = switching.switch(case=case, kind=kind, identity=identity, wish=wish, once=once)
    except switching.CannotSwitch:
        return None
    waiting.end(request, case)
    if before is not None and choice.pk == before.pk:
        strips.say(request, _("Nothing changes: we answer that way already."), tone="brand")
        return choice
    undo = choice.pk if choice.replaces_id else None
    text = waiting.said(choice.kind_info, once=once)
    strips.say(request, text, undo=undo, reference=case.reference)
    return choice


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest, reference: str) -> HttpResponse:
    """The six boxes: the new address is the customer's own, and the case goes on there."""
    _viewer, case = case_for(request, reference)
    proof = proofs.pending(request, codes.PROVE)
    if proof is None or proof.why.get("case") != case.pk:
        return redirect("site:switch", case.reference)
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and typed.has("again"):
        _send_again(request, proof, typed)
    elif request.method == "POST":
        if proofs.redeem(request, proof, typed.get("code")):
            return _proved(request, case, proof)
        typed.fail("code", _("This code does not fit. Please look again, or ask for a new one."))
    context = {
        **forms.context(typed),
        "address": proof.identity,
        "by_mail": proof.identity.scheme == EMAIL,
        "back": redirect("site:switch", case.reference).url,
        "strips": strips.take(request),
        "button": _("Go on %(by)s") % {"by": _by(proof)},
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)


def _by(proof: proofs.Pending) -> str:
    return str(KINDS[proof.why["kind"]].by)


def _send_again(request: HttpRequest, proof: proofs.Pending, typed: Typed) -> None:
    language = language_of(request)
    if proofs.send(request, proof.identity, proof.purpose, language=language, **proof.why):
        strips.say(request, _("We sent a new code."))
    else:
        typed.fail("code", _("We sent several codes already. Please use the newest one."))


def _proved(request: HttpRequest, case: Case, proof: proofs.Pending) -> HttpResponse:
    """The address belongs to this case now; to the customer only if that is who is signed in.

    A code adds an address to the case that it was asked for, and reveals no other (design.md 5).
    Who opened the case with this very address holds it already, unproved.
    """
    services.prove_by_answer(services.holders_in(case, proof.identity), Holder.How.CODE)
    customer = access.signed_in_customer(request)
    if customer is not None and customer == case.customer.top:
        services.hold(customer, proof.identity, how=Holder.How.CODE, proved=True)
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": proof.identity.pk}))
    done = record(
        request, case, proof.why["kind"], proof.identity, once=bool(proof.why.get("once"))
    )
    if done is None:
        strips.say(
            request, _("This way is not offered any more. Please choose another one."), tone="warn"
        )
        return redirect("site:switch", case.reference)
    return redirect("site:question", case.reference)


@button
def write_again(request: HttpRequest, reference: str) -> HttpResponse:
    """A fresh code to write with, for the kind that was asked for."""
    _viewer, case = case_for(request, reference)
    code = waiting.newest(case)
    wrong = waiting.invite(request, case, code.kind, once=code.once) if code else ""
    if wrong:
        strips.say(request, wrong, tone="warn")
    return redirect("site:question", case.reference)


@button
def write_off(request: HttpRequest, reference: str) -> HttpResponse:
    """Choose another way."""
    _viewer, case = case_for(request, reference)
    waiting.end(request, case)
    return redirect("site:switch", case.reference)


@button
def undo(request: HttpRequest, reference: str) -> HttpResponse:
    """Take the newest switch back."""
    _viewer, case = case_for(request, reference)
    pk = request.POST.get("choice", "")
    choice = case.choices.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    back = switching.undo(case=case, choice=choice) if choice else None
    if back is None:
        strips.say(request, _("This cannot be undone any more."), tone="warn")
    else:
        strips.say(request, _("Undone: we answer %(by)s again.") % {"by": back.kind_info.by})
    return redirect("site:question", case.reference)


@button
def calls(request: HttpRequest, reference: str) -> HttpResponse:
    """Please call me, or do not call me, in this case."""
    _viewer, case = case_for(request, reference)
    allowed = request.POST.get("allowed") == "1"
    services.allow_calls(case=case, allowed=allowed)
    if allowed:
        strips.say(request, _("We may call you about this question."))
    else:
        strips.say(request, _("We will not call you about this question."))
    return redirect("site:question", case.reference)

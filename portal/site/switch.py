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
from portal.site import forms, proofs, strips, ways
from portal.site.buttons import button
from portal.site.carried import carry
from portal.site.forms import Typed, Wanted
from portal.site.question import case_for
from portal.site.start import language_of
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
    known = access.known_identities(viewer, case)
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
    if identity is None and kind.scheme:
        identity = Identity.of(kind.scheme, wanted.address)
        if kind.scheme == EMAIL and not _is_proved(request, identity):
            return _ask_code(request, case, identity, typed, kind=kind.name, once=once)
    done = record(request, case, kind.name, identity, wish=wanted.wish, once=once)
    if done is None:
        typed.fail("way", _("This way is not offered any more. Please choose another one."))
        return None
    return redirect("site:question", case.reference)


def _is_proved(request: HttpRequest, identity: Identity) -> bool:
    """Whether the customer of this browser proved that address before."""
    customer = access.signed_in_customer(request)
    proved = Holder.objects.proved().filter(customer=customer, identity=identity)
    return customer is not None and proved.exists()


def _ask_code(
    request: HttpRequest, case: Case, identity: Identity, typed: Typed, **why: Any
) -> HttpResponse | None:
    why["case"] = case.pk
    if proofs.send(request, identity, codes.PROVE, language=language_of(request), **why):
        return redirect("site:switch_code", case.reference)
    typed.fail(
        f"address_{EMAIL}",
        _("We sent several codes to this address already. Please use the newest, or wait an hour."),
    )
    return None


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
    if before is not None and choice.pk == before.pk:
        strips.say(request, _("Nothing changes: we answer that way already."), tone="brand")
        return choice
    by = choice.kind_info.by
    text = _("The next answer comes %(by)s.") if once else _("From now on we answer %(by)s.")
    undo = choice.pk if choice.replaces_id else None
    strips.say(request, text % {"by": by}, undo=undo, reference=case.reference)
    return choice


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest, reference: str) -> HttpResponse:
    """The six boxes: the new address is the customer's own, and the case goes on there."""
    _viewer, case = case_for(request, reference)
    waiting = proofs.pending(request, codes.PROVE)
    if waiting is None or waiting.why.get("case") != case.pk:
        return redirect("site:switch", case.reference)
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and typed.has("again"):
        _send_again(request, waiting, typed)
    elif request.method == "POST":
        if proofs.redeem(request, waiting, typed.get("code")):
            return _proved(request, case, waiting)
        typed.fail("code", _("This code does not fit. Please look again, or ask for a new one."))
    context = {
        **forms.context(typed),
        "address": waiting.identity,
        "back": redirect("site:switch", case.reference).url,
        "strips": strips.take(request),
        "button": _("Go on %(by)s") % {"by": _by(waiting)},
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)


def _by(waiting: proofs.Pending) -> str:
    return str(KINDS[waiting.why["kind"]].by)


def _send_again(request: HttpRequest, waiting: proofs.Pending, typed: Typed) -> None:
    language = language_of(request)
    if proofs.send(request, waiting.identity, waiting.purpose, language=language, **waiting.why):
        strips.say(request, _("We sent a new code."))
    else:
        typed.fail("code", _("We sent several codes already. Please use the newest one."))


def _proved(request: HttpRequest, case: Case, waiting: proofs.Pending) -> HttpResponse:
    """The address belongs to this case now; to the customer only if that is who is signed in.

    A code adds an address to the case that it was asked for, and reveals no other (design.md 5).
    """
    customer = access.signed_in_customer(request)
    if customer is not None and customer == case.customer.top:
        services.hold(customer, waiting.identity, how=Holder.How.CODE, proved=True)
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": waiting.identity.pk}))
    done = record(
        request, case, waiting.why["kind"], waiting.identity, once=bool(waiting.why.get("once"))
    )
    if done is None:
        strips.say(
            request, _("This way is not offered any more. Please choose another one."), tone="warn"
        )
        return redirect("site:switch", case.reference)
    return redirect("site:question", case.reference)


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

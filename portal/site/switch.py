"""Go on another way: the whole story goes along."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import fallback, switching
from channels_app.models import Delivery
from contacts import codes, holding, services
from contacts.addresses import InvalidAddress
from contacts.kinds import CHAT, EMAIL, KINDS, PHONE
from contacts.models import Case, Choice, Event, Holder, Identity
from contacts.viewers import Viewer
from portal import access
from portal.context import site_of
from portal.site import forms, proofs, second, strips, waiting, ways
from portal.site.buttons import button
from portal.site.carried import carry
from portal.site.forms import Typed, Wanted
from portal.site.known import Known
from portal.site.language import language_of
from portal.site.question import case_for
from portal.site.second import Second
from portal.site.ways import Way

SWITCHES_PER_HOUR = 30  # in one case


@dataclass(frozen=True)
class Panel:
    """What its viewer can choose in a case: known addresses `first`, then the `rest`."""

    viewer: Viewer
    case: Case
    known: Sequence[Identity]
    first: list[Way]
    rest: list[Way]

    @classmethod
    def of(cls, request: HttpRequest, viewer: Viewer, case: Case) -> "Panel":
        """As it is now."""
        known, now = Known.to(viewer, case), timezone.now()
        masked = not access.owns(viewer, case)
        lists = ways.for_case(site_of(request).board, case, known, now=now, masked=masked)
        return cls(viewer, case, known.identities, *lists)

    @property
    def rows(self) -> list[Way]:
        """All of them."""
        return self.first + self.rest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the rows, or go on by the chosen one."""
    panel = Panel.of(request, *case_for(request, reference))
    if request.method != "POST":
        _mark(panel.rows, request.GET.get("way", ""))
        return _page(request, panel, Typed())
    typed = Typed(request.POST)
    wanted = forms.way_of(typed, panel.rows)
    if wanted is not None and not _may_switch(panel.case):
        typed.fail("limit", _("You changed this many times. Please wait a while, or call us."))
    if wanted is None or typed.errors:
        return _page(request, panel, typed, status=422)
    answer = _go_on(request, panel.case, wanted, typed)
    return answer or _page(request, panel, typed, status=422)


def stale(request: HttpRequest, reference: str, notice: str) -> HttpResponse:
    """The rows with what was typed, after a form that had grown stale."""
    panel = Panel.of(request, *case_for(request, reference))
    strips.say(request, notice, tone="warn")
    return _page(request, panel, Typed(request.POST), status=403)


def _may_switch(case: Case) -> bool:
    return access.allow(f"switch:{case.pk}", times=SWITCHES_PER_HOUR, seconds=3600)


def _mark(rows: list[Way], kind: str) -> None:
    """Choose the row that a link of ours names."""
    row = next((way for way in rows if way.kind.name == kind), None)
    if row is not None:
        row.checked = True


def known_address(request: HttpRequest, viewer: Viewer, case: Case, kind: str) -> Identity | None:
    """The address of that kind that this viewer is offered first, and would need no code for."""
    first = Panel.of(request, viewer, case).first
    return next((way.identity for way in first if way.kind.name == kind and way.identity), None)


def _page(request: HttpRequest, panel: Panel, typed: Typed, *, status: int = 200) -> HttpResponse:
    case, first = panel.case, panel.first
    if request.method == "POST":
        ways.fill(panel.rows, typed)
    carried = carry(typed, panel.rows)
    if carried.notice:
        strips.say(request, carried.notice, tone="warn")
    choice = case.choice
    context: dict[str, Any] = {
        **forms.context(typed, once=typed.get("once")),
        "case": case,
        "carried": carried.fields,
        "groups": [ways.Group("", first)] * bool(first) + ways.groups(panel.rest),
        "kinds": [offer.kind for offer in site_of(request).board],
        "calls": _calls(request, case, panel.known),
        "second": second.standing(panel.viewer, case, panel.known),
        "first": choice.kind_info if choice else None,
        "strips": strips.take(request),
    }
    sheet = bool(getattr(request, "htmx", False))
    template = "site/_switch_sheet.html" if sheet else "site/switch.html"
    return render(request, template, context, status=status)


def _calls(request: HttpRequest, case: Case, known: Sequence[Identity]) -> str:
    """What can be said about calls in this case: "allow", "forbid", or nothing to say.

    Without a number that this viewer may be offered nobody could call: who wants that takes the row
    of the phone and types one.
    """
    choice = case.choice
    if choice is None or site_of(request).offer(PHONE) is None or choice.kind_info.rings:
        return ""
    if choice.calls_allowed:
        return "forbid"
    return "allow" if any(identity.scheme == PHONE for identity in known) else ""


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
    if kind.by_appointment:  # when is said next
        return redirect("site:appointment", case.reference, wanted.way.offer.channel.slug)
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
    before, home = case.choice, access.home_of(access.viewer_of(request), case)
    try:
        choice = switching.switch(case=home, kind=kind, identity=identity, wish=wish, once=once)
    except switching.CannotSwitch:
        return None
    waiting.end(request, case)
    if before is not None and choice.pk == before.pk:
        strips.say(request, _("Nothing changes: we answer that way already."), tone="brand")
        return choice
    undo = choice.pk if choice.replaces_id else None
    text = " ".join(filter(None, [waiting.said(choice.kind_info, once=once), _going(case)]))
    strips.say(request, text, undo=undo, reference=case.reference)
    return choice


def _going(case: Case) -> str:
    """That an answer is being sent, which no switch takes back; "" where none is."""
    sending = Delivery.objects.filter(
        message__case__in=case.family_ids(), status=Delivery.Status.SENDING
    )
    kind = sending.values_list("channel__kind", flat=True).first()
    if kind is None:
        return ""
    text = _("One answer is on its way %(by)s at this moment, and still comes there.")
    return text % {"by": KINDS[kind].by}


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
        typed.fail("code", proofs.refused(request, proof))
    context = {
        **forms.context(typed),
        "address": proof.identity,
        "by_mail": proof.identity.scheme == EMAIL,
        "back": redirect("site:switch", case.reference).url,
        "strips": strips.take(request),
        "button": _("Confirm this address")
        if proof.why.get("second")
        else _("Go on %(by)s") % {"by": _by(proof)},
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)


def _by(proof: proofs.Pending) -> str:
    return str(KINDS[proof.why["kind"]].by)


def _send_again(request: HttpRequest, proof: proofs.Pending, typed: Typed) -> None:
    language = language_of(request)
    if proofs.send(request, proof.identity, proof.purpose, language=language, **proof.why):
        strips.say(request, _("We sent a new code."))
    else:
        typed.fail("code", proofs.enough())


def _proved(request: HttpRequest, case: Case, proof: proofs.Pending) -> HttpResponse:
    """The address belongs to this case now; to the customer only if that is who is signed in.

    A code adds an address to the case that it was asked for, and reveals no other (design.md 5).
    Who opened the case with this very address holds it already, unproved.
    """
    holding.prove_by_answer(holding.holders_in(case, proof.identity), Holder.How.CODE)
    customer = access.signed_in_as(request)
    if customer is not None and customer.top == case.customer.top:
        holding.hold(customer, proof.identity, how=Holder.How.CODE, proved=True)
    home = access.home_of(access.viewer_of(request), case)
    home.append(Event(sort=Event.Sort.PROVED, data={"identity": proof.identity.pk}))
    if proof.why.get("second"):
        return _approved(request, case, Second(KINDS[proof.why["kind"]], proof.identity))
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
    viewer, case = case_for(request, reference)
    allowed = request.POST.get("allowed") == "1"
    if allowed and not _calls(request, case, access.known_identities(viewer, case)):
        strips.say(request, _("To be called choose the phone, with your number."), tone="warn")
        return redirect("site:switch", case.reference)
    services.allow_calls(case=case, allowed=allowed)
    if allowed:
        strips.say(request, _("We may call you about this question."))
    else:
        strips.say(request, _("We will not call you about this question."))
    return redirect("site:question", case.reference)


@button
def approve(request: HttpRequest, reference: str) -> HttpResponse:
    """Approve a second way for this case; without one: none."""
    viewer, case = case_for(request, reference)
    if "address_email" in request.POST:
        return _follow_by_mail(request, case, Typed(request.POST))
    value = request.POST.get("second", "")
    wanted = next(
        (way for way in second.of_case(request, viewer, case) if way.value == value), None
    )
    if value and wanted is None:
        text = _("This way is not offered any more. Please choose another one.")
        strips.say(request, text, tone="warn")
    elif not _may_switch(case):
        text = _("You changed this many times. Please wait a while, or call us.")
        strips.say(request, text, tone="warn")
    elif wanted is None:
        fallback.approve(case=case, kind="")
        text = _("Good: what does not reach you waits for you on this page.")
        strips.say(request, text, tone="brand")
    else:
        return _approved(request, case, wanted)
    return redirect("site:question", case.reference)


def _approved(request: HttpRequest, case: Case, way: Second) -> HttpResponse:
    """It is the second way from now on."""
    fallback.approve(case=case, kind=way.kind.name, identity=way.identity)
    if case.answer_kind == CHAT:
        text = _("When you are away, our answer follows %(by)s.")
    else:
        text = _("Where the first way does not work, we answer %(by)s from now on.")
    strips.say(request, text % {"by": way.line})
    return redirect("site:question", case.reference)


def _follow_by_mail(request: HttpRequest, case: Case, typed: Typed) -> HttpResponse:
    """An address for the second way that was typed: six digits show that it is theirs."""
    back = redirect("site:question", case.reference)
    try:
        identity = Identity.of(EMAIL, typed.get("address_email"))
    except InvalidAddress:
        wrong = _("%(address)s is no e-mail address.") % {"address": typed.get("address_email", 80)}
    else:
        if proofs.is_own(request, identity):
            return _approved(request, case, Second(KINDS[EMAIL], identity))
        wrong = waiting.ask_code(request, case, identity, kind=EMAIL, is_second=True)
    if wrong:
        strips.say(request, wrong, tone="bad")
    return back

"""Send me a copy: all that was said, by e-mail, to an address that is theirs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import copies
from contacts import codes
from contacts.addresses import InvalidAddress, mailbox, normalise
from contacts.kinds import EMAIL
from contacts.models import Case, Identity
from portal import access
from portal.site import forms, proofs, strips
from portal.site.forms import Typed
from portal.site.known import Known
from portal.site.language import language_of
from portal.site.question import case_for

A_DAY, PER_CLIENT_AN_HOUR = 5, 10  # of one case, and to one mailbox; from one connection
FOR = "copy_of"  # what six digits are for


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send_copy(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask where to; to a proved address it goes at once, to another after its six digits."""
    viewer, case = case_for(request, reference)
    known = Known.to(viewer, case)
    own = [i for i in known.identities if i.scheme == EMAIL and i.pk in known.sure]
    own = [identity for identity in own if identity.is_usable_by(EMAIL)]
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not case.is_sensitive:
        to = next((i for i in own if str(i.pk) == typed.get("to")), None) or _typed(typed)
        if to is not None and (to in own or proofs.is_own(request, to)):
            if _send(request, case, to, typed):
                return redirect("site:question", case.reference)
        elif to is not None and _ask_code(request, case, to, typed):
            return redirect("site:copy_code", case.reference)
    context = {
        **forms.context(typed, "email"),
        "case": case,
        "known": own,
        "strips": strips.take(request),
    }
    return render(request, "site/send_copy.html", context, status=422 if typed.errors else 200)


def _typed(typed: Typed) -> Identity | None:
    try:
        return Identity.of(EMAIL, normalise(EMAIL, typed.get("email")))
    except InvalidAddress as error:
        typed.fail("email", error)
        return None


def _send(request: HttpRequest, case: Case, to: Identity, typed: Typed) -> bool:
    """Send it, with a line that says so; False with the errors in `typed`."""
    target = codes.digest("limit", mailbox(EMAIL, to.value))
    free = (
        access.allow(
            f"copy:{access.client_address(request)}", times=PER_CLIENT_AN_HOUR, seconds=3600
        ),
        access.allow(f"copy:{case.pk}", times=A_DAY, seconds=86400),
        access.allow(f"copy:{target}", times=A_DAY, seconds=86400),
    )
    if not all(free):
        typed.fail("email", _("We sent several copies today already. Please look in your mailbox."))
        return False
    try:
        sent = copies.send(case=case, identity=to, language=language_of(request))
    except copies.Private:
        sent = None
    if sent is None:
        typed.fail("email", _("We cannot e-mail a copy. Please print the page."))
        return False
    strips.say(request, _("A copy is on its way to %(address)s.") % {"address": to.masked})
    return True


def _ask_code(request: HttpRequest, case: Case, to: Identity, typed: Typed) -> bool:
    """Nobody gets what was said who only had their address typed here."""
    if proofs.send(request, to, codes.PROVE, language=language_of(request), **{FOR: case.pk}):
        return True
    typed.fail("email", proofs.enough())
    return False


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest, reference: str) -> HttpResponse:
    """The six boxes: the address is theirs, and the copy goes."""
    _viewer, case = case_for(request, reference)
    proof = proofs.pending(request, codes.PROVE)
    if proof is None or proof.why.get(FOR) != case.pk:
        return redirect("site:copy", case.reference)
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and typed.has("again"):
        if _ask_code(request, case, proof.identity, typed):
            strips.say(request, _("We sent a new code."))
    elif request.method == "POST":
        if proofs.redeem(request, proof, typed.get("code")):
            if not _send(request, case, proof.identity, typed):
                strips.say(request, typed.problems[0].text, tone="warn")
            return redirect("site:question", case.reference)
        typed.fail("code", proofs.refused(request, proof))
    context = {
        **forms.context(typed),
        "address": proof.identity,
        "by_mail": True,
        "back": redirect("site:copy", case.reference).url,
        "strips": strips.take(request),
        "button": _("Send me the copy"),
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)

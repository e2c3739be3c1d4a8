"""Sign in by a one-time code: the same answer and the same work for known and unknown."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from contacts import codes, holding
from contacts.addresses import InvalidAddress
from contacts.kinds import EMAIL
from contacts.models import Code, Customer, Holder, Identity
from portal import access
from portal.site import devices, forms, proofs, strips
from portal.site.buttons import button
from portal.site.forms import Typed
from portal.site.language import language_of

PAPER_TRIES_PER_HOUR = 20  # by one client address


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for an address and send a code to it, whoever it belongs to."""
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and _ask(request, typed):
        return redirect("site:sign_in_code")
    return _page(request, typed)


def _page(request: HttpRequest, typed: Typed, *, about: str = "email") -> HttpResponse:
    context = {
        **forms.context(typed, "email", "paper"),
        "strips": strips.take(request),
        "paper_open": about == "paper",
    }
    return render(request, "site/sign_in.html", context, status=422 if typed.errors else 200)


def _ask(request: HttpRequest, typed: Typed) -> bool:
    try:
        identity = Identity.of(EMAIL, typed.get("email"))
    except InvalidAddress as error:
        typed.fail("email", error)
        return False
    if proofs.send(request, identity, codes.SIGN_IN, language=language_of(request)):
        return True
    typed.fail("email", proofs.enough())
    return False


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The six boxes."""
    waiting = proofs.pending(request, codes.SIGN_IN)
    if waiting is None:
        return redirect("site:sign_in")
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and typed.has("again"):
        if proofs.send(request, waiting.identity, codes.SIGN_IN, language=language_of(request)):
            strips.say(request, _("We sent a new code."))
        else:
            typed.fail("code", proofs.enough())
    elif request.method == "POST":
        if proofs.redeem(request, waiting, typed.get("code")):
            customer = customer_of(waiting.identity, language_of(request))
            if customer is None:
                strips.say(request, _shared(), tone="warn")
                return redirect("site:sign_in")
            access.sign_in(request, customer)
            return redirect("site:questions")
        typed.fail("code", proofs.refused(request, waiting))
    context = {
        **forms.context(typed),
        "address": waiting.identity,
        "by_mail": waiting.identity.scheme == EMAIL,
        "back": reverse("site:sign_in"),
        "button": _("Sign in"),
        "strips": strips.take(request),
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)


def _shared() -> str:
    return _(
        "Several people use this address, so it does not tell us who you are. Open your question"
        " with the link in our message, or sign in with an address of your own."
    )


def customer_of(identity: Identity, language: str) -> Customer | None:
    """The customer whose address was just proved; a new one where nobody is known by it.

    None where several are: nobody is shown what the others of the house asked.
    """
    known = holding.holders_of(identity)
    if len(known) > 1:
        return None
    customer = known[0] if known else Customer.objects.create(language=language)
    holding.hold(customer, identity, how=Holder.How.CODE, proved=True)
    return customer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest) -> HttpResponse:
    """A code from a letter, or one that was read out on the phone: opens that one case."""
    if request.method != "POST":
        return _page(request, Typed(), about="paper")
    typed = Typed(request.POST)
    key = f"paper:{access.client_address(request)}"
    if not access.allow(key, times=PAPER_TRIES_PER_HOUR, seconds=3600):
        typed.fail("paper", _("You tried many codes. Please wait an hour, or call us."))
        return _page(request, typed, about="paper")
    found = Code.objects.find(codes.JOIN, typed.get("paper"))
    if found is None or not found.is_on_paper or found.case is None or not found.redeem():
        text = _(
            "This code does not fit, was used before, or is too old. Please look again, get in with"
            " your e-mail address, or call us."
        )
        typed.fail("paper", text)
        return _page(request, typed, about="paper")
    access.grant_case(request, found.case)
    return redirect("site:question", found.case.stem.reference)


@button
def sign_out(request: HttpRequest) -> HttpResponse:
    """Forget everything in this browser."""
    devices.forget(request)
    access.sign_out(request)
    strips.say(request, _("You are signed out. This browser no longer shows your questions."))
    return redirect("site:start")

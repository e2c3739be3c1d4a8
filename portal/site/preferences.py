"""My preferences: language, how welcome each way is, the usual one, and one's addresses."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import dispatch, promises
from contacts import codes, services
from contacts.addresses import InvalidAddress
from contacts.kinds import EMAIL, PHONE, Kind
from contacts.models import Consent, Customer, Holder, Identity
from portal import access
from portal.context import site_of
from portal.site import forms, proofs, strips
from portal.site.buttons import button
from portal.site.forms import Typed
from portal.site.language import language_of, remember

LEVELS = {
    Consent.Level.GLADLY: gettext_lazy("Gladly"),
    Consent.Level.ON_REQUEST: gettext_lazy("Only if I ask"),
    Consent.Level.NEVER: gettext_lazy("Never"),
}


QUIET = ("account", promises.MEETING)  # there nobody is reached: the customer comes


@dataclass(frozen=True)
class Welcome:
    """How welcome one kind is to a customer."""

    kind: Kind
    title: str
    level: str

    @property
    def levels(self) -> list[tuple[str, str, bool]]:
        """What can be chosen: value, words, chosen."""
        return [(value, str(words), value == self.level) for value, words in LEVELS.items()]


def _people(customer: Customer) -> list[int]:
    return [customer.pk, *customer.family.values_list("pk", flat=True)]


def welcomes(request: HttpRequest, customer: Customer) -> list[Welcome]:
    """Each offered kind with the customer's newest word on it. One truth: Consent for service."""
    rows = Consent.objects.filter(
        customer__in=_people(customer), purpose=Consent.Purpose.SERVICE
    ).order_by("pk")
    newest = {row.kind: row.level for row in rows}
    return [
        Welcome(offer.kind, offer.title, newest.get(offer.kind.name, Consent.Level.GLADLY))
        for offer in site_of(request).board
        if offer.kind.name not in QUIET
    ]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show what we know, or store what was changed."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return redirect("site:sign_in")
    if request.method == "POST":
        return _store(request, customer, Typed(request.POST))
    return _page(request, customer, Typed())


def _page(request: HttpRequest, customer: Customer, typed: Typed) -> HttpResponse:
    holders = Holder.objects.current().filter(customer__in=_people(customer))
    site = site_of(request)
    context = {
        **forms.context(typed, "address"),
        "customer": customer,
        "welcomes": welcomes(request, customer),
        "usual": [(offer.kind, offer.title) for offer in site.board],
        "holders": holders.select_related("identity").order_by("identity__scheme", "pk"),
        "provable": {offer.kind.scheme for offer in site.board if offer.takes_codes} | {EMAIL},
        "languages": settings.LANGUAGES if not site.languages else site.languages,
        "strips": strips.take(request),
    }
    return render(request, "site/preferences.html", context, status=422 if typed.errors else 200)


def _store(request: HttpRequest, customer: Customer, typed: Typed) -> HttpResponse:
    for welcome in welcomes(request, customer):
        level = typed.get(f"level_{welcome.kind.name}")
        if level in LEVELS and level != welcome.level:
            Consent.objects.create(customer=customer, kind=welcome.kind.name, level=level)
    offered = {offer.kind.name for offer in site_of(request).board}
    usual = typed.get("usual")
    customer.preferred_kind = usual if usual in offered else ""
    if typed.get("language") in dict(settings.LANGUAGES):
        customer.language = typed.get("language")
    customer.save(update_fields=["preferred_kind", "language"])
    response = redirect("site:preferences")
    remember(response, customer.language)
    strips.say(request, _("Your preferences are saved."))
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add_address(request: HttpRequest) -> HttpResponse:
    """A new address: with a code; a number as it is where no channel brings one."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return redirect("site:sign_in")
    if (
        request.method != "POST"
    ):  # the page with errors stands here: reloaded, or in another language
        return redirect("site:preferences")
    typed = Typed(request.POST)
    value = typed.get("address")
    scheme = EMAIL if "@" in value else PHONE
    try:
        if scheme == PHONE and not any(character.isdigit() for character in value):
            raise InvalidAddress(_("Please write an e-mail address or a phone number."))
        identity = Identity.of(scheme, value)
    except InvalidAddress as error:
        typed.fail("address", error)
        return _page(request, customer, typed)
    if dispatch.code_channel(site_of(request).organisation, identity) is None and scheme == PHONE:
        services.hold(customer, identity, how=Holder.How.TYPED)
        strips.say(request, _("%(address)s is added.") % {"address": identity})
        return redirect("site:preferences")
    if not proofs.send(request, identity, codes.PROVE, language=language_of(request), own=True):
        typed.fail(
            "address", _("We sent several codes to this address already. Please wait an hour.")
        )
        return _page(request, customer, typed)
    return redirect("site:prove")


@button
def prove_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a code to an address that is on the list already."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return redirect("site:sign_in")
    holder = _own(customer, pk)
    language = language_of(request)
    brought = dispatch.code_channel(site_of(request).organisation, holder.identity) is not None
    if brought and proofs.send(request, holder.identity, codes.PROVE, language=language, own=True):
        return redirect("site:prove")
    strips.say(request, _("We cannot send a code to this address now."), tone="warn")
    return redirect("site:preferences")


@button
def remove_address(request: HttpRequest, pk: int) -> HttpResponse:
    """The address is no longer theirs; the one that they signed in with last stays."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return redirect("site:sign_in")
    holder = _own(customer, pk)
    proved = Holder.objects.proved().filter(customer__in=_people(customer))
    if holder.proved_at and proved.exclude(pk=holder.pk).count() == 0:
        strips.say(
            request, _("This is your only confirmed address: add another one first."), tone="warn"
        )
    else:
        holder.ended_at = timezone.now()
        holder.save(update_fields=["ended_at"])
        strips.say(request, _("%(address)s is removed.") % {"address": holder.identity})
    return redirect("site:preferences")


def _own(customer: Customer, pk: int) -> Holder:
    """A holder of this very customer; Http404 for anybody else's."""
    holders = Holder.objects.current().filter(customer__in=_people(customer))
    return get_object_or_404(holders.select_related("identity"), pk=pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """The six boxes for an address of one's own."""
    customer = access.signed_in_customer(request)
    waiting = proofs.pending(request, codes.PROVE)
    if customer is None or waiting is None or not waiting.why.get("own"):
        return redirect("site:preferences")
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and typed.has("again"):
        language = language_of(request)
        if proofs.send(request, waiting.identity, codes.PROVE, language=language, own=True):
            strips.say(request, _("We sent a new code."))
        else:
            typed.fail("code", _("We sent several codes already. Please use the newest one."))
    elif request.method == "POST":
        if proofs.redeem(request, waiting, typed.get("code")):
            services.hold(customer, waiting.identity, how=Holder.How.CODE, proved=True)
            strips.say(request, _("%(address)s is confirmed.") % {"address": waiting.identity})
            return redirect("site:preferences")
        typed.fail("code", _("This code does not fit. Please look again, or ask for a new one."))
    context = {
        **forms.context(typed),
        "address": waiting.identity,
        "by_mail": waiting.identity.scheme == EMAIL,
        "back": reverse("site:preferences"),
        "button": _("Confirm this address"),
        "strips": strips.take(request),
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)

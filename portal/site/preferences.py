"""My preferences: language, how welcome each way is, the usual one, and one's addresses."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import dispatch, moving, promises
from contacts import codes, holding, one_person
from contacts.addresses import InvalidAddress
from contacts.kinds import EMAIL, PHONE, Kind
from contacts.models import Consent, Customer, Holder, Identity
from portal import access
from portal.context import site_of
from portal.site import forms, proofs, second, strips
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


def welcomes(request: HttpRequest, customer: Customer) -> list[Welcome]:
    """Each offered kind with the customer's newest word on it. One truth: Consent for service."""
    words = {kind: row.level for kind, row in one_person.consents(customer).items()}
    return [
        Welcome(offer.kind, offer.title, words.get(offer.kind.name, Consent.Level.GLADLY))
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
    holders, site = _held(customer), site_of(request)
    rows = welcomes(request, customer)
    context = {
        **forms.context(typed, "address"),
        "customer": customer,
        "welcomes": rows,
        "seconds": second.of_customer(request, customer, holders, _never(rows)),
        "approved": second.value_of(customer),
        "usual": _usual(request),
        "holders": holders,
        "provable": {offer.kind.scheme for offer in site.board if offer.takes_codes} | {EMAIL},
        "ages": Customer.AgeBand.choices if site.organisation.uses_age_band else [],
        "languages": settings.LANGUAGES if not site.languages else site.languages,
        "strips": strips.take(request),
    }
    return render(request, "site/preferences.html", context, status=422 if typed.errors else 200)


def _usual(request: HttpRequest) -> list[Kind]:
    """What can be the usual way: by appointment a time has to be agreed on each time."""
    board = site_of(request).board
    return [offer.kind for offer in board if not offer.kind.by_appointment]


def _held(customer: Customer) -> list[Holder]:
    people = Customer.objects.family({customer.pk})
    rows = Holder.objects.current().filter(customer__in=people)
    return list(rows.select_related("identity").order_by("identity__scheme", "pk"))


def _never(rows: Iterable[Welcome]) -> set[str]:
    return {row.kind.name for row in rows if row.level == Consent.Level.NEVER}


def _store(request: HttpRequest, customer: Customer, typed: Typed) -> HttpResponse:
    own = access.signed_in_as(request) or customer
    for welcome in welcomes(request, customer):
        level = typed.get(f"level_{welcome.kind.name}")
        if level in LEVELS and level != welcome.level:
            Consent.objects.create(customer=own, kind=welcome.kind.name, level=level)
    offered = {kind.name for kind in _usual(request)}
    usual = typed.get("usual")
    customer.preferred_kind = usual if usual in offered else ""
    missing = _store_second(request, customer, typed)
    if typed.get("language") in dict(settings.LANGUAGES):
        customer.language = typed.get("language")
    customer.save(
        update_fields=["preferred_kind", "fallback_kind", "fallback_identity", "language"]
    )
    response = redirect("site:preferences")
    remember(response, customer.language)
    strips.say(request, _("Your preferences are saved."))
    if missing:
        strips.say(request, missing, tone="warn")
    return response


def _store_second(request: HttpRequest, customer: Customer, typed: Typed) -> str:
    """Take over the second way; what is wrong with it, in a sentence."""
    customer.fallback_kind, customer.fallback_identity = "", None
    value = typed.get("second")
    never = _never(welcomes(request, customer)) if value else ()  # as it is from now on
    ways = second.of_customer(request, customer, _held(customer), never) if value else []
    way = next((way for way in ways if way.value == value), None)
    if way is not None and way.kind.name == customer.preferred_kind:
        return _("Your second way is the same as your usual one: please choose another one.")
    if way is None:
        return _("You never want that second way: please choose another one.") if value else ""
    customer.fallback_kind, customer.fallback_identity = way.kind.name, way.identity
    return ""


@button
def age(request: HttpRequest) -> HttpResponse:
    """Tell one's age group, or take it back; nobody is asked where it is not used."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return redirect("site:sign_in")
    told = Typed(request.POST).get("age_band")
    age_band = told if told in Customer.AgeBand.values else ""
    if Customer.objects.filter(pk=customer.pk).tell_age_band(age_band):
        words = _("Your age group is saved.") if age_band else _("Your age group is removed.")
        strips.say(request, words)
    return redirect("site:preferences")


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
        holding.hold(access.signed_in_as(request) or customer, identity, how=Holder.How.TYPED)
        strips.say(request, _("%(address)s is added.") % {"address": identity})
        return redirect("site:preferences")
    if not proofs.send(request, identity, codes.PROVE, language=language_of(request), own=True):
        typed.fail("address", proofs.enough())
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
    people = Customer.objects.family({customer.pk})
    proved = Holder.objects.proved().filter(customer__in=people)
    if holder.proved_at and proved.exclude(pk=holder.pk).count() == 0:
        strips.say(
            request, _("This is your only confirmed address: add another one first."), tone="warn"
        )
    else:
        moving.end(customer, holder.identity, by=None)
        ways = Customer.objects.filter(pk=customer.pk, fallback_identity=holder.identity_id)
        ways.update(fallback_kind="", fallback_identity=None)
        strips.say(request, _("%(address)s is removed.") % {"address": holder.identity})
    return redirect("site:preferences")


def _own(customer: Customer, pk: int) -> Holder:
    """A holder of this very customer; Http404 for anybody else's."""
    people = Customer.objects.family({customer.pk})
    holders = Holder.objects.current().filter(customer__in=people)
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
            typed.fail("code", proofs.enough())
    elif request.method == "POST":
        if proofs.redeem(request, waiting, typed.get("code")):
            own = access.signed_in_as(request) or customer
            holding.hold(own, waiting.identity, how=Holder.How.CODE, proved=True)
            strips.say(request, _("%(address)s is confirmed.") % {"address": waiting.identity})
            return redirect("site:preferences")
        typed.fail("code", proofs.refused(request, waiting))
    context = {
        **forms.context(typed),
        "address": waiting.identity,
        "by_mail": waiting.identity.scheme == EMAIL,
        "back": reverse("site:preferences"),
        "button": _("Confirm this address"),
        "strips": strips.take(request),
    }
    return render(request, "site/code.html", context, status=422 if typed.errors else 200)

"""One click makes the visitor of the demo a customer, an agent or the administrator."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import auth
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from contacts.kinds import EMAIL
from contacts.models import Customer, Holder, User
from portal import access
from portal.simulator import telephones
from portal.simulator.cast import COLLEAGUES, PEOPLE, ROLES

BACKEND = "portal.access.StaffBackend"
COOKIE_AGE = 365 * 24 * 3600


@dataclass(frozen=True)
class Role:
    """A button of the demo page."""

    slug: str
    name: str
    is_current: bool
    is_administrator: bool = False


def customers(request: HttpRequest) -> list[Role]:
    """The customers that can be played; those that are not loaded are left out."""
    current = access.signed_in_customer(request)
    found = {slug: customer_of(slug) for slug in ROLES}
    return [
        Role(slug, PEOPLE[slug].name.split()[0], customer == current)
        for slug, customer in found.items()
        if customer is not None
    ]


def staff(request: HttpRequest) -> list[Role]:
    """The colleagues that can be played."""
    names = [colleague.username for colleague in COLLEAGUES]
    users = {u.username: u for u in User.objects.filter(username__in=names, is_demo=True)}
    return [
        Role(name, users[name].first_name, users[name] == request.user, users[name].is_superuser)
        for name in names
        if name in users
    ]


def customer_of(slug: str) -> Customer | None:
    """The row of a customer of the demo, found by the e-mail address."""
    holder = (
        Holder.objects.current()
        .filter(identity__scheme=EMAIL, identity__value=PEOPLE[slug].email)
        .select_related("customer__root")
        .order_by("pk")
        .first()
    )
    return holder.customer.top if holder else None


@require_POST
def be_customer(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign in as a customer of the demo; "new" is somebody who was never here."""
    access.sign_out(request)
    if slug != "new":
        customer = customer_of(slug) if slug in ROLES else None
        if customer is None:
            raise Http404
        access.sign_in(request, customer)
    response = redirect("demo:page")
    response.delete_cookie(telephones.COOKIE)  # the telephone in the pocket is this one's
    return response


@require_POST
def be_staff(request: HttpRequest, username: str) -> HttpResponse:
    """Sign in as a colleague of the demo, and of the demo only, without a password."""
    user = User.objects.filter(username=username, is_demo=True, is_active=True).first()
    if user is None:
        raise Http404
    user.language = get_language() or user.language  # the desk speaks as the demo page does
    user.save(update_fields=["language"])
    before = request.META.get("CSRF_COOKIE")
    auth.login(request, user, backend=BACKEND)
    if before:
        # The customer's frame has open forms; a new secret would make them stale.
        request.META["CSRF_COOKIE"] = before
    return redirect("demo:page")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """The whole demo in another language: this page, the customer's pages and the desk."""
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        raise Http404
    if isinstance(request.user, User) and request.user.is_demo:
        request.user.language = code
        request.user.save(update_fields=["language"])
    response = redirect("demo:page")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=COOKIE_AGE,
        samesite="Lax",
        secure=settings.HTTPS,
    )
    return response

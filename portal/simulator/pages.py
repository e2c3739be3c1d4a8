"""The demo page: the customer's browser, the agents' desk and the customer's pocket as one."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from contacts.models import Organisation
from portal import access
from portal.simulator import cast, pocket, roles, storefront, telephones, tour
from portal.simulator.maildir import Maildir


def _tour(request: HttpRequest) -> dict[str, Any]:
    """The steps, the one that is next, and a mark that changes with them."""
    case = tour.case_of(request)
    steps = tour.steps(case)
    done = [step.name for step in steps if step.done]
    text = ",".join([*done, case.reference if case else ""])
    return {
        "steps": steps,
        "next": next((step for step in steps if not step.done), None),
        "done_count": len(done),
        "tour_case": case,
        "tour_version": hashlib.sha256(text.encode()).hexdigest()[:12],
        "unread": Maildir().unread() + telephones.unread(),
    }


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Three frames, the roles above them, and the tour."""
    desk = access.staff_viewer(request.user).is_staff
    customer = access.signed_in_customer(request)
    context = {
        **_tour(request),
        "organisation": Organisation.current(),
        "customers": roles.customers(request),
        "staff": roles.staff(request),
        "is_staff": desk,
        "customer": customer,
        "customer_src": "/questions/" if customer else "/",
        "password": cast.PASSWORD,
        "storefront": storefront.origin(),
        "pocket_version": pocket.version(),
    }
    response = render(request, "demo/page.html", context)
    if tour.began(request) is None:
        tour.begin(response)
    return response


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """204 while the tour stands where it stood; else its steps. Asked by the visible tab."""
    context = _tour(request)
    unread = str(context["unread"])
    if request.GET.get("version") == context["tour_version"]:
        response = HttpResponse(status=204)
    else:
        response = render(request, "demo/_tour.html", context)
        response["X-Version"] = context["tour_version"]
    response["X-Unread"] = unread
    return response

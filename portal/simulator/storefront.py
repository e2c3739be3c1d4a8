"""A shop's own site with the widget on it. It is this machine by its other name: to a browser
`localhost` and `127.0.0.1` are two sites, as a shop's and its help desk's are.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from contacts.models import Organisation
from portal.simulator import accounts


@dataclass(frozen=True)
class Ware:
    """Something in the shop, and the topic of a question about it."""

    slug: str
    name: str | Promise
    line: str | Promise
    price: str | Promise
    topic: str = "in-stock"


WARES = (
    Ware("city-bicycle", _("Blue city bicycle"), _("Seven gears, lights and a lock."), _("€649")),
    Ware(
        "small-van",
        _("Electric van, used"),
        _("Room for four crates and a dog."),
        _("€14,950"),
        "test-drive",
    ),
    Ware(
        "tune-up", _("Spring check"), _("Brakes, chain and tyres in an hour."), _("€59"), "repair"
    ),
)


def origin() -> str:
    """Where the shop's own site is; "" where this machine has no other name."""
    return accounts.other_site(settings.PUBLIC_URL)


def policy() -> str:
    """The strictest that lets the widget work, and this page have its own style."""
    ours = settings.PUBLIC_URL
    return f"default-src 'none'; style-src 'self'; script-src {ours}; frame-src {ours}"


@require_safe
def page(request: HttpRequest, language: str, slug: str = "") -> HttpResponse:
    """The shop window, or one thing in it; only under the shop's own name."""
    there = origin()
    ware = next((ware for ware in WARES if ware.slug == slug), None)
    if not there or language not in dict(settings.LANGUAGES) or (slug and ware is None):
        raise Http404
    if request.get_host() != urlsplit(there).netloc:
        return redirect(there + request.path)
    _move(there)
    context = {"wares": WARES, "ware": ware, "language": language, "help": settings.PUBLIC_URL}
    with translation.override(language):
        response = render(request, "demo/storefront.html", context)
    response["Content-Security-Policy"] = policy()
    return response


def _move(there: str) -> None:
    """The demo runs on another port than last time: the shop's site may go on as it might."""
    name, row = urlsplit(there).hostname, Organisation.current()
    moved = [there if urlsplit(o).hostname == name else o for o in row.widget_origins]
    if row.pk is not None and moved != row.widget_origins:
        row.widget_origins = moved
        row.save(update_fields=["widget_origins"])

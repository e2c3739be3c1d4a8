"""Go on from another address: a code to send along, from wherever one writes."""

from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import joining
from channels_app.promises import Offer
from contacts import addresses, codes
from contacts.kinds import EMAIL, PHONE, Kind
from contacts.models import Case, Code
from portal.context import site_of
from portal.site import strips, waiting
from portal.site.question import case_for


@dataclass(frozen=True)
class Place:
    """Where the code can be sent: how its address reads, and a link with the text ready."""

    kind: Kind
    shown: str
    link: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def elsewhere(request: HttpRequest, reference: str) -> HttpResponse:
    """Say how it works, and show the code that lives; a POST makes a new one."""
    _viewer, case = case_for(request, reference)
    if request.method == "POST":
        if waiting.may_invite(case):
            joining.issue_for_any(case)
        else:
            strips.say(request, waiting.too_many(), tone="warn")
        return redirect("site:elsewhere", case.reference)
    code = joining.code_for_any(case)
    context = {
        "case": case,
        "code": code,
        "letters": codes.on_paper(code.plain) if code else "",
        "text": joining.ready_text(case, code) if code else "",
        "places": _places(site_of(request).board, case, code) if code else [],
        "strips": strips.take(request),
    }
    return render(request, "site/elsewhere.html", context)


def _places(board: list[Offer], case: Case, code: Code) -> list[Place]:
    """Every offered way that one can write by from an address of one's own."""
    text, found = joining.ready_text(case, code), []
    for offer in board:
        kind, channel = offer.kind, offer.channel
        if kind.scheme == EMAIL and channel.address:
            link = f"mailto:{quote(channel.address)}?subject={case.reference}&body={quote(text)}"
            found.append(Place(kind, channel.address, link))
        elif kind.scheme and (link := channel.adapter().link_to_write(text, code.plain)):
            number = kind.scheme == PHONE
            shown = addresses.display(PHONE, channel.address) if number else ""
            found.append(Place(kind, shown or _("Open %(name)s") % {"name": kind.label}, link))
    return found

"""A link to one case. Mail scanners follow links: opening shows a button, pressing it redeems."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from contacts import codes
from contacts.kinds import EMAIL
from contacts.models import Code
from portal import access
from portal.site import strips
from portal.site.keep import send_link

TRIES_PER_HOUR = 60  # by one client address


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def case_link(request: HttpRequest, code: str) -> HttpResponse:
    """Show a button; pressing it opens the case in this browser, or sends a new link."""
    value = code[:64]
    found = Code.objects.find(codes.CASE_LINK, value)
    if found is None or found.case is None:
        return _gone(request, value)
    if request.method != "POST":
        return render(request, "site/case_link.html", {"strips": strips.take(request)})
    if not found.redeem():
        return _gone(request, value)
    access.grant_case(request, found.case, found)
    return redirect("site:question", found.case.stem.reference)


def _gone(request: HttpRequest, value: str) -> HttpResponse:
    """Expired: offer a new one, to the address that had it. Anything else: other ways in."""
    key = f"gone:{access.client_address(request)}"
    old = None
    if access.allow(key, times=TRIES_PER_HOUR, seconds=3600):
        digest = codes.digest(codes.CASE_LINK, value)
        expired = Code.objects.filter(purpose=codes.CASE_LINK, digest=digest, revoked_at=None)
        old = expired.select_related("case", "identity").first()
    identity = old.identity if old and old.case else None
    can_renew = bool(identity and identity.scheme == EMAIL and identity.is_usable_by(EMAIL))
    if request.method == "POST" and can_renew and old and old.case and identity:
        if send_link(request, old.case, identity):
            strips.say(request, _("A new link is on its way to your mailbox."))
        else:
            strips.say(
                request,
                _("We sent a new link today already. Please look in your mailbox."),
                tone="warn",
            )
        return redirect("site:case_link", value)
    context = {"can_renew": can_renew, "strips": strips.take(request)}
    return render(request, "site/link_gone.html", context, status=410 if old else 404)

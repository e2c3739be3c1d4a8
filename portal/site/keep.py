"""Keep this page: its link to copy, by e-mail, or on paper."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from channels_app import dispatch
from contacts import codes, services
from contacts.addresses import InvalidAddress, mailbox, normalise
from contacts.kinds import EMAIL
from contacts.models import Case, Code, Identity
from portal import access
from portal.context import site_of
from portal.site import forms, proofs, strips
from portal.site.forms import Typed
from portal.site.language import language_of
from portal.site.question import case_for, kept_link

A_DAY, OWN_A_DAY, PER_CLIENT_AN_HOUR = 1, 5, 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keep(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the link; a POST makes a new one, or e-mails it."""
    viewer, case = case_for(request, reference)
    known = [i for i in access.known_identities(viewer, case) if i.scheme == EMAIL]
    known = [identity for identity in known if identity.is_usable_by(EMAIL)]
    typed = Typed(request.POST if request.method == "POST" else None)
    if request.method == "POST" and typed.has("new"):
        if not kept_link(case):
            services.case_link(case)
        return redirect("site:keep", case.reference)
    if request.method == "POST" and _mail(request, case, known, typed):
        return redirect("site:question", case.reference)
    context = {
        **forms.context(typed, "email"),
        "case": case,
        "link": kept_link(case),
        "known": known,
        "strips": strips.take(request),
    }
    return render(request, "site/keep.html", context, status=422 if typed.errors else 200)


def _mail(request: HttpRequest, case: Case, known: list[Identity], typed: Typed) -> bool:
    """E-mail the link to a known address or to the one that was typed."""
    identity = next((i for i in known if str(i.pk) == typed.get("to")), None)
    if identity is None:
        try:
            value = normalise(EMAIL, typed.get("email"))
        except InvalidAddress as error:
            typed.fail("email", error)
            return False
        identity = Identity.of(EMAIL, value)
    if not send_link(request, case, identity):
        typed.fail(
            "email", _("We sent this link to your mailbox today already. Please look there.")
        )
        return False
    strips.say(request, _("We e-mailed the link to %(address)s.") % {"address": identity.masked})
    return True


def send_link(request: HttpRequest, case: Case, identity: Identity) -> bool:
    """Mail a link of its own to an address; False when too many were asked for.

    The mail holds a link and none of the sender's words: it is of no use to a spammer. More than
    one a day goes only to whom is signed in with that address: the answers do not tell who is
    known.
    """
    most = OWN_A_DAY if proofs.is_own(request, identity) else A_DAY
    target = f"link:{codes.digest('limit', mailbox(EMAIL, identity.value))}"
    client = f"link:{access.client_address(request)}"
    free = access.allow(client, times=PER_CLIENT_AN_HOUR, seconds=3600)
    if not (access.allow(target, times=most, seconds=86400) and free):
        return False
    code: Code = services.case_link(case, identity)
    dispatch.notice(
        template="case_link",
        identity=identity,
        code=code,
        language=language_of(request),
        organisation=site_of(request).organisation,
    )
    return True

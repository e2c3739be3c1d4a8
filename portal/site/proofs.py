"""Codes to an address, to be sure that it is somebody's own: sent, asked for, checked."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import dispatch
from contacts import addresses, codes
from contacts.models import Case, Code, Customer, Holder, Identity
from contacts.models.code import MAX_ATTEMPTS
from portal import access
from portal.context import site_of

# An address that nobody proved gets as many as any other: else the answers tell who is known.
PER_TARGET, PER_TARGET_A_DAY, PER_CLIENT, HOUR = 3, 6, 20, 3600
KEY = "proving"


@dataclass(frozen=True)
class Pending:
    """What this browser waits for: a code to one address, and what it is for."""

    identity: Identity
    purpose: str
    why: dict[str, Any]


def send(
    request: HttpRequest, identity: Identity, purpose: str, *, language: str, **why: Any
) -> bool:
    """Send a code and remember it in this browser; False when too many were asked for.

    The same work for a known and for an unknown address (security.md: enumeration).
    """
    box = addresses.mailbox(identity.scheme, identity.value)
    target = f"code:{identity.scheme}:{codes.digest('limit', box)}"
    client = f"code:{access.client_address(request)}"
    free = (
        access.allow(client, times=PER_CLIENT, seconds=HOUR),
        access.allow(target, times=PER_TARGET, seconds=HOUR),
        access.allow(f"day:{target}", times=PER_TARGET_A_DAY, seconds=24 * HOUR),
    )
    if not all(free):
        return False
    code = Code.objects.issue(purpose, identity=identity, browser=access.browser_key(request))
    dispatch.notice(
        template=purpose,
        identity=identity,
        code=code,
        language=language,
        organisation=site_of(request).organisation,
    )
    session = request.customer_session  # type: ignore[attr-defined]
    now = int(timezone.now().timestamp())
    session[KEY] = {"identity": identity.pk, "purpose": purpose, "why": why, "at": now}
    return True


def enough() -> str:
    """What is said where `send` sends no more: when there are codes again."""
    text = _(
        "We sent several codes already: at most %(hour)s an hour and %(day)s a day. Please use the"
        " newest one, or call us."
    )
    return text % {"hour": PER_TARGET, "day": PER_TARGET_A_DAY}


def is_own(request: HttpRequest, identity: Identity) -> bool:
    """Whether the customer of this browser proved that address before."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return False
    own = Customer.objects.family({customer.pk})
    return Holder.objects.proved().filter(customer__in=own, identity=identity).exists()


def pending(request: HttpRequest, purpose: str) -> Pending | None:
    """What was sent from this browser and not redeemed yet."""
    kept = request.customer_session.get(KEY)  # type: ignore[attr-defined]
    if not kept or kept["purpose"] != purpose:
        return None
    if kept.get("at", 0) < timezone.now().timestamp() - 24 * HOUR:
        return None
    identity = Identity.objects.filter(pk=kept["identity"]).first()
    return Pending(identity, purpose, kept["why"]) if identity else None


def forget(request: HttpRequest, case: Case) -> None:
    """This browser waits for no code any more that was for that case."""
    session = request.customer_session  # type: ignore[attr-defined]
    if session.get(KEY, {}).get("why", {}).get("case") == case.pk:
        del session[KEY]


def redeem(request: HttpRequest, waiting: Pending, value: str) -> bool:
    """Check what was typed, once; a right code is used up."""
    found = Code.objects.redeem_digits(
        waiting.purpose, waiting.identity, value[:40], access.browser_key(request)
    )
    if found is None:
        return False
    request.customer_session.pop(KEY, None)  # type: ignore[attr-defined]
    return True


def refused(request: HttpRequest, waiting: Pending) -> str:
    """What is wrong with digits that `redeem` did not take, and what to do next.

    The same for known and unknown addresses: this browser was sent a code in any case.
    """
    code = Code.objects.last_digits(waiting.purpose, waiting.identity, access.browser_key(request))
    if code is not None and code.attempts >= MAX_ATTEMPTS:
        return _("You tried too often: this code no longer works. Please ask for a new one below.")
    if code is not None and code.expires_at <= timezone.now():
        return _("This code is too old. Please ask for a new one below.")
    return _("This code does not fit. Please look again, or ask for a new one.")

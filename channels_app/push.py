"""Tells the browsers of a case that an answer stands on its page (Web Push). Never what it says.

`Device.due_at` is the outbox: `outbox.add` sets it with the answer, and rings. What was read
meanwhile is not told.
"""

import functools
import json
import logging
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import override

from channels_app import outbox
from channels_app.adapters.base import Misconfigured, RecipientGone, SendError
from channels_app.adapters.outside import LOOPBACK, Outside
from channels_app.models import Delivery, Device
from channels_app.models.delivery import RETRY_AFTER, RETRY_LATER
from channels_app.seats import Seats
from contacts.kinds import ACCOUNT, CHAT
from contacts.models import Case, Message

logger = logging.getLogger(__name__)
KINDS_TOLD = (ACCOUNT, CHAT)  # they are answered on the page, and nothing else rings
MOST = 5  # devices of one case
MAX_AGE = timedelta(days=1)  # of an answer that a push service does not take
KEEP = timedelta(days=3)  # so long it waits there for a telephone that is off
MAX_ENDPOINT = 1000
SEATS = Seats()
REFUSED, REFUSED_SECONDS = "push:refused", 24 * 3600
SEVERAL = 3  # so many browsers of as many cases: what one of them gave us could be nonsense
MOST_REFUSED = 50  # browsers that are remembered for it


class NoSubscription(ValueError):
    """What a browser gave us is no subscription that we could use."""


def _webpush() -> Any:
    """Loaded when it is first needed: it brings a library of its own."""
    return import_module("channels_app.adapters.webpush")


@functools.cache
def _key_of(written: str) -> Any:
    return _webpush().Key(written)


@functools.cache
def _outside() -> Outside:
    return Outside(near=settings.DEMO)


def public_key() -> str:
    """What a page gives the browser; "" without a key that can be read: nothing is offered."""
    try:
        return str(_key_of(settings.VAPID_PRIVATE_KEY).public)
    except ValueError:
        return ""


def key_for(case: Case) -> str:
    """The same, where an answer in this case would be told; else ""."""
    is_told = case.answer_kind in KINDS_TOLD
    return public_key() if is_told and case.state == Case.State.OPEN else ""


def contact() -> str:
    """Whom a push service writes to about us."""
    url = settings.PUBLIC_URL
    return url if url.startswith("https://") else f"mailto:postmaster@{settings.MAIL_DOMAIN}"


def subscription_of(given: object) -> Device:
    """A device, not stored yet, of what `PushSubscription.toJSON()` says. Raises NoSubscription."""
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(keys, dict):
        raise NoSubscription
    found = [given.get("endpoint"), keys.get("p256dh"), keys.get("auth")]
    if not all(isinstance(value, str) and value.isascii() for value in found):
        raise NoSubscription
    endpoint, p256dh, auth = map(str, found)
    if len(endpoint) > MAX_ENDPOINT or len(p256dh) > 128 or len(auth) > 64:
        raise NoSubscription
    if not is_service(endpoint):
        raise NoSubscription
    try:
        _webpush().Subscription(endpoint, p256dh, auth).check()
    except ValueError:
        raise NoSubscription from None
    digest = Device.digest_of(endpoint)
    return Device(endpoint=endpoint, digest=digest, p256dh=p256dh, auth=auth)


def is_service(endpoint: str) -> bool:
    """Whether a browser's push service lives there: https, one of PUSH_SERVICES, no other port."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or any(c <= " " for c in endpoint):
        return False
    if settings.DEMO and host in LOOPBACK:
        return parts.scheme in ("http", "https")
    known = any(host == name or host.endswith(f".{name}") for name in settings.PUSH_SERVICES)
    return known and parts.scheme == "https" and port in (None, 443)


def tell(case_id: int) -> int:
    """Tell the devices of a case what is due; how many were told.

    Few threads of a worker do so at once: a slow push service keeps nobody else waiting.
    """
    return SEATS.work("push", _tell_case, case_id)


def _tell_case(case_id: int) -> int:
    due = Device.objects.due(timezone.now()).of(case_id)
    return sum(_tell(device) for device in due.select_related("case__root"))


def _tell(device: Device) -> bool:
    """One try for one device, where there is something that was not read; whether it was told."""
    now = timezone.now()
    if not device.claim(now):
        return False
    message = unread(device)
    if message is None:
        device.told(None, now)
        return False
    try:
        _send(device, message)
    except RecipientGone:  # the browser was told no, or is gone: in all its cases
        Device.objects.forget(device.digest)
        logger.info("A device is gone.")
        return False
    except SendError as error:
        _not_told(device, message, error, now)
        return False
    except Exception as error:  # its keys could be nonsense: the others go on
        logger.error("A device cannot be told (%s).", type(error).__name__)
        device.told(message.created_at, now)
        return False
    device.told(message.created_at, timezone.now())
    cache.delete(REFUSED)
    return True


def unread(device: Device) -> Message | None:
    """The newest answer on the page that this device was not told of and that nobody read."""
    S, R = Delivery.Status, Delivery.Role
    rows = Delivery.objects.filter(
        message__case__in=device.case.stem.member_ids,
        message__created_at__gt=device.told_at or device.created_at,
        channel__kind__in=KINDS_TOLD,
        role__in=(R.MAIN, R.FALLBACK),
        status__in=(S.SENT, S.DELIVERED),
    )
    found = rows.select_related("message").order_by("-message__created_at").first()
    return found.message if found else None


def _send(device: Device, message: Message) -> None:
    webpush = _webpush()
    webpush.send(
        json.dumps(payload(device, message)).encode(),
        webpush.Subscription(device.endpoint, device.p256dh, device.auth),
        key=_key_of(settings.VAPID_PRIVATE_KEY),
        contact=contact(),
        topic=topic(device),
        keep=KEEP,
        by=_outside(),
    )


def topic(device: Device) -> str:
    """Names a case to a push service, which must not learn which: a newer message replaces it."""
    return salted_hmac("channels_app.push", str(device.case.stem.pk)).hexdigest()[:32]


def payload(device: Device, message: Message) -> dict[str, str]:
    """What the service worker shows: that there is something, and where."""
    case = device.case.stem
    with override(case.language):
        title = _("You have an answer") if message.is_answer else _("You have a message")
    return {
        "sort": "answer" if message.is_answer else "message",
        "title": title,
        "lang": case.language,
        "path": reverse("site:question", args=[case.reference]),
        "tag": topic(device),
    }


def _not_told(device: Device, message: Message, error: SendError, now: datetime) -> None:
    """Once more later, for a day; never where it would be refused again."""
    if isinstance(error, Misconfigured):
        _refused(device, error)
    steps = dict(enumerate(RETRY_AFTER, start=1))
    wait = max(steps.get(device.tries, RETRY_LATER), error.retry_after or timedelta())
    again = error.retryable and not isinstance(error, Misconfigured)
    if again and now + wait <= message.created_at + MAX_AGE:
        device.later(now + wait)
    else:
        device.told(message.created_at, now)


def _refused(device: Device, error: SendError) -> None:
    """Count its case once, and its browser once, in whichever cases that is told."""
    host = urlsplit(device.endpoint).hostname or ""
    logger.warning("The push service %s does not take our key: %s.", host, error.why.stored)
    by_browser = cache.get(REFUSED, {}) | {device.digest: (device.case_id, host)}
    cache.set(REFUSED, dict([*by_browser.items()][-MOST_REFUSED:]), REFUSED_SECONDS)


def refused_by() -> str:
    """The push service that did not take our key lately, for several; "" once one took it."""
    by_case = dict(cache.get(REFUSED, {}).values())
    return next(reversed(by_case.values())) if len(by_case) >= SEVERAL else ""


def recover() -> None:
    """The sweep: ring for what was never rung, and for what is tried again."""
    due = Device.objects.due(timezone.now()).values_list("case", flat=True)[:500]
    for case_id in dict.fromkeys(due):
        outbox.ring_to_tell(case_id)

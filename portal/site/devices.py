"""Tell me on this device: a browser is told that there is an answer on its page, and no more."""

import json
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from channels_app import push
from channels_app.models import Device
from portal import access
from portal.site import strips
from portal.site.buttons import button
from portal.site.question import case_for

PER_HOUR = 20  # in one case, or from one address
SESSION = "device"  # the digest of this browser's endpoint, so that signing out ends it
MAX_BODY = 4096
# Whose push service it is, as people know it.
BROWSERS = (
    ("googleapis.com", "Chrome"),
    ("google.com", "Chrome"),
    ("mozilla.com", "Firefox"),
    ("windows.com", "Edge"),
    ("apple.com", "Safari"),
)


@never_cache
@require_POST
def tell(request: HttpRequest, reference: str) -> HttpResponse:
    """From now on tell this browser: 201; 409 where there are enough devices; 422 for nonsense."""
    viewer, case = case_for(request, reference)
    if not access.allow(f"device:{case.pk}", times=PER_HOUR, seconds=3600):
        return HttpResponse(status=429)
    given = _given(request)
    try:
        device = push.subscription_of(given)
    except push.NoSubscription:
        return HttpResponse(status=422)
    device.case = access.home_of(viewer, case)
    if not push.public_key() or not Device.objects.keep(device, most=push.MOST):
        return HttpResponse(status=409)
    request.customer_session[SESSION] = device.digest  # type: ignore[attr-defined]
    return HttpResponse(status=201)


def _given(request: HttpRequest) -> Any:
    """The JSON of a request; None where it is none, or too long to be a subscription."""
    if len(request.body) > MAX_BODY:
        return None
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None


@never_cache
@require_safe
def told(request: HttpRequest, reference: str, digest: str) -> HttpResponse:
    """Whether that browser is told of this question; asked by itself, where it has an endpoint."""
    _viewer, case = case_for(request, reference)
    found = Device.objects.of(case.pk).filter(digest=digest).first()
    return JsonResponse({"told": found is not None, "pk": found and found.pk})


@csrf_exempt  # a service worker has no token; what counts is that it knows the old endpoint
@never_cache
@require_POST
def moved(request: HttpRequest) -> HttpResponse:
    """A browser's push service gave it another endpoint; the same answer whatever came."""
    client = f"device:{access.client_address(request)}"
    given = _given(request)
    old = given.get("old") if isinstance(given, dict) else None
    if isinstance(old, str) and access.allow(client, times=PER_HOUR, seconds=3600):
        with suppress(push.NoSubscription):
            new = push.subscription_of(given)
            Device.objects.move(old, new)
            _keep(request, old, new)
    return HttpResponse(status=204)


def _keep(request: HttpRequest, old: str, new: Device) -> None:
    """Signing out ends it there as well."""
    session = request.customer_session  # type: ignore[attr-defined]
    if session.get(SESSION) == Device.digest_of(old):
        session[SESSION] = new.digest


@never_cache
@require_safe
def devices(request: HttpRequest, reference: str) -> HttpResponse:
    """The devices that are told of a question."""
    _viewer, case = case_for(request, reference)
    rows = Device.objects.of(case.pk).order_by("created_at")
    context = {
        "case": case,
        "devices": [(row, browser_of(row.endpoint)) for row in rows],
        "device_key": push.key_for(case),
        "strips": strips.take(request),
    }
    return render(request, "site/devices.html", context)


def browser_of(endpoint: str) -> str:
    """Which sort of browser rings there; "" where we do not know."""
    host = endpoint.split("/")[2].partition(":")[0]
    return next((name for end, name in BROWSERS if host.endswith(end)), "")


@button
def stop(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """That device is no longer told of this question."""
    _viewer, case = case_for(request, reference)
    get_object_or_404(Device.objects.of(case.pk), pk=pk).delete()
    strips.say(request, _("That device is no longer told."))
    return redirect("site:devices", case.reference)


def forget(request: HttpRequest) -> None:
    """Who signs out on a device is told nothing there any more."""
    digest = request.customer_session.get(SESSION)  # type: ignore[attr-defined]
    if digest:
        Device.objects.forget(digest)

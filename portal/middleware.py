"""What a request needs before a page sees it: an id, no NUL, the desk's policy and language."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from contacts import tracing
from portal.context import site_of
from portal.redaction import route_of

requests_log = logging.getLogger("portal.requests")
GetResponse = Callable[[HttpRequest], HttpResponse]
DESK = "/admin/"
WITHOUT_ZONE = "/live/"  # no answer there says a time of day
METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
REFERENCE = re.compile(r"[2-9A-Za-z]{3}-[2-9A-Za-z]{3}")


class TraceMiddleware:
    """Gives a request an id, which its answer, its log lines and its tasks carry."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and write one line about it: the name of the page, never its path."""
        begun = time.perf_counter()
        request.trace_id = request_id(request)  # type: ignore[attr-defined]
        with tracing.bound(request_id=request.trace_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
            _write(request, response, (time.perf_counter() - begun) * 1000)
        response["X-Request-ID"] = request.trace_id  # type: ignore[attr-defined]
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """The case whose page it is."""
        reference = kwargs.get("reference")
        if isinstance(reference, str) and REFERENCE.fullmatch(reference):
            tracing.note(case=reference.upper())


def request_id(request: HttpRequest) -> str:
    """The proxy's id, where there is one that we trust and it is well-formed; else a new one."""
    given = request.headers.get("X-Request-ID", "") if settings.TRUSTED_PROXIES else ""
    return tracing.accepted(given)


def _write(request: HttpRequest, response: HttpResponse, ms: float) -> None:
    route, method = route_of(request), request.method if request.method in METHODS else "-"
    fields = {"method": method, "route": route, "status": response.status_code, "ms": round(ms, 1)}
    is_file = request.path_info.startswith(settings.STATIC_URL)
    requests_log.log(
        logging.DEBUG if is_file else logging.INFO,
        "%s %s %s in %.0f ms",
        *(method, route, response.status_code, ms),
        extra=fields,
    )


class NulMiddleware:
    """PostgreSQL refuses NUL: an address or a cookie with one means nothing that we know."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Drop such cookies; a quoted cookie can hold any byte."""
        for name in [name for name, value in request.COOKIES.items() if "\x00" in name + value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Put another sign there, which nothing has: each page says "not found" in its own way."""
        for name, value in kwargs.items():
            if isinstance(value, str):
                kwargs[name] = value.replace("\x00", "\ufffd")


class DeskPolicyMiddleware:
    """Widen the content policy for the admin frame, and only there."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Leave the wider directives where django-csp's decorators leave theirs."""
        response = self.get_response(request)
        if request.path.startswith(DESK):
            own = getattr(response, "_csp_update", {})
            response._csp_update = {**settings.DESK_POLICY, **own}  # type: ignore[attr-defined]
        return response


class StaffLocaleMiddleware:
    """A staff member reads the desk in their own language and time zone.

    Every other time of day on a page is the organisation's: its hours and promises are kept there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate both for this request; customers follow their cookie or browser."""
        if request.path_info.startswith(WITHOUT_ZONE):
            return self.get_response(request)
        user = request.user if request.path.startswith(DESK) else None
        if user is None or not user.is_authenticated:
            with timezone.override(site_of(request).organisation.time_zone):
                return self.get_response(request)
        zone = user.time_zone or site_of(request).organisation.time_zone
        with translation.override(user.language), timezone.override(zone):
            request.LANGUAGE_CODE = user.language
            return self.get_response(request)

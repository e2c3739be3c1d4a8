"""What went wrong, as RFC 9457 says it: every error of the API has this one shape."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Sort:
    """A sort of problem: its status, and what it means to everybody it happens to."""

    status: int
    title: str | Promise


SORTS = {
    "malformed": Sort(400, gettext_lazy("The request cannot be read.")),
    "token-in-address": Sort(400, gettext_lazy("A token does not belong in an address.")),
    "no-token": Sort(401, gettext_lazy("A valid token is needed.")),
    "not-allowed": Sort(403, gettext_lazy("This token may not do that.")),
    "not-found": Sort(404, gettext_lazy("There is nothing here.")),
    "method": Sort(405, gettext_lazy("This address does not take that method.")),
    "in-progress": Sort(409, gettext_lazy("The same request is still being worked on.")),
    "refused": Sort(409, gettext_lazy("That way to answer is not open for this case.")),
    "cannot-undo": Sort(409, gettext_lazy("This cannot be undone any more.")),
    "too-large": Sort(413, gettext_lazy("The request is too large.")),
    "media-type": Sort(415, gettext_lazy("This sort of content is not taken here.")),
    "invalid": Sort(422, gettext_lazy("Something in the request does not fit.")),
    "key-reused": Sort(422, gettext_lazy("This Idempotency-Key belongs to another request.")),
    "too-many": Sort(429, gettext_lazy("Too many requests.")),
    "broken": Sort(500, gettext_lazy("Something went wrong on our side.")),
}
BY_STATUS = {400: "malformed", 401: "no-token", 403: "not-allowed", 404: "not-found", 405: "method"}
BY_STATUS |= {413: "too-large", 415: "media-type", 422: "invalid", 429: "too-many"}


class Problem(exceptions.APIException):
    """A problem of a named sort, with what can be done about it."""

    def __init__(self, sort: str, detail: Any = "", *, retry_after: int | None = None) -> None:
        super().__init__(str(detail) or str(SORTS[sort].title))
        self.sort, self.status_code = sort, SORTS[sort].status
        self.wait = retry_after


class TooMany(Problem):
    """Come back in so many seconds."""

    def __init__(self, seconds: int, detail: Any = "") -> None:
        super().__init__("too-many", detail, retry_after=max(1, seconds))


class Invalid(exceptions.ValidationError):
    """One field that does not fit, found where the rules are and not where the shape is."""

    status_code = 422

    def __init__(self, field: str, error: Any) -> None:
        texts = getattr(error, "messages", None) or [str(error)]
        super().__init__({field: texts})


def answer(error: Exception, context: dict[str, Any] | None = None) -> Response:
    """The response for whatever was raised; what we did not expect is logged, and says nothing."""
    reason = known(error)
    if reason is None:
        logger.error("An API request failed.", exc_info=error)
        reason = Problem("broken")
    sort = getattr(reason, "sort", None) or BY_STATUS[reason.status_code]
    body = _body(sort, _detail(reason))
    if isinstance(reason, exceptions.ValidationError):
        body["errors"] = dict(_errors(reason.detail))
    return Response(body, status=body["status"], headers=_headers(reason), content_type=MEDIA_TYPE)


def outside(sort: str, **headers: str) -> HttpResponse:
    """The same where no view of the API was reached: a foreign host, a fault on the way."""
    text, status = json.dumps(_body(sort, str(SORTS[sort].title))), SORTS[sort].status
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | headers
    return HttpResponse(text, status=status, content_type=MEDIA_TYPE, headers=headers)


def _body(sort: str, detail: str) -> dict[str, Any]:
    found = SORTS[sort]
    title = str(found.title)
    return {"type": type_of(sort), "title": title, "status": found.status, "detail": detail}


def type_of(sort: str) -> str:
    """The address that explains a sort of problem; also its name."""
    return f"{settings.PUBLIC_URL}/api/v1/#problem-{sort}"


def known(error: Exception) -> exceptions.APIException | None:
    """The error as one of our problems; None where it is a fault of ours."""
    if isinstance(error, exceptions.ValidationError):
        error.status_code = 422
    if isinstance(error, exceptions.APIException):
        return error if error.status_code in BY_STATUS or isinstance(error, Problem) else None
    if isinstance(error, Http404):
        return Problem("not-found")
    if isinstance(error, PermissionDenied):
        return Problem("not-allowed")
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return Problem("too-large")
    return Problem("malformed") if isinstance(error, SuspiciousOperation) else None


def _detail(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.ValidationError):
        return _("Look at errors: it names each field that does not fit.")
    return str(error.detail)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    return headers


def _errors(detail: Any, place: str = "") -> list[tuple[str, list[str]]]:
    """Field to sentences; a field within a list is named like `files.1`."""
    if isinstance(detail, dict):
        found = []
        for name, inner in detail.items():
            name = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            found += _errors(inner, ".".join(part for part in (place, name) if part))
        return found
    texts = [str(text) for text in (detail if isinstance(detail, list) else [detail])]
    return [(place or "request", texts)]

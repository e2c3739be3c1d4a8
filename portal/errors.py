"""What goes wrong, said by the side that it happened on: the customers' pages, the desk, the API.

The address decides, not who is signed in: one browser may be both. Who has no right to the desk
gets the customers' words there as well.
"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from portal.api import problems
from portal.desk import errors as desk
from portal.site import errors as site

DESK, API = "/admin/", "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400, or what else a request is that no page could read."""
    if request.path.startswith(API):
        too_large = isinstance(exception, site.TOO_MUCH)
        return problems.outside("too-large" if too_large else "malformed")
    return site.bad_request(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """500."""
    is_api = request.path.startswith(API)
    return problems.outside("broken") if is_api else site.broken(request)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    if request.path.startswith(API):
        return problems.outside("not-found")
    return desk.not_found(request) if _is_at_desk(request) else site.not_found(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    if request.path.startswith(API):
        return problems.outside("not-allowed")
    return desk.forbidden(request) if _is_at_desk(request) else site.forbidden(request, exception)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token does not fit; the door of the desk is the desk as well."""
    if request.path.startswith(DESK):
        return desk.stale_form(request)
    return site.stale_form(request, reason)


def _is_at_desk(request: HttpRequest) -> bool:
    return (
        request.path.startswith(DESK)
        and hasattr(request, "user")
        and admin.site.has_permission(request)
    )

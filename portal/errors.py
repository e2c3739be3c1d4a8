"""What goes wrong, said by the side that it happened on: the customers' pages or the desk.

The address decides, not who is signed in: one browser may be both. Who has no right to the desk
gets the customers' words there as well.
"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from portal.desk import errors as desk
from portal.site import errors as site

DESK = "/admin/"


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return desk.not_found(request) if _is_at_desk(request) else site.not_found(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
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

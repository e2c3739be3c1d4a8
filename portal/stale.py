"""A form whose token does not fit: customers and staff each get words of their own."""

from django.http import HttpRequest, HttpResponse

from portal.desk import stale
from portal.site import errors


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Chosen by the address that was posted to, not by who is signed in: one browser is both."""
    if request.path.startswith("/admin/"):
        return stale.stale_form(request)
    return errors.stale_form(request, reason)

"""What every request of the desk needs: its content policy and the staff member's language."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

GetResponse = Callable[[HttpRequest], HttpResponse]
DESK = "/admin/"


class DeskPolicyMiddleware:
    """Widen the content policy for the admin frame, and only there."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Leave the wider directives where django-csp's decorators leave theirs."""
        response = self.get_response(request)
        if request.path.startswith(DESK) and not hasattr(response, "_csp_update"):
            response._csp_update = settings.DESK_POLICY  # type: ignore[attr-defined]
        return response


class StaffLocaleMiddleware:
    """A staff member reads the desk in their own language and time zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate both for this request; customers follow their cookie or browser."""
        user = request.user if request.path.startswith(DESK) else None
        if user is None or not user.is_authenticated:
            return self.get_response(request)
        with translation.override(user.language), timezone.override(user.time_zone or None):
            request.LANGUAGE_CODE = user.language
            return self.get_response(request)

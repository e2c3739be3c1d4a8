"""The customer's pages a second time, under /widget/: for a frame on the organisation's own site.

A browser sends no cookie with SameSite=Lax into a frame on another site. So the pages have cookies
of their own there, which it does send, and keeps apart for each site that shows the frame. They are
given their usual names here, both ways: nothing behind this middleware knows of two names. Nobody
is signed in there, neither staff nor customers: that is done on the site itself. Who may
show the frame is said by `Organisation.widget_origins`; while nobody may, nothing is there.
"""

from collections.abc import Callable, Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, set_script_prefix

from portal.context import Site, site_of

PATH = "/widget/"
# Here and in the frame. Whatever else is in a browser, the staff's session before all, stays out.
NAMES = {
    settings.CUSTOMER_COOKIE_NAME: "onecase_widget",
    settings.CSRF_COOKIE_NAME: "onecase_widget_csrf",
    settings.LANGUAGE_COOKIE_NAME: "onecase_widget_language",
}
FOR_FRAMES: dict[str, Any] = {
    "path": PATH,
    "samesite": "None",
    "secure": True,  # which browsers want of it, and take on loopback without https as well
    "partitioned": True,
}
POLICY = "Content-Security-Policy"
ALONE = "frame-ancestors 'self'"
GetResponse = Callable[[HttpRequest], HttpResponse]

# Python learns the word only in 3.14.
_reserved: dict[str, str] = Morsel._reserved  # type: ignore[attr-defined]
_flags: set[str] = Morsel._flags  # type: ignore[attr-defined]
_reserved.setdefault("partitioned", "Partitioned")
_flags.add("partitioned")


class FramedMiddleware:
    """Serves what lies below /widget/ from the customer's pages; everything else goes on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Every address that is made meanwhile leads to a page of the frame."""
        if not request.path_info.startswith(PATH):
            return self.get_response(request)
        origins = site_of(request).organisation.widget_origins
        if not origins:
            return self.get_response(request)  # there is no such page
        _move(request)
        before = get_script_prefix()
        set_script_prefix(PATH)
        try:
            response = self.get_response(request)
        finally:
            set_script_prefix(before)
        _dress(response.cookies)
        _let_in(response, [SELF, *origins])
        return response


def is_open() -> bool:
    """Whether any page may show the frame."""
    return bool(Site().organisation.widget_origins)


def is_framed(request: HttpRequest) -> bool:
    """Whether it is a page of the frame."""
    return getattr(request, "is_framed", False)


def cookies_of(sent: Mapping[str, str]) -> dict[str, str]:
    """The cookies of a frame under their usual names."""
    return {usual: sent[framed] for usual, framed in NAMES.items() if framed in sent}


def _move(request: HttpRequest) -> None:
    request.is_framed = True  # type: ignore[attr-defined]
    request.urlconf = "portal.framed_urls"
    request.path_info = request.path_info[len(PATH) - 1 :]
    request.META["PATH_INFO"], request.META["SCRIPT_NAME"] = request.path_info, PATH.rstrip("/")
    request.COOKIES = cookies_of(request.COOKIES)


def _dress(cookies: "SimpleCookie") -> None:
    """What is set goes by the frame's names; what is none of the frame's is not set."""
    for usual in list(cookies):
        morsel = cookies.pop(usual)
        if usual in NAMES:
            cookies[NAMES[usual]] = morsel.value
            cookies[NAMES[usual]].update({**morsel, **FOR_FRAMES})


def _let_in(response: HttpResponse, places: list[str]) -> None:
    """Who may show it; also where a page has a policy of its own, as a mail's body has."""
    del response["X-Frame-Options"]  # it knows no list
    if POLICY in response:
        response[POLICY] = response[POLICY].replace(ALONE, f"frame-ancestors {' '.join(places)}")
    else:
        replaced = {**getattr(response, "_csp_replace", {}), "frame-ancestors": places}
        response._csp_replace = replaced  # type: ignore[attr-defined]

"""EN | NL: the language of the pages, kept in a cookie."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from portal.context import site_of
from portal.site.buttons import button

YEAR = 365 * 24 * 3600


def language_of(request: HttpRequest) -> str:
    """The language of the page, as far as the organisation answers in it."""
    offered = [code for code, _name in site_of(request).languages]
    language = (get_language() or "")[:2]
    return language if language in offered or not offered else offered[0]


def remember(response: HttpResponse, language: str) -> None:
    """Keep the language in this browser."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=YEAR,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@button
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of the pages and go back to where one was; no case changes by it."""
    target = request.POST.get("next", "")
    # A path of our own: one slash, nothing that a browser would read as another host.
    if not target.startswith("/") or not url_has_allowed_host_and_scheme(
        target, allowed_hosts=None
    ):
        target = "/"
    response = redirect(target)
    if request.POST.get("language") in dict(settings.LANGUAGES):
        remember(response, request.POST["language"])
    return response

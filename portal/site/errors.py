"""What went wrong, in the reader's language, with the number and another way on."""

import logging
from urllib.parse import urlsplit

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from portal.site import question, start, switch
from portal.site.forms import Typed

logger = logging.getLogger(__name__)
TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    too_much = isinstance(exception, TOO_MUCH)
    return _page(request, "400.html", 400, too_much=too_much)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404; the same for a page that never was and for somebody else's."""
    return _page(request, "404.html", 404, private=request.path_info.startswith(("/q/", "/files/")))


def broken(request: HttpRequest) -> HttpResponse:
    """500; says so even if the database is what is broken."""
    try:
        return _page(request, "500.html", 500, **_number(request))
    except Exception:
        logger.exception("The error page itself failed; the bare one is shown.")
        return HttpResponse(render_to_string("site/broken.html", _number(request)), status=500)


def _number(request: HttpRequest) -> dict[str, str]:
    """The beginning of the request's id: short enough to be said, and found in the log by it."""
    return {"number": getattr(request, "trace_id", "")[:8]}


def _page(request: HttpRequest, template: str, status: int, **context: object) -> HttpResponse:
    return render(request, template, context, status=status)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token does not fit (an old tab, another cookie): nothing typed is lost.

    The text stands in the form again and has to be sent once more by hand, so that a page of
    somebody else gains nothing by posting here.
    """
    typed, text = (
        _typed(request),
        _("This page was open for a long time. Please send it once more."),
    )
    try:
        match = resolve(request.path_info)
        if match.view_name == "site:start":
            rows = start.rows_for(request, typed)
            return start.page(request, typed, rows, status=403, notice=text)
        if match.view_name == "site:question":
            viewer, case = question.case_for(request, match.kwargs["reference"])
            return question.page(request, viewer, case, typed, status=403, notice=text)
        if match.view_name == "site:switch":
            return switch.stale(request, match.kwargs["reference"], text)
    except (Http404, Resolver404):
        pass
    kept = typed.text() or typed.text("note") or typed.text("email") or typed.text("address")
    return _page(request, "site/stale.html", 403, kept=kept, before=_page_before(request))


def _page_before(request: HttpRequest) -> str:
    """The page that the form stood on; a form's own address may take nothing but a POST."""
    before = urlsplit(request.headers.get("Referer", ""))
    if before.netloc == request.get_host() and before.path.startswith("/"):
        return before.path
    return reverse("admin:index") if request.path.startswith("/admin/") else reverse("site:start")


def _typed(request: HttpRequest) -> Typed:
    """What was posted; nothing where it was too large to be read."""
    try:
        return Typed(request.POST)
    except TOO_MUCH:
        return Typed(QueryDict())

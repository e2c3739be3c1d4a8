"""What went wrong at the desk, in its own frame: what happened, what was kept, what to do."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.desk.pages import nearest_page, page_before, show

TYPED = ("text", "note")  # what is long to write; the rest stands in the form again, or is a click
MAX_KEPT = 20000


def stale_form(request: HttpRequest) -> HttpResponse:
    """The page was open for a long time, or somebody signed in anew: nothing was changed."""
    at_door = not admin.site.has_permission(request)
    sign_in = reverse("admin:login")
    return show(
        request,
        "desk/stale_door.html" if at_door else "desk/stale.html",
        title=_("Please try once more"),
        status=403,
        kept=_kept(request),
        goal=sign_in if request.path == sign_in else page_before(request),
        at_door=at_door,
    )


def not_found(request: HttpRequest) -> HttpResponse:
    """No such page, case or message."""
    return _page(
        request,
        404,
        title=_("There is nothing at this address"),
        text=_("The reference may be mistyped, or what stood here is gone."),
    )


def forbidden(request: HttpRequest) -> HttpResponse:
    """A page of the administrators."""
    return _page(
        request,
        403,
        title=_("This page is for administrators"),
        text=_("Ask an administrator to do it, or to give you the right to."),
    )


def _page(request: HttpRequest, status: int, *, title: str, text: str) -> HttpResponse:
    goal = nearest_page(request.path)
    return show(request, "desk/error.html", title=title, status=status, text=text, goal=goal)


def _kept(request: HttpRequest) -> str:
    """What was written in the form; nothing where it was too large to be read."""
    posted = request.POST
    found = (posted.get(name, "").replace("\x00", "").strip() for name in TYPED)
    return next((text for text in found if text), "")[:MAX_KEPT]

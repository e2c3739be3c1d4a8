"""A form of the desk whose token does not fit: what happened, what was kept, what to do."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.desk.pages import page_before, show

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


def _kept(request: HttpRequest) -> str:
    """What was written in the form; nothing where it was too large to be read."""
    posted = request.POST
    found = (posted.get(name, "").replace("\x00", "").strip() for name in TYPED)
    return next((text for text in found if text), "")[:MAX_KEPT]

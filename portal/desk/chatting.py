"""My chats: all of one's own in one place, one press to the next."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from channels_app import assigning
from portal.desk import chats, composer
from portal.desk.case import address, find
from portal.desk.pages import page, part, reading, show, staff_of
from portal.live import sight, stay


@reading
def overview(request: HttpRequest) -> HttpResponse:
    """The page; with `part`, only its lists, for a page that is open."""
    user, mark = staff_of(request), sight.newest()
    if stay.has_all(request, mark):
        return stay.nothing_new()
    context = {"mark": mark, "load": assigning.load(user), **chats.lists(user)}
    if request.GET.get("part"):
        return part(request, "desk/_chats.html", **context)
    return show(request, "desk/chats.html", title=_("My chats"), **context)


@reading
def rail(request: HttpRequest, reference: str) -> HttpResponse:
    """The chats beside the history of one of them, for a page that is open."""
    mark = sight.newest()
    if stay.has_all(request, mark):
        return stay.nothing_new()
    case = find(request, reference)
    shown = chats.beside(case, staff_of(request), mark)
    return part(request, "desk/_rail.html", case=case, **shown)


@reading
def following(request: HttpRequest) -> HttpResponse:
    """Go to the next who waits: one's own first, then those of nobody; `from` is where one is."""
    user, here = staff_of(request), request.GET.get("from", "")[:7]
    sent = f"?sent={key}" if (key := composer.key_of(request.GET.get("sent", ""))) else ""
    for rows in (chats.mine(user).exclude(waiting_since=None), chats.to_take()):
        case = rows.exclude(reference=here).only("reference").first()
        if case is not None:
            return redirect(f"{address(case)}{sent}#newest")
    messages.info(request, _("Nobody else waits in a chat."))
    return redirect(f"{reverse('admin:chats')}{sent}")


def urls() -> list[URLPattern]:
    """The pages under /admin/chats/."""
    return [
        page("chats/", overview, "chats"),
        page("chats/next/", following, "chats_next"),
        page("chats/rail/<str:reference>/", rail, "chats_rail"),
    ]

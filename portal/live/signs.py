"""What an open page says of the person before it: that they type, and what they have seen."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from channels_app import seen as receipts
from contacts import hints
from contacts.models import Case, User
from portal import access
from portal.live import wants

TYPING_PER_MINUTE = 60  # of one browser: three pages, each every three seconds
SEEN_PER_MINUTE = 240
HOWS = ("delivered", "read")


@require_POST
def typing(request: HttpRequest) -> HttpResponse:
    """`key`: somebody types in that case; the other side reads it at once, and nobody later."""
    if (want := _want(request)) is None:
        return _refused(400)
    if not _is_allowed(request, want, "typing", TYPING_PER_MINUTE):
        return _refused(429)
    case = _case(request, want)
    who = request.user.public_name if want.is_staffs and isinstance(request.user, User) else ""
    hints.typing(case.pk, want.door, who)
    return HttpResponse(status=204)


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """`key`, `seq`, `how`: what a customer's page has shown them, or received while hidden."""
    want, number = _want(request), request.POST.get("seq", "")
    how = request.POST.get("how")
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    if want is None or want.is_staffs or not is_number or how not in HOWS:
        return _refused(400)
    if not _is_allowed(request, want, "seen", SEEN_PER_MINUTE):
        return _refused(429)
    case = _case(request, want)
    receipts.take(case=case, up_to=min(int(number), case.seq), read=how == "read")
    return HttpResponse(status=204)


def _want(request: HttpRequest) -> wants.Want | None:
    """The case that it is about; None for anything else."""
    try:
        want = wants.one(request.POST.get("key", ""))
    except wants.BadWant:
        return None
    return want if want.reference else None


def _is_allowed(request: HttpRequest, want: wants.Want, what: str, times: int) -> bool:
    """By the session that has the right, before any row of a case is read.

    By that one alone: beside it anybody can send any other cookie, and would count anew.
    """
    keys = access.SessionKeys.of(request.COOKIES)
    of = access.session_digest(keys.staff if want.is_staffs else keys.customer)
    return access.allow(f"{what}:{of}", times=times, seconds=60)


def _case(request: HttpRequest, want: wants.Want) -> Case:
    """By the rights of the side that it is said from; Http404 for anybody else."""
    viewer = access.staff_viewer(request.user) if want.is_staffs else access.viewer_of(request)
    return access.visible_case(viewer, want.reference, related=None)


def _refused(status: int) -> HttpResponse:
    return HttpResponse(status=status)

"""What is open, in the agents' own words: written on the card of the story, taken away there."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from contacts import points, services
from portal.desk.case import address, find
from portal.desk.pages import back, done, page, show, staff_of


def write(request: HttpRequest, reference: str) -> HttpResponse:
    """Save the words; where a colleague was faster both are shown, and none is lost."""
    case, data = find(request, reference), request.POST
    text = "" if data.get("clear") else services.clean_text(data.get("text", ""))
    try:
        points.write(case=case, text=text, before=data.get("before", ""), by=staff_of(request))
    except points.Changed as changed:
        return show(
            request,
            "desk/points.html",
            title=_("A colleague changed it meanwhile"),
            status=409,
            case=case,
            now=changed.now,
            text=text,
            next=data.get("next", ""),
        )
    done(request, _("The open points are saved.") if text else _("The open points are taken away."))
    return back(request, address(case))


def urls() -> list[URLPattern]:
    """The form on the card."""
    return [page("cases/<str:reference>/points/", write, "case_points", post=True)]

"""This is not right: the customer corrects what a colleague noted of a call or a visit."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from contacts.models import Case, Message
from contacts.viewers import Viewer
from portal.site import forms, strips
from portal.site.forms import Typed
from portal.site.question import add, case_for


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """The note with a field below it; what is sent is a message of theirs that stands beside it."""
    viewer, case = case_for(request, reference)
    note, typed = _note(viewer, case, pk), Typed(request.POST or None)
    if request.method == "POST" and add(request, case, typed, regards=note):
        strips.say(request, _("Thank you. It stands beside what we noted, and we answer you."))
        return redirect(f"{reverse('site:question', args=[case.reference])}#newest")
    status = 429 if "limit" in typed.errors else 422 if typed.errors else 200
    context = {**forms.context(typed), "case": case, "note": note, "strips": strips.take(request)}
    return render(request, "site/correct.html", context, status=status)


def _note(viewer: Viewer, case: Case, pk: int) -> Message:
    rows = Message.objects.read_of(case).visible_to(viewer).defer("html", "whole_text")
    note = rows.filter(pk=pk).first()
    if note is None or not note.is_noted:
        raise Http404
    return note

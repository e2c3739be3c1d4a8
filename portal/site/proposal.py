"""The card "Shall we phone you about this?", and its two buttons."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from channels_app import proposals
from channels_app.proposals import Answered, Standing
from channels_app.rendering import without_link
from contacts.models import Case, Question
from contacts.models.question import NO, YES
from portal.site import strips, waiting
from portal.site.buttons import button
from portal.site.question import case_for
from portal.site.switch import known_address


@button
def proposal(request: HttpRequest, reference: str) -> HttpResponse:
    """Yes or no; with a yes that needs an address, the rows where one goes on."""
    viewer, case = case_for(request, reference)
    wanted, word = request.POST.get("question", ""), request.POST.get("answer", "")
    asked = next((row for row in proposals.of(case) if str(row.pk) == wanted), None)
    if asked is None or word not in (YES, NO):
        raise Http404
    to = known_address(request, viewer, case, asked.proposed_kind) if word == YES else None
    done = proposals.answer(asked, word, to=to)
    case.refresh_from_db()
    return _follow(request, case, asked, done)


def _follow(request: HttpRequest, case: Case, asked: Question, done: Answered) -> HttpResponse:
    """Say what happens next, and lead there."""
    page = redirect("site:question", case.reference)
    if done.is_late:
        strips.say(request, without_link(proposals.told(done, asked, case)), tone="warn")
        return page
    if done.standing == Standing.AGREED:
        if waiting.of(request, case):
            return page  # where they write to us first, the card says how
        strips.say(request, _("Thank you. One step is left: choose it here."))
        way = reverse("site:switch", args=[case.reference])
        return redirect(f"{way}?way={asked.proposed_kind}")
    undo = None
    if done.standing == Standing.ACCEPTED and case.choice is not None:
        waiting.end(request, case)
        undo = case.choice.pk
    text = proposals.told(done, asked, case)
    strips.say(request, text, undo=undo, reference=case.reference)
    return page

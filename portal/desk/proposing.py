"""Another way is proposed to the customer, and taken back: buttons of the composer. POST alone."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from channels_app import dispatch, proposals
from channels_app.models import Delivery
from channels_app.proposals import Standing
from contacts import kinds
from contacts.models import Case, Question
from portal import words as all_words
from portal.desk import words
from portal.desk.pages import done, staff_of


@dataclass(frozen=True)
class Proposed:
    """What the customer was asked and did not answer, or did not do yet."""

    question: Question
    standing: Standing
    failed: bool

    @property
    def line(self) -> str:
        """How it stands, in a sentence."""
        values = {
            "kind": words.noun(self.question.proposed_kind),
            "until": words.day_and_time(self.question.expires_at),
        }
        if self.standing == Standing.AGREED:
            return _("They said yes to %(kind)s; one step is left to them.") % values
        if self.failed:
            return _("Proposed: %(kind)s. It did not arrive; their own page asks it.") % values
        return _("Proposed: %(kind)s. Waits for a word until %(until)s.") % values


def context(case: Case, kind: str, found: list[Question]) -> dict[str, Any]:
    """What the composer says of proposals; `kind`: the other way that is looked at."""
    refused = proposals.declined(found)
    can = bool(kind) and proposals.may_propose(case, kind)
    return {
        "proposed": _waiting(found, case),
        "may_propose": proposals.may_propose(case, ""),
        "can_propose": can,
        "proposal_text": _text(case, kind) if can else "",
        "declined": list(refused),
        "said_no": refused[kind].closed_at if can and kind in refused else None,
    }


def _text(case: Case, kind: str) -> str:
    """What they are asked, in their language."""
    with translation.override(case.language):
        return proposals.question(kind)


def _waiting(found: list[Question], case: Case) -> Proposed | None:
    waits = proposals.current(found, case)
    if waits is None:
        return None
    sent = Delivery.objects.filter(message=waits[0].message_id).order_by("-created_at").first()
    return Proposed(*waits, failed=bool(sent and sent.status in all_words.FAILED))


def propose(request: HttpRequest, case: Case) -> bool:
    """Ask the customer; False where they said no before, which has to be known first."""
    kind = request.POST.get("propose", "")
    if kind not in kinds.KINDS:
        raise Http404
    if kind in proposals.declined(proposals.of(case)) and not request.POST.get("sure"):
        return False
    sentence = request.POST.get("sentence", "")
    try:
        asked = proposals.propose(case=case, kind=kind, staff=staff_of(request), sentence=sentence)
    except proposals.CannotPropose:
        messages.error(request, _("That way cannot be proposed here."))
    except dispatch.Refusal as refusal:
        messages.error(request, refusal.refused.reason)
    else:
        undo = reverse("admin:case_unpropose", args=[case.reference, asked.pk])
        values = {"by": words.by(asked.message.kind if asked.message else asked.kind)}
        done(request, _("They are asked %(by)s. You hear what they say.") % values, undo=undo)
    return True


def take_back(request: HttpRequest, case: Case, pk: int) -> None:
    """Ask no more."""
    rows = Question.objects.filter(sort=Question.Sort.PROPOSAL, case__in=case.member_ids)
    asked = get_object_or_404(rows.select_related("case__root"), pk=pk)
    if proposals.take_back(asked, staff_of(request)):
        done(request, _("The proposal is taken back."))
    else:
        messages.info(request, _("It is over already: look at what they said."))

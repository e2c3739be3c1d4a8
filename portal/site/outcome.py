"""How it was: two rows of two buttons below a question that is solved."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from channels_app import outcomes
from contacts.models import Case, Outcome
from contacts.models.outcome import CHANGEABLE, SAID
from portal import access
from portal.site import strips
from portal.site.buttons import button

TAPS_PER_HOUR = 20  # in one case
VALUES = {"yes": True, "no": False}


@dataclass(frozen=True)
class Row:
    """One question of the card, and what was said."""

    what: str
    asks: str
    value: bool | None
    is_open: bool


@dataclass(frozen=True)
class Card:
    """What stands below a question that is solved. `until`: so long a word can be changed."""

    rows: tuple[Row, ...]
    until: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether everything was said."""
        return all(row.value is not None for row in self.rows)


def of(case: Case) -> Card | None:
    """The card of a case; None where nothing is asked. One query, where the case is resolved."""
    outcome = outcomes.may_say(case)
    return _card(outcome) if outcome else None


def _card(outcome: Outcome) -> Card:
    asks = {
        "answered": _("Did this answer your question?"),
        "repeated": _("Did you have to tell us anything twice?"),
    }
    rows = tuple(
        Row(what, asks[what], getattr(outcome, what), outcome.may_say(what)) for what in SAID
    )
    until = outcome.said_at + CHANGEABLE if outcome.said_at and outcome.is_changeable else None
    return Card(rows, until)


@button
def outcome(request: HttpRequest, reference: str) -> HttpResponse:
    """What they tapped. A question that was not answered is open again."""
    case = access.visible_case(access.viewer_of(request), reference)
    page = reverse("site:question", args=[case.reference])
    what = next((what for what in SAID if request.POST.get(what) in VALUES), "")
    if not what:
        return redirect(page)
    if not access.allow(f"outcome:{case.stem.pk}", times=TAPS_PER_HOUR, seconds=3600):
        text = _("You changed this many times. Please wait a while, or call us.")
        strips.say(request, text, tone="warn")
        return redirect(page)
    value = VALUES[request.POST[what]]
    if not outcomes.say(case=case, what=what, value=value):
        strips.say(request, _over(case), tone="warn")
        return redirect(page)
    if what == "answered" and not value:
        text = _("Your question is open again. What is missing? Write it below.")
        strips.say(request, text)
        return redirect(f"{page}#text")
    return redirect(f"{page}#outcome")


def _over(case: Case) -> str:
    """Why a word is too late: another device was faster, or it can be changed no more."""
    if case.stem.state == Case.State.OPEN:
        return _("Your question is open again. Write below what is missing.")
    return _("This was said earlier and can no longer be changed.")

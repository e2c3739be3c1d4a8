"""When an answer is to come, as the page of a question says it."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import promises, todos
from channels_app.models import Appointment
from channels_app.promises import Offer
from contacts.kinds import CHAT
from contacts.models import Case, Choice
from portal.context import site_of


def calls_from(offer: Offer | None) -> str:
    """When we open, as who is called reads it; "" while we are open."""
    now = timezone.now()
    at = todos.call_time(offer.channel, "soon", now) if offer and offer.kind.rings else now
    return promises.moment(at, now) if at > now else ""


def nothing_yet(request: HttpRequest, case: Case) -> str:
    """ "Nothing yet. We answer by e-mail before 16:00.", as far as there is a promise."""
    choice = case.choice
    if choice is None or case.waiting_since is None or choice.kind == promises.MEETING:
        return ""
    by, offer = choice.kind_info.by, site_of(request).offer(choice.kind)
    due = offer.channel.due_at(case.waiting_since) if offer else None
    now = timezone.now()
    if due is None or due < now:
        line = _("Nothing yet. We answer %(by)s.") % {"by": by}
    else:
        words = {"by": by, "when": promises.moment(due, now)}
        line = _("Nothing yet. We answer %(by)s before %(when)s.") % words
    usual = promises.pace_line(offer.pace) if offer and offer.pace else ""
    return f"{line} {usual}." if usual else line


def is_late(case: Case, offer: Offer | None) -> bool:
    """Whether the promise of the chosen way is broken; in a chat its own lines say so.

    Who asked to be called later waits for that time. One query where it seems broken.
    """
    if case.state != Case.State.OPEN or case.waiting_since is None or offer is None:
        return False
    choice = case.choice
    if choice is None or choice.kind in (CHAT, promises.MEETING):
        return False
    if choice.kind_info.rings and choice.wish not in Choice.NOW:
        return False
    due, now = offer.channel.due_at(case.waiting_since), timezone.now()
    return due is not None and due < now and not Appointment.objects.awaited([case], now)

"""When an answer is to come, as the page of a question says it."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import due, promises, todos
from channels_app.promises import Offer
from contacts.kinds import CHAT
from contacts.models import Case
from portal.context import site_of


def calls_from(offer: Offer | None) -> str:
    """When we open, as who is called reads it; "" while we are open."""
    now = timezone.now()
    at = todos.call_time(offer.channel, "soon", now) if offer and offer.kind.rings else now
    return promises.moment(at, now) if at > now else ""


def nothing_yet(request: HttpRequest, case: Case) -> str:
    """ "Nothing yet. We answer by e-mail before 16:00.", as far as there is a promise.

    One query where an agreed time may matter.
    """
    choice = case.choice
    if choice is None or case.waiting_since is None or choice.kind == promises.MEETING:
        return ""
    by, offer = choice.kind_info.by, site_of(request).offer(choice.kind)
    now = timezone.now()
    found = due.promised(case, offer.channel, now) if offer else None
    if found is None or found.at < now:
        line = _("Nothing yet. We answer %(by)s.") % {"by": by}
    else:
        words = {"by": by, "when": promises.moment(found.at, now)}
        line = _("Nothing yet. We answer %(by)s before %(when)s.") % words
    usual = promises.pace_line(offer.pace) if offer and offer.pace else ""
    return f"{line} {usual}." if usual else line


def is_late(case: Case, offer: Offer | None) -> bool:
    """Whether the promise of the chosen way is broken; in a chat its own lines say so.

    One query where it seems broken, and of a call.
    """
    choice = case.choice
    if offer is None or choice is None or choice.kind in (CHAT, promises.MEETING):
        return False
    now = timezone.now()
    found = due.promised(case, offer.channel, now)
    return found is not None and found.level(now) == due.BROKEN

"""When an answer is to come, as the page of a question says it."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from channels_app import due, promises, todos
from channels_app.models import Channel
from channels_app.promises import Offer
from contacts.kinds import CHAT
from contacts.models import Case
from portal.context import site_of


def calls_from(offer: Offer | None) -> str:
    """When we open, as who is called reads it; "" while we are open."""
    now = timezone.now()
    at = todos.call_time(offer.channel, "soon", now) if offer and offer.kind.rings else now
    return promises.moment(at, now) if at > now else ""


def nothing_yet(request: HttpRequest, case: Case, to_plan: Channel | None) -> str:
    """ "Nothing yet. We answer by e-mail before 16:00.", as far as there is a promise.

    `to_plan`: where a time is to be chosen first. One query where an agreed time may matter.
    """
    choice = case.choice
    if choice is None or case.waiting_since is None or choice.kind == promises.MEETING:
        return ""
    if choice.kind_info.by_appointment:
        return plan_line(case, to_plan) if to_plan else ""
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


def plan_line(case: Case, channel: Channel) -> str:
    """ "Nothing yet. Choose a time for the video call.", which leads there."""
    address = reverse("site:appointment", args=[case.reference, channel.slug])
    line = '{} <a href="{}">{}</a>'
    return format_html(line, _("Nothing yet."), address, _("Choose a time for the video call."))


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

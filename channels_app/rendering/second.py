"""What a message says first that comes by the second way: why it does not come by the first."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app import outbox
from channels_app.models import Delivery
from channels_app.reasons import CAME_BACK, NO_ANSWER, NOT_MET
from contacts.kinds import KINDS
from contacts.models import Message


def lead(message: Message, delivery: Delivery | None = None) -> str:
    """ "We could not reach you by WhatsApp, so this comes by e-mail."; "" by any other than that.

    `delivery`: the one that is made, which knows how the first one went. In the language that is
    active.
    """
    if message.template == outbox.UNREAD:
        return _("You did not read this in the chat yet.")
    if message.why != Message.Why.FALLBACK or message.chosen_kind not in KINDS:
        return ""
    before = delivery.replaces if delivery else None
    why = before.reason if before else {}
    values = {"first": KINDS[message.chosen_kind].by, "by": KINDS[message.kind].by}
    if why.get("code") == CAME_BACK:
        return _("Our letter to you came back, so this comes %(by)s.") % values
    if why.get("code") == NOT_MET:
        return _("We did not meet you, so this comes %(by)s.") % values
    if why.get("code") == NO_ANSWER:
        tries = int(why["tries"])
        text = ngettext(
            "We tried to call you %(count)s time, so this comes %(by)s.",
            "We tried to call you %(count)s times, so this comes %(by)s.",
            tries,
        )
        return text % {**values, "count": tries}
    return _("We could not reach you %(first)s, so this comes %(by)s.") % values


def below(first: str, text: str) -> str:
    """A text under its first line, where there is one."""
    return "\n\n".join(part for part in (first, text) if part)

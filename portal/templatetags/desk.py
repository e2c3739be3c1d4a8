"""Small pieces of the desk's pages."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from channels_app.models import Delivery
from contacts.models import Choice, Customer
from portal.desk import words
from portal.templatetags.onecase import chip_of, icon

register = template.Library()
S = Delivery.Status
STATE_ICONS = {
    S.TODO: "clock",
    S.TAKEN: "clock",
    S.QUEUED: "clock",
    S.SENDING: "clock",
    S.FAILED: "alert",
    S.RETURNED: "alert",
    S.UNCERTAIN: "alert",
    S.CANCELLED: "close",
}


@register.simple_tag
def avatar(name: str, size: str = "") -> SafeString:
    """A round sign with the first letters of a name; the name itself stands beside it.

    A number is no name: it has the sign of a person, as has who is not known.
    """
    known = "" if name == _("Unknown customer") else str(name)
    parts = [part for part in known.replace("@", " ").split() if part[:1].isalpha()]
    letters = "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or icon("user")
    return format_html(
        '<span class="desk-avatar{}" aria-hidden="true">{}</span>',
        f" desk-avatar--{size}" if size else "",
        letters,
    )


@register.filter
def state_icon(delivery: Delivery) -> str:
    """The icon of a delivery's state."""
    return STATE_ICONS.get(S(delivery.status), "check")


@register.filter
def state_word(delivery: Delivery) -> str:
    """The state in a word; the model's own way to it is made anew for each row."""
    return _("waits") if delivery.is_held else str(S(delivery.status).label)


@register.filter
def state_level(delivery: Delivery) -> str:
    """ "bad", "unsure", "off" or "": how a delivery's state is coloured."""
    if delivery.status in (S.FAILED, S.RETURNED):
        return "bad"
    if delivery.status == S.UNCERTAIN:
        return "unsure"
    return "off" if delivery.status == S.CANCELLED else ""


@register.filter
def try_word(outcome: str) -> str:
    """How one try went, in a word for staff."""
    said = {
        "sent": _("sent"),
        "delivered": _("delivered"),
        "unavailable": _("the other side did not answer"),
        "rejected": _("refused by the other side"),
        "recipientgone": _("the address does not exist"),
        "misconfigured": _("the channel is set up wrongly"),
        "uncertain": _("not sure that it arrived"),
        "reached": _("reached"),
        "not_reached": _("not reached"),
        "later": _("later"),
    }
    return said.get(outcome, outcome)


@register.filter
def shorten(text: str, limit: int = 160) -> str:
    """One line, cut at a word."""
    return words.shorten(text, limit)


@register.filter
def when(value: object) -> str:
    """today 10:12, yesterday 10:12, 12 May 10:12."""
    return words.day_and_time(value) if value else ""  # type: ignore[arg-type]


@register.filter
def since(at: datetime) -> str:
    """How long ago it was: 4 min."""
    return words.span(timezone.now() - at)


@register.filter
def own_name(customer: Customer) -> str:
    """Somebody's own name, not the one that they were joined under."""
    return words.own_name(customer)


@register.filter
def chosen(choice: Choice) -> str:
    """How a way to answer was chosen, and when."""
    return words.chosen(choice)


@register.filter
def kind_by(name: str) -> str:
    """How a kind completes a sentence: by e-mail."""
    return words.by(name)


@register.filter
def kind_label(name: str) -> str:
    """A kind's name as staff read it."""
    return words.label(name)


@register.filter
def kind_noun(name: str) -> str:
    """A kind inside a sentence for staff: a letter."""
    return words.noun(name)


@register.simple_tag
def chip(name: str) -> SafeString:
    """Icon and name of a kind in its colour; nothing for an unknown one."""
    label = words.label(name)
    return chip_of(name, label) if label else SafeString("")

"""Names and moments as the desk writes them."""

from datetime import datetime, timedelta

from django.db.models import Prefetch
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Case, Choice, Customer, Holder, User
from portal.words import staff_by as by
from portal.words import staff_label as label
from portal.words import staff_noun as noun

__all__ = [
    "by",
    "chosen",
    "customer_name",
    "day_and_time",
    "faster",
    "holders",
    "label",
    "noun",
    "own_name",
    "shorten",
    "span",
]


def span(length: timedelta) -> str:
    """A length of time in at most five letters, for a narrow column: 4 min, 3 h, 2 d."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 1:
        return _("now")
    if minutes < 60:
        return _("%(count)s min") % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)s h") % {"count": minutes // 60}
    return ngettext("%(count)s day", "%(count)s days", minutes // 1440) % {"count": minutes // 1440}


def chosen(choice: Choice) -> str:
    """Chosen by the customer today 10:12; without the time where nobody chose yet."""
    how = choice.get_by_display()
    if choice.by == Choice.By.MEANWHILE:
        return how
    return _("%(how)s %(when)s") % {"how": how, "when": day_and_time(choice.created_at)}


def day_and_time(at: datetime) -> str:
    """today 10:12, yesterday 10:12, 12 May 10:12."""
    local, today = timezone.localtime(at), timezone.localdate()
    clock = formats.time_format(local.time(), _("H:i"))
    if local.date() == today:
        return _("today %(time)s") % {"time": clock}
    if local.date() == today - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": clock}
    if local.date() == today + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": clock}
    if local.year == today.year:
        return f"{formats.date_format(local, 'j F')} {clock}"
    return formats.date_format(local, "j F Y")


def holders(customer: str) -> Prefetch:
    """What a list reads beside its rows, so that `customer_name` asks nothing; one query.

    Joined: SQLite takes no list of a thousand addresses.
    """
    nameless = Holder.objects.current().filter(customer__name="")
    return Prefetch(f"{customer}__holders", nameless.select_related("identity"))


def customer_name(customer: Customer, case: Case | None = None) -> str:
    """The name of a customer, else the address that answers go to, else one that we know.

    Lists prefetch `holders`.
    """
    if customer.top.name or customer.name:
        return customer.top.name or customer.name
    if case is not None and case.choice is not None and case.choice.identity is not None:
        return str(case.choice.identity)
    return own_name(customer)


def own_name(customer: Customer) -> str:
    """Somebody's own name, not the one that they were joined under; else an address of theirs."""
    if customer.name:
        return customer.name
    held = [holder for holder in customer.holders.all() if holder.ended_at is None]
    newest = max(held, key=lambda holder: holder.pk, default=None)
    return str(newest.identity) if newest else _("Unknown customer")


def faster(owner: User | None) -> str:
    """Who took a case that somebody else wanted to take as well."""
    if owner is None:
        return _("Meanwhile the case has nobody any more. Press once more to take it.")
    return _("%(name)s was faster and has the case now.") % {"name": owner.display_name}


def shorten(text: str, limit: int = 160) -> str:
    """The text in one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    return line[:limit].rsplit(" ", 1)[0].rstrip(",.;:") + "…"

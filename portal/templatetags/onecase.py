"""Tags and filters that the customer's pages and the desk share: icons, kinds, moments."""

from datetime import datetime, timedelta
from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.kinds import KINDS, Kind
from portal.words import WISHES

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of our own set; always beside its name, so hidden from screen readers."""
    return _icon(str(name), extra)


@lru_cache(maxsize=256)  # a page has hundreds of a few dozen
def _icon(name: str, extra: str) -> SafeString:
    return format_html(
        '<svg class="icon {}" width="24" height="24" aria-hidden="true" focusable="false">'
        '<use href="{}#{}"></use></svg>',
        extra,
        static("portal/icons.svg"),
        name,
    )


@register.simple_tag
def kind_chip(name: str) -> SafeString:
    """Icon and name of a kind in its colour; nothing for an unknown one."""
    return chip_of(name, str(KINDS[name].label)) if name in KINDS else SafeString("")


@lru_cache(maxsize=256)
def chip_of(name: str, label: str) -> SafeString:
    """Icon and label of a kind in its colour."""
    return format_html(
        '<span class="chip kind-{}">{}<span>{}</span></span>', name, icon(name), label
    )


@register.filter
def kind(name: str) -> Kind | None:
    """The registry entry of a kind's name, for `.label` and `.by`."""
    return KINDS.get(name)


@register.filter
def wish(value: str) -> str:
    """The words of a callback wish; "" for anything else."""
    return str(WISHES.get(value, ""))


@register.filter
def moment(value: datetime | None) -> str:
    """A moment as people say it: "10:12" today, "yesterday 10:12", "12 May 10:12"."""
    if value is None:
        return ""
    local, today = timezone.localtime(value), timezone.localdate()
    clock = formats.time_format(local.time(), _("H:i"))
    if local.date() == today:
        return clock
    if local.date() == today - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": clock}
    if local.year == today.year:
        return f"{formats.date_format(local, 'j F')} {clock}"
    return formats.date_format(local, "j F Y")


@register.filter
def iso(value: datetime) -> str:
    """A moment for `<time datetime>`."""
    return timezone.localtime(value).isoformat()


@register.filter
def unbroken(line: str, part: str) -> SafeString:
    """The line with one part of it (an address, a reference) held together on one row."""
    before, found, after = line.partition(part) if part else (line, "", "")
    return format_html('{}<span class="nowrap">{}</span>{}', before, found, after)


@register.filter
def waited(since: datetime | None) -> str:
    """How long ago, in one unit: "now", "12 min", "3 hours", "2 days"."""
    if since is None:
        return ""
    minutes = max(0, int((timezone.now() - since).total_seconds() // 60))
    if minutes < 1:
        return _("now")
    if minutes < 60:
        return _("%(count)s min") % {"count": minutes}
    if minutes < 48 * 60:
        hours = minutes // 60
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    days = minutes // (24 * 60)
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}

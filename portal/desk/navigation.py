"""The sidebar: the work first, the set-up only for those who may change it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _

from contacts.models import User
from portal.desk import counts


def item(name: str, icon: str, title: str, path: str, **more: Any) -> dict[str, Any]:
    """One line of the sidebar; active on its page and on those below it."""
    link = reverse(f"admin:{name}")
    active = path == link if name == "index" else path.startswith(link)
    return {"title": escape(title), "icon": icon, "link": link, "active": active, **more}


def badge(number: int) -> dict[str, Any]:
    """The figure beside a line; nothing where there is nothing to do."""
    return {"badge": counts.shown(number), "badge_variant": "primary"} if number else {}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """What Unfold shows at the left."""
    if not isinstance(request.user, User):
        return []
    groups: list[dict[str, Any]] = [{"title": "", "items": work(request)}]
    if request.user.is_administrator:
        groups.append({"title": _("Set-up"), "separator": True, "items": set_up(request)})
    return groups


def work(request: HttpRequest) -> list[dict[str, Any]]:
    """The agents' pages."""
    figures, path = counts.of(request), request.path
    return [
        item("index", "home", _("Home"), path),
        item("cases", "inbox", _("Cases"), path, **badge(figures.needs)),
        item("chats", "forum", _("My chats"), path, **badge(figures.chats)),
        item("todo", "task_alt", _("To do"), path, **badge(figures.todo)),
        item("day", "today", _("My day"), path),
        item("record", "edit_note", _("Record a contact"), path),
        item("alerts", "notifications", _("Alerts"), path, **badge(figures.alerts)),
    ]


def set_up(request: HttpRequest) -> list[dict[str, Any]]:
    """The administrators' pages."""
    figures, path = counts.of(request), request.path
    return [
        item("organisation", "storefront", _("Organisation"), path),
        item("channels", "alt_route", _("Channels"), path),
        item("special_days", "event", _("Special days"), path),
        item("targets", "timer", _("Targets"), path),
        item("topics", "sell", _("Topics"), path),
        item("advice", "lightbulb", _("Advice"), path),
        item("canned_answers", "quickreply", _("Canned answers"), path),
        item("staff", "group", _("Staff"), path),
        item("teams", "groups", _("Teams"), path),
        item("quarantine", "report", _("Quarantine"), path, **badge(figures.quarantine)),
        item("api_clients", "api", _("API"), path),
    ]


def account(request: HttpRequest) -> list[dict[str, str]]:
    """The links under one's own name."""
    return [
        {"title": escape(_("My settings")), "link": reverse("admin:me")},
        {"title": escape(_("Change password")), "link": reverse("admin:password_change")},
    ]

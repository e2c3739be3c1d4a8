"""On duty, away, off duty: said by one click on any page; who leaves says what becomes of chats."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from contacts import duty, services
from contacts.models import Organisation, User
from portal.desk import chats, words
from portal.desk.pages import back, done, page, page_before, show, staff_of

ON, AWAY, OFF = "on", "away", "off"
KEEP, GIVE = "keep", "give"


def state(request: HttpRequest) -> HttpResponse:
    """The three buttons; off duty asks first what becomes of open chats."""
    user, wanted = staff_of(request), request.POST.get("state", "")
    said: dict[str, tuple[Callable[[User], bool], str]] = {
        ON: (duty.come, _("You are on duty.")),
        AWAY: (duty.away, _("You are away: new chats go to your colleagues.")),
        OFF: (duty.leave, _("You are off duty.")),
    }
    if wanted not in said:
        raise Http404
    of_chats = request.POST.get("chats", "")
    if wanted == OFF and not of_chats and chats.mine(user).exists():
        return _ask(request, user)
    change, text = said[wanted]
    was_open = _is_chat_open()
    change(user)
    if wanted == OFF and of_chats != KEEP:
        _hand_over(user, of_chats)
    if was_open and not _is_chat_open():
        text += " " + _("Nobody else is there: chat is closed now, and the start page says so.")
    done(request, text)
    return back(request, page_before(request))


def _is_chat_open() -> bool:
    organisation = Organisation.current()
    return organisation.pk is not None and bool(duty.chat_languages(organisation))


def _ask(request: HttpRequest, user: User) -> HttpResponse:
    colleagues = duty.there().exclude(pk=user.pk).order_by("first_name", "username")
    cases = chats.mine(user).select_related("customer__root", "choice__identity")
    found = list(cases.prefetch_related(words.holders("customer"))[: chats.MOST])
    context: dict[str, Any] = {
        "chats": [(case, words.customer_name(case.customer, case)) for case in found],
        "colleagues": list(colleagues),
        "next": page_before(request),
    }
    return show(request, "desk/off_duty.html", title=_("Off duty"), **context)


def _hand_over(user: User, to: str) -> None:
    """All chats of somebody who goes: to a colleague, or back so that the rules choose one."""
    colleague = None
    if to != GIVE:
        people = duty.there().filter(pk=to if to.isdecimal() and len(to) < 19 else 0)
        colleague = people.first()  # who left meanwhile gets nothing: the rules choose
    for case in chats.mine(user)[: chats.MOST]:
        services.assign(case=case, to=colleague, by=user)


def urls() -> list[URLPattern]:
    """The button's address."""
    return [page("me/duty/", state, "my_duty", post=True)]

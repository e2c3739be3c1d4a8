"""A private matter: who wants to chat about it says first that they do, or goes elsewhere (A4)."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from contacts.kinds import ACCOUNT, CHAT, PHONE
from contacts.models import Case, Topic
from portal import times
from portal.site.forms import Typed

INSTEAD = (ACCOUNT, PHONE)
FIELD, NUMBER = "private", "private_phone"  # what the card posts
KEY, MOST = "chat_anyway", 20


def chosen(typed: Typed) -> Typed:
    """The form as a button of the card means it: that way, or that time to be called."""
    said = typed.get(FIELD)
    way = PHONE if times.is_time(said) else said
    if typed.data is None or typed.get("way") != CHAT or way not in INSTEAD:
        return typed
    data = typed.data.copy()
    data["way"] = way
    if way != said:
        data["wish_phone"] = said
    if number := typed.get(NUMBER):
        data["address_phone"] = number
    return Typed(data)


def ask(typed: Typed, topic: Topic | None) -> None:
    """Have the card shown, where they did not choose yet."""
    is_private = topic is not None and topic.is_sensitive and typed.get("way") == CHAT
    if is_private and typed.get(FIELD) != CHAT:
        typed.fail(FIELD, _("This is private: please choose once more how we answer."))


def is_settled(request: HttpRequest, case: Case) -> bool:
    """Whether this browser said that it chats about it anyway."""
    return case.pk in request.customer_session.get(KEY, [])  # type: ignore[attr-defined]


def settle(request: HttpRequest, case: Case) -> None:
    """It chats anyway: nothing is said about it any more."""
    session = request.customer_session  # type: ignore[attr-defined]
    settled = [pk for pk in session.get(KEY, []) if pk != case.pk]
    session[KEY] = [*settled, case.pk][-MOST:]

"""A shop that chats, and the short ways to a chat."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from channels_app import dispatch, opening
from channels_app.models import Channel, Delivery
from contacts.models import Case, Message, Organisation, User


def offer_chat(organisation: Organisation) -> Channel:
    """Chat, beside the shop's other ways."""
    return Channel.objects.create(
        organisation=organisation,
        kind="chat",
        provider="in_house",
        slug="chat",
        name="chat",
        position=9,
    )


def a_chat(organisation: Organisation, text: str = "Is the car still there?", **more: Any) -> Case:
    """A customer begins to chat."""
    given = {"kind": "chat", "came_by": "chat", "language": "en"} | more
    return opening.open_case(organisation=organisation, text=text, **given)


def fresh(case: Case) -> Case:
    """The row as a page reads it."""
    return Case.objects.select_related("root", "choice", "customer").get(pk=case.pk)


def say(case: Case, agent: User, text: str, **more: Any) -> Message:
    """An answer by the way that was chosen."""
    return dispatch.reply(case=fresh(case), staff=agent, text=text, **more)


def minutes_go_by(minutes: int = 11) -> None:
    """All that was sent is so much older."""
    ago = timedelta(minutes=minutes)
    Delivery.objects.update(created_at=F("created_at") - ago, sent_at=F("sent_at") - ago)


def states(case: Case) -> list[str]:
    """How far the chat's answers are, in order."""
    rows = Delivery.objects.filter(message__case__in=fresh(case).family_ids())
    rows = rows.filter(channel__kind="chat").order_by("message__created_at")
    return list(rows.values_list("status", flat=True))

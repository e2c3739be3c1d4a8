"""What is written on the page of a question: in the chat, or as on any own page."""

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from channels_app import leaving, outbox, routing, switching
from contacts import services
from contacts.kinds import ACCOUNT, CHAT
from contacts.models import Case, Choice, Message

MOST = 50  # choices of one case that are looked through, newest first


def goes_on(case: Case) -> bool:
    """Whether the next words on the page are said in the chat."""
    return case.stem.answer_kind == CHAT or waits_for_them(case)


def waits_for_them(case: Case) -> bool:
    """Whether an answer goes another way now, and the chat goes on once they write on the page.

    So it is where they only wrote elsewhere (to what had followed them there, or from another
    app), or the case was joined to another. Who chose a way themselves stays with it.
    """
    choice = case.stem.choice
    if choice is None or choice.kind == CHAT:
        return False
    if choice.by != Choice.By.WRITING and len(case.members) == 1:
        return False
    return _last_wish(case) == CHAT and _is_there(case)


def _last_wish(case: Case) -> str:
    """The kind that was chosen last otherwise than by writing there; to chat is to write."""
    rows = Choice.objects.filter(case__in=case.member_ids).order_by("-pk")
    for kind, by in rows.values_list("kind", "by")[:MOST]:
        if by != Choice.By.WRITING or kind == CHAT:
            return str(kind)
    return ""


def _is_there(case: Case) -> bool:
    channels = routing.offered(case.stem.organisation_id, CHAT)
    return bool(channels) and leaving.gone_among(channels, "", timezone.now()) is None


@transaction.atomic
def write(*, case: Case, text: str, **more: Any) -> Message:
    """File what its customer wrote on the page; the chat goes on where it was (R28).

    `more` as for `services.file_message`.
    """
    stem = case.locked()
    chats = goes_on(stem)
    message = services.file_message(case=case, kind=CHAT if chats else ACCOUNT, text=text, **more)
    if chats and stem.answer_kind != CHAT:
        switching.switch(case=case, kind=CHAT, by=Choice.By.WRITING)
    elif chats and stem.assignee_id is None:
        transaction.on_commit(partial(outbox.ring_to_assign, stem.pk), robust=True)
    return message

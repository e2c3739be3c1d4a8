"""Who waits in a chat for a first answer: in which order, and how long that usually takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Q

from channels_app.models import Chat
from contacts.kinds import CHAT
from contacts.models import Case
from contacts.models.case import CaseQuerySet

PATIENCE = timedelta(minutes=5)  # where nothing says what is usual
NEWEST, WITHIN, ENOUGH = 20, timedelta(days=7), 5


@dataclass(frozen=True)
class Place:
    """Where one stands. `number`: 1 is next; `usual`: in whole minutes, None where too few tell."""

    number: int
    since: datetime
    usual: int | None

    def is_late(self, now: datetime) -> bool:
        """Whether it takes longer than is usual."""
        patience = timedelta(minutes=self.usual) if self.usual else PATIENCE
        return now - self.since > patience


def waiting() -> CaseQuerySet:
    """The open cases that are answered by chat and that nobody answered there, longest wait first.

    By the index `case_waiting`: of a house with a million cases it reads those that wait.
    """
    chats = Case.objects.waiting().filter(choice__kind=CHAT, chat__started_at__isnull=False)
    return chats.filter(chat__answered_at=None).order_by("chat__started_at", "chat__pk")


def place(case: Case, now: datetime) -> Place | None:
    """Where a case stands, None where it waits for no first answer by chat. Three queries."""
    stem = case.stem
    if stem.answer_kind != CHAT or stem.waiting_since is None:
        return None
    chat = Chat.objects.filter(case=stem, answered_at=None).first()
    if chat is None or stem.state != Case.State.OPEN:
        return None
    at = chat.started_at
    before = Q(chat__started_at__lt=at) | Q(chat__started_at=at, chat__pk__lt=chat.pk)
    ahead = waiting().filter(before).order_by().count()
    return Place(ahead + 1, at, usual(now))


def usual(now: datetime) -> int | None:
    """The minutes that a first answer took lately, rounded up; None where too few tell.

    By the index `chat_answered`.
    """
    answered = Chat.objects.filter(answered_at__gte=now - WITHIN)
    times = answered.order_by("-answered_at").values_list("started_at", "answered_at")[:NEWEST]
    waits = [(end - begin).total_seconds() for begin, end in times if end is not None]
    if len(waits) < ENOUGH:
        return None
    return max(1, -int(-median(waits) // 60))

"""The quiet line above the composer: would another way be better by now (R27)?

It reads what the page has loaded, and asks nothing of its own.
"""

import re
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from channels_app import proposals
from channels_app.advice.midway import Line, Midway, Nudge, nudge
from channels_app.promises import Offer
from contacts import kinds
from contacts.models import Case, Consent, Message
from portal.desk.composer import Read
from portal.marks import Change
from portal.site.suggested import offered

KEY = re.compile(r"[a-z0-9_-]{1,40}")
DAY_FIRST = ("nl",)  # languages in which 3/4/2026 is in April


def of(
    case: Case,
    read: Read,
    change: Change,
    said: Sequence[Message],
    board: Sequence[Offer],
    unwelcome: Iterable[tuple[kinds.Kind, Consent]],
) -> Nudge | None:
    """What an agent may propose in one click; None where nothing is better than what they have."""
    # Who left a chat is asked already, by a line of its own.
    if case.state == Case.State.RESOLVED or read.unread or not case.answer_kind:
        return None
    topic, zone = case.topic, ZoneInfo(case.organisation.time_zone)
    never = {kind.name for kind, word in unwelcome if word.level == Consent.Level.NEVER}
    offers = {offer.kind.name: offer for offer in board}
    own = offers.get(case.answer_kind)
    return nudge(
        Midway(
            kind=kinds.get(case.answer_kind),
            offers=tuple(offered(offer) for offer in board),
            lines=tuple(_line(message, zone) for message in said),
            now=timezone.localtime(timezone=zone),
            is_private=own is None or own.private,
            is_complex=bool(topic and topic.is_complex),
            is_sensitive=case.is_sensitive,
            how_soon=case.how_soon,
            waits=case.waiting_since,
            day_first=case.language in DAY_FIRST,
            # What is to be done already need not be asked for.
            unwanted=frozenset(
                never | set(proposals.declined(read.proposals)) | {row.kind for row in change.to_do}
            ),
            put_off=frozenset(case.nudges_off),
            is_asked=proposals.current(read.proposals, case) is not None,
        )
    )


def _line(message: Message, zone: ZoneInfo) -> Line:
    is_gone = message.corrected == Message.Corrected.DELETED
    return Line(
        is_ours=message.direction == Message.Direction.OUT,
        kind=message.kind,
        text="" if is_gone else message.text,
        at=message.created_at.astimezone(zone),
    )


def put_off(request: HttpRequest, case: Case) -> None:
    """Keep with the case that a nudge was answered; what is no nudge is nothing."""
    key = request.POST.get("nudge", "")
    if KEY.fullmatch(key):
        case.put_off(key)

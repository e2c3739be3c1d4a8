"""What a customer has before their eyes on their own page: arrived there, or read."""

from functools import partial

from django.db import transaction

from channels_app.models import Delivery
from contacts import hints
from contacts.kinds import OWN_PAGE
from contacts.models import Case, Event

S = Delivery.Status


def take(*, case: Case, up_to: int, read: bool) -> int:
    """Their page shows the case up to that number, in view (`read`) or behind other windows.

    How many answers moved on by it. Forward only; open pages on both sides then say so.
    """
    to, frm = (S.READ, (S.SENT, S.DELIVERED)) if read else (S.DELIVERED, (S.SENT,))
    stem = case.stem
    if _joined_since(case, up_to):
        return 0  # what came along has numbers of its own: the page shows it when it was read anew
    shown = Delivery.objects.filter(
        message__case__in=case.member_ids, message__seq__lte=up_to, status__in=frm
    )
    # Looked for first: mostly all was read, and on SQLite every UPDATE waits for its turn.
    keys = list(shown.filter(channel__kind__in=OWN_PAGE).values_list("pk", flat=True))
    moved = Delivery.objects.see(keys, to, frm) if keys else 0
    if moved:
        transaction.on_commit(partial(hints.publish, stem.pk, stem.seq), robust=True)
    return moved


def _joined_since(case: Case, seq: int) -> bool:
    """Whether another case was joined to it after that number; asks nothing of one alone."""
    if len(case.members) == 1:
        return False
    joins = Event.objects.filter(case__in=case.member_ids, sort=Event.Sort.MERGED)
    return joins.filter(seq__gt=seq).exists()

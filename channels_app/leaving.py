"""A channel goes: the cases that are answered there, and asking their customers to choose again.

What waits for it is held (`Delivery.objects.due`): it follows who chooses another way, and goes
when the channel is there again.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from channels_app import outbox, proved
from channels_app.models import Channel, Delivery, Leaving, Stranded
from contacts.models import (
    Case,
    Choice,
    Customer,
    Event,
    Message,
    User,
)
from contacts.models.case import READ_WITH, CaseQuerySet

logger = logging.getLogger(__name__)
STEP = 20  # cases that a worker asks before it lets others have their turn
TOGETHER = 20  # cases of one customer that one message asks about


def gone_among(channels: Iterable[Channel], wish: str, now: datetime) -> Channel | None:
    """Of the channels of one kind the one that went last; None while one of them answers.

    A branch that was wished for stands for itself.
    """
    every = list(channels)
    wished = [channel for channel in every if wish and channel.slug == wish]
    found = wished or every
    if not all(channel.is_gone(now) for channel in found):
        return None
    return max(
        found,
        key=lambda channel: channel.gone_at or datetime.min.replace(tzinfo=now.tzinfo),
        default=None,
    )


def gone_of(case: Case, choice: Choice | None = None) -> Channel | None:
    """The channel that a case is answered by (or was, by an earlier choice), where it is gone."""
    choice = choice or case.stem.choice
    if choice is None:
        return None
    rows = Channel.objects.filter(kind=choice.kind, organisation=case.stem.organisation_id)
    return gone_among(rows, choice.wish, timezone.now())


def cases_on(channel: Channel) -> CaseQuerySet:
    """The open cases that nobody could answer as their customers chose, were this channel gone."""
    # EXPLAIN at 300,000 cases: of a kind that many chose through the cases in the wanted order (by
    # key, case_waiting, case_by_change), of one that few chose from choice_by_kind to their cases.
    rows = Case.objects.open().filter(organisation=channel.organisation_id)
    rows = rows.filter(choice__kind=channel.kind)
    now, others = timezone.now(), Channel.objects.filter(organisation=channel.organisation_id)
    for other in others.filter(kind=channel.kind).exclude(pk=channel.pk):
        later = channel.gone_at and other.gone_at and other.gone_at > channel.gone_at
        if later or not other.is_gone(now):
            return rows.filter(choice__wish=channel.slug)
    return rows


def of(channel: Channel) -> Leaving | None:
    """The going of a channel; None while it answers."""
    now = timezone.now()
    if not channel.is_gone(now):
        return None
    if channel.gone_at is None:  # it is off since a time that nobody wrote down
        Channel.objects.filter(pk=channel.pk, gone_at=None).update(gone_at=now)
        channel.refresh_from_db(fields=["gone_at"])
    assert channel.gone_at is not None
    return Leaving.objects.get_or_create(channel=channel, began_at=channel.gone_at)[0]


def begin(channel: Channel, staff: User) -> Leaving | None:
    """Ask all customers of a channel that went; None where it is there again.

    Pressed once more it goes on, or looks for those who came since.
    """
    leaving = of(channel)
    if leaving is not None:
        leaving.start(staff)
        transaction.on_commit(partial(outbox.ring_to_ask, leaving.pk), robust=True)
    return leaving


def recover() -> None:
    """The sweep: who was asking is gone, or was never rung."""
    for key in Leaving.objects.unfinished(timezone.now()).values_list("pk", flat=True):
        outbox.ring_to_ask(key)


def go_on(leaving_id: int) -> None:
    """Ask the next ones, and ring for those after them. Nothing where somebody is at it."""
    found = Leaving.objects.select_related("channel", "staff").filter(pk=leaving_id).first()
    if found is None or not found.take(timezone.now()):
        return
    if not _is_on(found):
        found.step((), is_last=True)
        return
    rows = cases_on(found.channel)
    if found.total is None:
        found.total = rows.count()
    cases = list(rows.filter(pk__gt=found.after).order_by("pk").select_related(*READ_WITH)[:STEP])
    for case in cases:
        try:
            ask(case, found, found.staff)
        except Exception:  # one case must not keep the others from being asked
            logger.exception("Case %s: its customer cannot be asked.", case.reference)
    found.step([case.pk for case in cases], is_last=len(cases) < STEP)
    if found.is_asking:
        outbox.ring_to_ask(found.pk)


def _is_on(leaving: Leaving) -> bool:
    """Whether the channel is gone still, and has not been back since."""
    channel = Channel.objects.get(pk=leaving.channel_id)
    return channel.is_gone(timezone.now()) and channel.gone_at == leaving.began_at


@transaction.atomic
def ask(case: Case, leaving: Leaving, staff: User | None) -> Stranded | None:
    """Ask the customer of a case to choose again, and in the same message for their others there.

    None where they were asked, or chose, or the channel is there again.
    """
    cases = _locked(case, leaving)
    if not cases or not _is_on(leaving):
        return None
    way = proved.by_customer(cases[0], leaving.channel.kind)
    if way is None:  # an address that one case alone proved speaks for that one
        cases = cases[:1]
        way = proved.in_case(cases[0], leaving.channel.kind)
    return _write(cases, leaving, way, staff)


def _locked(case: Case, leaving: Leaving) -> list[Case]:
    """The case and its customer's others on that channel, each locked and not asked yet.

    The case itself comes first; none where it is not among them. In the order of their keys, so
    that two at once do not wait for each other.
    """
    people = Customer.objects.family({case.customer.top_id})
    theirs = cases_on(leaving.channel).filter(customer__in=people).order_by("pk")
    asked = Stranded.objects.filter(leaving=leaving).exclude(asked_at=None)
    # One by one: as a set of keys all that were asked would be read for each case.
    waits = theirs.exclude(Exists(asked.filter(case=OuterRef("pk"))))
    keys = set(waits.values_list("pk", flat=True)[:TOGETHER]) | {case.pk}
    found = []
    for row in Case.objects.filter(pk__in=keys, root=None).order_by("pk"):
        stem = row.locked()
        if stem.state == Case.State.OPEN and _is_there(stem, leaving):
            found.append(stem)
    done = set(asked.filter(case__in=found).values_list("case", flat=True))
    found = [stem for stem in found if stem.pk not in done]
    found.sort(key=lambda stem: stem.pk != case.pk)
    return found if found and found[0].pk == case.pk else []


def _is_there(case: Case, leaving: Leaving) -> bool:
    gone = gone_of(case)
    return gone is not None and gone.pk == leaving.channel_id


def _write(
    cases: Sequence[Case], leaving: Leaving, way: proved.Way | None, staff: User | None
) -> Stranded:
    """Ask: a line in the history of each, and one message where there is a way for it."""
    now, first, gone = timezone.now(), cases[0], leaving.channel
    data: dict[str, Any] = {"kind": gone.kind, "off": not gone.is_offered}
    message = None
    if way is not None:
        data |= {"by": way[0].kind, "identity": way[1].pk}
        message = Message(
            direction=Message.Direction.OUT,
            template=outbox.CHOOSE_AGAIN,
            kind=way[0].kind,
            chosen_kind=gone.kind,
            identity=way[1],
            language=first.language,
            created_at=now,
        )
    for case in cases:
        line = Event(sort=Event.Sort.LEFT, staff=staff, data=data, created_at=now)
        case.append(*([message] if message and case is first else []), line)
    asked = {"asked_at": now, "message": message, "to_call": way is None}
    rows = [
        Stranded.objects.update_or_create(leaving=leaving, case=case, defaults=asked)[0]
        for case in cases
    ]
    if message is not None and way is not None:
        outbox.add(message, *way, role=Delivery.Role.NOTICE)
    return rows[0]


def is_over(message: Message) -> bool:
    """Whether nobody is to be asked by a message any more: they chose, or the channel is back."""
    rows = Stranded.objects.waiting().filter(message=message, case__state=Case.State.OPEN)
    row = rows.select_related("leaving__channel").first()
    return row is None or not row.leaving.channel.is_gone(timezone.now())


def chosen(case: Case, before: Choice | None) -> None:
    """The customer of a stem goes on another way: written down where the one before was gone."""
    now, choice = timezone.now(), case.choice
    if before is None or choice is None or before.kind == choice.kind:
        return
    if Stranded.objects.waiting().filter(case=case).update(chose_at=now):
        return
    gone = gone_of(case, before)
    leaving = of(gone) if gone else None
    if leaving is not None:
        Stranded.objects.get_or_create(leaving=leaving, case=case, defaults={"chose_at": now})

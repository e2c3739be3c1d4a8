"""Calls: who is there to make them, who waits to be called now, and in which order.

Duty tells it, for calls are made from the desk, where each stands as a to-do. Where nobody ever
looked at the desk nothing is known, and nothing is claimed. In a call is who has taken one that is
due; one that was only kept for later leaves its colleague free.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, Q
from django.utils import timezone

from channels_app.models import Delivery
from channels_app.models.delivery import DeliveryQuerySet
from contacts import duty
from contacts.kinds import PHONE
from contacts.models import Case, Message, Organisation

NEWEST, WITHIN, ENOUGH = 20, timedelta(days=7), 5
S = Delivery.Status


@dataclass(frozen=True)
class Calls:
    """How it stands with calls at this moment: colleagues who are there, those of them in a call,
    and customers who wait to be called now."""

    there: int
    busy: int
    waiting: int

    @property
    def is_free(self) -> bool:
        """Whether somebody is there for one more, with whom nobody else waits."""
        return self.there - self.busy > self.waiting


@dataclass(frozen=True)
class Crew:
    """Who takes calls, by language, and how busy they are; `takers` None: nothing tells."""

    takers: dict[str, frozenset[int]] | None = None
    busy: frozenset[int] = frozenset()
    waiting: int = 0

    @classmethod
    def of(cls, organisation: Organisation) -> "Crew":
        """As it is now. Three queries, and one more where nobody is there."""
        takers = _takers(organisation) if organisation.pk else None  # else nothing is set up yet
        if takers is None:
            return cls()
        rows = (
            due(timezone.now()).order_by().values_list("status", "taken_by").annotate(Count("pk"))
        )
        found = list(rows)
        waiting = sum(count for status, _who, count in found if status == S.TODO)
        busy = frozenset(who for status, who, _count in found if status == S.TAKEN and who)
        return cls(takers, busy, waiting)

    @property
    def people(self) -> int | None:
        """How many are there who take calls in some language; None where nothing tells."""
        return None if self.takers is None else _count(self.takers)

    def calls(self, language: str) -> Calls | None:
        """For who speaks that language; None where nothing tells."""
        if self.takers is None:
            return None
        people = self.takers.get(language, frozenset())
        return Calls(len(people), len(people & self.busy), self.waiting)


def _takers(organisation: Organisation) -> dict[str, frozenset[int]] | None:
    takers = duty.takers(organisation, PHONE)
    return takers if any(takers.values()) or duty.is_used() else None


def _count(takers: dict[str, frozenset[int]]) -> int:
    return len(frozenset[int]().union(*takers.values()))


def people(organisation: Organisation) -> int | None:
    """As `Crew.people`. Two queries, and one more where nobody is there."""
    takers = _takers(organisation)
    return None if takers is None else _count(takers)


def due(now: datetime) -> DeliveryQuerySet:
    """The calls whose time has come, taken or not: not those of later, or that were put off.

    In the order of the desk's list. By the index `delivery_to_do`, which knows no others.
    """
    rows = Delivery.objects.to_do().filter(channel__kind=PHONE, next_attempt_at__lte=now)
    return rows.order_by("next_attempt_at", "pk")


@dataclass(frozen=True)
class Place:
    """Where one stands. `number`: 1 is next, 0 while a colleague calls, by their first name `by`.

    None: nobody was reached (`in_vain`), or they asked for later, and we call again `at`.
    """

    number: int | None
    by: str = ""
    at: datetime | None = None
    in_vain: bool = False


def place(case: Case, now: datetime) -> Place | None:
    """Where a case stands; None where no call is due, or was tried. At most two queries."""
    mine = Delivery.objects.to_do().filter(channel__kind=PHONE, message__case__in=case.member_ids)
    # Of those of one moment one that is taken: then somebody calls.
    rows = mine.select_related("taken_by", "message").order_by("next_attempt_at", "status", "pk")
    row = rows.first()
    if row is None:
        return None
    at = row.next_attempt_at
    if at > now:  # of what was agreed its own card says so
        agreed = mine.filter(next_attempt_at=at, appointment__isnull=False)
        if not row.attempt_count or agreed.exists():
            return None
        return Place(None, at=at, in_vain=row.outcome == Delivery.Outcome.NOT_REACHED)
    if row.status == S.TAKEN:
        return Place(0, row.taken_by.public_name if row.taken_by else "")
    before = Q(next_attempt_at__lt=at) | Q(next_attempt_at=at, pk__lt=row.pk)
    return Place(due(now).filter(before, status=S.TODO).order_by().count() + 1)


def usual(now: datetime) -> int | None:
    """How long it took lately, in seconds, from when a call was due until it was over; the median.

    Of those without an agreed time that reached somebody at the first try: they waited for us
    alone. None where too few tell. By the index `delivery_by_status`.
    """
    rows = Delivery.objects.filter(
        status=S.DONE,
        created_at__gte=now - WITHIN,
        channel__kind=PHONE,
        appointment=None,
        attempt_count=1,
        message__template=Message.CALLBACK,
    )
    times = rows.order_by("-created_at").values_list("next_attempt_at", "finished_at")[:NEWEST]
    waits = [max(0.0, (end - due).total_seconds()) for due, end in times if end is not None]
    return int(median(waits)) if len(waits) >= ENOUGH else None

"""Figures about sets of cases and deliveries, each in a query whatever the number of rows."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from channels_app import reasons
from channels_app.models import Attempt, Channel, Delivery, InboundEvent
from contacts.models import Case, Message, Outcome, User

Status = Delivery.Status
PERIOD = timedelta(days=30)
LAST_TRIED = 200  # of what waits, the rows to be tried last: those that failed before are there
MANY_SWITCHES = 3
TROUBLES = (Status.FAILED, Status.UNCERTAIN, Status.RETURNED)


@dataclass(frozen=True)
class Waiting:
    """How many customers wait for us, and since when the first of them."""

    count: int
    since: datetime | None


def waiting() -> Waiting:
    """Customers who wait for an answer. One query, by the index of the queue."""
    found = Case.objects.waiting().aggregate(count=Count("pk"), since=Min("waiting_since"))
    return Waiting(found["count"], found["since"])


def troubled(statuses: tuple[str, ...] = TROUBLES) -> QuerySet[Delivery]:
    """Answers that did not or perhaps did not arrive in 30 days, and were not sent anew."""
    return Delivery.objects.filter(_wrong(statuses)).exclude(message__case=None)


def _wrong(statuses: tuple[str, ...] = TROUBLES) -> Q:
    # Only rows that replace one: else PostgreSQL reads the index of all that do not as well (the
    # channels page at 200,000 deliveries: 22 ms, so 1.3 ms).
    anew = Exists(Delivery.objects.filter(replaces__isnull=False, replaces=OuterRef("pk")))
    recent = Q(created_at__gte=timezone.now() - PERIOD)
    return recent & Q(status__in=statuses) & ~Q(anew)


def troubles() -> dict[str, int]:
    """How many of each status in TROUBLES. One query."""
    counts = {str(status): 0 for status in TROUBLES}
    rows = troubled().order_by().values_list("status").annotate(count=Count("pk"))
    return counts | dict(rows)


@dataclass(frozen=True)
class Respect:
    """Whether answers went out by the customer's chosen channel (R14), kind by kind (R42)."""

    total: int = 0
    by_choice: int = 0
    overridden: int = 0
    by_fallback: int = 0
    chosen: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float | None:
        """Of all answers, those by the chosen channel: 0 to 1; None while there are none."""
        return self.by_choice / self.total if self.total else None


def answers() -> QuerySet[Message]:
    """What people of the staff wrote to customers in the last 30 days."""
    return Message.objects.filter(
        direction=Message.Direction.OUT,
        template="",
        regards=None,
        created_at__gte=timezone.now() - PERIOD,
    ).exclude(case=None)


def respect() -> Respect:
    """Chosen against used over 30 days. One query."""
    rows = answers().order_by().values_list("chosen_kind", "kind", "why")
    total = by_choice = overridden = by_fallback = 0
    chosen: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for chosen_kind, kind, why, count in rows.annotate(count=Count("pk")):
        wanted = chosen_kind or kind
        chosen[wanted] += count
        used[kind] += count
        total += count
        by_choice += count if kind == wanted else 0
        overridden += count if why == Message.Why.OVERRIDE else 0
        by_fallback += count if why == Message.Why.FALLBACK else 0
    return Respect(total, by_choice, overridden, by_fallback, chosen, used)


def overrides() -> QuerySet[Message]:
    """Answers by another channel than the chosen one, newest first, with their reasons."""
    found = answers().filter(why=Message.Why.OVERRIDE).order_by("-created_at")
    return found.select_related("case", "staff")


@dataclass(frozen=True)
class Heard:
    """What customers said once their case was resolved, of how many that were asked (R43)."""

    asked: int = 0
    answered: int = 0
    not_answered: int = 0
    repeated: int = 0
    not_repeated: int = 0

    def __add__(self, other: "Heard") -> "Heard":
        return Heard(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Afterwards:
    """How it was for customers over 30 days: by the kind of the last answer, and by switches."""

    by_kind: Mapping[str, Heard]
    by_switches: Mapping[int, Heard]  # MANY_SWITCHES stands for that many and more


def afterwards() -> Afterwards:
    """What customers said over 30 days. One query."""
    rows = Outcome.objects.filter(asked_at__gte=timezone.now() - PERIOD).order_by()
    counted = rows.values_list("kind", "switches").annotate(
        asked=Count("pk"),
        yes=Count("pk", filter=Q(answered=True)),
        no=Count("pk", filter=Q(answered=False)),
        twice=Count("pk", filter=Q(repeated=True)),
        once=Count("pk", filter=Q(repeated=False)),
    )
    by_kind: defaultdict[str, Heard] = defaultdict(Heard)
    by_switches: defaultdict[int, Heard] = defaultdict(Heard)
    for kind, switches, *counts in counted:
        by_kind[kind] += Heard(*counts)
        by_switches[min(switches, MANY_SWITCHES)] += Heard(*counts)
    return Afterwards(by_kind, by_switches)


@dataclass(frozen=True)
class Backlog:
    """What waits at a channel, and what went wrong there in 30 days."""

    queued: int = 0
    to_do: int = 0
    failed: int = 0


def backlogs() -> dict[int, Backlog]:
    """The backlog of each channel that has one. One query."""
    waiting_here = Q(status__in=(Status.QUEUED, Status.SENDING))
    to_do = Q(status__in=Delivery.TO_DO)
    wrong = _wrong()
    rows = (
        Delivery.objects.filter(waiting_here | to_do | wrong)
        .order_by()
        .values_list("channel")
        .annotate(
            queued=Count("pk", filter=waiting_here),
            to_do=Count("pk", filter=to_do),
            failed=Count("pk", filter=wrong),
        )
    )
    return {channel: Backlog(*counts) for channel, *counts in rows}


@dataclass(frozen=True)
class Health:
    """How a channel does at this moment."""

    due: int  # ready to go now
    since: datetime | None  # and since when the first of them
    later: int  # to be tried again, or scheduled
    error_at: datetime | None
    error_reason: Mapping[str, Any]
    received_at: datetime | None

    @property
    def error(self) -> str:
        """What went wrong last in 30 days, in the reader's language."""
        return reasons.words(self.error_reason)


def health(channel: Channel, now: datetime) -> Health:
    """How a channel does. Five queries, each by an index, whatever it carries."""
    queued = Delivery.objects.filter(channel=channel, status=Status.QUEUED)
    is_due = Q(next_attempt_at__lte=now)
    found = queued.aggregate(
        count=Count("pk"),
        due=Count("pk", filter=is_due),
        since=Min("next_attempt_at", filter=is_due),
    )
    error_at, error = _last_error(channel, queued)
    received = InboundEvent.objects.filter(channel=channel).aggregate(at=Max("received_at"))
    return Health(
        due=found["due"],
        since=found["since"],
        later=found["count"] - found["due"],
        error_at=error_at,
        error_reason=error,
        received_at=received["at"],
    )


def _last_error(
    channel: Channel, queued: QuerySet[Delivery]
) -> tuple[datetime | None, Mapping[str, Any]]:
    """Of what failed for good and of what is tried again: when the newest was tried, and why."""
    recent = Q(created_at__gte=timezone.now() - PERIOD)
    wrong = Delivery.objects.filter(recent, channel=channel, status__in=TROUBLES)
    candidates = list(wrong.order_by("-created_at").values_list("pk", "reason")[:1])
    waiting = queued.order_by("-next_attempt_at").values_list("pk", "reason", "attempt_count")
    tried_again = ((pk, why) for pk, why, count in waiting[:LAST_TRIED] if count and why)
    candidates += [one for one in [next(tried_again, None)] if one]
    why = dict(candidates)
    tries = Attempt.objects.filter(delivery__in=why).order_by("-finished_at")
    last = tries.values_list("delivery", "finished_at").first()
    return (last[1], why[last[0]]) if last else (None, {})


@dataclass(frozen=True)
class OwnWork:
    """What lies on one staff member's desk."""

    need_answer: int
    open: int
    to_do: int


def own_work(user: User) -> OwnWork:
    """The counts of one staff member. Two queries."""
    cases = Case.objects.open().filter(assignee=user)
    found = cases.aggregate(
        open=Count("pk"), need_answer=Count("pk", filter=~Q(waiting_since=None))
    )
    return OwnWork(
        need_answer=found["need_answer"],
        open=found["open"],
        to_do=Delivery.objects.filter(status=Status.TAKEN, taken_by=user).count(),
    )

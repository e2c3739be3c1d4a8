"""What is due in a case, until when, and how near that is: the one rule of who is late.

Customers were promised an answer; colleagues hold themselves to targets besides, which customers
are not told. One case is read by `promised` and `of`, a list by `all_of`, a set of a million by
`waiting_now` and `nearly_late` (which goes by what `channels_app.reckoning` has stored).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q
from django.db.models.functions import Coalesce

from channels_app import hours
from channels_app.models import Appointment, Channel, Target
from channels_app.models.channel import with_special_days
from channels_app.models.target import Targets
from contacts.kinds import PHONE
from contacts.models import Case, Choice, Message, Organisation
from contacts.models.case import CaseQuerySet

NEAR_PART = 0.25  # nearly late when so much of the time is left
NEAR, BROKEN = "near", "broken"
PROMISE, FIRST_ANSWER, RESOLUTION = "promise", "first_answer", "resolution"
OURS = (FIRST_ANSWER, RESOLUTION)
CALLED_LATER = Q(choice__kind=PHONE) & ~Q(choice__wish__in=Choice.NOW)


@dataclass(frozen=True)
class Due:
    """One thing that is due: PROMISE, FIRST_ANSWER or RESOLUTION; since when, and until when.

    Of a target: its `minutes`, and once that was done when, and after how much opening time.
    """

    what: str
    since: datetime
    at: datetime
    minutes: int = 0
    done_at: datetime | None = None
    took: timedelta | None = None

    @property
    def near_at(self) -> datetime:
        """From when on it is nearly late."""
        return self.at - NEAR_PART * (self.at - self.since)

    def level(self, now: datetime) -> str:
        """NEAR, BROKEN, or "" while there is time; of what is done whether it was in time."""
        if (self.done_at or now) >= self.at:
            return BROKEN
        return NEAR if self.done_at is None and now >= self.near_at else ""


@dataclass(frozen=True)
class Owed:
    """What is due `next` in a case, what was promised, if anything, and how its targets stand."""

    next: Due | None = None
    promise: Due | None = None
    targets: tuple[Due, ...] = ()


def kind_of(case: Case) -> str:
    """The kind whose hours and promise count: the chosen one, else their usual one; or ""."""
    return case.answer_kind or case.customer.top.preferred_kind


def waits_now(case: Case) -> bool:
    """Whether the customer waits: who asked to be called later waits for that time."""
    return _waits(case) and not waits_for_later(case)


def waits_for_later(case: Case) -> bool:
    """Whether they wait for a call at a time of their own: until then nobody is late."""
    choice = case.choice
    if choice is None or not _waits(case):
        return False
    return choice.kind == PHONE and choice.wish not in Choice.NOW


def _waits(case: Case) -> bool:
    return case.state == Case.State.OPEN and case.waiting_since is not None


def without_agreed(rows: CaseQuerySet, now: datetime) -> CaseQuerySet:
    """Without those in which a time is agreed that is still to come: until then nobody is late."""
    return rows.exclude(pk__in=Appointment.objects.awaited_in(now))


def waiting_now(organisation: Organisation, now: datetime) -> CaseQuerySet:
    """Those of whom `waits_now` is true and in which no time is agreed: the same, as a set."""
    rows = Case.objects.waiting().filter(~CALLED_LATER | Q(choice=None), organisation=organisation)
    return without_agreed(rows, now)


def nearly_late(now: datetime) -> CaseQuerySet:
    """Those in which something is nearly late, or late. By the index `case_due`."""
    return without_agreed(Case.objects.open().filter(due_at__isnull=False, near_at__lte=now), now)


def promised(case: Case, channel: Channel | None, now: datetime) -> Due | None:
    """What the customer was promised; `channel`: the one that speaks for `kind_of`, if offered.

    Who chose another way while they wait was promised by it from then on; colleagues see since when
    they wait in all (`of`). One query where an agreed time may matter.
    """
    found, choice = _promise(case, channel), case.choice
    if channel and found and choice and choice.created_at > found.since:
        at = channel.due_at(choice.created_at)
        found = Due(PROMISE, choice.created_at, at) if at else None
    return _unless_agreed(case, found, now)


def of(case: Case, channel: Channel | None, now: datetime) -> Owed:
    """What is due in one case, as colleagues see it: a query, and two where there are targets."""
    targets = Target.objects.for_cases([case])
    answered = first_answers([case]) if targets else {}
    owed = _owed(case, channel, targets, answered.get(case.pk))
    if _unless_agreed(case, owed.next, now) is None:
        return Owed(targets=owed.targets)
    return owed


def all_of(cases: Sequence[Case], now: datetime) -> dict[int, Due]:
    """What is due next in each of these cases, by their keys, in a fixed number of queries."""
    found = counted(cases)
    doubtful = [case for case in cases if _may_be_agreed(case, found.get(case.pk), now)]
    agreed = Appointment.objects.awaited(doubtful, now) if doubtful else set()
    return {key: due for key, due in found.items() if key not in agreed}


def counted(cases: Sequence[Case]) -> dict[int, Due]:
    """The same where no time would be agreed: that one goes by without a word."""
    left = [case for case in cases if case.state == Case.State.OPEN]
    if not left:
        return {}
    speakers, targets = speaking(left), Target.objects.for_cases(left)
    asked = [case for case in left if waits_now(case) and targets.first_answer(case, kind_of(case))]
    answered = first_answers(asked) if asked else {}
    found: dict[int, Due] = {}
    for case in left:
        channel = speakers.get((case.organisation_id, kind_of(case)))
        owed = _owed(case, channel, targets, answered.get(case.pk))
        if owed.next:
            found[case.pk] = owed.next
    return found


def _unless_agreed(case: Case, found: Due | None, now: datetime) -> Due | None:
    is_asked = _may_be_agreed(case, found, now)
    return None if is_asked and Appointment.objects.awaited([case], now) else found


def _may_be_agreed(case: Case, found: Due | None, now: datetime) -> bool:
    """Whether it matters that a time may be agreed: it looks late, or a call is to be made."""
    if found is None:
        return False
    return bool(found.level(now)) or (case.choice is not None and case.choice.kind_info.rings)


def _owed(case: Case, channel: Channel | None, targets: Targets, answered: datetime | None) -> Owed:
    """Who waits is answered first of all; else the case is to be done."""
    if channel is None:
        return Owed()
    ours = tuple(_targets(case, channel, targets, answered))
    to_do = [due for due in ours if due.done_at is None]
    answers = [due for due in to_do if due.what == FIRST_ANSWER]
    if promise := _promise(case, channel):
        answers.insert(0, promise)
    first = min(answers, key=lambda due: due.at, default=None)
    done = next((due for due in to_do if due.what == RESOLUTION), None)
    return Owed(None if waits_for_later(case) else first or done, promise, ours)


def _promise(case: Case, channel: Channel | None) -> Due | None:
    """What was promised to who waits now."""
    if channel is None or case.waiting_since is None or not waits_now(case):
        return None
    at = channel.due_at(case.waiting_since)
    return Due(PROMISE, case.waiting_since, at) if at else None


def _targets(
    case: Case, channel: Channel, targets: Targets, answered: datetime | None
) -> Iterable[Due]:
    """How the targets of a case stand. It is to be done from when it was opened, or opened again.

    That runs on while it waits for the customer: a target for the whole matter, as they live it.
    """
    kind = kind_of(case)
    if minutes := targets.first_answer(case, kind):
        begun = case.opened_at if answered else case.waiting_since if waits_now(case) else None
        if begun is not None:
            yield from _target(FIRST_ANSWER, channel, begun, minutes, answered)
    if minutes := targets.resolution(case, kind):
        begun = case.reopened_at or case.opened_at
        yield from _target(RESOLUTION, channel, begun, minutes, case.resolved_at)


def _target(
    what: str, channel: Channel, since: datetime, minutes: int, done_at: datetime | None
) -> Iterable[Due]:
    at = channel.within(since, minutes)
    if at is not None:
        took = hours.between(channel.opening, since, done_at) if done_at else None
        yield Due(what, since, at, minutes, done_at, took)


def first_answers(cases: Iterable[Case]) -> dict[int, datetime]:
    """When each of these stems was answered first, by its key, of those that were. One query."""
    keys = [case.pk for case in cases]
    family = Case.objects.filter(pk__in=keys).order_by().values("pk")
    family = family.union(Case.objects.filter(root__in=keys).order_by().values("pk"))
    said = Message.objects.filter(Message.SAID, case__in=family).order_by()
    rows = said.values(stem=Coalesce("case__root", "case")).annotate(at=Min("created_at"))
    return {row["stem"]: row["at"] for row in rows}


def speaking(cases: Iterable[Case]) -> dict[tuple[int, str], Channel]:
    """The channel that speaks for each kind, by organisation and kind: the first one offered."""
    owners = {case.organisation_id for case in cases}
    rows = Channel.objects.offered().filter(organisation__in=owners)
    found: dict[tuple[int, str], Channel] = {}
    for channel in with_special_days(rows.select_related("organisation")):
        found.setdefault((channel.organisation_id, channel.kind), channel)
    return found


def speaker(channels: Collection[Channel], kind: str) -> Channel | None:
    """The one of these offered channels, in their order, that speaks for a kind."""
    return next((channel for channel in channels if channel.kind == kind), None)

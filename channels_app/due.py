"""What is due in a case, until when, and how near that is: the one rule of who is late.

Lists of cases are read by `all_of`, one case by `of`; sets of a million by `waiting_now`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from channels_app.models import Appointment, Channel
from channels_app.models.channel import with_special_days
from contacts.kinds import PHONE
from contacts.models import Case, Choice, Organisation
from contacts.models.case import CaseQuerySet

NEAR_PART = 0.25  # nearly late when so much of the time is left
NEAR, BROKEN = "near", "broken"
CALLED_LATER = Q(choice__kind=PHONE) & ~Q(choice__wish__in=Choice.NOW)


@dataclass(frozen=True)
class Due:
    """What somebody waits for: since when it counts, and when its time is over."""

    since: datetime
    at: datetime

    @property
    def near_at(self) -> datetime:
        """From when on it is nearly late."""
        return self.at - NEAR_PART * (self.at - self.since)

    def level(self, now: datetime) -> str:
        """NEAR, BROKEN, or "" while there is time."""
        if now >= self.at:
            return BROKEN
        return NEAR if now >= self.near_at else ""


def kind_of(case: Case) -> str:
    """The kind whose hours and promise count: the chosen one, else their usual one; or ""."""
    return case.answer_kind or case.customer.top.preferred_kind


def waits_now(case: Case) -> bool:
    """Whether the customer waits: who asked to be called later waits for that time."""
    if case.state != Case.State.OPEN or case.waiting_since is None:
        return False
    choice = case.choice
    return choice is None or choice.kind != PHONE or choice.wish in Choice.NOW


def without_agreed(rows: CaseQuerySet, now: datetime) -> CaseQuerySet:
    """Without those in which a time is agreed that is still to come: until then nobody is late."""
    return rows.exclude(pk__in=Appointment.objects.awaited_in(now))


def waiting_now(organisation: Organisation, now: datetime) -> CaseQuerySet:
    """Those of whom `waits_now` is true and in which no time is agreed: the same, as a set."""
    rows = Case.objects.waiting().filter(~CALLED_LATER | Q(choice=None), organisation=organisation)
    return without_agreed(rows, now)


def of(case: Case, channel: Channel | None, now: datetime) -> Due | None:
    """What is due in one case; `channel`: the one that speaks for `kind_of`, if it is offered.

    One query where an agreed time may matter.
    """
    found = _owed(case, channel)
    if found is None or not _may_be_agreed(case, found, now):
        return found
    return None if Appointment.objects.awaited([case], now) else found


def all_of(cases: Sequence[Case], now: datetime) -> dict[int, Due]:
    """What is due in each of these cases, by their keys, in a fixed number of queries."""
    speakers = speaking(cases)
    found: dict[int, Due] = {}
    doubtful = []
    for case in cases:
        owed = _owed(case, speakers.get((case.organisation_id, kind_of(case))))
        if owed is not None:
            found[case.pk] = owed
            if _may_be_agreed(case, owed, now):
                doubtful.append(case)
    agreed = Appointment.objects.awaited(doubtful, now) if doubtful else set()
    return {key: owed for key, owed in found.items() if key not in agreed}


def _may_be_agreed(case: Case, due: Due, now: datetime) -> bool:
    """Whether it matters that a time may be agreed: it looks late, or a call is to be made."""
    return bool(due.level(now)) or (case.choice is not None and case.choice.kind_info.rings)


def _owed(case: Case, channel: Channel | None) -> Due | None:
    """What was promised to who waits now."""
    if channel is None or case.waiting_since is None or not waits_now(case):
        return None
    at = channel.due_at(case.waiting_since)
    return Due(case.waiting_since, at) if at else None


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

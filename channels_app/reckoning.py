"""Keeps what is due in each open case as a list can find it, and warns once before it is late.

Counting opening time asks for hours, special days and targets: too much for the transaction of each
message. What changes a case or those marks it instead, within its own transaction; the sweep
counts what is marked. Pages count what they show, so that only finding may be seconds behind.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from channels_app import due
from channels_app.assigning import Rules
from channels_app.due import Due
from contacts.kinds import CHAT
from contacts.models import Alert, Case, Organisation
from contacts.models.case import CaseQuerySet

BATCH = 100  # cases of one transaction
MOST_BATCHES = 3  # of one sweep, 0.2 s each on PostgreSQL; the next one goes on
MOST_WARNED = 100  # cases of which one sweep warns
NOBODY_THERE = timedelta(minutes=1)  # then it is asked again whether anybody is there to be told
READ_WITH = ("choice", "customer__root", "organisation")
SORTS = {due.PROMISE: Alert.Sort.ANSWER_DUE, due.FIRST_ANSWER: Alert.Sort.ANSWER_DUE}
SORTS[due.RESOLUTION] = Alert.Sort.RESOLUTION_DUE


def recover() -> None:
    """The sweep: what was written or changed since it was counted, and who is to be warned."""
    for organisation in Organisation.objects.order_by("pk"):
        for _batch in range(MOST_BATCHES):
            if reckon(organisation) < BATCH:
                break
    warn(timezone.now())


def stale(organisation: Organisation) -> CaseQuerySet:
    """Cases in which what is due is not known any more. By the index `case_to_reckon`."""
    rows = Case.objects.open().filter(due_as_of__lt=organisation.due_changed_at)
    return rows.filter(organisation=organisation).order_by("due_as_of")


def reckon(organisation: Organisation) -> int:
    """Count what is due in a batch of cases; how many they were.

    As of the change that was read before the hours: what is changed meanwhile is counted again.
    """
    cases = list(stale(organisation).select_related(*READ_WITH)[:BATCH])
    found = due.counted(cases)
    with transaction.atomic():
        for case in sorted(cases, key=lambda case: case.pk):
            _store(case, found.get(case.pk), organisation.due_changed_at)
    return len(cases)


def _store(case: Case, found: Due | None, as_of: datetime) -> None:
    """Unless somebody wrote into the case meanwhile: then it is marked, and counted again."""
    near_at, what = (found.near_at, found.what) if found else (None, "")
    is_same = (case.near_at, case.due_for) == (near_at, what)
    Case.objects.filter(pk=case.pk, seq=case.seq, due_as_of=case.due_as_of, root=None).update(
        due_at=found.at if found else None,
        near_at=near_at,
        due_for=what,
        warn_at=case.warn_at if is_same else near_at,
        due_as_of=as_of,
    )


def to_warn(now: datetime) -> CaseQuerySet:
    """Cases that are nearly late, of which nobody was told. By the index `case_to_warn`."""
    rows = Case.objects.open().filter(warn_at__isnull=False, warn_at__lte=now)
    return due.without_agreed(rows, now).order_by("warn_at")


def warn(now: datetime) -> None:
    """Tell who has a case, or the team whose work it is, before it is late; a chat rings itself.

    Not where it is late already: then the lists say so, and a new target is no hundred alerts.
    Where nobody is there it is looked at again, after those that nobody has looked at.
    """
    cases = list(to_warn(now).select_related(*READ_WITH)[:MOST_WARNED])
    found = due.all_of(cases, now) if cases else {}
    rules: dict[int, Rules] = {}
    for case in cases:
        is_settled = True
        if _is_near(case, found, now):
            if case.organisation_id not in rules:
                rules[case.organisation_id] = Rules(case.organisation)
            is_settled = _tell(case, rules[case.organisation_id], now)
        again = None if is_settled else now + NOBODY_THERE
        Case.objects.filter(pk=case.pk, near_at=case.near_at).update(warn_at=again)


def _is_near(case: Case, found: Mapping[int, Due], now: datetime) -> bool:
    owed = found.get(case.pk)
    return owed is not None and owed.level(now) == due.NEAR and due.kind_of(case) != CHAT


@transaction.atomic
def _tell(case: Case, rules: Rules, now: datetime) -> bool:
    """Once of the same wait, also where its time was counted anew; False: nobody is there."""
    stem = case.locked()
    found = due.all_of([stem], now)
    if not _is_near(stem, found, now):  # somebody was faster
        return True
    owed = found[stem.pk]
    told = Alert.objects.filter(case=stem, sort=SORTS[owed.what], created_at__gte=owed.since)
    if told.exists():
        return True
    people = _people(stem, rules)
    if people:
        stem.append(alerts=[Alert(user_id=key, sort=SORTS[owed.what]) for key in people])
    return people != []


def _people(case: Case, rules: Rules) -> list[int] | None:
    """Its owner; else who is there of the first team that fits and has anybody; None: no team."""
    if case.assignee_id is not None:
        return [case.assignee_id]
    teams = [team for team in rules.teams if team.fits(case)]
    there = (people for team in teams if (people := rules.members(team)))
    return [user.pk for user in next(there, [])] if teams else None

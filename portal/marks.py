"""What changed in a history since an open page has it: its mark, and what is to do."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from channels_app.dispatch import ACKNOWLEDGEMENT
from channels_app.models import Delivery
from contacts.kinds import OWN_PAGE
from contacts.models import Case, Message
from portal import words

OVERLAP = 4  # lines before the new ones that an open page gets again
ROUGH = (*words.FAILED, Delivery.Status.CANCELLED)
Totals = list[tuple[str, int]]


@dataclass(frozen=True)
class Mark:
    """What a history looked like. `after`: the case's number then; `old`: all but its newest lines.

    It counts each step, which tells every change: deliveries go forward only, and what goes back
    (a try that is repeated) reads the same.
    """

    after: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.after}.{self.old}.{self.new}"

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """The mark that a page sends back; None for anything else."""
        parts = text[:80].split(".")
        if len(parts) != 3 or not (parts[0].isdecimal() and len(parts[0]) < 10):
            return None
        return cls(int(parts[0]), parts[1], parts[2])


@dataclass(frozen=True)
class ToDo:
    """A call, a letter or a visit that somebody is to do; `at`: when its time has come."""

    kind: str
    at: datetime


@dataclass(frozen=True)
class Change:
    """What an open page had, how the same looks `now`, and its next mark.

    `first_at`: the time of the earliest message that the page has not. `to_do`: the open calls,
    letters and visits, the earliest first. `templates`: of the messages that we made. `is_unread`:
    an answer stands on the customer's page that they did not see yet. `is_smooth`: nothing that
    we sent failed, or was called off.
    """

    had: Mark | None
    now: Mark
    mark: Mark
    first_at: datetime | None = None
    to_do: tuple[ToDo, ...] = ()
    templates: frozenset[str] = frozenset()
    is_unread: bool = False
    is_smooth: bool = True

    @property
    def is_none(self) -> bool:
        """Whether nothing changed."""
        return self.had == self.now


def change(case: Case, have: str = "", *, beside: str = "") -> Change:
    """How the history stands against the mark that a page has. One query.

    `beside`: what else the page says, and no row of the case tells. Read before the history is:
    what comes in between is then asked for once too often, not missed.
    """
    had = Mark.read(have)
    after = had.after if had else case.seq
    rows = Message.objects.read_of(case).order_by()
    found = rows.values("template", "deliveries__status", "deliveries__channel__kind").annotate(
        was_old=Count("pk", filter=Q(seq__lte=after - OVERLAP)),
        is_old=Count("pk", filter=Q(seq__lte=case.seq - OVERLAP)),
        all=Count("pk"),
        first_at=Min("created_at", filter=Q(seq__gt=after)),
        due_at=Min("deliveries__next_attempt_at"),
    )
    steps = list(found)
    return Change(
        had,
        _mark(case, after, _totals(steps, "was_old"), steps, beside),
        _mark(case, case.seq, _totals(steps, "is_old"), steps, beside),
        min((row["first_at"] for row in steps if row["first_at"]), default=None),
        _to_do(steps),
        frozenset(row["template"] for row in steps),
        any(_waits_to_be_seen(row) for row in steps),
        not any(row["deliveries__status"] in ROUGH for row in steps),
    )


def _waits_to_be_seen(row: Any) -> bool:
    status, kind = row["deliveries__status"], row["deliveries__channel__kind"]
    return status in (Delivery.Status.SENT, Delivery.Status.DELIVERED) and kind in OWN_PAGE


def _to_do(steps: list[Any]) -> tuple[ToDo, ...]:
    waiting = [row for row in steps if row["deliveries__status"] in Delivery.TO_DO]
    waiting.sort(key=lambda row: row["due_at"])
    return tuple(
        ToDo(row["deliveries__channel__kind"], row["due_at"])
        for row in waiting
        for _n in range(row["all"])
    )


def _mark(case: Case, after: int, old: Totals, steps: list[Any], beside: str) -> Mark:
    # The times of lines are said by the day.
    before = [timezone.localdate(), *case.member_ids, *old]
    return Mark(after, _digest(before), _digest([case.seq, beside, *_totals(steps, "all")]))


def _totals(steps: list[Any], name: str) -> Totals:
    """How many lines there are of each step; how an acknowledgement goes is not told.

    See `question._told`.
    """
    total: Counter[str] = Counter()
    for row in steps:
        step = row["deliveries__status"] or ""
        told = row["template"] != ACKNOWLEDGEMENT or step in words.FAILED
        total[step if told else ""] += row[name]
    # Without what none of them has: else a step of a new line would look like one of the old.
    return sorted((+total).items())


def _digest(given: object) -> str:
    return hashlib.sha256(str(given).encode()).hexdigest()[:12]

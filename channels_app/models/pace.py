"""How fast customers were answered lately, kind by kind: what the promise board says is usual."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from statistics import median

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.kinds import kind_choices
from contacts.models import Case, Message, Organisation

PERIOD = timedelta(days=28)  # four whole weeks: each weekday counts as often
ENOUGH = 10  # first answers, below which nothing is usual
NEWEST = 20_000  # cases that are looked at, of a house that has more in that time
BATCH = 500  # of whose messages one query reads


class PaceQuerySet(models.QuerySet["Pace"]):
    """The pace of each kind by which an organisation answers."""

    def renew(self, organisation: Organisation, now: datetime) -> None:
        """Counted anew from the newest cases; a query for each 500 of them."""
        waits = first_answers(organisation, now - PERIOD)
        with transaction.atomic():
            self.filter(organisation=organisation).delete()
            self.bulk_create(
                self.model(organisation=organisation, kind=kind, **_figures(found))
                for kind, found in waits.items()
            )

    def enough(self) -> "PaceQuerySet":
        """Those of which something can be said."""
        return self.filter(count__gte=ENOUGH)


class Pace(models.Model):
    """Of a kind: how many first answers there were in 28 days, and after how many seconds.

    By the clock, nights and weekends included: so a customer waits.
    """

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="paces")
    kind = models.CharField(_("kind"), max_length=32, choices=kind_choices)
    count = models.PositiveIntegerField()
    median = models.PositiveIntegerField()
    ninety = models.PositiveIntegerField()  # nine of ten had their answer by then

    objects = PaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind"], name="pace_once"),
        ]

    def __str__(self) -> str:
        return self.kind

    @property
    def is_enough(self) -> bool:
        """Whether it says what is usual."""
        return self.count >= ENOUGH


def first_answers(organisation: Organisation, since: datetime) -> dict[str, list[float]]:
    """The seconds from a customer's first words to the first answer, by the kind of that answer."""
    # What was opened since then changed since then: case_by_change finds it in an old house too.
    rows = Case.objects.filter(
        organisation=organisation,
        root=None,
        state__in=Case.State.values,
        changed_at__gte=since,
        opened_at__gte=since,
    )
    found: defaultdict[str, list[float]] = defaultdict(list)
    keys = list(rows.order_by("-pk").values_list("pk", flat=True)[:NEWEST])
    for first in range(0, len(keys), BATCH):
        for kind, seconds in _waits(keys[first : first + BATCH]):
            found[kind].append(seconds)
    return found


def _waits(keys: Iterable[int]) -> Iterator[tuple[str, float]]:
    """Of some cases, by the index of messages by case; what staff noted is no question."""
    asked, answered = Message.TO_ANSWER & Q(staff=None), Message.SAID & ~Q(staff=None)
    rows = Message.objects.filter(asked | answered, case__in=keys)
    begun: dict[int, datetime] = {}
    done: set[int] = set()
    ordered = rows.order_by("case", "seq")
    for case, direction, kind, at in ordered.values_list("case", "direction", "kind", "created_at"):
        if direction == Message.Direction.IN:
            begun.setdefault(case, at)
        elif case not in done:
            done.add(case)
            if case in begun:  # else we wrote first
                yield kind, (at - begun[case]).total_seconds()


def _figures(waits: list[float]) -> dict[str, int]:
    waits = sorted(waits)
    ninety = waits[-(-len(waits) * 9 // 10) - 1]
    return {"count": len(waits), "median": round(median(waits)), "ninety": round(ninety)}

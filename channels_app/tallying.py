"""The nightly count of what customers chose and found, over a year; the advice learns from it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from channels_app.advice.evidence import Counts
from channels_app.models import Tally
from contacts.models import Choice, Outcome

OVER = timedelta(days=365)  # a year: every season once
SAID = {  # figures of a Tally; their counts end in "_", for a field of Outcome has such a name
    "answered": Q(answered=True),
    "unanswered": Q(answered=False),
    "repeated": Q(repeated=True),
    "unrepeated": Q(repeated=False),
}


Tallies = dict[int | None, dict[str, Counts]]  # by the topic's key (None: without one), by kind


def counts() -> Tallies:
    """What was counted last, as the adviser takes it. One query."""
    found: Tallies = {}
    for row in Tally.objects.all():
        found.setdefault(row.topic_id, {})[row.kind] = Counts(
            row.chosen, row.answered, row.unanswered, row.repeated, row.unrepeated
        )
    return found


def house(tallies: Tallies) -> Counts:
    """All topics and kinds together."""
    rows = (own for by_kind in tallies.values() for own in by_kind.values())
    return sum(rows, Counts())


def tally() -> int:
    """Count anew; how many rows there are. Two statements read the year, each once.

    What counts as chosen is what customers chose themselves for more than one answer, each case
    once for a kind: not where they only wrote, and not what staff noted.
    """
    since = timezone.now() - OVER
    own = Choice.objects.filter(created_at__gte=since, by=Choice.By.CUSTOMER, once=False)
    chosen = own.values("case__topic", "kind").annotate(chosen_=Count("case", distinct=True))
    asked = Outcome.objects.filter(asked_at__gte=since).values("case__topic", "kind")
    said = asked.annotate(**{f"{name}_": Count("pk", holds) for name, holds in SAID.items()})
    found: dict[tuple[int | None, str], Counts] = {}
    _add(found, chosen.order_by(), ("chosen",))
    _add(found, said.order_by(), SAID)
    rows = [Tally(topic_id=topic, kind=kind, **asdict(own)) for (topic, kind), own in found.items()]
    Tally.put(rows)
    return len(rows)


def _add(
    found: dict[tuple[int | None, str], Counts],
    rows: Iterable[Mapping[str, Any]],
    names: Iterable[str],
) -> None:
    for row in rows:
        key = (row["case__topic"], row["kind"])
        own = Counts(**{name: row[f"{name}_"] for name in names})
        found[key] = found.get(key, Counts()) + own

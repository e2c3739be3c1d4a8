"""Findings of this very hour: promises and targets that are being missed, and nobody on duty."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app import due
from channels_app.models import Channel
from contacts import duty
from contacts.models import Organisation

LATE = "onecase.W013"
NOBODY = "onecase.W014"
MISSED = "onecase.W015"
PASSING = frozenset({LATE, NOBODY, MISSED})  # nothing that stops an installation


@dataclass(frozen=True)
class Finding:
    """Something that an administrator must put right; `channel_id` and `topic_id` say where."""

    id: str
    text: str
    hint: str
    channel_id: int | None = None
    topic_id: int | None = None


def findings(
    organisation: Organisation, channels: Sequence[Channel], now: datetime
) -> Iterator[Finding]:
    """What is wrong at this moment; `channels`: those that are offered (R7)."""
    speakers = {channel.kind: channel for channel in reversed(channels)}
    yield from _late(organisation, speakers.values(), now)
    yield from _missed(organisation, speakers.values(), now)
    yield from _nobody(channels, now)


def _late(
    organisation: Organisation, speakers: Iterable[Channel], now: datetime
) -> Iterator[Finding]:
    """A promise that is being broken: who waits longest was promised an answer before now."""
    promising = [channel for channel in speakers if channel.promise_minutes]
    waits = due.waiting_now(organisation, now).by_kind() if promising else {}
    for channel in promising:
        found = waits.get(channel.kind)
        at = channel.due_at(found.since) if found else None
        if at is not None and at <= now:
            yield Finding(
                LATE,
                _("%(name)s: customers wait longer than was promised.") % {"name": channel.name},
                _("More people on duty, or a promise that can be kept."),
                channel.pk,
            )


def _missed(
    organisation: Organisation, speakers: Iterable[Channel], now: datetime
) -> Iterator[Finding]:
    """Targets of ours that are being missed, channel by channel. By the index `case_due`."""
    rows = due.nearly_late(now).filter(organisation=organisation, due_at__lte=now)
    rows = rows.filter(due_for__in=due.OURS).order_by()
    counts = dict(rows.values_list("choice__kind").annotate(count=Count("pk")))
    for channel in speakers:
        if count := counts.get(channel.kind, 0):
            text = ngettext(
                "%(name)s: %(n)s case is later than our own target.",
                "%(name)s: %(n)s cases are later than our own targets.",
                count,
            )
            yield Finding(
                MISSED,
                text % {"name": channel.name, "n": count},
                _("More people on duty, or a target that can be met."),
                channel.pk,
            )


def _nobody(channels: Sequence[Channel], now: datetime) -> Iterator[Finding]:
    """Hours that are on while nobody is on duty."""
    names = [c.name for c in channels if c.weekly_hours and c.is_open(now)]
    if names and not duty.there().exists():
        yield Finding(
            NOBODY,
            _("Nobody is on duty, and these are open: %(names)s.") % {"names": ", ".join(names)},
            _("Somebody comes on duty, or they are closed for today on the page Channels."),
        )

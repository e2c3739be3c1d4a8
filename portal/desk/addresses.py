"""The addresses of a case: those its customer holds, and those that a choice in it used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from channels_app.models import Channel
from contacts.models import Case, Choice, Customer, Event, Holder, Identity
from portal import words

MOST_OTHERS = 20  # holders besides: a switchboard may be many people's


@dataclass(frozen=True)
class Known:
    """One address, and what is known of whose it is; `how`: "" where the customer has it not.

    `since`: when it came to them. `proved_here_at`: a code came back in this case, and in no
    other. `wrote_by`: they wrote from it here, by a kind that says who writes. `ended_at`: it was
    theirs until then. `others`: who holds it besides.
    """

    identity: Identity
    how: str = ""
    since: datetime | None = None
    proved_at: datetime | None = None
    proved_here_at: datetime | None = None
    wrote_by: str = ""
    wrote_at: datetime | None = None
    ended_at: datetime | None = None
    others: list[Holder] = field(default_factory=list)

    @property
    def is_gone(self) -> bool:
        """Whether it is theirs no more; who proved it again since has it again."""
        back = max(filter(None, (self.proved_here_at, self.wrote_at)), default=None)
        return bool(self.ended_at and not self.how and not (back and back > self.ended_at))

    @property
    def is_proved(self) -> bool:
        """Whether the customer showed that it is theirs."""
        shown = self.proved_at or self.proved_here_at or self.wrote_by
        return bool(shown) and not self.is_gone

    @property
    def proof(self) -> str:
        """What was shown, or why we have it all the same; in words, with its day."""
        if self.is_gone:
            return _("not theirs since %(day)s") % _on(self.ended_at)
        if self.proved_at:
            return _PROVED.get(self.how, _proved)(self.proved_at)
        if self.proved_here_at:
            return _("proved with a code on %(day)s, for this case") % _on(self.proved_here_at)
        if self.wrote_by:
            kind = words.staff_label(self.wrote_by)
            data = {"kind": kind, **_on(self.wrote_at)}
            return _("wrote from it by %(kind)s on %(day)s, which says who writes") % data
        return _HELD[self.how](self.since) if self.how in _HELD else _("given in this case")

    @property
    def marks(self) -> list[tuple[str, str, bool]]:
        """By which kinds nothing goes there: the kind, why, and whether staff may try again."""
        closed = ((kind, mark["why"]) for kind, mark in self.identity.closed.items())
        return [(kind, words.closed(kind, why), why == Identity.BOUNCED) for kind, why in closed]


def _on(at: datetime | None) -> dict[str, str]:
    if at is None:
        return {"day": ""}
    day = timezone.localtime(at)
    return {"day": formats.date_format(day, "j F" if day.year == timezone.now().year else "j F Y")}


def _proved(at: datetime | None) -> str:
    return _("proved on %(day)s") % _on(at)


_PROVED: dict[str, Callable[[datetime | None], str]] = {
    Holder.How.CODE: lambda at: _("proved with a code on %(day)s") % _on(at),
    Holder.How.ANSWERED: lambda at: _("answered our mail on %(day)s") % _on(at),
    Holder.How.LINK: lambda at: _("opened our link on %(day)s") % _on(at),
}
_HELD: dict[str, Callable[[datetime | None], str]] = {
    Holder.How.TYPED: lambda at: _("typed on %(day)s") % _on(at),
    Holder.How.WROTE: lambda at: _("wrote from it on %(day)s") % _on(at),
    Holder.How.STAFF: lambda at: _("noted by staff on %(day)s") % _on(at),
}


def of(case: Case, channels: Sequence[Channel] = ()) -> list[Known]:
    """All of them: the proved ones first, those that are theirs no more last.

    `channels`: the offered ones, some of which say who writes. Two queries.
    """
    family = Customer.objects.family({case.customer.top_id})
    held = Holder.objects.filter(customer__in=family)
    used = Choice.objects.filter(case__in=case.member_ids).exclude(identity=None)
    # One set of keys: with an OR of two sets PostgreSQL reads all addresses of the house.
    wanted = held.values("identity").union(used.values("identity"))
    found = Identity.objects.filter(pk__in=wanted).annotate(**_facts(case, held, channels))
    rows = list(found.order_by("pk"))
    keys = [row.pk for row in rows]
    besides: dict[int, list[Holder]] = {}
    others = Holder.objects.current().filter(identity__in=keys).exclude(customer__in=family)
    for row in others.select_related("customer__root").order_by("pk")[:MOST_OTHERS]:
        besides.setdefault(row.identity_id, []).append(row)
    known = [_known(row, besides.get(row.pk, [])) for row in rows]
    return sorted(known, key=lambda row: (row.is_gone, not row.is_proved, not row.how))


def held_by(top: Customer) -> list[Known]:
    """What a person holds, for a page that is about no case."""
    rows = Holder.objects.current().filter(customer__in=Customer.objects.family({top.pk}))
    found: dict[int, Known] = {}
    for row in rows.best_first():
        known = Known(row.identity, row.how, row.created_at, row.proved_at)
        found.setdefault(row.identity_id, known)
    return list(found.values())


def _facts(case: Case, held: QuerySet[Holder], channels: Sequence[Channel]) -> dict[str, Any]:
    """What is asked of each address, in the one query."""
    sure = {c.kind for c in channels if c.capabilities.authenticates_sender}
    mine = held.filter(identity=OuterRef("pk"))
    current = mine.filter(ended_at=None).order_by(F("proved_at").asc(nulls_last=True), "pk")
    ended = mine.exclude(ended_at=None).order_by("-ended_at")
    named = Cast(KeyTextTransform("identity", "data"), BigIntegerField())
    codes = Event.objects.filter(case__in=case.member_ids, sort=Event.Sort.PROVED)
    codes = codes.alias(named=named).filter(named=OuterRef("pk")).order_by("-seq")
    wrote = Choice.objects.filter(
        case__in=case.member_ids, identity=OuterRef("pk"), by=Choice.By.WRITING, kind__in=sure
    ).order_by("-pk")
    return {
        "how": Subquery(current.values("how")[:1]),
        "since": Subquery(current.values("created_at")[:1]),
        "proved_at": Subquery(current.values("proved_at")[:1]),
        "ended_at": Subquery(ended.values("ended_at")[:1]),
        "proved_here_at": Subquery(codes.values("created_at")[:1]),
        "wrote_by": Subquery(wrote.values("kind")[:1]),
        "wrote_at": Subquery(wrote.values("created_at")[:1]),
    }


def _known(row: Any, others: list[Holder]) -> Known:
    return Known(
        identity=row,
        how=row.how or "",
        since=row.since,
        proved_at=row.proved_at,
        proved_here_at=row.proved_here_at,
        wrote_by=row.wrote_by or "",
        wrote_at=row.wrote_at,
        ended_at=row.ended_at,
        others=others,
    )

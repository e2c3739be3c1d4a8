"""The addresses of a case: those its customer holds, and those that a choice in it used."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from contacts.models import Case, Choice, Customer, Event, Holder, Identity
from portal import words


@dataclass(frozen=True)
class Known:
    """One address, and what is known of whose it is; `how`: "" where the customer has it not."""

    identity: Identity
    how: str = ""
    proved_at: datetime | None = None
    is_proved_here: bool = False  # a code came back in this case, and in no other

    @property
    def is_proved(self) -> bool:
        """Whether the customer showed that it is theirs."""
        return self.is_proved_here or self.proved_at is not None

    @property
    def how_label(self) -> str:
        """How it came to its holder, in words."""
        return str(Holder.How(self.how).label)

    @property
    def marks(self) -> list[tuple[str, str, bool]]:
        """By which kinds nothing goes there: the kind, why, and whether staff may try again."""
        closed = ((kind, mark["why"]) for kind, mark in self.identity.closed.items())
        return [(kind, words.closed(kind, why), why == Identity.BOUNCED) for kind, why in closed]


def of(case: Case) -> list[Known]:
    """All of them, the proved ones first; one that was only typed into a switch comes last."""
    held = Holder.objects.current().filter(customer__in=_family(case))
    used = Choice.objects.filter(case__in=case.member_ids).exclude(identity=None)
    best = held.filter(identity=OuterRef("pk")).order_by(F("proved_at").asc(nulls_last=True), "pk")
    # One set of keys: with an OR of two sets PostgreSQL reads all addresses of the house.
    wanted = held.values("identity").union(used.values("identity"))
    rows = Identity.objects.filter(pk__in=wanted).annotate(
        how=Subquery(best.values("how")[:1]),
        proved_at=Subquery(best.values("proved_at")[:1]),
        here=Exists(_proved_here(case, OuterRef("pk"))),
    )
    found = [Known(row, row.how or "", row.proved_at, row.here) for row in rows.order_by("pk")]
    return sorted(found, key=lambda known: (not known.is_proved, not known.how))


def is_proved(case: Case, identity: Identity) -> bool:
    """Whether the customer of a case showed that an address is theirs."""
    held = Holder.objects.proved().filter(customer__in=_family(case), identity=identity)
    return held.exists() or _proved_here(case, identity.pk).exists()


def _family(case: Case) -> QuerySet[Customer]:
    """The customer of a case, and all that were merged with it."""
    top = case.customer.top
    near = Q(pk__in={case.customer_id, top.pk}) | Q(root=top)
    return Customer.objects.filter(near)


def _proved_here(case: Case, address: int | OuterRef) -> QuerySet[Event]:
    """The codes for that address that came back in a case."""
    rows = Event.objects.filter(case__in=case.member_ids, sort=Event.Sort.PROVED)
    named = Cast(KeyTextTransform("identity", "data"), BigIntegerField())
    return rows.alias(named=named).filter(named=address)

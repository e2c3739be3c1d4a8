"""The addresses of a case: those its customer holds, and those that a choice in it used."""

from dataclasses import dataclass

from django.db.models import Q

from contacts.models import Case, Choice, Event, Holder, Identity
from contacts.models.identity import HolderQuerySet
from portal import words


@dataclass(frozen=True)
class Known:
    """One address, and what is known of whose it is."""

    identity: Identity
    holder: Holder | None = None
    is_proved_here: bool = False  # a code came back in this case, and in no other

    @property
    def is_proved(self) -> bool:
        """Whether the customer showed that it is theirs."""
        return self.is_proved_here or bool(self.holder and self.holder.proved_at)

    @property
    def marks(self) -> list[tuple[str, str, bool]]:
        """By which kinds nothing goes there: the kind, why, and whether staff may try again."""
        closed = ((kind, mark["why"]) for kind, mark in self.identity.closed.items())
        return [(kind, words.closed(kind, why), why == Identity.BOUNCED) for kind, why in closed]


def of(case: Case) -> list[Known]:
    """All of them, the proved ones first; one that was only typed into a switch comes last."""
    proved = _proved_here(case)
    held = [Known(row.identity, row, row.identity_id in proved) for row in _holders(case)]
    seen = {known.identity.pk for known in held}
    used = [Known(row, None, row.pk in proved) for row in _used(case) if row.pk not in seen]
    return sorted(held + used, key=lambda known: (not known.is_proved, known.holder is None))


def is_proved(case: Case, identity: Identity) -> bool:
    """Whether the customer of a case showed that an address is theirs."""
    held = _holders(case).filter(identity=identity).exclude(proved_at=None)
    return held.exists() or identity.pk in _proved_here(case)


def _holders(case: Case) -> HolderQuerySet:
    top = case.customer.top
    family = Q(customer__in={case.customer_id, top.pk}) | Q(customer__root=top)
    rows = Holder.objects.current().filter(family).select_related("identity")
    return rows.order_by("pk")


def _used(case: Case) -> list[Identity]:
    here = Choice.objects.filter(case__in=case.member_ids).exclude(identity=None)
    wanted = here.values("identity")
    return list(Identity.objects.filter(pk__in=wanted).order_by("pk"))


def _proved_here(case: Case) -> set[int]:
    rows = Event.objects.filter(case__in=case.member_ids, sort=Event.Sort.PROVED)
    return {data["identity"] for data in rows.values_list("data", flat=True) if "identity" in data}

"""A number that moves: it is somebody's no more, and what was chosen before counts no more.

Families share a number, so that another's proof alone ends nothing: staff say so, or its holder.
"""

from django.db import transaction
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts import search
from contacts.models import Case, Choice, Customer, Event, Holder, Identity
from contacts.models.message import MessageQuerySet


@transaction.atomic
def end(customer: Customer, identity: Identity) -> bool:
    """The address is theirs no more; False where that was so already.

    Where they never held it and only a case used it, a row that has ended says so.
    """
    row = Identity.objects.locking().get(pk=identity.pk)
    held, now = _of(customer, row), timezone.now()
    mine = list(held.filter(ended_at=None).select_related("customer"))
    if not mine and held.exists():
        return False
    for holder in mine:
        search.forget(search.spelled(row), customer=holder.customer)
    if not held.filter(ended_at=None).update(ended_at=now):
        how = Holder.How.STAFF
        Holder.objects.create(customer=customer, identity=row, how=how, ended_at=now)
    Identity.objects.filter(pk=row.pk).update(moved_at=now)
    return True


@transaction.atomic
def give_back(customer: Customer, identity: Identity) -> bool:
    """It is theirs after all, as it was; False where it is theirs already."""
    row = Identity.objects.locking().get(pk=identity.pk)
    held = _of(customer, row)
    if held.filter(ended_at=None).exists():
        return False
    newest = held.aggregate(at=Max("ended_at"))["at"]
    last = held.filter(ended_at=newest)
    last.filter(created_at__gte=F("ended_at")).delete()  # which only said that it had ended
    for holder in last.select_related("customer"):
        search.index(search.spelled(row), customer=holder.customer)
    held.filter(ended_at=newest).update(ended_at=None)
    return newest is not None


def _of(customer: Customer, identity: Identity) -> QuerySet[Holder]:
    family = Customer.objects.family({customer.top_id})
    return Holder.objects.filter(customer__in=family, identity=identity)


def is_gone(case: Case, identity: Identity) -> bool:
    """Whether it is theirs no more, and nobody proved it anew in this case.

    Asks nothing about an address that nobody ever gave up.
    """
    if identity.moved_at is None:
        return False
    family = Customer.objects.family({case.customer.top_id, case.stem.customer.top_id})
    rows = Holder.objects.filter(customer__in=family, identity=identity)
    ends = list(rows.values_list("ended_at", flat=True))
    if not ends or None in ends:
        return False
    proofs = Event.objects.filter(case__in=case.family_ids(), sort=Event.Sort.PROVED)
    newest = max(at for at in ends if at is not None)
    return not proofs.filter(data__identity=identity.pk, created_at__gt=newest).exists()


def proved_in(case: Case) -> set[int]:
    """The keys of the addresses that a code came back from in this very case. One query."""
    proofs = Event.objects.filter(case__in=case.member_ids, sort=Event.Sort.PROVED)
    return {data.get("identity") for data in proofs.values_list("data", flat=True)} - {None}


def is_taken_back(case: Case, identity: Identity) -> bool:
    """Whether an address was approved as the second way of a case, and stands for nothing now.

    The newest choice that names it counts, also one of a joined case: chosen anew, it is theirs
    again. One query.
    """
    named = Q(identity=identity) | Q(fallback_identity=identity)
    whole = Q(case=case.stem) | Q(case__root=case.stem)  # of the few that name it
    rows = Choice.objects.filter(named, whole).order_by("-pk")
    last = rows.values_list("pk", "identity", "case__choice").first()
    return last is not None and identity.pk != last[1] and last[0] != last[2]


def since_it_moved(messages: MessageQuerySet, identity: Identity) -> MessageQuerySet:
    """Of messages from an address, those that nobody wrote whose it is no more."""
    if identity.moved_at is None:
        return messages
    top = Coalesce("customer__root_id", "customer_id")
    owner = Coalesce(
        OuterRef("case__root__customer__root_id"),
        OuterRef("case__root__customer_id"),
        OuterRef("case__customer__root_id"),
        OuterRef("case__customer_id"),
    )
    people = Holder.objects.filter(identity=identity).annotate(top=top).order_by().values("top")
    lost = people.annotate(open=Count("pk", filter=Q(ended_at=None)), at=Max("ended_at"))
    at = Subquery(lost.filter(open=0, top=owner).values("at"))
    rows = messages.annotate(moved_at=at)
    return rows.filter(Q(moved_at=None) | Q(created_at__gt=F("moved_at")))

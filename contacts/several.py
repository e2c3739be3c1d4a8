"""An address of several people: nobody guesses which of them asks; staff say who it is."""

from django.db import transaction

from contacts import holding, one_person
from contacts.models import Case, Customer, Event, Holder, Identity, User


def asked(case: Case) -> tuple[Identity, list[Customer]] | None:
    """Of whom a case may be, where it came from an address of several and nobody said of whom.

    Its customer was made for it, and holds nothing. An address that was only chosen later says
    nothing of who opened it.
    """
    customer = case.customer
    if customer.root_id or customer.holders.exists():
        return None
    first = case.choices.order_by("pk").select_related("identity").first()
    if first is None or first.identity is None:
        return None
    found = holding.may_be(first.identity)
    return (first.identity, found) if found else None


@transaction.atomic
def recognise(*, case: Case, customer: Customer, by: User) -> None:
    """It is that customer: who was made for the case is the same person; `part` takes it back.

    Raises ValueError as `one_person.join`.
    """
    made, top = case.customer, customer.top
    one_person.join(customer=made, into=top, by=by, told=case)


@transaction.atomic
def somebody_else(*, case: Case, identity: Identity, by: User) -> None:
    """It is none of those: a customer of their own, who has that address too."""
    holding.hold(case.customer, identity, how=Holder.How.STAFF)
    data = {"what": one_person.SOMEBODY_ELSE, "one": str(identity), "other": ""}
    case.append(Event(sort=Event.Sort.PEOPLE, staff=by, data=data))

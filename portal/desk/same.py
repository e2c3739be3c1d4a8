"""Who is, or perhaps is, the same person as a customer: what the customer's column says."""

from dataclasses import dataclass

from contacts import one_person, several
from contacts.models import Case, Customer, Identity
from portal.desk import words
from portal.desk.addresses import Known

MOST_PROPOSED = 3


@dataclass(frozen=True)
class Who:
    """The address of several people that a case came from, and who of them it may be."""

    identity: Identity
    people: list[tuple[Customer, str]]


def who(case: Case, known: list[Known]) -> Who | None:
    """Where nobody said yet who asks. Asks nothing of a customer who holds an address."""
    if any(row.how for row in known) or not any(row.others for row in known):
        return None
    asked = several.asked(case)
    if asked is None:
        return None
    return Who(asked[0], [(row.top, words.own_name(row.top)) for row in asked[1]])


def members(top: Customer) -> list[Customer]:
    """Those who were joined to somebody, also on the way."""
    rows = Customer.objects.filter(root=top).order_by("merged_at")
    return list(rows.prefetch_related("holders__identity"))


@dataclass(frozen=True)
class Proposal:
    """Somebody who is perhaps the same person, and the address that both proved."""

    customer: Customer
    name: str
    identity: Identity


def proposals(case: Case, known: list[Known]) -> list[Proposal]:
    """From proofs alone: what somebody typed says nothing of whose it is.

    An address that both proved; or that another customer proved, and that joined this case by a
    code or wrote in it by a kind that says who writes.
    """
    found: dict[Customer, Identity] = {}
    for row in known:
        for holder in row.others:
            if row.is_proved and holder.proved_at:
                found.setdefault(holder.customer.top, row.identity)
    return [
        Proposal(top, words.own_name(top), identity)
        for top, identity in list(found.items())[:MOST_PROPOSED]
        if not one_person.is_apart(case.customer, top)
    ]

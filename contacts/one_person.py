"""Customers who turn out to be one person: joined, and parted again exactly.

No row moves: `merged_into` is the truth, `root` a cache that pages read by. What came while they
were joined stays with whose it was: by the address it came from, else with the one that the others
were joined to.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from contacts import merging
from contacts.models import Case, Consent, Customer, Event, Holder, User

MOST = 50  # open cases whose history says so
MAX_TRIES = 5  # while colleagues join and part the same ones
JOINED, PARTED, DIFFERENT = "joined", "parted", "different"
RECOGNISED, SOMEBODY_ELSE = "recognised", "somebody_else"
STRICTNESS: list[str] = [Consent.Level.GLADLY, Consent.Level.ON_REQUEST, Consent.Level.NEVER]


@transaction.atomic
def join(*, customer: Customer, into: Customer, by: User | None, told: Case | None = None) -> None:
    """Say that two customers are one person, who goes on as `into`; `part` takes it back.

    `told`: the case that it was found out in, if the others need not say so.
    Raises ValueError for a customer with itself, or one that is joined already.
    """
    if customer == into:
        raise ValueError("A customer cannot be joined to itself.")
    rows = merging.tops(_locking(), customer.pk, into.pk)
    source, target = rows[customer.pk], rows[into.pk]
    names = name_of(source), name_of(target)
    Customer.objects.filter(root=source).update(root=target)
    Customer.objects.filter(pk=source.pk).update(
        merged_into=target, root=target, merged_at=timezone.now()
    )
    if told is None:
        _tell(JOINED, target, names, by)
    else:
        data = {"what": RECOGNISED, "one": names[0], "other": names[1]}
        told.append(Event(sort=Event.Sort.PEOPLE, staff=by, data=data))
    customer.refresh_from_db()


def part(*, customer: Customer, by: User | None) -> None:
    """Take a joined customer out again, with those who had been joined to them before.

    Raises ValueError for one that is not joined.
    """
    for _try in range(MAX_TRIES):
        customer.refresh_from_db()
        if customer.root_id is None:
            break
        if _part(customer, by):
            customer.refresh_from_db()
            return
    raise ValueError("This customer is not joined to another one.")


@transaction.atomic
def _part(customer: Customer, by: User | None) -> bool:
    """Once; False where a colleague changed whom it belongs to in this moment."""
    top = _locking().filter(pk=customer.root_id or 0, root=None).first()
    source = _locking().filter(pk=customer.pk, root=top).first() if top else None
    if top is None or source is None:
        return False
    names = name_of(source), name_of(top)
    members = merging.members(source)
    _tell(PARTED, top, names, by)  # while it is still in the history of both
    Customer.objects.filter(pk__in=members - {source.pk}).update(root=source)
    Customer.objects.filter(pk=source.pk).update(merged_into=None, root=None, merged_at=None)
    return True


def keep_apart(*, case: Case, other: Customer, by: User) -> None:
    """Somebody looked, and these are two people: they are not proposed again."""
    own = case.customer.top
    data = {"what": DIFFERENT, "people": [own.pk, other.pk]}
    data |= {"one": name_of(own), "other": name_of(other)}
    case.append(Event(sort=Event.Sort.PEOPLE, staff=by, data=data))


def _locking() -> QuerySet[Customer]:
    """With row locks that are not in the way of who names them in rows of their own."""
    return Customer.objects.select_for_update(no_key=True)


def name_of(customer: Customer) -> str:
    """What the history calls somebody: their name, else an address of theirs."""
    if customer.name:
        return customer.name
    held = Holder.objects.current().filter(customer=customer).best_first().first()
    return str(held.identity) if held else ""


def _tell(what: str, top: Customer, names: tuple[str, str], by: User | None) -> None:
    """The history of each open case; in one order, as whoever joins cases locks them."""
    data: dict[str, Any] = {"what": what, "one": names[0], "other": names[1]}
    cases = Case.objects.open().filter(customer__in=Customer.objects.family([top.pk]))
    newest = sorted(cases.order_by("-pk")[:MOST], key=lambda case: case.pk)
    for case in newest:
        case.append(Event(sort=Event.Sort.PEOPLE, staff=by, data=data))


def consents(*customers: Customer) -> Mapping[str, Consent]:
    """By kind, what a person said of answers that way. One query.

    What each said before they were joined counts, the stricter first; what was said since is the
    newest word of all. Of several `customers`: what would hold if they were joined now.
    """
    tops = {customer.top_id for customer in customers}
    joined = Customer.objects.filter(root__in=tops).order_by("-merged_at").values("merged_at")
    family = Customer.objects.family(tops)
    rows = Consent.objects.filter(customer__in=family, purpose=Consent.Purpose.SERVICE)
    words: dict[str, dict[int, Consent]] = {}
    for row in rows.annotate(joined_at=Subquery(joined[:1])).order_by("pk"):
        said = words.setdefault(row.kind, {})
        if len(tops) == 1 and row.joined_at is not None and row.created_at > row.joined_at:
            said.clear()
            said[0] = row
        else:
            said[row.customer_id] = row
    return {
        kind: max(said.values(), key=lambda row: (STRICTNESS.index(row.level), row.pk))
        for kind, said in words.items()
    }


def is_apart(one: Customer, other: Customer) -> bool:
    """Whether staff looked at these two, and said that they are two people."""
    mine, theirs = ({row.pk for row in Customer.objects.family([c.top_id])} for c in (one, other))
    cases = Case.objects.filter(customer__in=mine | theirs)
    said = Event.objects.filter(case__in=cases, sort=Event.Sort.PEOPLE, data__what=DIFFERENT)
    pairs = (set(data["people"]) for data in said.values_list("data", flat=True))
    return any(pair & mine and pair & theirs for pair in pairs)

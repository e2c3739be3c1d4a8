"""The search index made anew of what is stored: after a restore, or a change of what is indexed."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from contacts import search
from contacts.models import Case, Customer, Holder, Message, SearchEntry

BATCH = 1_000
SILENT = ("auto_reply", "unread")  # templates that nobody looks for


def reindex() -> Iterator[tuple[int, int]]:
    """Write every entry, batch by batch: how many customers and cases are done, of how many.

    The old ones are found until the end, and what is written meanwhile has its own.
    """
    before = search.newest()
    total, done = Customer.objects.count() + Case.objects.count(), 0
    for customers in batches(Customer.objects.all()):
        with transaction.atomic():
            search.index_all(of_customers(customers))
        done += len(customers)
        yield done, total
    for cases in batches(Case.objects.select_related("root")):
        with transaction.atomic():
            search.index_all(of_cases(cases))
        done += len(cases)
        yield done, total
    search.clear(before)


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """All rows by their ids, so that none is counted through twice."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield found
        last = found[-1].pk


def of_customers(customers: list[Customer]) -> list[SearchEntry]:
    """The names, and the addresses once each."""
    entries = [SearchEntry(customer=row, text=row.name) for row in customers if row.name]
    holders = Holder.objects.filter(customer__in=customers).select_related("identity", "customer")
    held = {(holder.customer_id, holder.identity_id): holder for holder in holders.order_by("pk")}
    return entries + [
        SearchEntry(customer=holder.customer, text=search.spelled(holder.identity))
        for holder in held.values()
    ]


def of_cases(cases: list[Case]) -> list[SearchEntry]:
    """What each case is called together with its first message, then every other message."""
    rows = Message.objects.filter(case__in=cases).exclude(template__in=SILENT)
    rows = rows.only("case_id", "direction", "text", "seq").order_by("case_id", "seq")
    said = {pk: list(found) for pk, found in groupby(rows, key=lambda row: row.case_id)}
    entries = []
    for case in cases:
        first, *others = [row.text for row in said.get(case.pk, [])] or [""]
        head = f"{case.reference} {case.title} {case.about}\n{first}"
        entries.append(SearchEntry(case=case, text=head))
        entries += [SearchEntry(case=case.stem, text=text) for text in others if text]
    return entries

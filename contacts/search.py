"""Find cases by reference, address, name and text: one index, on PostgreSQL and on SQLite."""

import re

from django.db import connection
from django.db.models import Q, QuerySet

from contacts import addresses
from contacts.kinds import EMAIL, PHONE
from contacts.models import Case, Customer, SearchEntry
from contacts.models.identity import Identity

MAX_INDEXED = 50_000  # characters of one text
INSERT_FTS = "INSERT OR REPLACE INTO contacts_search_fts(rowid, text) VALUES (%s, %s)"
MAX_FOUND = 1_000  # entries that one search looks at


def index(text: str, *, case: Case | None = None, customer: Customer | None = None) -> None:
    """Make a text findable; called by the methods that write the text."""
    text = text.replace("\x00", " ")[:MAX_INDEXED]
    entry = SearchEntry.objects.create(case=case, customer=customer, text=text)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(INSERT_FTS, [entry.pk, text])


def clear() -> None:
    """Forget the whole index, before `reindex` writes it anew."""
    SearchEntry.objects.all().delete()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM contacts_search_fts")


def words(query: str) -> list[str]:
    """The words of a query, at most eight, without the index's own operators."""
    return re.findall(r"\w+", query, re.UNICODE)[:8]


def _entries(query: str) -> list[int]:
    """Ids of the entries that hold every word, newest first. Raw, because the index differs."""
    terms = words(query)
    if not terms:
        return []
    if connection.vendor == "sqlite":
        sql = (
            "SELECT rowid FROM contacts_search_fts WHERE contacts_search_fts MATCH %s"
            " ORDER BY rowid DESC LIMIT %s"
        )
        match = " ".join(f'"{term}"*' for term in terms)
    else:
        sql = (
            "SELECT id FROM contacts_searchentry"
            " WHERE to_tsvector('simple', text) @@ to_tsquery('simple', %s)"
            " ORDER BY id DESC LIMIT %s"
        )
        match = " & ".join(f"{term}:*" for term in terms)
    with connection.cursor() as cursor:
        cursor.execute(sql, [match, MAX_FOUND])
        return [row[0] for row in cursor.fetchall()]


def _identities(query: str) -> QuerySet[Identity]:
    found = Q()
    for scheme in (EMAIL, PHONE):
        try:
            found |= Q(scheme=scheme, value=addresses.normalise(scheme, query))
        except addresses.InvalidAddress:
            continue
    return Identity.objects.filter(found) if found else Identity.objects.none()


def cases(query: str) -> QuerySet[Case]:
    """The cases that fit: an exact reference or address first of all, else names and texts."""
    query = query.strip()[:200]
    reference = re.sub(r"[\s-]", "", query).upper()
    if len(reference) == 6:
        exact = Case.objects.filter(reference=f"{reference[:3]}-{reference[3:]}")
        if exact.exists():
            return exact
    holders = Customer.objects.filter(holders__identity__in=_identities(query))
    people = list(holders.values_list("pk", flat=True)[:MAX_FOUND])
    if people:
        return Case.objects.filter(Q(customer__in=people) | Q(customer__root__in=people))
    entries = SearchEntry.objects.filter(pk__in=_entries(query))
    return Case.objects.filter(
        Q(pk__in=entries.exclude(case=None).values("case"))
        | Q(customer__in=entries.exclude(customer=None).values("customer"))
    )

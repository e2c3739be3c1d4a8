"""Find cases by reference, address, name and text: one index, on PostgreSQL and on SQLite."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce

from contacts import addresses
from contacts.kinds import EMAIL, PHONE
from contacts.models import Case, Choice, Customer, SearchEntry
from contacts.models.identity import Identity

WORD = re.compile(r"[^\W_]+")
MAX_INDEXED = 50_000  # characters of one text
INSERT_FTS = "INSERT OR REPLACE INTO contacts_search_fts(rowid, text) VALUES (%s, %s)"
BATCH = 1_000
MIN_DIGITS = 6  # a part of a number is found from so many digits on
MAX_FOUND = 1_000  # entries that one search looks at
WINDOW = 50_000  # the newest entries, among which a common word is found often enough

# Raw, because the indexes differ. EXPLAIN ANALYZE at 100,000 cases and a million entries:
ON_SQLITE = (
    "SELECT entry.case_id, entry.customer_id FROM contacts_search_fts found"
    " JOIN contacts_searchentry entry ON entry.id = found.rowid"
    " WHERE contacts_search_fts MATCH %s ORDER BY found.rowid DESC LIMIT %s"
)
# Bitmap Heap Scan on contacts_search_text: 2 ms for a word in 250 entries, 150 ms for one in
# 266,666. Not plainly by id: the planner would read the table backwards for a rare word (1.6 s),
# as it knows nothing of how often words begin so.
ALL = (
    "SELECT case_id, customer_id FROM contacts_searchentry"
    " WHERE to_tsvector('simple', text) @@ to_tsquery('simple', %s)"
    " ORDER BY id + 0 DESC LIMIT %s"
)
# BitmapAnd with the primary key, which reads the common word's 13,333 newest rows: 21 ms; 1 ms for
# the rare one.
NEAR = ALL.replace("WHERE", "WHERE id > %s AND")
_waiting: ContextVar[list[SearchEntry] | None] = ContextVar("waiting", default=None)


@contextmanager
def together() -> Iterator[None]:
    """What is made findable within this block is written at its end, by one statement."""
    if _waiting.get() is not None:
        yield
        return
    token = _waiting.set([])
    try:
        yield
        entries = _waiting.get()
    finally:
        _waiting.reset(token)
    if entries:
        index_all(entries)


def index(*texts: str, case: Case | None = None, customer: Customer | None = None) -> None:
    """Make texts findable; called by the methods that write them."""
    entries = [SearchEntry(case=case, customer=customer, text=text) for text in texts if text]
    waiting = _waiting.get()
    if waiting is not None:
        waiting.extend(entries)
    elif entries:
        index_all(entries)


def index_all(entries: Sequence[SearchEntry]) -> None:
    """Make many texts findable at once."""
    for entry in entries:
        entry.text = plain(entry.text)
    rows = SearchEntry.objects.bulk_create(entries)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.executemany(INSERT_FTS, [(row.pk, row.text) for row in rows])


def plain(text: str) -> str:
    """The words of a text, split as those of a query are: PostgreSQL reads 2026-17 as 2026, -17."""
    return " ".join(WORD.findall(text[:MAX_INDEXED]))


def spelled(identity: Identity) -> str:
    """An address as its parts are looked for.

    Every end of a number that has six digits or more: the index finds words by how they begin, so
    that any part of six digits is found.
    """
    if identity.scheme == PHONE:
        digits = re.sub(r"\D", "", identity.value)
        return " ".join(digits[at:] for at in range(max(1, len(digits) - MIN_DIGITS + 1)))
    return identity.value


def forget(text: str, *, case: Case | None = None, customer: Customer | None = None) -> None:
    """What is true no more is not found any more."""
    found = SearchEntry.objects.filter(case=case, customer=customer, text=plain(text))
    _remove(list(found.values_list("pk", flat=True)))


def newest() -> int:
    """The id of the newest entry; all up to it are committed, with what they were made of."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:  # waits for those who are writing entries now
                cursor.execute("LOCK TABLE contacts_searchentry IN SHARE ROW EXCLUSIVE MODE")
        return SearchEntry.objects.aggregate(newest=Max("pk"))["newest"] or 0


def clear(until: int) -> None:
    """Forget the entries up to that one, after `reindex` wrote them anew."""
    old = SearchEntry.objects.filter(pk__lte=until).order_by("pk")
    while keys := list(old.values_list("pk", flat=True)[:BATCH]):
        _remove(keys)
    if connection.vendor == "sqlite":  # and those whose case or customer is gone
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM contacts_search_fts WHERE rowid <= %s", [until])


def _remove(keys: list[int]) -> None:
    with transaction.atomic():
        SearchEntry.objects.filter(pk__in=keys).delete()
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.executemany(
                    "DELETE FROM contacts_search_fts WHERE rowid = %s", [(key,) for key in keys]
                )


def words(query: str) -> list[str]:
    """The words of a query, at most eight, without the index's own operators."""
    return WORD.findall(query)[:8]


def digits(query: str) -> str:
    """The digits of a query that can only be a number or a part of one, as the index has them."""
    if not re.fullmatch(r"[+0-9()./\s-]+", query):
        return ""
    found = re.sub(r"\D", "", query.replace("(0)", "")).lstrip("0")[:15]
    return found if len(found) >= MIN_DIGITS - 1 else ""


def _match(query: str, *, word: str, both: str, either: str) -> str:
    """Every word of the query; or its digits in one piece. "" where there is nothing to find."""
    terms = words(query)
    match = both.join(word % term for term in terms)
    number = digits(query)
    return f"({match}){either}{word % number}" if number and [number] != terms else match


def _entries(query: str) -> list[tuple[int | None, int | None]]:
    """Case or customer of each of the newest entries that hold every word."""
    if not words(query):
        return []
    if connection.vendor == "sqlite":  # which walks its index from the newest on, and stops
        return _ask(ON_SQLITE, _match(query, word='"%s"*', both=" AND ", either=" OR "))
    match = _match(query, word="%s:*", both=" & ", either=" | ")
    newest = SearchEntry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    near = _ask(NEAR, max(0, newest - WINDOW), match)
    return near if len(near) == MAX_FOUND else _ask(ALL, match)


def _ask(sql: str, *values: str | int) -> list[tuple[int | None, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, MAX_FOUND])
        return cursor.fetchall()


def _identities(query: str) -> QuerySet[Identity]:
    found = Q()
    for scheme in (EMAIL, PHONE):
        try:
            found |= Q(scheme=scheme, value=addresses.normalise(scheme, query))
        except addresses.InvalidAddress:
            continue
    return Identity.objects.filter(found) if found else Identity.objects.none()


@dataclass(frozen=True)
class Found:
    """Ids of the cases that fit, the newest; `is_all`: whether older texts were looked at too."""

    ids: list[int]
    is_all: bool = True


def found(query: str) -> Found:
    """The cases that fit, at most MAX_FOUND: an exact reference or address first of all, else
    names and texts.

    In steps with lists between them: as one statement PostgreSQL joins all cases before it looks
    for those (0.7 s at 100,000 cases, 40 ms so).
    """
    query = query.strip()[:200]
    reference = re.sub(r"[\s-]", "", query).upper()
    if len(reference) == 6:
        exact = Case.objects.filter(reference=f"{reference[:3]}-{reference[3:]}")
        if ids := list(exact.values_list(Coalesce("root", "pk"), flat=True)):
            return Found(ids)
    exactly = list(_identities(query))
    holders = Customer.objects.filter(holders__identity__in=exactly, holders__ended_at=None)
    people = set(holders.values_list("pk", flat=True)[:MAX_FOUND])
    # An address that a code proved in one case belongs to that case alone.
    chosen = Choice.objects.filter(identity__in=exactly).order_by("-pk")
    matters = set(chosen.values_list("case_id", flat=True)[:MAX_FOUND])
    entries = [] if people or matters else _entries(query)
    matters |= {case for case, _customer in entries if case}
    people |= {customer for _case, customer in entries if customer}
    if people:
        joined = Customer.objects.filter(pk__in=people).values_list("root", flat=True)
        people |= {top for top in joined if top is not None}
        family = Customer.objects.filter(root__in=people).values_list("pk", flat=True)
        people |= set(family[:MAX_FOUND])
    fitting = Case.objects.filter(Q(pk__in=matters) | Q(customer__in=people))
    # What was joined to another case is found as that one.
    stems = fitting.order_by("-pk").values_list(Coalesce("root", "pk"), flat=True)[:MAX_FOUND]
    return Found(list(dict.fromkeys(stems)), is_all=len(entries) < MAX_FOUND)


def cases(query: str) -> QuerySet[Case]:
    """The cases that fit: see `found`."""
    return Case.objects.filter(pk__in=found(query).ids)

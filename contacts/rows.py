"""Stores new rows by statements whose text is made once for each model.

The ORM makes it anew each time. Measured on PostgreSQL, in processor time: two messages 0.25 ms
instead of 0.75, one 0.23 instead of 0.35; and opening a case stores a dozen rows.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model


def insert(rows: Sequence[Model]) -> None:
    """Store a few new rows of one model by one statement; they get their keys.

    For models without parents, signals and values that the database makes: we have no others.
    """
    if not rows:
        return
    model = type(rows[0])
    fields, sql, has_own_key = _statement(model, len(rows), connection.vendor)
    values: list[Any] = []
    for row in rows:
        row._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]
        for field in fields:
            values.append(field.get_db_prep_save(field.pre_save(row, True), connection))
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        keys = cursor.fetchall() if has_own_key else ()
    for row, (key,) in zip(rows, keys, strict=False):
        row.pk = key
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


@cache
def _statement(model: type[Model], count: int, vendor: str) -> tuple[Sequence[Field], str, bool]:
    """The fields that are given, the statement, and whether the database gives the key."""
    meta, quote = model._meta, connection.ops.quote_name
    has_own_key = isinstance(meta.pk, AutoField)
    fields = [
        field for field in meta.local_concrete_fields if not (has_own_key and field.primary_key)
    ]
    names = ", ".join(quote(field.column or "") for field in fields)
    line = f"({', '.join(['%s'] * len(fields))})"
    sql = f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES {', '.join([line] * count)}"
    return (
        fields,
        f"{sql} RETURNING {quote(meta.pk.column or '')}" if has_own_key else sql,
        has_own_key,
    )

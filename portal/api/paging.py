"""Long lists in pages: an opaque cursor, newest first, as many queries on the last page as on the
first."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from portal.api.problems import Invalid

PAGE, LARGEST = 50, 100
MAX_ID = 2**63 - 1


def number(text: str) -> int:
    """A primary key that the database can compare. Raises ValueError."""
    value = int(text)
    if not 0 <= value <= MAX_ID:
        raise ValueError(text)
    return value


def page(
    request: Request,
    rows: QuerySet[Any],
    query: dict[str, Any],
    *,
    at: str = "",
    key: Callable[[str], Any] = number,
) -> tuple[list[Any], str | None]:
    """One page of rows, and the address of the next one.

    `at`: the column of time that they are ordered by, if not by the key alone; `key`: how the
    primary key is read.
    """
    limit = query.get("limit") or PAGE
    if cursor := query.get("cursor"):
        rows = rows.filter(_after(cursor, at, key))
    found = list(rows.order_by(*([f"-{at}"] if at else []), "-pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    values = [str(last.pk)] + ([getattr(last, at).isoformat()] if at else [])
    more = {**request.query_params.dict(), "cursor": _write(values)}
    return found[:limit], f"{settings.PUBLIC_URL}{request.path}?{urlencode(more)}"


def _write(values: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _read(cursor: str) -> list[str]:
    values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(cursor)
    return values


def _after(cursor: str, at: str, key: Callable[[str], Any]) -> Q:
    try:
        values = _read(cursor)
        if len(values) != 1 + bool(at):
            raise ValueError(cursor)
        pk = key(values[0])
        if not at:
            return Q(pk__lt=pk)
        # In UTC here: at the ends of the calendar that already overflows.
        time = datetime.fromisoformat(values[1]).astimezone(UTC)
    except (ValueError, OverflowError, RecursionError):
        raise Invalid("cursor", _("This is no cursor of ours.")) from None
    return Q(**{f"{at}__lt": time}) | Q(**{at: time, "pk__lt": pk})

"""What is being worked on, for the log: the request, the task, the case. It knows no logging."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# What a proxy may name a request: nothing that could break a line, a header or a page.
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")

_fields: ContextVar[dict[str, str] | None] = ContextVar("tracing", default=None)


def new_id() -> str:
    """An id for a request or a task that came with none."""
    return uuid.uuid4().hex


def accepted(value: str) -> str:
    """The id that a trusted proxy or our own process sent; a new one where it is malformed."""
    return value if WELL_FORMED.fullmatch(value) else new_id()


@contextmanager
def bound(**fields: str) -> Iterator[dict[str, str]]:
    """Every log line within says these fields besides those around it.

    One dict for the block: what is noted in a thread that copied the context is seen here too.
    """
    inner = {**current(), **fields}
    token = _fields.set(inner)
    try:
        yield inner
    finally:
        _fields.reset(token)


def note(**fields: str) -> None:
    """Say these fields from now on, until the block ends; nothing where no block was opened."""
    inside = _fields.get()
    if inside is not None:
        inside.update(fields)


def current() -> dict[str, str]:
    """A copy of what is bound here."""
    return dict(_fields.get() or {})

"""Secrets do not stand in logs: the one place that takes them out of a line."""

import copy
import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any

from contacts import tracing

# A code of 128 bits (in links, reply addresses, markers), a program's token, and a password in an
# address.
SECRETS = re.compile(
    r"(?<![a-z0-9])[a-z2-7]{26}(?![a-z0-9])|onecase_[a-z2-7]{20,}|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text with … where a secret stood."""
    return SECRETS.sub("…", text)


# PostgreSQL quotes the row in the lines after its first, Python a value: with blanks it is text.
QUOTED = re.compile(r"""(?<!\w)(['"])((?:(?!\1).)*?[\s@](?:(?!\1).)*)\1(?!\w)""")
MAX_SAID = 300


def fault(error: BaseException) -> str:
    """The traceback; of what each exception says the first line, without the text it quotes."""
    return redact("\n".join(part for link in chain(error) for part in _lines(link)))


def chain(error: BaseException) -> list[BaseException]:
    """An exception and what led to it, the first cause first."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return found[::-1]


def _lines(error: BaseException) -> Iterator[str]:
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    said = (str(error).strip().splitlines() or [""])[0]
    said = QUOTED.sub(r"\1…\1", said)[:MAX_SAID]
    yield f"{type(error).__module__}.{type(error).__qualname__}: {said}".removeprefix("builtins.")


def route_of(request: Any) -> str:
    """The name of the page that answers, or would; its path may hold a secret."""
    match = getattr(request, "resolver_match", None)
    return str(match.view_name or match.route) if match else "-"


def calm(record: logging.LogRecord) -> logging.LogRecord:
    """A copy that says no more than it should.

    Django names the path of a request: its route stands instead. Celery repeats what an exception
    says: its traceback follows, in the words of `fault`.
    """
    record = copy.copy(record)
    record.exc_text = None  # another handler may have kept its own
    request = getattr(record, "request", None)
    path = getattr(request, "path", None)
    if path is not None and isinstance(record.args, tuple):
        record.args = tuple(route_of(request) if arg == path else arg for arg in record.args)
    elif isinstance(record.args, dict) and "exc" in record.args:
        error = record.exc_info[1] if record.exc_info else None
        record.args = {**record.args, "exc": type(error).__name__, "traceback": ""}
    return record


class RedactingFormatter(logging.Formatter):
    """Writes a record as ever, its traceback included, without the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line that is written, with the request and the case that it is about."""
        about = " ".join(f"{name}={value}" for name, value in tracing.current().items())
        first, more, rest = redact(super().format(calm(record))).partition("\n")
        return f"{first} ({redact(about)}){more}{rest}" if about else first + more + rest

    def formatException(self, ei: object) -> str:
        """The traceback without what it quotes."""
        error = ei[1] if isinstance(ei, tuple) else None
        return fault(error) if isinstance(error, BaseException) else ""

"""One line of JSON for each thing that is logged: who asked, which page or task, which case.

Never a path (the link of a case is a secret), never a secret, never what somebody wrote.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from contacts import tracing
from portal.redaction import calm, fault, redact

FIELDS = ("method", "route", "status", "ms", "state")  # what our own lines bring along
MAX_TEXT = 4000


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object, with the request, the task and the case it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line that is written."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(calm(record).getMessage())[:MAX_TEXT],
            **{name: redact(value) for name, value in tracing.current().items()},
        }
        for name in FIELDS:
            if name in vars(record):
                value = vars(record)[name]
                line[name] = redact(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = fault(record.exc_info[1])
        return json.dumps(line)

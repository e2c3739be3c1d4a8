"""Secrets do not stand in logs: the one place that takes them out of a line."""

import logging
import re

# A code of 128 bits (in links, reply addresses, markers), a program's token, and a password in an
# address.
SECRETS = re.compile(
    r"(?<![a-z0-9])[a-z2-7]{26}(?![a-z0-9])|onecase_[a-z2-7]{20,}|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text with … where a secret stood."""
    return SECRETS.sub("…", text)


class RedactingFormatter(logging.Formatter):
    """Writes a record as ever, its traceback included, without the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line that is written."""
        return redact(super().format(record))

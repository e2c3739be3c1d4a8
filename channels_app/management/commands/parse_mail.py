"""`manage.py parse_mail < mail.eml`: what we read of a mail, as one JSON object."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from channels_app.mailparse.model import ParsedMail, Unparseable
from channels_app.mailparse.parsing import parse
from channels_app.mailparse.structure import MAX_BYTES

_FIELDS = (
    *("from_email", "from_name", "to", "cc", "subject", "text", "reply_text", "html"),
    *("message_id", "in_reply_to", "references", "auto_submitted", "error"),
)


class Command(BaseCommand):
    """Reads one mail from standard input; needs no database, and always prints JSON."""

    help = "Read a mail from standard input and print what it says as JSON."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the JSON object; a mail over the bounds gives its `error`."""
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        try:
            mail = parse(raw)
        except Unparseable as problem:
            mail = ParsedMail(error=problem.reason)
        self.stdout.write(json.dumps(_as_json(mail), ensure_ascii=True))


def _as_json(mail: ParsedMail) -> dict[str, Any]:
    """The public shape: no bytes, only what describes them."""
    shown = {name: getattr(mail, name) for name in _FIELDS}
    files = [
        {"name": file.name, "type": file.type, "size": file.size, "md5": file.md5}
        for file in mail.attachments
    ]
    return {**shown, "attachments": files}

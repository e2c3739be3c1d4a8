"""A mail server that writes down when each mail came: python -m benchmarks.sink PORT FILE."""

import re
import sys
import threading
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_ID = re.compile(rb"^Message-ID: <([^@>]+)", re.MULTILINE | re.IGNORECASE)


class Clock:
    """Appends `time message-id` for every mail."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "a", buffering=1)  # noqa: SIM115

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        now, content = time.time(), envelope.content
        found = MESSAGE_ID.search(content if isinstance(content, bytes) else b"")
        self.file.write(f"{now:.6f} {found[1].decode() if found else '-'}\n")
        return "250 OK"


def arrivals(path: Path) -> list[tuple[float, str]]:
    """When each mail came, and its Message-ID up to the @."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(float(line.split()[0]), line.split()[1]) for line in lines]


if __name__ == "__main__":
    Controller(Clock(sys.argv[2]), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    threading.Event().wait()

"""`manage.py run`: the whole portal on this machine."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal import supervisor


class Command(BaseCommand):
    """Start web, worker, beat and what is embedded; Ctrl-C stops all of it."""

    help = "Run the portal on this machine: web, worker, beat and the embedded services."
    requires_system_checks = []  # the children check; here it would only cost the start a second

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The address to listen on, and how much to say."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", default="8000", help="port of the site")
        parser.add_argument("--verbose", action="store_true", help="print every log line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until it is stopped; a reason not to start is one line and exit code 1."""
        try:
            code = supervisor.run(
                host=options["host"], port=_port(options["port"]), verbose=options["verbose"]
            )
        except supervisor.CannotStart as reason:
            self.stderr.write(f"onecase: {reason}")
            sys.exit(1)
        sys.exit(code)


def _port(text: str | int) -> int:
    """Checked here and not by argparse, which would print its usage around the one line."""
    if not str(text).isdecimal() or not 1 <= int(text) <= 65535:
        raise supervisor.CannotStart(f"{str(text)!r} is no port: a number from 1 to 65535.")
    return int(text)

"""`manage.py receive_mail`: one mail from standard input, for the pipe of an MTA.

Exit codes (sysexits.h): 0 stored, 65 too large or empty, 75 try again later.
"""

import logging
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from channels_app import inbound
from channels_app.adapters.base import Request
from channels_app.management import smtp
from channels_app.management.commands.listen_smtp import channel_of
from channels_app.models import Channel

logger = logging.getLogger(__name__)
DATA_FAULT, TRY_LATER = 65, 75
USAGE = 2  # argparse's own exit code, which an MTA would take for a reason to bounce


class NoChannel(Exception):
    """There is no e-mail channel to file the mail under."""


def choose(slug: str, recipients: list[str]) -> Channel:
    """The named channel, else the recipients', else the first e-mail channel."""
    channels = Channel.objects.filter(kind="email")
    if slug:
        found = channels.filter(slug=slug).first()
    else:
        theirs = (channel_of(address) for address in recipients)
        found = next((channel for channel in theirs if channel), None) or channels.first()
    if found is None:
        raise NoChannel(f"no e-mail channel {slug or 'is set up'}")
    return found


class Command(BaseCommand):
    """Store one mail; the worker parses and files it."""

    help = "Store one mail from standard input. Exit code 75: try again later."
    requires_system_checks = []

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """As any command; what is wrong with the MTA's own line bounces no mail either."""
        try:
            super().run_from_argv(list(argv))
        except SystemExit as stop:
            raise SystemExit(TRY_LATER if stop.code == USAGE else stop.code) from None

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The channel, and what the MTA knows of the envelope."""
        parser.add_argument("--channel", default="", help="address part of the e-mail channel")
        parser.add_argument("--sender", default="", help="envelope sender")
        parser.add_argument("--recipient", action="append", default=[], help="envelope recipient")

    def handle(self, *args: Any, **options: Any) -> None:
        """0 only after the bytes are committed; a fault of ours is always temporary."""
        signal.signal(signal.SIGTERM, _try_later)
        body = sys.stdin.buffer.read(smtp.MAX_BYTES + 1)
        if not body.strip() or len(body) > smtp.MAX_BYTES:
            word = "empty" if not body.strip() else "larger than 30 MB"
            raise CommandError(f"The mail is {word}.", returncode=DATA_FAULT)
        try:
            inbound.receive(
                choose(options["channel"], options["recipient"]),
                Request(
                    body=body,
                    envelope_from=options["sender"],
                    envelope_to=tuple(options["recipient"]),
                    received_at=timezone.now(),
                ),
            )
        except Exception as error:
            # Even a mistake in the set-up: the mail waits with the MTA until it is mended.
            detail = str(error) if isinstance(error, NoChannel) else type(error).__name__
            raise CommandError(
                f"The mail cannot be stored now ({detail}).", returncode=TRY_LATER
            ) from error


def _try_later(number: int, frame: object) -> NoReturn:
    sys.exit(TRY_LATER)

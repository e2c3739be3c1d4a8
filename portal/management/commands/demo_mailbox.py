"""`manage.py demo_mailbox`: the customers' mail server of the demo. Nothing leaves this machine."""

import logging
from argparse import ArgumentParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from channels_app.management import smtp
from portal.simulator.maildir import Maildir

logger = logging.getLogger(__name__)
# Addresses that refuse, so that a failed answer can be tried out.
REFUSALS = {
    "gone": "550 5.1.1 This mailbox does not exist",
    "full": "552 5.2.2 This mailbox is full",
    "busy": "451 4.2.0 This mailbox is busy, try again later",
}


class Postman:
    """Keeps every mail as a file in the Maildir; `refuse` adds addresses that refuse."""

    def __init__(self, maildir: Maildir, refuse: dict[str, str] | None = None) -> None:
        self.maildir = maildir
        self.refuse = refuse if refuse is not None else {}

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Everybody has a mailbox here, except those who show what a refusal looks like."""
        word = self.refuse.get(address.lower()) or address.lower().partition("@")[0]
        if word in REFUSALS:
            return REFUSALS[word]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """One file for each recipient, written before 250 is said."""
        for owner in envelope.rcpt_tos:
            await smtp.in_thread(self._keep, envelope, owner)
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        """A full disk, for instance: whoever sends tries again."""
        logger.error("The demo's mailbox cannot keep a mail.", exc_info=error)
        return smtp.TRY_AGAIN

    def _keep(self, envelope: Envelope, owner: str) -> None:
        raw = envelope.original_content or b""
        self.maildir.deliver(raw, sender=smtp.sender_of(envelope), owner=owner)


class Command(BaseCommand):
    """Listen until SIGTERM; only in demo mode."""

    help = "The customers' mail server of the demo."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument(
            "--listen", default=settings.MAILBOX_LISTEN, help="address to listen on, host:port"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; a mail that is being written at the end is finished."""
        if not settings.DEMO:
            raise CommandError("The demo's mailbox runs only with ONECASE_DEMO=1.")
        smtp.run(
            Postman(Maildir()),
            options["listen"],
            "mailbox.example.org",
            lambda place: self.stdout.write(f"The customers' mailbox is open on {place}."),
        )

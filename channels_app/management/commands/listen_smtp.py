"""`manage.py listen_smtp`: the organisation's SMTP door, for an MTA to hand mail on to."""

import logging
from argparse import ArgumentParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from channels_app import inbound
from channels_app.adapters.base import Request
from channels_app.management import smtp
from channels_app.models import Channel

logger = logging.getLogger(__name__)


def channel_of(address: str) -> Channel | None:
    """The e-mail channel of an address, with or without +code; None for anybody else's."""
    local, _at, domain = address.strip().lower().rpartition("@")
    mailbox = f"{local.partition('+')[0]}@{domain}"
    return Channel.objects.filter(kind="email", address__iexact=mailbox).first()


class Door:
    """Takes mail for our own addresses. 250 is said only after the raw bytes are committed."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only mail to an e-mail channel: this is no relay."""
        if await smtp.in_thread(channel_of, address) is None:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store, then say so."""
        await smtp.in_thread(store, envelope)
        return "250 2.0.0 Stored"

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours is never a reason to bounce: whoever sends tries again."""
        logger.error("The SMTP door cannot take a mail.", exc_info=error)
        return smtp.TRY_AGAIN


def store(envelope: Envelope) -> None:
    """Keep the raw mail, once for each channel that it was sent to."""
    channels = {found.pk: found for a in envelope.rcpt_tos if (found := channel_of(a))}
    content = envelope.original_content or b""
    for channel in channels.values():
        inbound.receive(
            channel,
            Request(
                body=content,
                envelope_from=smtp.sender_of(envelope),
                envelope_to=tuple(envelope.rcpt_tos),
                received_at=timezone.now(),
            ),
        )


class Command(BaseCommand):
    """Listen until SIGTERM."""

    help = "Take mail by SMTP for the e-mail channels of this organisation."
    requires_system_checks = []  # a door that opens late loses nothing, but it should not

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument(
            "--listen", default=settings.MAIL_LISTEN, help="address to listen on, host:port"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; what is being stored at the end is finished."""
        smtp.run(
            Door(),
            options["listen"],
            settings.MAIL_DOMAIN,
            lambda place: self.stdout.write(f"The SMTP door is open on {place}."),
        )

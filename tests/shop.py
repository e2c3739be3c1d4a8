"""A small organisation for tests: channels, topics, an agent, and a mail server that keeps mail."""

import email
import email.policy
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone

from channels_app.models import Channel
from contacts.models import Organisation, Topic, User

MAILBOX = "help@mail.example.org"


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sink:
    """A real SMTP server that keeps what it gets; `answer` is what it says to each mail."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.answer = "250 OK"
        self.refuse_recipient = ""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """Take or refuse a recipient."""
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer

    @property
    def mails(self) -> list[EmailMessage]:
        """What came, parsed by the standard library."""
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw]


@contextmanager
def sink_server() -> Iterator[tuple[Sink, str]]:
    """A running sink and its EMAIL_URL."""
    sink, port = Sink(), free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


def make_shop() -> Organisation:
    """An organisation with phone, e-mail, own page, letter, two branches and two topics."""
    organisation = Organisation.objects.create(
        name="Test Shop", phone="+31201234567", address="Street 1\n1000 AA Town"
    )
    rows: list[tuple[str, str, str, str, dict[str, str]]] = [
        ("email", "email", "email", MAILBOX, {"url": "env:EMAIL_URL"}),
        ("phone", "manual", "phone", "+31201234567", {}),
        ("account", "in_house", "account", "", {}),
        ("letter", "manual", "letter", "", {}),
        ("in_person", "manual", "north", "North Street 1", {}),
        ("in_person", "manual", "south", "South Street 1", {}),
    ]
    # At once, for nearly every test begins with it.
    Channel.objects.bulk_create(
        Channel(
            organisation=organisation,
            kind=kind,
            provider=provider,
            slug=slug,
            name=slug,
            address=address,
            config=config,
            position=place,
            promise_minutes=240,
        )
        for place, (kind, provider, slug, address, config) in enumerate(rows)
    )
    invoice = Topic(name={"en": "Invoice", "nl": "Factuur"}, slug="invoice", is_sensitive=True)
    repair = Topic(name={"en": "Repair", "nl": "Reparatie"}, slug="repair", is_complex=True)
    Topic.objects.bulk_create([invoice, repair])
    return organisation


def make_agent(name: str = "anna", *, administrator: bool = False) -> User:
    """A member of staff with the password "secret-word-7", whose desk is open."""
    return User.objects.create_user(
        username=name,
        seen_at=timezone.now(),
        first_name=name.title(),
        password="secret-word-7",
        is_staff=True,
        is_superuser=administrator,
    )


def key() -> uuid.UUID:
    """A new client key."""
    return uuid.uuid4()


def mail(
    *, sender: str, to: str, subject: str = "Question", text: str = "Hello", **headers: str
) -> bytes:
    """A plain mail as any mail program writes it; header names with _ for -."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = headers.pop("Message_ID", f"<{uuid.uuid4()}@client.example>")
    message["Date"] = "Sun, 22 Nov 2026 10:00:00 +0100"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()

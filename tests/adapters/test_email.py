"""E-mail over SMTP, against the contract, with a real server."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from channels_app.adapters.base import Inbound, Parsed, Request
from tests import shop
from tests.adapters.contract import PATIENCE, Contract
from tests.webhooks.providers import Said

PASSWORD = "a-password-7f3c"
RAW = shop.mail(sender="Sam <sam@example.org>", to=shop.MAILBOX, text="Is it there?")
# Where SMTP says it: after everything was handed over, or at the recipient.
AT_THE_END = {
    "fault": "451 4.3.0 Later",
    "refused": "554 5.6.0 No",
    "key": "535 5.7.8 Who are you",
    "nonsense": "What",
    "echo": f"554 No {PASSWORD}",
}


class MailServer:
    """A server of SMTP that says what it was told to say."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.url = ""
        self._words: list[str] = []

    def plan(self, *words: str) -> None:
        """What it says next; afterwards all is well again."""
        self._words = [word for word in words if word != "ok"]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """Take or refuse a recipient."""
        if self._words[:1] == ["gone"]:
            self._words.pop()
            return "550 5.1.1 Nobody"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take or refuse a mail, or say nothing."""
        assert isinstance(envelope.content, bytes)
        self.calls.append(envelope.content)
        word = self._words.pop() if self._words else "ok"
        if word == "silence":
            await asyncio.sleep(3 * PATIENCE)
        if word == "hang up":
            assert server.transport is not None
            server.transport.close()
        return AT_THE_END.get(word, "250 OK")


class TestEmail(Contract):
    """The contract, with SMTP's words."""

    provider_name = "email"
    kind = "email"
    address = shop.MAILBOX
    to = "sam@example.org"
    config: ClassVar[dict[str, str]] = {"url": "{url}"}
    answers: ClassVar[dict[str, Said]] = {}
    unheard_of: ClassVar[dict[str, str]] = {
        "busy": "a mail server names no time",
        "stopped": "nobody can tell a mail server",
    }

    @pytest.fixture
    def server(self) -> Iterator[MailServer]:
        mails, port = MailServer(), shop.free_port()
        controller = Controller(
            mails,
            hostname="127.0.0.1",
            port=port,
            auth_require_tls=False,
            authenticator=lambda *args: AuthResult(success=args[-1].password == PASSWORD.encode()),
        )
        mails.url = f"smtp://sam:{PASSWORD}@127.0.0.1:{port}"
        controller.start()
        yield mails
        controller.stop()

    def secrets(self) -> list[str]:
        return [PASSWORD]

    def key_in(self, call: Any) -> str:
        return next(line for line in call.decode().splitlines() if line.startswith("Message-ID"))

    def gist(self, thing: Parsed) -> Any:
        assert isinstance(thing, Inbound) and not thing.authenticated
        return thing.scheme, thing.sender, thing.text.strip()

    def posts(self) -> list[tuple[Request, list[Any]]]:
        mail = Request(RAW, envelope_to=(shop.MAILBOX,))
        return [(mail, [("email", "sam@example.org", "Is it there?")])]

    def unknown(self) -> list[Request]:
        return []  # every mail is a message, or a report on one of ours

    def garbage(self) -> list[Request]:
        head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        return [Request(head + b"--b\r\n\r\nx\r\n" * 600 + b"--b--\r\n")]

    def forged(self) -> dict[str, Request]:
        """By HTTP a mail is nobody's, whatever it brings."""
        headers = {
            "missing": (),
            "wrong": (("authorization", "Basic c2FtOnB3"),),
            "re-encoded": (("content-type", "message/rfc822"),),
        }
        return {name: Request(RAW, one, method="POST") for name, one in headers.items()}

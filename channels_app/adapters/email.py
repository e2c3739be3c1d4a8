"""E-mail over SMTP out; mail as it is in.

Words of SMTP and mail -> ours:
  4yz, connection refused, time-out -> Unavailable      535 and the like -> Misconfigured
  5yz at RCPT                       -> RecipientGone    other 5yz        -> Rejected
  broken after the text went        -> Uncertain        delivery report  -> Receipt(returned)
"""

import smtplib
import ssl
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.mail.backends.smtp import EmailBackend

from channels_app.adapters import imap
from channels_app.adapters.base import (
    Account,
    BadSignature,
    Misconfigured,
    Outbound,
    Reason,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Sent,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.mail import MailAdapter, build, message_id

TIMEOUT = 15  # seconds for each step of SMTP
CLOSING = 421  # the server's word before it closes the connection


class EmailAdapter(MailAdapter):
    """One mail account. The SMTP connection stays open between sends."""

    label: ClassVar[str] = "SMTP"
    settings_needed: ClassVar[tuple[str, ...]] = ("url",)
    settings_optional: ClassVar[tuple[str, ...]] = ("authserv", "imap")

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._smtp: EmailBackend | None = None

    def check(self) -> Reason:
        """Connect, greet and sign in; where mail is read from a mailbox, there as well."""
        self.close()
        server = self._open()
        code, _text = server.noop()
        if code != 250:
            raise Unavailable(Reason("mail_answered", {"code_number": str(code)}))
        host = server._host  # type: ignore[attr-defined]
        if "imap" not in dict(self.account.config):
            return Reason("mail_connected", {"host": host})
        seen = imap.check(self.account.setting("imap"))
        return Reason("mail_connected_both", {"host": host, **seen})

    def close(self) -> None:
        """Say good-bye to the server."""
        if self._smtp is not None:
            self._smtp.fail_silently = True
            self._smtp.close()
            self._smtp = None

    def _open(self) -> smtplib.SMTP:
        """The connection, open; a new one is greeted and signed in."""
        if self._smtp is not None and self._smtp.connection is not None:
            return self._smtp.connection
        self.close()
        self._smtp = smtp_for(self.account.setting("url"))
        try:
            self._smtp.open()
        except smtplib.SMTPAuthenticationError:
            raise Misconfigured(Reason("mail_password")) from None
        except (smtplib.SMTPException, OSError, ssl.SSLError) as error:
            why = Reason("mail_unreachable", _fault(error))
            raise Unavailable(why, everyone=True) from None
        if self._smtp.connection is None:
            raise Unavailable(Reason("mail_unreachable", {"fault": "-"}), everyone=True)
        return self._smtp.connection

    def send(self, outbound: Outbound) -> Sent:
        """Hand one mail to the server, step by step, so that each failure has its own meaning."""
        mail = build(outbound)
        content = mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
        server = self._begin(outbound)
        try:
            self._envelope(server, outbound)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self.close()
            raise Unavailable(Reason("mail_broke", _fault(error))) from None
        except SendError:
            self._reset(server)
            raise
        try:
            code, text = server.data(content)
        except smtplib.SMTPDataError as error:
            self._reset(server)
            raise self._refusal(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Uncertain(Reason("mail_broke_sending", _fault(error))) from None
        if code != 250:
            self._reset(server)
            raise self._refusal(code, text, handed_over=True)
        return Sent(provider_id=message_id(outbound.key, outbound.from_address))

    def _begin(self, outbound: Outbound) -> smtplib.SMTP:
        """Say from whom it is, over the open connection; a new one if the server closed that.

        Nothing of the mail went yet, so that this line is also the question whether it is open.
        """
        kept = self._smtp is not None
        server = self._open()
        try:
            server.ehlo_or_helo_if_needed()
            code, text = server.mail(outbound.reply_to or outbound.from_address)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            if kept:
                return self._begin(outbound)
            raise Unavailable(Reason("mail_broke", _fault(error))) from None
        if code == CLOSING and kept:
            self.close()
            return self._begin(outbound)
        if code != 250:
            self._reset(server)
            raise self._refusal(code, text)
        return server

    def _envelope(self, server: smtplib.SMTP, outbound: Outbound) -> None:
        code, text = server.rcpt(outbound.to)
        if code not in (250, 251):
            raise self._refusal(code, text, recipient=True)

    def _reset(self, server: smtplib.SMTP) -> None:
        try:
            server.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def _refusal(
        self, code: int, text: bytes | str, *, recipient: bool = False, handed_over: bool = False
    ) -> SendError:
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        password = unquote(urlsplit(self.account.setting("url")).password or "")
        detail = f"{code} {said.replace(password, '…') if password else said}"
        if handed_over and not 200 <= code < 600:  # no answer of SMTP at all
            return Uncertain(Reason("provider_nonsense"))
        if code < 500:
            return Unavailable(detail)
        if code in (530, 534, 535, 538):
            return Misconfigured(detail)
        return RecipientGone(detail) if recipient and code in (550, 551, 553) else Rejected(detail)

    def verify(self, request: Request) -> None:
        """A mail carries no signature of a provider: who wrote it is judged when it is filed.

        Only by a door of our own: one that anybody can call would let them forge its headers.
        """
        if request.method:
            raise BadSignature("A mail by HTTP is nobody's.")


def smtp_for(url: str) -> EmailBackend:
    """A connection for smtp://user:password@host:587?tls=1 or smtps://... (not opened yet)."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Misconfigured(Reason("mail_url"))
    implicit = parts.scheme == "smtps"
    return EmailBackend(
        host=parts.hostname,
        port=parts.port or (465 if implicit else 25),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_ssl=implicit,
        use_tls=not implicit and parse_qs(parts.query).get("tls") == ["1"],
        timeout=TIMEOUT,
    )


def _fault(error: BaseException) -> dict[str, str]:
    """The sort of fault, without what the server said (it may repeat a secret)."""
    return {"fault": type(error).__name__}

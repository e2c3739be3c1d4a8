"""E-mail over SMTP out; parsed mail in.

Words of SMTP and mail -> ours:
  4yz, connection refused, time-out -> Unavailable      535 and the like -> Misconfigured
  5yz at RCPT                       -> RecipientGone    other 5yz        -> Rejected
  broken after the text went        -> Uncertain        delivery report  -> Receipt(returned)
"""

import hashlib
import re
import smtplib
import ssl
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from channels_app.adapters import imap
from channels_app.adapters.base import (
    Account,
    Adapter,
    BadPayload,
    Capabilities,
    Inbound,
    InFile,
    Misconfigured,
    Outbound,
    Reason,
    Receipt,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Sent,
    Unavailable,
    Uncertain,
)
from channels_app.mailparse.parsing import ParsedMail, Unparseable, parse

TIMEOUT = 15  # seconds for each step of SMTP
MARK = "X-Onecase"
CODE = r"[a-z2-7]{26}"
IN_ADDRESS = re.compile(rf"^[^@\s+]{{1,64}}\+({CODE})@", re.IGNORECASE)
IN_BODY = re.compile(rf"\[[0-9A-Z]{{3}}-[0-9A-Z]{{3}}-({CODE})\]")
MAX_MARKERS = 5


def reply_address(mailbox: str, code: str) -> str:
    """The address that an answer goes to: help+CODE@example.org."""
    local, _at, domain = mailbox.partition("@")
    return f"{local}+{code}@{domain}"


def marker(reference: str, code: str) -> str:
    """The line in the body that survives when a mail program drops the address."""
    return f"[{reference}-{code}]"


def message_id(key: str, mailbox: str) -> str:
    """The Message-ID of a delivery, without angle brackets: the same on every try."""
    return f"{key}@{mailbox.rpartition('@')[2] or 'localhost'}"


class EmailAdapter(Adapter):
    """One mail account. The SMTP connection stays open between sends."""

    kinds: ClassVar[frozenset[str]] = frozenset({"email"})
    settings_needed: ClassVar[tuple[str, ...]] = ("url",)
    settings_optional: ClassVar[tuple[str, ...]] = ("authserv", "imap")

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._smtp: EmailBackend | None = None

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """A written record, but readable on the way: not private, and From proves nothing."""
        return Capabilities(media=frozenset({"*"}))

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
        """The open connection; one that the server has closed meanwhile is opened anew."""
        if self._smtp is not None and self._smtp.connection is not None:
            try:
                if self._smtp.connection.noop()[0] == 250:
                    return self._smtp.connection
            except (smtplib.SMTPException, OSError):
                pass
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
        server = self._open()
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
            raise _refusal(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Uncertain(Reason("mail_broke_sending", _fault(error))) from None
        if code != 250:
            self._reset(server)
            raise _refusal(code, text)
        return Sent(provider_id=message_id(outbound.key, outbound.from_address))

    def _envelope(self, server: smtplib.SMTP, outbound: Outbound) -> None:
        server.ehlo_or_helo_if_needed()
        code, text = server.mail(outbound.reply_to or outbound.from_address)
        if code != 250:
            raise _refusal(code, text)
        code, text = server.rcpt(outbound.to)
        if code not in (250, 251):
            raise _refusal(code, text, recipient=True)

    def _reset(self, server: smtplib.SMTP) -> None:
        try:
            server.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def verify(self, request: Request) -> None:
        """A mail carries no signature of a provider: who wrote it is judged when it is filed."""

    def parse(self, request: Request) -> list[Inbound | Receipt]:
        """One mail: a message, or a report that one of ours came back."""
        try:
            mail = parse(request.body)
        except Unparseable as error:
            raise BadPayload(str(error)) from None
        digest = hashlib.sha256(
            "\n".join((mail.message_id, mail.from_email, str(mail.date), mail.text)).encode(
                "utf-8", "replace"
            )
        ).hexdigest()
        external_id = f"{mail.message_id[:200]}#{digest}"
        codes = _reply_codes(mail, request)
        if mail.report is not None:
            return [_receipt(mail, external_id, codes)]
        return [self._inbound(mail, external_id, codes)]

    def _inbound(self, mail: ParsedMail, external_id: str, codes: tuple[str, ...]) -> Inbound:
        return Inbound(
            external_id=external_id,
            provider_id=mail.message_id[:255],
            scheme="email",
            sender=mail.from_email,
            sender_name=mail.from_name,
            subject=mail.subject,
            text=mail.reply_text or mail.text,
            whole_text=mail.text,
            html=mail.html,
            files=tuple(
                InFile(file.name, file.type, file.content, file.content_id)
                for file in mail.attachments
            ),
            reply_codes=codes,
            refers_to=tuple(
                dict.fromkeys(i for i in (mail.in_reply_to, *reversed(mail.references)) if i)
            )[:20],
            authenticated=self._dmarc_pass(mail),
            automatic=mail.auto_submitted,
            ours=mail.onecase_mark == self.account.address,
        )

    def _dmarc_pass(self, mail: ParsedMail) -> bool:
        """Whether a server that we trust states that DMARC passed for the domain of From.

        Not for a mail that is only partly readable: two From headers are one of its faults.
        """
        if mail.error or not dict(self.account.config).get("authserv"):
            return False
        trusted = self.account.setting("authserv").lower().split(",")
        domain = mail.from_email.rpartition("@")[2].lower()
        for value in mail.authentication_results[:1]:  # the last server's own line stands first
            server, _semi, results = value.lower().partition(";")
            if server.strip().split(" ")[0] in trusted:
                passed = re.search(r"\bdmarc=pass\b[^;]*\bheader\.from=([^\s;]+)", results)
                return bool(passed and passed[1] == domain)
        return False


def _reply_codes(mail: ParsedMail, request: Request) -> tuple[str, ...]:
    """Codes in the addresses that it came to, then those in the body, without doubles."""
    returned = (mail.report.return_address,) if mail.report else ()
    addresses = (*request.envelope_to, *mail.to, *mail.cc, *mail.delivered_to, *returned)
    found = [match[1].lower() for match in map(IN_ADDRESS.match, addresses) if match]
    found += IN_BODY.findall(mail.text)[:MAX_MARKERS]
    return tuple(dict.fromkeys(found))[: 2 * MAX_MARKERS]


def _receipt(mail: ParsedMail, external_id: str, codes: tuple[str, ...]) -> Receipt:
    report = mail.report
    assert report is not None
    return Receipt(
        external_id=external_id,
        key=report.message_id.partition("@")[0],
        status="returned" if report.permanent else "delayed",
        recipient=report.recipient,
        detail=f"{report.action} {report.status}".strip(),
        gone=report.permanent and report.status.startswith("5.1"),
        reply_codes=codes,
    )


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


def build(outbound: Outbound) -> EmailMultiAlternatives:
    """The mail of an Outbound: text and HTML, our own mark, a fixed Message-ID."""
    from_line = f"{_quoted(outbound.from_name)} <{outbound.from_address}>"
    headers = {
        "From": from_line if outbound.from_name else outbound.from_address,
        "Message-ID": f"<{message_id(outbound.key, outbound.from_address)}>",
        MARK: outbound.from_address,
        **dict(outbound.headers),
    }
    mail = EmailMultiAlternatives(
        subject=" ".join(outbound.subject.split()),
        body=outbound.text,
        from_email=outbound.from_address,
        to=[outbound.to],
        reply_to=[outbound.reply_to] if outbound.reply_to else None,
        headers=headers,
    )
    if outbound.html:
        mail.attach_alternative(outbound.html, "text/html")
    for file in outbound.files:
        mail.attach(file.name, file.content, file.content_type)
    return mail


def _quoted(name: str) -> str:
    return '"' + re.sub(r'["\\\r\n]', " ", name) + '"'


def _fault(error: BaseException) -> dict[str, str]:
    """The sort of fault, without what the server said (it may repeat a secret)."""
    return {"fault": type(error).__name__}


def _refusal(code: int, text: bytes | str, *, recipient: bool = False) -> SendError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    detail = f"{code} {said}"
    if code < 500:
        return Unavailable(detail)
    if code in (530, 534, 535, 538):
        return Misconfigured(detail)
    return RecipientGone(detail) if recipient and code in (550, 551, 553) else Rejected(detail)

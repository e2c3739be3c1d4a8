"""What every adapter for e-mail shares: how a mail is made, and what one says that came in."""

import hashlib
import re
from typing import ClassVar

from django.core.mail import EmailMultiAlternatives

from channels_app.adapters.base import (
    Adapter,
    BadPayload,
    Capabilities,
    Inbound,
    InFile,
    Outbound,
    Parsed,
    Receipt,
    Request,
)
from channels_app.mailparse.parsing import ParsedMail, Unparseable, parse

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


class MailAdapter(Adapter):
    """One mailbox, at whatever provider: the rules for what comes in are the same."""

    kinds: ClassVar[frozenset[str]] = frozenset({"email"})
    settings_optional: ClassVar[tuple[str, ...]] = ("authserv",)

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """A written record, but readable on the way: not private, and From proves nothing."""
        return Capabilities(media=frozenset({"*"}))

    def parse(self, request: Request) -> list[Parsed]:
        """One mail as it is: a message, or a report that one of ours came back."""
        return self.read(request.body, request.envelope_to)

    def read(self, raw: bytes, envelope_to: tuple[str, ...] = ()) -> list[Parsed]:
        """The same for the bytes of a mail, however they came. Raises BadPayload."""
        try:
            mail = parse(raw)
        except Unparseable as error:
            raise BadPayload(str(error)) from None
        digest = hashlib.sha256(
            "\n".join((mail.message_id, mail.from_email, str(mail.date), mail.text)).encode(
                "utf-8", "replace"
            )
        ).hexdigest()
        external_id = f"{mail.message_id[:200]}#{digest}"
        codes = _reply_codes(mail, envelope_to)
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


def _reply_codes(mail: ParsedMail, envelope_to: tuple[str, ...]) -> tuple[str, ...]:
    """Codes in the addresses that it came to, then those in the body, without doubles."""
    returned = (mail.report.return_address,) if mail.report else ()
    addresses = (*envelope_to, *mail.to, *mail.cc, *mail.delivered_to, *returned)
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

"""Delivery reports: the standard form (RFC 3464) and the free texts of older servers."""

from __future__ import annotations

import re

from channels_app.mailparse.addresses import clean_email, emails
from channels_app.mailparse.headers import clean_line, message_ids, raw_text
from channels_app.mailparse.model import BounceReport, MailFile
from channels_app.mailparse.structure import Part, headers_of

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45])\d\d[ \-]")
_ADDRESS = re.compile(r"<?([^\s<>()\":;,]{1,64}@[^\s<>()\":;,]{1,255}\.[^\s<>()\":;,.]{1,63})>?")
_COPY = re.compile(
    r"(?im)^(?:[- ]{2,80}.{0,60}(?:copy of the message|copy of your message|original message"
    r"|returned message|below this line).*|(?:return-path|received|message-id): ?<?.*)$"
)
_ID = re.compile(r"(?im)^[> ]{0,4}message-id:\s{0,5}<([^<>\s]{1,500})>")
_SUBJECTS = re.compile(
    r"(?i)undeliver|undelivered|delivery (?:status|has |failed|failure|notification)"
    r"|mail delivery|failure notice|returned mail|returned to sender|mail system error|unzustellbar"
    r"|onbestelbaar|non remis|no se puede entregar|could not be delivered|not delivered"
)
_SENDERS = ("mailer-daemon", "postmaster", "mail-daemon", "microsoftexchange")
_LATER = re.compile(r"(?i)\b(?:delayed|will (?:retry|be retried|continue)|still trying|not yet)\b")
_ORIGINAL = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")


def report(
    mail: Part, from_email: str, subject: str, text: str, files: list[MailFile]
) -> BounceReport | None:
    """What the mail says of the delivery of one of ours; None when it is no delivery report."""
    status = next((f for f in files if f.type.endswith("delivery-status")), None)
    original = next((headers_of(f.content) for f in files if f.type in _ORIGINAL), None)
    if status:
        found = _standard(status.content)
        if found:
            return _with_original(found, original, text)
    if _is_bounce(mail, from_email, subject):
        return _free(mail, subject, text, original)
    return None


def _standard(content: bytes) -> BounceReport | None:
    blocks = [_fields(block) for block in re.split(rb"\r?\n[ \t]*\r?\n", content[:200_000].strip())]
    about = [block for block in blocks if "final-recipient" in block or "action" in block]
    if not about:
        return None
    block = next((b for b in about if _action(b) == "failed"), about[0])
    status = _STATUS.search(block.get("status", "")) or _STATUS.search(
        block.get("diagnostic-code", "")
    )
    original = _recipient(block.get("original-recipient", ""))
    sender = next((b["x-postfix-sender"] for b in blocks if "x-postfix-sender" in b), "")
    return BounceReport(
        recipient=_recipient(block.get("final-recipient", "")) or original,
        action=_action(block),
        status=status.group() if status else "",
        permanent=_action(block) == "failed" and not (status and status.group(1) in "24"),
        original_recipient=original,
        return_address=_recipient(sender),
        diagnostic=block.get("diagnostic-code", "")[:500],
    )


def _fields(block: bytes) -> dict[str, str]:
    part = headers_of(block + b"\r\n\r\n")
    return {name.casefold(): clean_line(raw_text(part.raw_value(name))) for name in list(part)[:50]}


def _action(block: dict[str, str]) -> str:
    words = re.findall(r"[a-z]+", block.get("action", "").casefold())
    return words[0] if words else ""


def _recipient(value: str) -> str:
    """`rfc822; someone@example.org` without its sort."""
    return clean_email(value.rpartition(";")[2])[:320]


def _with_original(found: BounceReport, original: Part | None, text: str) -> BounceReport:
    quoted = _ID.search(text[:200_000])
    identifier = (message_ids(original.raw_value("message-id")) or ("",))[0] if original else ""
    return BounceReport(
        recipient=found.recipient,
        action=found.action,
        status=found.status,
        permanent=found.permanent,
        message_id=identifier or (quoted.group(1) if quoted else ""),
        original_recipient=found.original_recipient,
        return_address=_return_address(original) or found.return_address,
        diagnostic=found.diagnostic,
    )


def _return_address(original: Part | None) -> str:
    """Where the lost mail came from: its envelope, else where it wanted its answers."""
    if original is None:
        return ""
    for name in ("return-path", "reply-to", "from"):
        found = emails(original.raw_value(name))
        if found:
            return found[0]
    return ""


def _is_bounce(mail: Part, from_email: str, subject: str) -> bool:
    if mail.raw_values("x-failed-recipients"):
        return True
    sender = from_email.partition("@")[0].casefold()
    empty = raw_text(mail.raw_value("return-path")).replace(" ", "") == "<>"
    return (empty or sender.startswith(_SENDERS)) and _SUBJECTS.search(subject) is not None


def _free(mail: Part, subject: str, text: str, original: Part | None) -> BounceReport | None:
    """Read a report that was written for people only: Exim, qmail, older Exchange."""
    head = text[:20_000]
    copy = _COPY.search(head)
    head = head[: copy.start()] if copy else head
    named = emails(mail.raw_value("x-failed-recipients"))
    address = _ADDRESS.search(head)
    recipient = named[0] if named else address.group(1).rstrip(".") if address else ""
    if not recipient:
        return None
    status, code = _STATUS.search(head), _CODE.search(head)
    digit = status.group(1) if status else code.group(1) if code else "5"
    later = digit == "4" and _LATER.search(f"{subject} {head}") is not None
    found = BounceReport(
        recipient=recipient,
        action="delayed" if later else "failed",
        status=status.group() if status else "",
        permanent=digit == "5",
        diagnostic=clean_line(head)[:500],
    )
    return _with_original(found, original, text)

"""What a parsed mail is made of: plain frozen data, no models, no settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


class Unparseable(ValueError):
    """The mail breaks a bound (size, parts, depth); `reason` says which, in English."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class MailFile:
    """One attachment, decoded. `size` is in bytes, `content_id` is without <>."""

    name: str
    type: str
    size: int
    md5: str
    content: bytes = field(repr=False)
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True)
class BounceReport:
    """What a delivery report says of one mail that we sent.

    `action` is the report's word (failed, delayed, delivered ...), `status` the enhanced code
    (5.1.1) or "". `permanent` is True only when trying again is of no use. `message_id` and
    `return_address` are those of the mail that could not be delivered.
    """

    recipient: str
    action: str
    status: str
    permanent: bool
    message_id: str = ""
    original_recipient: str = ""
    return_address: str = ""
    diagnostic: str = ""


@dataclass(frozen=True)
class ParsedMail:
    """One mail, read with every tolerance; all addresses keep their case."""

    from_email: str = ""
    from_name: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    reply_text: str = ""
    html: str = ""
    attachments: tuple[MailFile, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    auto_submitted: bool = False
    date: datetime | None = None
    authentication_results: tuple[str, ...] = ()
    return_path: str = ""
    delivered_to: tuple[str, ...] = ()
    onecase_mark: str = ""
    report: BounceReport | None = None
    error: str = ""

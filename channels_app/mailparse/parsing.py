"""`parse`: raw bytes of a mail in, plain data out. Raises `Unparseable` and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from channels_app.mailparse import html as markup
from channels_app.mailparse.addresses import Address, addresses, emails
from channels_app.mailparse.automatic import is_automatic
from channels_app.mailparse.body import Body, collect
from channels_app.mailparse.bounces import report
from channels_app.mailparse.charsets import codec_for
from channels_app.mailparse.headers import clean_line, date, message_ids, raw_text, text
from channels_app.mailparse.model import ParsedMail, Unparseable
from channels_app.mailparse.replies import html_reply, reply_text
from channels_app.mailparse.structure import MAX_HEADER, Part, leaves, read

__all__ = ["ParsedMail", "Unparseable", "parse"]

_WORD_LABEL = re.compile(r"=\?([^?\s*]{1,40})[?*]")
_DELIVERED = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_LOOKED_AT = (
    *_DELIVERED,
    *("from", "sender", "reply-to", "subject", "message-id", "in-reply-to", "references"),
    *("content-type", "return-path", "authentication-results"),
)


def parse(raw: bytes) -> ParsedMail:
    """Read one mail with every tolerance, in bounds of time and memory."""
    mail = read(raw)
    hint = _hint(mail)
    body = collect(mail, hint)
    sender = _sender(mail, hint)
    subject = text(mail.raw_value("subject"), hint)
    whole = body.text()
    return ParsedMail(
        from_email=sender.email,
        from_name=sender.name,
        to=_emails(mail, "to", hint),
        cc=_emails(mail, "cc", hint),
        subject=subject,
        text=whole,
        reply_text=_reply(body, whole),
        html=markup.sanitise(body.html()),
        attachments=tuple(body.files),
        message_id=(message_ids(mail.raw_value("message-id")) or ("",))[0],
        in_reply_to=(message_ids(mail.raw_value("in-reply-to")) or ("",))[0],
        references=message_ids(" ".join(mail.raw_values("references"))[:MAX_HEADER]),
        auto_submitted=is_automatic(mail, sender.email),
        date=date(mail.raw_value("date")),
        authentication_results=tuple(
            clean_line(raw_text(value)) for value in mail.raw_values("authentication-results")
        ),
        return_path=(_emails(mail, "return-path", hint) or ("",))[0],
        delivered_to=_unique(
            address for name in _DELIVERED for address in _emails(mail, name, hint)
        ),
        onecase_mark=text(mail.raw_value("x-onecase")),
        report=report(mail, sender.email, subject, whole, body.files),
        error="; ".join(dict.fromkeys([*_notes(mail), *body.notes])),
    )


def _hint(mail: Part) -> str:
    """The charset that this sender uses beside UTF-8, for raw 8-bit bytes in headers."""
    labels = [part.content()[1].get("charset", "") for part in (mail, *leaves(mail))]
    for name in ("subject", "from"):
        labels += _WORD_LABEL.findall(mail.raw_value(name))
    return next((label for label in labels if codec_for(label) not in ("", "utf-8")), "")


def _sender(mail: Part, hint: str) -> Address:
    """The first usable address of From, else where answers shall go."""
    listed = [item for value in mail.raw_values("from") for item in addresses(value, hint)]
    found = next((item for item in listed if "@" in item.email), None)
    if found:
        return found
    name = next((item.name for item in listed if item.name), "")
    for header in ("reply-to", "sender"):
        other = _emails(mail, header, hint)
        if other:
            return Address(name, other[0])
    return next((item for item in listed if item.email), Address(name, ""))


def _emails(mail: Part, name: str, hint: str) -> tuple[str, ...]:
    """The addresses of a header; the one that the bound cut in two is left out."""
    values = mail.raw_values(name)
    whole = (v if len(v) < MAX_HEADER else v.rpartition(",")[0] for v in values)
    return _unique(email for value in whole for email in emails(value, hint))


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _reply(body: Body, whole: str) -> str:
    """What is new: by the text, or by the marks in the HTML when there is no text."""
    if any(segment.plain.strip() for segment in body.segments):
        return reply_text(whole)
    return html_reply(body.html()) if body.html() else reply_text(whole)


def _notes(mail: Part) -> list[str]:
    """What makes this mail only partly readable, or doubtful."""
    wanted = set(_LOOKED_AT)
    cut = [
        f"{name} header cut at {MAX_HEADER} bytes"
        for name, value in mail.raw_items()
        if len(str(value)) > MAX_HEADER and name.casefold() in wanted
    ]
    # A second one may show people another sender than the one that was authenticated.
    doubtful = ["more than one From header"] if len(mail.raw_values("from")) > 1 else []
    return doubtful + cut[:20]

"""Was this mail written by a machine? Then nothing of ours may answer it."""

from __future__ import annotations

from channels_app.mailparse.headers import raw_text
from channels_app.mailparse.structure import Part

_PRESENT = (
    "x-autoreply",
    "x-autorespond",
    "x-autoreply-from",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-loop",
    "x-failed-recipients",
    "x-ms-exchange-inbox-rules-loop",
    "list-id",
)
_PRECEDENCE = ("bulk", "junk", "list", "auto_reply", "auto-reply")
_SENDERS = ("mailer-daemon", "postmaster", "mail-daemon")


def is_automatic(mail: Part, from_email: str) -> bool:
    """True for auto-replies, bounces, lists and bulk mail, by the headers that say so."""
    return (
        _word(mail, "auto-submitted") not in ("", "no")
        or _word(mail, "precedence") in _PRECEDENCE
        or _word(mail, "x-auto-response-suppress") not in ("", "none")
        or any(mail.raw_values(name) for name in _PRESENT)
        or raw_text(mail.raw_value("return-path")).replace(" ", "") == "<>"
        or from_email.partition("@")[0].casefold() in _SENDERS
        or mail.kind == "multipart/report"
    )


def _word(mail: Part, name: str) -> str:
    value = raw_text(mail.raw_value(name)).casefold().replace(",", ";")
    return value.partition(";")[0].partition("(")[0].strip()

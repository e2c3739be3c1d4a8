"""Attachments: their names made harmless, their content as sent."""

from __future__ import annotations

import hashlib
import mimetypes
import re

from channels_app.mailparse.headers import clean_line, message_ids, parameters, text
from channels_app.mailparse.model import MailFile
from channels_app.mailparse.structure import Part, headers_of

MAX_NAME = 150
# Characters that turn the reading direction, to show "exe.pdf" for "fdp.exe".
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffc]")
_DEFAULTS = {
    "text/plain": "document.txt",
    "text/html": "document.html",
    "text/calendar": "calendar.ics",
    "text/rfc822-headers": "headers.txt",
    "message/delivery-status": "Delivery report.txt",
    "message/rfc822": "message.eml",
    "image/jpeg": "image.jpg",
    "image/jpg": "image.jpg",
    "image/pjpeg": "image.jpg",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-signature": "smime.p7s",
}


def mail_file(part: Part, taken: set[str], hint: str = "") -> MailFile:
    """The part as a file; names that the sender gave stay, ours are counted up."""
    content = part.body()
    identifier = (message_ids(part.raw_value("content-id")) or ("",))[0]
    given = file_name(part, hint)
    name = given or _named_by_id(identifier) or _free(_made_up(part, content), taken)
    taken.add(name)
    return MailFile(
        name=name,
        type=part.kind,
        size=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        content=content,
        content_id=identifier,
        inline=bool(identifier) or part.disposition()[0] == "inline",
    )


def file_name(part: Part, hint: str = "") -> str:
    """The name that the sender gave, harmless; "" without one."""
    given = parameters(part.raw_value("content-disposition"), hint)[1].get("filename", "")
    other = parameters(part.raw_value("content-type"), hint)[1].get("name", "")
    return safe_name(given) or safe_name(other)


def _named_by_id(identifier: str) -> str:
    """Outlook's Content-ID is the name and a number: image001.jpg@01CDB132.D8A510F0"""
    name = safe_name(identifier.partition("@")[0])
    return name if re.fullmatch(r"[\w -]{1,60}\.[A-Za-z]{2,4}", name) else ""


def safe_name(name: str) -> str:
    """No path, no control or direction characters, no leading dot, not too long."""
    last = re.split(r"[\\/]", clean_line(name).rstrip("/\\"))[-1]
    last = " ".join(_INVISIBLE.sub("", last).split()).lstrip(". ").rstrip(" ")
    if len(last) <= MAX_NAME:
        return last
    stem, dot, ending = last.rpartition(".")
    if not dot or len(ending) > 10:
        return last[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"


def _made_up(part: Part, content: bytes) -> str:
    described = safe_name(text(part.raw_value("content-description")).replace("/", "-"))
    if part.kind in ("message/rfc822", "message/global"):
        subject = safe_name(text(headers_of(content).raw_value("subject")).replace("/", "-"))
        return f"{subject or described}.eml" if subject or described else "message.eml"
    if part.kind in _DEFAULTS:
        return _DEFAULTS[part.kind]
    ending = mimetypes.guess_extension(part.kind) or ""
    main = part.kind.partition("/")[0]
    stem = main if main in ("image", "video", "audio") else "file"
    return described or stem + ending


def _free(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    count = 0
    free = name
    while free in taken:
        count += 1
        free = f"{stem}{count}.{ending}" if dot else f"{name}{count}"
    return free

"""Posted forms as bytes: a field may be a whole mail, whose charset only the mail itself knows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import parse_qsl

from channels_app.adapters.base import BadPayload
from channels_app.adapters.payload import media_type

MAX_FIELDS = 500
MAX_HEAD = 10_000  # bytes of the headers of one field
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_NAME = re.compile(rb'(?i)[;\s]name="([^"\r\n]{0,200})"')
_FILE = re.compile(rb'(?i)[;\s]filename="([^"\r\n]{0,500})"')
_TYPE = re.compile(rb"(?im)^content-type:[ \t]*([^\r\n]{0,200})")


@dataclass(frozen=True)
class Field:
    """One field; `file_name` is None where it is no file."""

    name: str
    content: bytes = field(repr=False)
    file_name: str | None = None
    content_type: str = ""


def fields(content_type: str, body: bytes, largest: int | None = None) -> list[Field]:
    """The fields of a form, urlencoded or multipart, in linear time. Raises BadPayload.

    Those of more than `largest` bytes are passed over without a copy: whoever is not believed yet
    must not make us hold the same 40 MB five times.
    """
    if media_type(content_type) == MULTIPART:
        return list(_multipart(_boundary(content_type), body, largest))
    return list(_urlencoded(body, largest))


def _urlencoded(body: bytes, largest: int | None) -> Iterator[Field]:
    start = 0
    for _number in range(MAX_FIELDS):
        end = body.find(b"&", start)
        end = len(body) if end < 0 else end
        if largest is None or end - start <= largest:
            # Latin-1 maps each byte to a sign and back: nothing is lost on the way.
            text = body[start:end].decode("latin-1")
            for name, value in parse_qsl(text, keep_blank_values=True, encoding="latin-1"):
                yield Field(_text(name.encode("latin-1")), value.encode("latin-1"))
        start = end + 1
        if start > len(body):
            return
    raise BadPayload("The form has too many fields.")


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary() or ""
    if not boundary.isascii() or not 1 <= len(boundary) <= 200:
        raise BadPayload("The form has no boundary.")
    return boundary.encode()


def _multipart(boundary: bytes, body: bytes, largest: int | None) -> Iterator[Field]:
    edge = b"\r\n--" + boundary
    first = 0 if body.startswith(edge[2:]) else body.find(edge) + 2
    if first == 1:  # find() said -1: there is no edge at all
        raise BadPayload("The form is cut off.")
    start = first + len(edge) - 2
    for _number in range(MAX_FIELDS):
        if body[start : start + 2] == b"--":
            return
        end = body.find(edge, start)
        if end < 0:
            break
        if (one := _field(body, start, end, largest)) is not None:
            yield one
        start = end + len(edge)
    raise BadPayload("The form is cut off, or has too many fields.")


def _field(body: bytes, start: int, end: int, largest: int | None) -> Field | None:
    blank = body.find(b"\r\n\r\n", start, min(end, start + MAX_HEAD))
    if blank < 0 or (largest is not None and end - blank > largest):
        return None
    head = body[start:blank]
    name, file, sort = (look.search(head) for look in (_NAME, _FILE, _TYPE))
    return Field(
        name=_text(name[1]) if name else "",
        content=body[blank + 4 : end],
        file_name=_text(file[1]) if file else None,
        content_type=_text(sort[1]) if sort else "",
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

"""The MIME tree, by the standard library's compat32 parser with our bounds around it.

Its header methods (`get_param`, `get_boundary`) are quadratic on long headers, so the part class
answers those questions itself; message/* parts stay unread bytes, so that an attached mail keeps
its exact content.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from email.feedparser import BytesFeedParser
from email.message import Message
from typing import Any

from channels_app.mailparse.headers import clean_line, decode_base64, parameters, raw_text
from channels_app.mailparse.model import Unparseable

MAX_BYTES = 30 * 1024 * 1024
MAX_PARTS = 500
MAX_DEPTH = 50
MAX_LINES = 1_500_000
MAX_WORK = 6_000_000  # lines x depth: the parser asks every open level about every line
MAX_HEADER = 16 * 1024
_CHUNK = 1024 * 1024
_MAX_SAME = 64  # headers of one name that are looked at

_MBOX_LINE = re.compile(rb"\s*>?From [^\r\n]*\r?\n|[\r\n]+")
# One line that is no header before three that are.
_ODD_FIRST_LINE = re.compile(
    rb"([^:\r\n]{1,200}\r?\n)(?=(?:[A-Za-z][A-Za-z0-9-]{1,40}:[^\n]{0,2000}\n){3})"
)
_BLANK_BEFORE_COLON = re.compile(rb"(?m)^([A-Za-z][A-Za-z0-9-]{1,40})[ \t]{1,20}:")
_HEADER_LINE = re.compile(rb"[!-9;-~]{1,100}:")
_KNOWN_HEADER = re.compile(rb"(?mi)^(?:from|to|subject|date|message-id|content-type|mime-version):")
_LOST_INDENT = re.compile(rb"(?m)^(?![!-9;-~]{1,100}:|[ \t]|From )(?=[^\r\n])")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_SOFT_BREAK = re.compile(rb"=[ \t]+\r?\n")
_UU_BEGIN = re.compile(rb"(?m)^begin [0-7]{3,4} [^\r\n]*\r?\n")
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\t \x00"


class Part(Message):
    """One part, its headers read by our own tolerant layer."""

    _by_name: dict[str, list[str]] | None = None
    _content: tuple[str, dict[str, str]] | None = None
    depth = 0

    def raw_values(self, name: str) -> list[str]:
        """Every raw value of a header, each cut at the bound."""
        if self._by_name is None:
            self._by_name = {}
            for key, value in self.raw_items():
                same = self._by_name.setdefault(key.casefold(), [])
                if len(same) < _MAX_SAME:
                    same.append(str(value)[:MAX_HEADER])
        return self._by_name.get(name.casefold(), [])

    def raw_value(self, name: str) -> str:
        """The first raw value of a header, "" without one."""
        return (self.raw_values(name) or [""])[0]

    def content(self) -> tuple[str, dict[str, str]]:
        """The media type ("text/plain" when it is missing or no type) and its parameters."""
        if self._content is None:
            kind, found = parameters(self.raw_value("content-type"))
            kind = re.sub(r"\s+", "", clean_line(kind))
            if not re.fullmatch(r"[^/\s]+/[^/\s]+", kind):
                kind = self.get_default_type()
            self._content = kind, found
        return self._content

    @property
    def kind(self) -> str:
        """The media type in lower case."""
        return self.content()[0]

    def disposition(self) -> tuple[str, dict[str, str]]:
        """Content-Disposition and its parameters."""
        return parameters(self.raw_value("content-disposition"))

    def encoding(self) -> str:
        """The transfer encoding's first word."""
        words = re.findall(
            r"[a-z0-9-]+", raw_text(self.raw_value("content-transfer-encoding")).lower()
        )
        return words[0] if words else ""

    # What the library's parser asks while it reads:

    def get_content_type(self) -> str:
        """Its parser shall not look into message/* parts."""
        return "application/octet-stream" if self.kind.startswith("message/") else self.kind

    def get_content_maintype(self) -> str:
        """As above."""
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: Any = None) -> Any:
        """The boundary by our own reading of the header."""
        return self.content()[1].get("boundary", "").rstrip() or failobj

    # What is in it:

    def children(self) -> list[Part]:
        """The parts of a multipart that was really divided, else nothing."""
        # get_payload() would decode by the library's own reading of the charset, which raises.
        payload: Any = self._payload  # type: ignore[attr-defined]
        return [p for p in payload if isinstance(p, Part)] if isinstance(payload, list) else []

    def body(self) -> bytes:
        """The decoded bytes of a part without children."""
        payload: Any = self._payload  # type: ignore[attr-defined]
        if not isinstance(payload, str):
            return b""
        encoding = self.encoding()
        data = _decoded(payload.encode("utf-8", "surrogateescape"), encoding)
        # The same mail through a pipe (LF) and by SMTP (CRLF) shall have the same attachments.
        return data.replace(b"\r\n", b"\n") if encoding in ("", "7bit", "8bit") else data


class _BoundedParser(BytesFeedParser):
    """Stops at the bounds while it reads, not after."""

    def __init__(self, lines: int, depth: int) -> None:
        super().__init__(Part)
        self._lines = lines
        self._outer = depth
        self._parts = 0

    def _new_message(self) -> None:
        self._parts += 1
        depth = len(self._msgstack) + self._outer  # type: ignore[attr-defined]
        if self._parts > MAX_PARTS:
            raise Unparseable(f"more than {MAX_PARTS} parts")
        if depth > MAX_DEPTH or depth * self._lines > MAX_WORK:
            raise Unparseable(f"nested deeper than {MAX_DEPTH} parts")
        super()._new_message()  # type: ignore[misc]
        self._cur.depth = depth  # type: ignore[attr-defined]


def read(raw: bytes, depth: int = 0) -> Part:
    """The tree of a mail; raises `Unparseable` for what is over the bounds."""
    if len(raw) > MAX_BYTES:
        raise Unparseable(f"larger than {MAX_BYTES // 1024 // 1024} MB")
    lines = raw.count(b"\n") + raw.count(b"\r")
    if lines > 2 * MAX_LINES:
        raise Unparseable(f"more than {MAX_LINES} lines")
    parser = _BoundedParser(lines, depth)
    data = _repaired(raw)
    for start in range(0, len(data), _CHUNK):  # the parser needs several times what it is fed
        parser.feed(data[start : start + _CHUNK])
    return _closed(parser)


def _repaired(raw: bytes) -> bytes:
    """Without an mbox line or a rule on top, and with "Subject :" as the header that it is."""
    start = _MBOX_LINE.match(raw)
    position = start.end() if start else 0
    odd = _ODD_FIRST_LINE.match(raw, position)
    position = odd.end(1) if odd else position
    blank = _HEADER_END.search(raw, position, position + 1_000_000)
    end = blank.start() if blank else min(len(raw), position + 100_000)
    return _repaired_head(raw[position:end]) + raw[end:]


def _repaired_head(head: bytes) -> bytes:
    """Lines that lost their indent between headers go on the one before."""
    head = _BLANK_BEFORE_COLON.sub(rb"\1:", head)
    known = [match.start() for match in _KNOWN_HEADER.finditer(head)]
    if not known or not _HEADER_LINE.match(head):
        return head
    return _LOST_INDENT.sub(b" ", head[: known[-1]]) + head[known[-1] :]


def headers_of(content: bytes) -> Part:
    """The headers alone of an attached mail, for reports and names."""
    end = _HEADER_END.search(content, 0, 200_000)
    parser = _BoundedParser(0, 0)
    parser.feed(_repaired(content[: end.end() if end else 200_000]))
    return _closed(parser)


def _closed(parser: _BoundedParser) -> Part:
    mail = parser.close()
    assert isinstance(mail, Part)
    return mail


def leaves(part: Part) -> Iterator[Part]:
    """Every part without children, in order."""
    if not part.children():
        yield part
    for child in part.children():
        yield from leaves(child)


def _decoded(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return decode_base64(data) if _is_base64(data) else data
    if encoding == "quoted-printable":
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=\n", data))
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uudecoded(data)
    return data


def _is_base64(data: bytes) -> bool:
    """Some senders put the label on plain text: blanks inside lines give it away."""
    foreign = len(data.translate(None, _BASE64_ALPHABET))
    return foreign * 10 <= len(data) and data.strip().count(b" ") * 10 <= len(data)


def _uudecoded(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data)
    if not begin:
        begin = re.match(rb"\s*", data)  # some leave that line out
    out: list[bytes] = []
    for line in data[begin.end() if begin else 0 :].splitlines():
        if line.strip() == b"end":
            break
        out.append(_uu_line(line))
    return b"".join(out)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders pad wrongly: the count byte says how much is meant.
        count = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
        try:
            return binascii.a2b_uu(line[:count])
        except binascii.Error:
            return b""

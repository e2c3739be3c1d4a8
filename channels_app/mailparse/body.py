"""What a person wrote, out of the tree: text, HTML, files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels_app.mailparse import html as markup
from channels_app.mailparse.charsets import decode
from channels_app.mailparse.files import file_name, mail_file
from channels_app.mailparse.flowed import unflow
from channels_app.mailparse.model import MailFile
from channels_app.mailparse.structure import Part, read

MAX_TEXT = 1_000_000  # characters of text that are looked at; the raw mail has the rest

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?([\w.:-]{1,40})", re.I)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Segment:
    """One stretch of the body: plain, HTML, or the same in both."""

    plain: str = ""
    html: str = ""

    def text(self, quotes: bool = False) -> str:
        """The plain text if it says anything, else the HTML as text."""
        if self.plain.strip() or not self.html:
            return self.plain
        return markup.to_text(self.html, quotes=quotes)

    def as_html(self) -> str:
        """The HTML, made from the text where there is none."""
        return self.html or markup.from_text(self.plain)


@dataclass
class Body:
    """The collected content of a mail."""

    hint: str = ""  # the charset of raw 8-bit names
    segments: list[Segment] = field(default_factory=list)
    files: list[MailFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self, quotes: bool = False) -> str:
        """All segments, one after the other."""
        texts = [segment.text(quotes) for segment in self.segments]
        return "\n".join(text for text in texts if text.strip()) or "".join(texts[:1])

    def html(self) -> str:
        """All segments as HTML, "" when the mail has none."""
        if not any(segment.html for segment in self.segments):
            return ""
        return "\n".join(s.as_html() for s in self.segments if s.html or s.plain.strip())

    def add_file(self, part: Part) -> None:
        """Take a part as an attachment."""
        taken = {file.name for file in self.files}
        self.files.append(mail_file(part, taken, self.hint))


def collect(root: Part, hint: str = "") -> Body:
    """Walk the tree once."""
    body = Body(hint)
    body.segments = _walk(root, body, root=True)
    return body


def _walk(part: Part, body: Body, root: bool = False) -> list[Segment]:
    children = part.children()
    if not children:
        if part.kind.startswith("multipart/") and root and part.encoding():
            return _encoded_multipart(part, body)
        return _leaf(part, body, root)
    if part.kind == "multipart/alternative":
        return _alternative(children, body)
    if part.kind == "multipart/related":
        return _related(children, body)
    return [segment for child in children for segment in _walk(child, body)]


def _leaf(part: Part, body: Body, root: bool) -> list[Segment]:
    if not _is_body(part, root):
        body.add_file(part)
        return []
    text = _text_of(part, body)
    return [Segment(html=text)] if part.kind == "text/html" else [Segment(plain=text)]


def _is_body(part: Part, root: bool) -> bool:
    if part.disposition()[0] == "attachment":
        return False
    if part.kind.startswith("multipart/"):
        return True  # said to be divided, but was not: what it holds is text to a reader
    return part.kind in ("text/plain", "text/html") and (root or not file_name(part))


def _alternative(children: list[Part], body: Body) -> list[Segment]:
    """The plain version if it says anything, and the last HTML one."""
    versions = [_walk(child, body) for child in children]
    plain = next((v for v in versions if _says(v) and not any(s.html for s in v)), [])
    rich = next((v for v in reversed(versions) if any(s.html for s in v)), [])
    if not rich:
        return plain or [segment for version in versions[:1] for segment in version]
    together = "\n".join(segment.as_html() for segment in rich if segment.html or _says([segment]))
    own_plain = [segment for segment in rich if segment.plain.strip()]
    text = "\n".join(s.plain for s in plain or own_plain if s.plain.strip())
    if not plain and own_plain:
        text = "\n".join(segment.text() for segment in rich)
    return [Segment(plain=text, html=together)]


def _says(version: list[Segment]) -> bool:
    return any(segment.plain.strip() for segment in version)


def _related(children: list[Part], body: Body) -> list[Segment]:
    """The first part is the document, the others belong to it."""
    segments = _walk(children[0], body)
    for child in children[1:]:
        if child.children():
            segments += _walk(child, body)
        elif not segments and _is_body(child, False):
            segments += _leaf(child, body, False)
        else:
            body.add_file(child)
    return segments


def _encoded_multipart(part: Part, body: Body) -> list[Segment]:
    """A multipart that was encoded as a whole, against the rules: read it once more."""
    head = part.raw_value("content-type").encode("utf-8", "surrogateescape")
    inner = read(b"Content-Type: " + head.strip() + b"\r\n\r\n" + part.body(), part.depth + 1)
    return _walk(inner, body) if inner.children() else _leaf(part, body, True)


def _text_of(part: Part, body: Body) -> str:
    data = part.body()
    found = part.content()[1]
    is_html = part.kind == "text/html"
    most = MAX_TEXT * 2 if is_html else MAX_TEXT
    if len(data) > 4 * most:
        data = data[: 4 * most].rpartition(b"\n")[0] or data[: 4 * most]
    meta = _META_CHARSET.search(data[:4096]) if is_html else None
    hint = meta.group(1).decode("ascii", "ignore") if meta else ""
    text = _UNSTORABLE.sub("", decode(data, found.get("charset", "") or hint, hint))
    if len(text) > most:
        body.notes.append(f"text cut at {most} characters")
        text = text[:most]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not is_html and found.get("format", "").casefold() == "flowed":
        return unflow(text, found.get("delsp", "").casefold() == "yes")
    return text

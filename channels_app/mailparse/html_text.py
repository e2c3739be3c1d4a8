"""HTML as the text that a person would read, with its quotes marked."""

from __future__ import annotations

import re
from collections.abc import Callable

from channels_app.mailparse.markup import VOID, Tag, tokens
from channels_app.mailparse.words import words

_BLOCK = words(
    "address article aside blockquote center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6"
    " header hr li main ol p pre section table tbody tfoot thead tr ul"
)
_SPACED = words("h1 h2 h3 h4 h5 h6 p")
_BLANKS = re.compile(r"[ \t\r\n\f]+")

# An element that starts the quoted mail: marked by the mail programs themselves.
_QUOTE_LINE = words("gmail_attr moz-cite-prefix")
_QUOTE_REST = words(
    "divrplyfwdmsg x_divrplyfwdmsg appendonsend outlookmessageheader yahoo_quoted zmail_extra"
    " ms-outlook-mobile-reference-message mail-editor-reference-message-container"
    " replyforwardmessageheader"
)
_OUTLOOK_LINES = (
    "border:none;border-top:solid#e1e1e1",
    "border:none;border-top:solid#b5c4df",
)
REST_MARK = "\x1e"  # in `to_text(quotes=True)`: from here on it is the mail that was answered


MAX_OPEN = 200
_SELF_CLOSING = words("p li td th tr")


class _Writer:
    """Collects text with the line breaks that a browser would show."""

    def __init__(self, quotes: bool) -> None:
        self.quotes = quotes
        self.out: list[str] = []
        self.depth = 0
        self.breaks = 2  # how many line ends stand at the end of `out`
        self.blank = False
        self.preformatted = 0

    def text(self, text: str) -> None:
        if self.preformatted:
            for index, line in enumerate(text.split("\n")):
                if index:
                    self.line(self.breaks + 1)
                self.raw(line)
            return
        if text[:1] in " \t\r\n\f":
            self.blank = True
        for word in _words(text):
            self.raw(word)
            self.blank = True
        self.blank = text[-1:] in " \t\r\n\f"

    def raw(self, word: str) -> None:
        if not word:
            return
        if self.breaks:
            self.out.append("> " * min(self.depth, 20))
        elif self.blank:
            self.out.append(" ")
        self.out.append(word)
        self.breaks, self.blank = 0, False

    def line(self, wanted: int = 1) -> None:
        """End the line; `wanted` line ends stand here then (two are a blank line)."""
        while self.breaks < wanted:
            if self.breaks and self.depth:
                self.out.append(">" + " >" * (min(self.depth, 20) - 1))
            self.out.append("\n")
            self.breaks += 1
        self.blank = False


def _words(text: str) -> list[str]:
    return [word for word in _BLANKS.split(text) if word]


def to_text(html: str, quotes: bool = False) -> str:
    """HTML as plain text; with `quotes` the marks of mail programs become ">" and REST_MARK."""
    writer = _Writer(quotes)
    closers: list[tuple[str, Callable[[], None]]] = []
    for token in tokens(html):
        if isinstance(token, str):
            writer.text(token)
        elif token.closing:
            _close(writer, closers, token.name)
        else:
            _open(writer, closers, token)
    return "".join(writer.out).replace("\xa0", " ").strip("\n")


def _open(writer: _Writer, closers: list[tuple[str, Callable[[], None]]], tag: Tag) -> None:
    name = tag.name
    if name in _SELF_CLOSING and closers and closers[-1][0] == name:
        _close(writer, closers, name)
    if name == "br":
        writer.line(writer.breaks + 1)
    elif name == "img":
        writer.text(tag.attributes.get("alt", "")[:100].strip())
    elif name in ("td", "th"):
        writer.blank = True
    if name in _BLOCK:
        writer.line(2 if name in _SPACED else 1)
    if name == "hr":
        writer.raw("-" * 20)
        writer.line()
    if name == "li":
        writer.raw("-")
        writer.blank = True
    if name not in VOID and len(closers) < MAX_OPEN:
        closers.append((name, _effect(writer, tag)))


def _effect(writer: _Writer, tag: Tag) -> Callable[[], None]:
    """Begin what the element means for the text; the result ends it."""
    marks = _marks(tag)
    if writer.quotes and marks & _QUOTE_REST:
        writer.line()
        writer.raw(REST_MARK)
        writer.line()
    if _is_quote(tag) or (writer.quotes and marks & _QUOTE_LINE):
        writer.line()
        writer.depth += 1
        return lambda: _end_quote(writer)
    if tag.name == "pre":
        writer.preformatted += 1
        return lambda: setattr(writer, "preformatted", writer.preformatted - 1)
    if tag.name == "a":
        start = len(writer.out)
        return lambda: _end_link(writer, start, tag.attributes.get("href", ""))
    return lambda: None


def _marks(tag: Tag) -> set[str]:
    values = f"{tag.attributes.get('class', '')} {tag.attributes.get('id', '')}"
    marks = set(values[:500].casefold().split())
    style = tag.attributes.get("style", "")[:200].casefold().replace(" ", "")
    if tag.name == "div" and style.startswith(_OUTLOOK_LINES):
        marks.add("outlookmessageheader")
    return marks


def _is_quote(tag: Tag) -> bool:
    """A blockquote that quotes; some programs use it for indenting only."""
    style = tag.attributes.get("style", "")[:300].casefold().replace(" ", "")
    return tag.name == "blockquote" and "border:none" not in style


def _end_quote(writer: _Writer) -> None:
    writer.line()
    writer.depth -= 1


def _end_link(writer: _Writer, start: int, href: str) -> None:
    """Say where a link goes when its text does not."""
    web = href[:8].casefold().startswith(("http://", "https://"))
    if not web or len(href) > 300 or len(writer.out) - start > 60:
        return
    shown = "".join(writer.out[start:]).strip()
    bare = href.partition("://")[2].strip("/")
    if shown and bare not in shown and shown not in href:
        writer.blank = True
        writer.raw(f"<{href}>")


def _close(writer: _Writer, closers: list[tuple[str, Callable[[], None]]], name: str) -> None:
    """End the newest open element of this name, and what was left open in it."""
    if any(open_name == name for open_name, _ in closers):
        while closers:
            open_name, end = closers.pop()
            end()
            if open_name == name:
                break
    if name in _BLOCK:
        writer.line(2 if name in _SPACED else 1)

"""Tags and text of HTML from strangers, in one pass, whatever its shape."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from channels_app.mailparse.words import words

MAX_INPUT = 2_000_000  # characters; a long newsletter has 300,000
MAX_TAGS = 60_000

VOID = words("area base br col embed hr img input link meta source track wbr")
_RAW = words("script style title xmp iframe noembed noframes noscript plaintext")
_RAW_TEXT = frozenset(["textarea"])
# The attributes that anyone here looks at; the rest is not even kept.
_READ = words(
    "align alt class colspan dir height href id lang rowspan src start style title type valign"
    " width"
)

_TAG_START = re.compile(r"<(?=[a-zA-Z/!?])")
_ANY_TAG = re.compile(r"<[^<>]*>")
_ATTRIBUTE = re.compile(r"([^\s=>\"'/]{1,60})(?:\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']*)))?")
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:]{0,30})")
_INSIDE_TAG = re.compile(r"(?:=\s*+\"[^\"]*\"|=\s*+'[^']*'|[^>])*+")
_HUGE_REFERENCE = re.compile(r"&#(?:x[0-9a-f]{7,}|[0-9]{8,});?", re.I)


@dataclass(frozen=True)
class Tag:
    """A start or end tag, its name in lower case."""

    name: str
    closing: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def tokens(html: str) -> Iterator[str | Tag]:
    """Text (entities resolved) and tags in order; comments and script are skipped."""
    source = html[:MAX_INPUT].replace("\x00", "")
    position, count = 0, 0
    while position < len(source):
        found = _TAG_START.search(source, position)
        start = found.start() if found else len(source)
        if start > position:
            yield unescape(source[position:start])
        if count >= MAX_TAGS:
            yield unescape(_ANY_TAG.sub(" ", source[start:]))
            return
        tag, position = _tag_at(source, start)
        if tag is None:
            continue
        count += 1
        yield tag
        if not tag.closing and tag.name in _RAW | _RAW_TEXT:
            position = yield from _raw_content(source, position, tag.name)


def _raw_content(source: str, position: int, name: str) -> Generator[str, None, int]:
    """Skip what a browser would not show as mark-up; returns where its end tag is."""
    end = re.compile(rf"</{name}", re.I).search(source, position)
    stop = end.start() if end else len(source)
    if name in _RAW_TEXT:
        yield unescape(source[position:stop])
    return stop


def _tag_at(source: str, start: int) -> tuple[Tag | None, int]:
    """The tag that begins at `start`, None for a comment; and where to go on."""
    name = _NAME.match(source, start + 1)
    if not name:
        mark = "-->" if source.startswith("<!--", start) else ">"
        end = source.find(mark, start + 2)
        return None, end + len(mark) if end >= 0 else len(source)
    inside = _INSIDE_TAG.match(source, name.end())
    end = inside.end() if inside else name.end()
    if end >= len(source):
        return None, len(source)  # never closed: a browser drops it too
    closing = source[start + 1] == "/"
    found = {} if closing else _attributes(source[name.end() : end])
    return Tag(name.group(1).casefold(), closing, found), end + 1


def _attributes(inside: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(inside[:20_000]):
        key = match.group(1).casefold()
        if key in _READ:
            value = match.group(2) or match.group(3) or match.group(4) or ""
            found.setdefault(key, unescape(value))
    return found


def unescape(text: str) -> str:
    """Resolve entities; endless numeric ones, on which the library raises, become U+FFFD."""
    if "&" not in text:
        return text
    return entities.unescape(_HUGE_REFERENCE.sub("\ufffd", text))

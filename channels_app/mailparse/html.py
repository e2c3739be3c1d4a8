"""HTML of strangers, made fit for showing.

nh3's tree builder is quadratic in nesting and in character references, so what it gets is never
the mail's own mark-up but a copy that we wrote: closed tags, bounded in size, depth and number,
no references. nh3 then decides what may stay. Every step here is one pass over the input.
"""

from __future__ import annotations

import html as entities

import nh3

from channels_app.mailparse.html_text import to_text
from channels_app.mailparse.markup import VOID, Tag, tokens
from channels_app.mailparse.words import words

__all__ = ["from_text", "sanitise", "to_text"]

MAX_DEPTH = 100
MAX_FORMATTING = 12  # open at once: the tree builder copies them into every paragraph

_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
_SELF_CLOSING = {"p": "p", "li": "li", "td": "td", "th": "td", "tr": "tr", "option": "option"}
# Stand-ins for characters that would be references, put back after nh3: the last private plane,
# which no font uses.
_STAND_INS = {"&": "\U0010fff0", "<": "\U0010fff1", ">": "\U0010fff2", '"': "\U0010fff3"}
_HIDE = str.maketrans(_STAND_INS | {stand_in: "" for stand_in in _STAND_INS.values()})
_SHOW = str.maketrans({_STAND_INS[c]: entities.escape(c) for c in _STAND_INS})

_TAGS = words(
    "a abbr b big blockquote br caption center cite code col colgroup dd del div dl dt em font"
    " h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup"
    " table tbody td tfoot th thead tr tt u ul"
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "ol": {"start"},
    "*": {"dir", "lang"},
}
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}


def sanitise(html: str) -> str:
    """The HTML that may be shown in a sandboxed frame: no script, style, form or remote image."""
    clean = nh3.clean(
        _rewritten(html),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        clean_content_tags={"script", "style"},
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return clean.translate(_SHOW).strip()


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Pictures come with the mail or not at all: a remote one tells the sender who reads it."""
    if tag == "img" and name == "src":
        return value if value[:4].casefold() == "cid:" else None
    if name == "href" and value[:4].casefold() == "cid:":
        return None
    return value


def from_text(text: str) -> str:
    """Plain text as safe HTML, for joining it with HTML parts."""
    return f"<div>{entities.escape(text).replace(chr(10), '<br>')}</div>"


class _Stack:
    """The open elements, bounded, and how many of each name there are."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.counts: dict[str, int] = {}
        self.formatting = 0

    def may_open(self, name: str) -> bool:
        if name in _FORMATTING and self.formatting >= MAX_FORMATTING:
            return False
        return len(self.names) < MAX_DEPTH

    def push(self, name: str) -> None:
        self.names.append(name)
        self.counts[name] = self.counts.get(name, 0) + 1
        self.formatting += name in _FORMATTING

    def pop_to(self, name: str) -> list[str]:
        """Close everything down to the newest `name`; nothing when it is not open."""
        closed: list[str] = []
        while self.counts.get(name) and (not closed or closed[-1] != name):
            closed.append(self.names.pop())
            self.counts[closed[-1]] -= 1
            self.formatting -= closed[-1] in _FORMATTING
        return closed


def _rewritten(html: str) -> str:
    """The same document with every tag closed and within the bounds."""
    out: list[str] = []
    stack = _Stack()
    for token in tokens(html):
        if isinstance(token, str):
            out.append(token.translate(_HIDE))
        elif token.name in VOID:
            out += [] if token.closing else [_written(token)]
        elif token.closing:
            out += [f"</{name}>" for name in stack.pop_to(token.name)]
        elif token.name in _TAGS:
            if stack.names and stack.names[-1] == _SELF_CLOSING.get(token.name):
                out += [f"</{name}>" for name in stack.pop_to(stack.names[-1])]
            if stack.may_open(token.name):
                stack.push(token.name)
                out.append(_written(token))
    out += [f"</{name}>" for name in reversed(stack.names)]
    return "".join(out)


def _written(tag: Tag) -> str:
    """The start tag; formatting elements are told apart by nothing, so that few are copied."""
    kept = _ATTRIBUTES.get(tag.name, set())
    if tag.name not in _FORMATTING:
        kept = kept | _ATTRIBUTES["*"]
    attributes = "".join(
        f' {name}="{value.translate(_HIDE)}"'
        for name, value in tag.attributes.items()
        if name in kept
    )
    return f"<{tag.name}{attributes}>"

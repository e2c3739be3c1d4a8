"""Address lists: one pass over the characters, whatever their shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels_app.mailparse.headers import clean_line, decode_words, raw_text

_ENCODED = re.compile(r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*\?=")
_BARE = re.compile(r"[^\s<>()\",;:\[\]]+@[^\s<>()\",;\[\]]+|[^\s<>()\",;:]+@\[[^\]\s]{1,60}\]")


_QUOTE = "\x02"  # a quotation mark that belongs to the name


@dataclass(frozen=True)
class Address:
    """One mailbox; either half may be empty."""

    name: str
    email: str


@dataclass
class _Item:
    """The pieces of the address that is being read."""

    words: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None

    def add(self, kind: str, token: str) -> None:
        """Take one token of the scanner."""
        if kind == "angle":
            self.angle = token if not self.angle else self.angle
        elif kind == "comment":
            self.comments.append(token)
        else:
            inner = token.replace('"', _QUOTE)
            self.words.append(f'"{inner}"' if kind == "quoted" else token)
            if kind == "quoted":
                self.quoted.append(token)

    def finish(self) -> Address | None:
        """The address, None for an empty item (", ,")."""
        comment = " ".join(_words(piece) for piece in self.comments)
        plain = "".join(self.words).strip()
        if self.angle is not None:
            name = _with_comment(_name(plain), comment)
            return Address(name, clean_email(self.angle)) if name or self.angle.strip() else None
        if not plain:
            return None
        found = _BARE.search(plain)
        if found:
            name = _name((plain[: found.start()] + plain[found.end() :]).strip(" <>\"'"))
            return Address(_with_comment(name, comment), clean_email(found.group()))
        if comment and not self.quoted and " " not in plain:
            return Address(comment, clean_email(plain))
        return Address(_name(plain), "")


def addresses(value: str, hint: str = "") -> list[Address]:
    """Every mailbox of a header, groups flattened, in order."""
    line = raw_text(value, hint)
    found = list(_read(line))
    if not any(item.email for item in found) and "=?" in line:
        # Some senders encode the whole header, brackets and all.
        again = list(_read(decode_words(line)))
        found = again if any(item.email for item in again) else found
    return found


def emails(value: str, hint: str = "") -> tuple[str, ...]:
    """The addresses alone."""
    return tuple(item.email for item in addresses(value, hint) if item.email)


def clean_email(value: str) -> str:
    """An address without blanks, route, mailto: and control characters."""
    email = re.sub(r"\s+", "", clean_line(decode_words(value)))
    if email.startswith("@") and ":" in email:
        email = email.rpartition(":")[2]
    if email.casefold().startswith("mailto:"):
        email = email[7:].partition("?")[0]
    return email.strip("<>'")


def _read(line: str) -> Iterator[Address]:
    item = _Item()
    for kind, token in _tokens(line):
        if kind == "end":
            address = item.finish()
            if address:
                yield address
            item = _Item()
        elif kind == "group":
            item = _Item()
        else:
            item.add(kind, token)


def _tokens(line: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of every piece; kinds: text, quoted, comment, angle, group, end."""
    position, length = 0, len(line)
    while position < length:
        character = line[position]
        encoded = _ENCODED.match(line, position) if character == "=" else None
        if encoded:
            yield "text", encoded.group()
            position = encoded.end()
        elif character == '"':
            token, position = _until_quote(line, position + 1)
            yield "quoted", token
        elif character == "(":
            token, position = _until_bracket(line, position + 1)
            yield "comment", token
        elif character == "<":
            token, position = _until_angle(line, position + 1)
            yield "angle", token
        elif character in ",;":
            yield "end", ""
            position += 1
        elif character == ":":
            yield "group", ""
            position += 1
        else:
            yield "text", character
            position += 1
    yield "end", ""


def _until_quote(line: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    while position < len(line) and line[position] != '"':
        if line[position] == "\\" and position + 1 < len(line):
            position += 1
        out.append(line[position])
        position += 1
    return "".join(out), position + 1


def _until_bracket(line: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    depth = 1
    while position < len(line):
        character = line[position]
        depth += (character == "(") - (character == ")")
        if not depth:
            break
        if character == "\\" and position + 1 < len(line):
            position += 1
            character = line[position]
        out.append(character)
        position += 1
    return "".join(out), position + 1


def _until_angle(line: str, position: int) -> tuple[str, int]:
    """Up to ">"; an unclosed "<" ends at the comma."""
    end = line.find(">", position)
    if end < 0:
        comma = line.find(",", position)
        end = comma if comma >= 0 else len(line)
    inside = line[position:end]
    if "(" in inside:
        inside = re.sub(r"\([^()]*\)", "", inside)
    return inside, end + (line[end : end + 1] == ">")


def _words(value: str) -> str:
    return " ".join(clean_line(decode_words(value)).split())


def _name(plain: str) -> str:
    """A display name: quotes off, encoded words decoded, inner blanks folded."""
    unquoted = plain.replace('" "', " ").replace('"', "").replace(_QUOTE, '"')
    return _words(unquoted).strip()


def _with_comment(name: str, comment: str) -> str:
    return f"{name} ({comment})" if name and comment else name or comment

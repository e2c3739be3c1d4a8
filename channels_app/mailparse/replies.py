"""What is new in a reply: our own scanner, one pass over the lines, no backtracking.

It cuts what mail programs add below (the quoted mail, header blocks, signatures, "Sent from my
phone") and keeps what a person wrote, also between quotes. A forwarded mail is new and stays.
When nothing would remain, the whole text is the answer: better too much than nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from channels_app.mailparse.html_text import REST_MARK, to_text
from channels_app.mailparse.marks import (
    Attribution,
    Line,
    attribution,
    header_block,
    is_fence,
    is_footer,
    is_forward,
    is_original,
    is_rule,
    is_sent_from,
    is_sign_off,
    is_signature,
    ruled_footer,
)

MAX_LINES = 50_000  # what comes after counts as one line
_MAX_SIGNATURE = 25  # lines that say something; more is no signature


@dataclass
class _Block:
    """Neighbouring lines of one sort: new, or quoted (with or without "... wrote:")."""

    quoted: bool = False
    attributed: bool = False
    lines: list[str] = field(default_factory=list)

    def says(self) -> bool:
        """Is there anything but blanks?"""
        return any(line.strip() for line in self.lines)


def reply_text(text: str) -> str:
    """The part of a plain text that its author wrote now."""
    lines = [Line(raw) for raw in text.replace("\r\n", "\n").split("\n", MAX_LINES)]
    return _shown(_blocks(lines)) or text.replace(REST_MARK, "").strip()


def html_reply(html: str) -> str:
    """The same of an HTML mail, by the marks that mail programs leave in it."""
    return reply_text(to_text(html, quotes=True))


def _blocks(lines: list[Line]) -> list[_Block]:
    """Sort the lines; what is cut for good does not appear."""
    blocks = [_Block()]
    fences = sum(is_fence(line) for line in lines)
    position, fenced, dropping, started = 0, False, False, False
    while position < len(lines):
        line = lines[position]
        if is_fence(line):
            fences -= 1
            fenced = not fenced and fences > 0
        if not fenced:
            if is_forward(lines, position):
                _add(blocks, lines[position:], quoted=False)
                break
            found = attribution(lines, position)
            if _ends(lines, position, started, found):
                break
            quote = _quote_at(lines, position, found)
            if quote:
                _quote(blocks, lines, position, quote)
                position, dropping, started = quote.end, False, True
                continue
            if started and is_sent_from(lines, position):
                dropping = True
        if not dropping:
            _add(blocks, [line], quoted=False)
            started = started or bool(line.body)
        position += 1
    return blocks


def _add(blocks: list[_Block], lines: list[Line], quoted: bool) -> None:
    if blocks[-1].quoted != quoted:
        blocks.append(_Block(quoted=quoted))
    blocks[-1].lines += [line.raw.rstrip() for line in lines]


def _ends(lines: list[Line], position: int, started: bool, found: Attribution | None) -> bool:
    """Is everything from here on the old mail, or a signature?"""
    line = lines[position]
    if line.raw == REST_MARK:
        return started
    if is_original(line) or header_block(lines, position):
        return True
    if started and is_signature(line):
        return is_footer(lines, position + 1, _MAX_SIGNATURE)
    if started and is_rule(line):
        return ruled_footer(lines, position)
    return found is not None and found.strong and not _quoted_from(lines, found.end)


@dataclass(frozen=True)
class _Quote:
    end: int
    attributed: bool


def _quote_at(lines: list[Line], position: int, found: Attribution | None) -> _Quote | None:
    """A quote that starts here, with the line "... wrote:" above it or in it."""
    start = position
    if found and _quoted_from(lines, found.end):
        start = found.end
        while not lines[start].quoted:
            start += 1
        return _Quote(_quote_end(lines, start), attributed=True)
    if not lines[position].quoted:
        return None
    inside = attribution(lines, position, quoted=True)
    return _Quote(_quote_end(lines, start), attributed=inside is not None)


def _quoted_from(lines: list[Line], position: int) -> bool:
    """Does a quoted line come next, after at most a few blank ones?"""
    for line in lines[position : position + 6]:
        if line.body:
            return line.quoted
    return False


def _quote_end(lines: list[Line], position: int) -> int:
    """The first line after the quote: blank lines inside and wrapped ends belong to it."""
    end = position
    while position < len(lines):
        line = lines[position]
        if line.quoted:
            end = position + 1
        elif line.body and not _wrapped(lines, position):
            break
        position += 1
    return end


def _wrapped(lines: list[Line], position: int) -> bool:
    """The rest of a long quoted line that a mail program broke without marking it."""
    before, after = lines[position - 1], lines[position + 1 : position + 2]
    return before.quoted and len(before.raw) >= 60 and bool(after) and after[0].quoted


def _quote(blocks: list[_Block], lines: list[Line], position: int, quote: _Quote) -> None:
    _add(blocks, lines[position : quote.end], quoted=True)
    blocks[-1].attributed = blocks[-1].attributed or quote.attributed


def _shown(blocks: list[_Block]) -> str:
    """Drop the quote at the end, and one that stands above its answer; keep the others."""
    kept = [block for block in blocks if block.quoted or block.says()]
    while kept and kept[-1].quoted:
        kept.pop()
    quotes = [block for block in kept if block.quoted]
    if len(quotes) == 1 and quotes[0].attributed:
        kept.remove(quotes[0])
    if not kept:
        return ""
    kept[-1].lines = _without_sign_off(kept[-1].lines, len(kept) > 1)
    return "\n".join(line for block in kept for line in block.lines).replace(REST_MARK, "").strip()


def _without_sign_off(lines: list[str], more: bool) -> list[str]:
    """Cut "Regards," with name and position below; a name alone is kind and stays."""
    for index in range(len(lines) - 1, max(-1, len(lines) - 30), -1):
        if is_sign_off(lines[index]):
            before = more or any(line.strip() for line in lines[:index])
            after = [line.strip() for line in lines[index + 1 :] if line.strip()]
            card = 2 <= len(after) <= 12 and all(_is_card_line(line) for line in after)
            return lines[:index] if before and card else lines
    return lines


def _is_card_line(line: str) -> bool:
    """A line of a visiting card: short, no question, no postscript."""
    return len(line) <= 90 and "?" not in line and not line.casefold().startswith(("ps", "p.s"))

"""How a line looks that a mail program wrote, not a person. Each test reads a few lines at most."""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels_app.mailparse import languages

_COLONS = (":", "\uff1a")
_DASHES = "-\u2013\u2014_=*~"

_NO_DIRECTION = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), 0xFEFF])
_BROKEN_ENDS = (">:", "> :", ">)", ">):")
_MAX_LINE = 1_000  # characters of a line that are looked at
_MAX_ATTRIBUTION = 400
_MAX_BLOCK = 12  # lines of a copied header block


@dataclass
class Line:
    """One line, looked at once: `body` is it without blanks at the ends and quote marks."""

    raw: str

    def __post_init__(self) -> None:
        short = self.raw[:_MAX_LINE].translate(_NO_DIRECTION).strip()
        # ">:" is the end of a broken "... <a@b.example>:".
        self.quoted = short.startswith((">", "&gt;")) and short not in _BROKEN_ENDS
        self.body = short.lstrip("> ").removeprefix("&gt;").strip() if self.quoted else short


@dataclass(frozen=True)
class Attribution:
    """Lines that say who wrote the quote below. `strong`: sure without a ">" to follow."""

    end: int
    strong: bool


_EARLY_DIGIT = re.compile(r"^.{0,31}\d", re.S)
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?(?:[:.h]|uhr|時|시)\s?\d{2}(?!\d)")
_DAY = re.compile(r"(?<!\d)\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d)|\d{4}\s?[年년]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_WORD = re.compile(r"[^\W\d_]{3,}")
_ENDS_IN_ADDRESS = re.compile(r"[^\s<>()]@[^\s<>()]+[>)\]]*\s*[:\uff1a]?$")


def _alternatives(phrases: frozenset[str]) -> str:
    return "|".join(sorted(map(re.escape, phrases), key=len, reverse=True))


# Words of scripts without blanks between words may stand anywhere.
_UNSPACED = frozenset(p for p in languages.WROTE if p[0] > "\u2e80" or p[0] == "\u306e")
_WROTE = re.compile(
    rf"(?<![^\W\d_])(?:{_alternatives(languages.WROTE - _UNSPACED)})(?![^\W\d_])"
    rf"|{_alternatives(_UNSPACED)}"
)
_LABEL = re.compile(r"^[*_ ]{0,3}([^\W\d_][^:\uff1a\d]{0,24}?)[*_ \xa0]{0,3}[:\uff1a]")
_LABELS = {
    **dict.fromkeys(languages.COPY, "copy"),
    **dict.fromkeys(languages.TO, "to"),
    **dict.fromkeys(languages.SENT, "sent"),
    **dict.fromkeys(languages.SUBJECT, "subject"),
    **dict.fromkeys(languages.FROM, "from"),
}
_RULED = re.compile(rf"^[{_DASHES} ]{{0,60}}([^{_DASHES}].{{0,60}}?)[{_DASHES}: ]{{0,60}}$")
_LINK = re.compile(r"\s?[<\[(](?:https?|mailto):[^>\])]{0,500}[>\])]")


def attribution(lines: list[Line], position: int, quoted: bool = False) -> Attribution | None:
    """ "On Friday, X wrote:" from here, over up to four lines."""
    line = lines[position]
    if not line.body or line.quoted != quoted or len(line.body) > _MAX_ATTRIBUTION:
        return None
    alone = position == 0 or not lines[position - 1].body or lines[position - 1].quoted
    joined = ""
    for end in range(position, min(position + 4, len(lines))):
        if not lines[end].body or lines[end].quoted != quoted:
            break
        joined = f"{joined} {lines[end].body}".strip()
        if len(joined) > _MAX_ATTRIBUTION:
            break
        if end > position and not alone and not _EARLY_DIGIT.match(line.body):
            break
        strength = _attributes(joined.casefold())
        if strength:
            return Attribution(end + 1, strength == "strong")
    return None


def _attributes(line: str) -> str:
    """ "strong", "weak" (needs a quote below) or ""."""
    stripped = line.rstrip(" *_-")
    colon = stripped.endswith(_COLONS)
    address = "@" in line
    if not colon and not (address and _WROTE.search(stripped[-14:])):
        return ""
    if not colon:
        dashed = line.startswith("--") and line.endswith("--")
        return "strong" if _is_dated(line) and (dashed or _early(line)) else ""
    wrote = _WROTE.search(line)
    if wrote and _is_dated(line) and (_early(line) or address):
        return "strong"
    if address and _is_dated(line) and _early(line) and _ENDS_IN_ADDRESS.search(stripped):
        return "strong"
    if wrote and (address or len(line) <= 80):
        return "weak"
    return ""


def _early(line: str) -> bool:
    return _EARLY_DIGIT.match(line) is not None


def _is_dated(line: str) -> bool:
    """A time, a date in digits, a year beside another number, or a month beside one."""
    if _TIME.search(line) or _DAY.search(line):
        return True
    if not _NUMBER.search(line):
        return False
    if _YEAR.search(line):
        return True
    return any(word[:3] in languages.MONTHS for word in _WORD.findall(line))


def header_block(lines: list[Line], position: int) -> bool:
    """ "From: ... Sent: ... To: ... Subject: ..." from here, as Outlook copies it."""
    start = position
    while (
        start < len(lines)
        and start < position + 4
        and (_is_rule(lines[start]) or (start > position and not lines[start].body))
    ):
        start += 1
    ruled = start > position
    if start >= len(lines) or not _label(lines[start]):
        return False
    found, address = _labels_from(lines, start)
    enough = 2 if ruled else 3
    return "from" in found and len(found) >= enough and (address or "subject" in found)


def _labels_from(lines: list[Line], start: int) -> tuple[set[str], bool]:
    """The labels of the block, and whether an address is in it."""
    found: set[str] = set()
    address, others, blanks = False, 0, 0
    for line in lines[start : start + _MAX_BLOCK]:
        label = _label(line)
        if label:
            found.add(label)
            blanks = 0
        elif not line.body:
            blanks += 1
        else:
            others += 1
        if others > 2 or blanks > 1:
            break
        address = address or "@" in line.body
    return found, address


def _label(line: Line) -> str:
    match = _LABEL.match(line.body.casefold())
    return _LABELS.get(match.group(1).strip(" *_"), "") if match else ""


def is_original(line: Line) -> bool:
    """-----Original Message-----"""
    return _ruled_phrase(line) in languages.ORIGINAL


def is_forward(lines: list[Line], position: int) -> bool:
    """---------- Forwarded message ---------"""
    line = lines[position]
    return not line.quoted and _ruled_phrase(line) in languages.FORWARDED


def _ruled_phrase(line: Line) -> str:
    """The phrase between rules, "" for a line that has no rule and no colon at its end."""
    if len(line.body) > 120 or not line.body.startswith(tuple(_DASHES)):
        bare = line.body.casefold().rstrip(":")
        return bare if line.body.endswith(":") and bare.startswith(_BEGINS) else ""
    match = _RULED.match(line.body)
    return match.group(1).strip().casefold().rstrip(":") if match else ""


_BEGINS = ("begin ", "anfang ", "début ", "inicio ", "início ", "inizio ")


def is_signature(line: Line) -> bool:
    """The line "-- " that starts a signature."""
    return line.raw.rstrip() in ("--", "- --", "__") and not line.quoted


def _is_rule(line: Line) -> bool:
    return len(line.body) >= 3 and not line.body.strip(_DASHES)


def is_rule(line: Line) -> bool:
    """A line of underscores, under which lists and offices write their footer."""
    return len(line.body) >= 3 and not line.body.strip("_") and not line.quoted


def is_footer(lines: list[Line], position: int, most: int) -> bool:
    """At most `most` lines that say something until the quote or the end."""
    said = 0
    for line in lines[position : position + 8 * most]:
        if line.quoted or said > most:
            break
        said += bool(line.body)
    return said <= most


def ruled_footer(lines: list[Line], position: int) -> bool:
    """Only a short footer comes after the rule."""
    rest = lines[position + 1 : position + 60]
    return position + 60 > len(lines) and 0 < sum(bool(line.body) for line in rest) <= 15


def is_sent_from(lines: list[Line], position: int) -> bool:
    """ "Sent from my phone" on a line of its own, after a blank one."""
    line = lines[position]
    if line.quoted or not line.body or (position and lines[position - 1].body):
        return False
    body = _LINK.sub("", line.body).strip("*_ -")
    if len(body) > 80 or body.endswith(("?", "!", ";")) or body.count(" ") > 11:
        return False
    if ", " in body and body.endswith("."):
        return False
    low = body.casefold().rstrip(".")
    if _SENT_MY.match(low) and any(c.isupper() or c.isdigit() or not c.isascii() for c in body[1:]):
        return True
    return bool(_SENT.match(low)) and _names_a_device(low)


def _names_a_device(low: str) -> bool:
    """Long names may be inflected ("iPhonesta"); short ones are words of their own."""
    words = re.split(r"[\s\-_/]+", low)
    return any((name in low if len(name) > 4 else name in words) for name in languages.SENT_BY)


def _beginnings(listed: frozenset[str]) -> re.Pattern[str]:
    """A pattern of "start" and "start...end" phrases."""
    escaped = (re.escape(phrase).replace(r"\.\.\.", ".{0,60}") for phrase in sorted(listed))
    whole = (
        f"{e}$" if ".{0,60}" in e else e if e[-1] > "\u2e80" else rf"{e}(?![^\W\d_])"
        for e in escaped
    )
    return re.compile("|".join(whole))


_SENT_MY = _beginnings(languages.SENT_FROM_MY)
_SENT = _beginnings(languages.SENT_FROM)


def is_sign_off(line: str) -> bool:
    """ "Kind regards," and nothing else."""
    bare = line.strip().strip("*_").rstrip(",.!;: ").casefold()
    return len(bare) <= 60 and bare in languages.SIGN_OFF


def is_fence(line: Line) -> bool:
    """``` around a piece of code."""
    return line.raw.startswith("```")

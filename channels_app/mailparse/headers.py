"""Headers read with every tolerance: encoded words, raw 8-bit, parameters, dates, ids.

Everything here is linear in its input, and the caller cuts a header at 16 kB before.
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from channels_app.mailparse.charsets import codec_for, decode

# RFC 2047 as it is written in the wild: blanks and "?" inside Q text, a fold inside B text.
_WORD = re.compile(
    r"=\?([^?\s=*]{1,40})(?:\*[^?\s]{0,20})?\?"
    r"(?:([bB])\?([^?]*)|([qQ])\?([^?]*(?:\?(?!=)[^?]*){0,8}))\?="
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_FOLD = re.compile(r"\r?\n[ \t]*|\r")
_NOT_BASE64 = bytes(n for n in range(256) if not re.match(rb"[A-Za-z0-9+/=]", bytes([n])))
_ID = re.compile(r"<([^<>]*)>")


def raw_text(value: str, hint: str = "") -> str:
    """A compat32 header value (surrogates for 8-bit bytes) as one unfolded line of text."""
    return _FOLD.sub(" ", _readable(value, hint)).strip()


def _readable(value: str, hint: str = "") -> str:
    if value.isascii() and "\x1b" not in value:
        return value
    return decode(value.encode("utf-8", "surrogateescape"), "", hint)


def text(value: str, hint: str = "") -> str:
    """A free header (Subject) as people read it; never raises."""
    return clean_line(decode_words(raw_text(value, hint)))


def clean_line(value: str) -> str:
    """One line without control characters, ends stripped."""
    return _CONTROL.sub("", value.replace("\r", " ").replace("\n", " ")).strip()


def decode_words(value: str) -> str:
    """Decode RFC 2047 words anywhere in `value`; what is no word stays as it is."""
    if "=?" not in value:
        return value
    out: list[str] = []
    pending: list[tuple[str, bytes]] = []
    position = 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        if between.strip() or (between and not pending):
            # Gateways write their mark, "[SPAM]", right before the word.
            glue = " " if between.endswith("]") else ""
            out += [_joined(pending), between, glue]
            pending = []
        pending.append(_word_bytes(match))
        position = match.end()
    return "".join([*out, _joined(pending), value[position:]])


def _word_bytes(match: re.Match[str]) -> tuple[str, bytes]:
    label, base64_text, q_text = match.group(1), match.group(3), match.group(5)
    if match.group(2):
        return label, decode_base64(base64_text.encode("utf-8", "surrogateescape"))
    raw = re.sub(r"\s+(?=_)", "", q_text).replace("_", " ")
    return label, binascii.a2b_qp(raw.encode("utf-8", "surrogateescape"))


def _joined(words: list[tuple[str, bytes]]) -> str:
    """Neighbouring words of one charset as one run: senders split characters between them."""
    out: list[str] = []
    run, label = b"", ""
    for word_label, data in words:
        if word_label.casefold() != label.casefold() or b"\x1b" in data:
            out.append(decode(run, label))
            run = b""
        run, label = run + data, word_label
    out.append(decode(run, label))
    return "".join(out)


def decode_base64(data: bytes) -> bytes:
    """Base64 with junk, missing padding, or several padded runs one after the other."""
    clean = data.translate(None, _NOT_BASE64).rstrip(b"=")
    if clean.count(b"=") > 10_000:
        clean = clean.replace(b"=", b"")
    return b"".join(_base64_run(run) for run in clean.split(b"="))


def _base64_run(run: bytes) -> bytes:
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def parameters(value: str, hint: str = "") -> tuple[str, dict[str, str]]:
    """Split `text/plain; charset="x"; name*0*=...` into the value and its parameters."""
    pieces = [_FOLD.sub(" ", piece) for piece in _split_parameters(_readable(value, hint))]
    plain: dict[str, str] = {}
    parts: dict[str, list[tuple[int, bool, str]]] = {}
    for piece in pieces[1:]:
        key, _, content = piece.partition("=")
        key, content = key.strip().casefold(), _unquoted(content.strip())
        name, *star = key.split("*")
        name = name.strip()
        if not name:
            continue
        if not star:
            plain.setdefault(name, clean_line(decode_words(content)))
        else:
            number = int(star[0][:4]) if star[0].strip().isdecimal() else 0
            parts.setdefault(name, []).append((number, key.endswith("*"), content))
    for name, chunks in parts.items():
        plain[name] = _rfc2231(chunks) or plain.get(name, "")
    return _without_comments(pieces[0]).strip().casefold(), plain


def _split_parameters(line: str) -> list[str]:
    """Cut at ";" outside quotes; a new `name=` after a blank also starts a piece (no ";")."""
    pieces: list[str] = []
    start, position, quoted = 0, 0, False
    while position < len(line):
        character = line[position]
        if character == "\\" and quoted:
            position += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and (character == ";" or _NEW_LINE_PARAMETER.match(line, position)):
            pieces.append(line[start:position])
            start = position + 1
        position += 1
    pieces.append(line[start:])
    return [split for piece in pieces for split in _missing_semicolon(piece)]


_NEW_LINE_PARAMETER = re.compile(r"\n[ \t]+[\w*-]{1,40}=[^=]")
_NEXT_PARAMETER = re.compile(
    r"\s(?=(?:name|filename|charset|boundary|type|size)\*?\d{0,3}\*?=)", re.I
)


def _missing_semicolon(piece: str) -> list[str]:
    head, equals, _ = piece.partition("=")
    if equals and ('"' not in piece or " " in head.strip()):
        return _NEXT_PARAMETER.split(piece)
    return [piece]


def _unquoted(content: str) -> str:
    if content.startswith('"'):
        end = re.match(r'"((?:[^"\\]|\\.)*)"?', content)
        return re.sub(r"\\(.)", r"\1", end.group(1)) if end else content[1:]
    return content if content.startswith("=?") else _without_comments(content).strip()


def _rfc2231(chunks: list[tuple[int, bool, str]]) -> str:
    """Join the numbered pieces; the first encoded one names the charset."""
    label, data = "", b""
    for index, (_, encoded, content) in enumerate(sorted(chunks, key=lambda c: c[0])):
        if encoded and content.count("'") >= 2 and (index == 0 or codec_for(content.split("'")[0])):
            label, _, content = content.split("'", 2)
        raw = content.encode("utf-8", "surrogateescape")
        data += unquote_to_bytes(raw) if encoded else raw
    found = decode(data, label)
    return clean_line(decode_words(found))


def _without_comments(value: str) -> str:
    """Drop (comments), nested ones too; an unbalanced bracket is text."""
    if "(" not in value:
        return value
    out: list[str] = []
    depth = 0
    for character in value:
        if character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            out.append(character)
    return value if depth else "".join(out)


def message_ids(value: str) -> tuple[str, ...]:
    """The ids of Message-ID, In-Reply-To or References, without <>; bare ones too."""
    line = raw_text(value)
    found = [clean_line(match) for match in _ID.findall(line)]
    if not found and "<" not in line:
        found = [clean_line(word) for word in line.split() if "@" in word] or line.split()[:1]
    return tuple(dict.fromkeys(item for item in found if item))


_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?")


def date(value: str) -> datetime | None:
    """The aware moment of a Date header, None when it names none."""
    line = _without_comments(raw_text(value)[-300:].rsplit(";", 1)[-1]).strip()
    iso = _ISO_DATE.match(line)
    try:
        if iso:
            year, month, day, hour, minute, second = (int(part or 0) for part in iso.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        fields = parsedate_tz(line)
        if fields is None or not _plausible(line):
            return None
        zone = timezone(timedelta(seconds=fields[9] or 0))
        return datetime(*fields[:5], min(fields[5], 59), tzinfo=zone)
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
        return None


def _plausible(line: str) -> bool:
    return re.search(r"\d{1,2}[\s-]+[A-Za-z]{3,9}[\s-]+\d{2,4}|[A-Za-z]{3}\s+\d", line) is not None

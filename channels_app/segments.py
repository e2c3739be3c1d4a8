"""How many SMS a text takes: GSM-7 or UCS-2, as 3GPP TS 23.038 and 23.040 count.

One SMS carries 140 bytes. Of several, each gives 6 bytes away to say which part it is, and no sign
is cut in two between them.
"""

import unicodedata
from dataclasses import dataclass

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # behind an escape: two places each
SINGLE, PART = {True: 160, False: 70}, {True: 153, False: 67}  # by whether GSM-7 is enough
# What programs write by themselves, and a single one of which would cost half of the room.
PLAIN = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u00b4`"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2013\u2014\u2022"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u202f\t"), " "),
    **dict.fromkeys(map(ord, "\u00ad\u200b\ufeff"), ""),
    ord("\u2026"): "...",
}


@dataclass(frozen=True)
class Size:
    """How many SMS, and how many places are left in the last one."""

    segments: int
    left: int
    is_gsm: bool


def plain(text: str) -> str:
    """The text with plain quotes and dashes, where that lets it go as GSM-7."""
    text = unicodedata.normalize("NFC", text)  # some programs write é as e and an accent
    simple = text.translate(PLAIN)
    return simple if is_gsm(simple) else text


def is_gsm(text: str) -> bool:
    """Whether every sign of it is in the GSM alphabet or its extension."""
    return set(text) <= GSM | EXTENSION


def size(text: str) -> Size:
    """The SMS that a text takes; an empty one takes none."""
    gsm = is_gsm(text)
    widths = [_width(sign, gsm) for sign in text]
    total = sum(widths)
    if total <= SINGLE[gsm]:
        return Size(1 if text else 0, SINGLE[gsm] - total, gsm)
    parts, used = 1, 0
    for width in widths:
        if used + width > PART[gsm]:
            parts, used = parts + 1, 0
        used += width
    return Size(parts, PART[gsm] - used, gsm)


def _width(sign: str, gsm: bool) -> int:
    if gsm:
        return 2 if sign in EXTENSION else 1
    return 2 if ord(sign) > 0xFFFF else 1

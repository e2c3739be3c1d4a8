"""What stands in a text for certain: numbers that carry their own check, and named days.

Nothing is guessed (R19): a number counts where its check digits agree, a day where its words can
mean only one.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

IBAN, CARD, BSN = "iban", "card", "bsn"
MOST_READ = 4000  # characters of one message
# Lengths of an IBAN by country: those of the SEPA area (ISO 13616 registry).
IBANS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26,
    "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15,
    "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
}  # fmt: skip
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[ ]?\d{2}(?:[ ]?[A-Za-z0-9]){11,30}")
# What payment cards begin with (Visa, Mastercard, American Express, Discover, Maestro).
_CARD = re.compile(r"(?<![\w+-])(?:4|5[0-8]|2[2-7]|3[47]|6)(?:[ -]?\d){11,18}(?![\w-])")
_NINE = re.compile(r"(?<![\w+.,/-])\d{9}(?![\w/-])|(?<![\w+.,/-])\d{4}[. ]\d{2}[. ]\d{3}(?![\w/-])")
# One order number in eleven passes the same test, so that it has to be called by its name as well.
_CALLED_BSN = re.compile(r"\b(?:bsn|burgerservice\w*|sofi\w*|citizen service number)\b", re.I)


def numbers(text: str) -> frozenset[str]:
    """Which sorts of numbers stand there: of a bank account, a payment card, a citizen (BSN)."""
    text = text[:MOST_READ]
    found = set()
    if any(_is_iban(match[0], match[1].upper()) for match in _IBAN.finditer(text)):
        found.add(IBAN)
    if any(_is_card(match[0]) for match in _CARD.finditer(text)):
        found.add(CARD)
    if _CALLED_BSN.search(text) and any(_is_bsn(match[0]) for match in _NINE.finditer(text)):
        found.add(BSN)
    return frozenset(found)


def _is_iban(found: str, country: str) -> bool:
    """By its country's length and its check digits: modulo 97 (ISO 7064)."""
    text = found.replace(" ", "").upper()[: IBANS.get(country, 0)]
    if len(text) != IBANS.get(country):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _is_card(found: str) -> bool:
    """By the check of Luhn (ISO/IEC 7812-1)."""
    digits = [int(letter) for letter in found if letter.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (doubled + sum(digits[-1::-2])) % 10 == 0 and len(set(digits)) > 1


def _is_bsn(found: str) -> bool:
    """By the eleven test: 9, 8 ... 2 and -1 times its digits."""
    digits = [int(letter) for letter in found if letter.isdigit()]
    weighed = zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)
    return sum(digit * weight for digit, weight in weighed) % 11 == 0 and any(digits)


_NAMES = (
    (1, "january jan januari"), (2, "february feb februari"), (3, "march mar maart mrt"),
    (4, "april apr"), (5, "may mei"), (6, "june jun juni"), (7, "july jul juli"),
    (8, "august aug augustus"), (9, "september sep sept"), (10, "october oct oktober okt"),
    (11, "november nov"), (12, "december dec"),
)  # fmt: skip
MONTHS = {name: month for month, names in _NAMES for name in names.split()}
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DAGEN = ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"]
WEEKDAYS = {name: at for days in (_DAYS, _DAGEN) for at, name in enumerate(days)}
_BY = r"(?:by|before|no later than|voor|vóór|uiterlijk)"
# Of a text with its capitals: "the 2 may stay" is no day of May, and who is called Jan no January.
_DAY_FIRST = re.compile(
    rf"(?<![\d.,/-])(\d{{1,2}})(?:st|nd|rd|th|e)?\s+(?:of\s+)?({'|'.join(MONTHS)})\b\.?"
    r"(?:\s+(\d{4})\b)?",
    re.I,
)
_FULL = "January February March April June July August September October November December"
_MONTH_FIRST = re.compile(
    rf"\b({_FULL.replace(' ', '|')})\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?![.:/]\d)"
    r"(?:,?\s+(\d{4})\b)?"
)
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_FIGURES = re.compile(r"(?<![\d/.-])(\d{1,2})[-/](\d{1,2})[-/](\d{4})(?![\d/-])")
# "Morgen" alone is a greeting as well, and "tot morgen" a goodbye.
_TOMORROW = re.compile(rf"\btomorrow\b|\bmorgen(?:ochtend|middag|avond)\b|\b{_BY}\s+morgen\b", re.I)
_TODAY = re.compile(
    rf"\b{_BY}\s+(?:tonight|vanavond)\b|\b(?:nog vandaag|vandaag nog|still today|later today)\b",
    re.I,
)
_WEEKDAY = re.compile(rf"\b{_BY}\s+({'|'.join(WEEKDAYS)})\b", re.I)


def days(text: str, written: date, *, day_first: bool) -> frozenset[date]:
    """The days that a text names, which was written on `written`.

    `day_first`: whether 3/4/2026 is in April, as in Dutch; elsewhere it may be either, and is none.
    """
    text = text[:MOST_READ]
    return frozenset(_in_words(text, written)) | frozenset(_in_figures(text, day_first))


def _in_words(text: str, written: date) -> Iterator[date]:
    if _TODAY.search(text):
        yield written
    if _TOMORROW.search(text):
        yield written + timedelta(days=1)
    for match in _WEEKDAY.finditer(text):
        ahead = (WEEKDAYS[match[1].lower()] - written.weekday()) % 7
        if ahead:  # on a Friday "by Friday" may be today, or in a week
            yield written + timedelta(days=ahead)
    for match in _DAY_FIRST.finditer(text):
        if match[2] != "may":
            yield from _next(written, MONTHS[match[2].lower()], int(match[1]), match[3])
    for match in _MONTH_FIRST.finditer(text):
        yield from _next(written, MONTHS[match[1].lower()], int(match[2]), match[3])


def _in_figures(text: str, day_first: bool) -> Iterator[date]:
    for match in _ISO.finditer(text):
        yield from _made(int(match[1]), int(match[2]), int(match[3]))
    for match in _FIGURES.finditer(text):
        day, month, year = int(match[1]), int(match[2]), int(match[3])
        if day_first or day > 12 or day == month:
            yield from _made(year, month, day)


def _next(written: date, month: int, day: int, year: str | None) -> Iterator[date]:
    """That day of the year that is said; else of the year it was written in, or of the next."""
    if year:
        yield from _made(int(year), month, day)
        return
    for ahead in (written.year, written.year + 1):
        found = [one for one in _made(ahead, month, day) if one >= written]
        if found:
            yield from found
            return


def _made(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return  # there is no 31 April

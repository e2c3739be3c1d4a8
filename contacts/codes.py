"""How secrets in customers' hands are made: values derived from a key, rows that hold digests.

The table of design.md section 5. The plain value is HMAC(key, uuid) and is never stored.
"""

import base64
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.utils.crypto import constant_time_compare, salted_hmac

SIGN_IN, PROVE, JOIN, REPLY, CASE_LINK = "sign_in", "prove", "join", "reply", "case_link"
APPOINTMENT = "appointment"  # moves or cancels it
ANSWER = "answer"  # a number in a question of ours, to be sent back
# The forms: four digits to say, six to type, ten letters to copy from paper, 128 bits for a link.
PIN, DIGITS, PAPER, LINK = "pin", "digits", "paper", "link"
PAPER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
PAPER_DIGITS = 8  # the first of them; every code on paper has one


@dataclass(frozen=True)
class Rule:
    """How often and how long a code of one purpose works. `uses=None`: any number of times."""

    form: str
    uses: int | None
    lifetime: timedelta


RULES = {
    SIGN_IN: Rule(DIGITS, 1, timedelta(minutes=10)),
    PROVE: Rule(DIGITS, 1, timedelta(days=1)),
    JOIN: Rule(PAPER, 1, timedelta(minutes=15)),
    ANSWER: Rule(PIN, 1, timedelta(minutes=15)),
    # As long as its case lives, and REPLY_REST: Code.is_outlived. This is only the far end of it.
    REPLY: Rule(LINK, None, timedelta(days=3650)),
    CASE_LINK: Rule(LINK, None, timedelta(days=30)),
    # Until it is over, which its row says: channels_app.appointments.
    APPOINTMENT: Rule(LINK, None, timedelta(days=60)),
}
LETTER_LIFETIME = timedelta(days=60)
# How long a settled case is still answered by mail, counted from the last that happened in it.
REPLY_REST = timedelta(days=365)


def plain(key: uuid.UUID, form: str) -> str:
    """The value of a code in its form; LINK is 26 lower-case letters and digits (128 bits)."""
    mac = salted_hmac("contacts.codes.plain", f"{form}:{key}", algorithm="sha256").digest()
    if form in (PIN, DIGITS):
        size = 4 if form == PIN else 6
        return str(int.from_bytes(mac) % 10**size).zfill(size)
    if form == PAPER:
        number, letters = int.from_bytes(mac), ""
        for _n in range(10):
            number, rest = divmod(number, len(PAPER_ALPHABET))
            letters += PAPER_ALPHABET[rest]
        if letters.isalpha():  # one of 22: a digit tells it from two words
            letters = letters[:-1] + PAPER_ALPHABET[number % PAPER_DIGITS]
        return letters
    return base64.b32encode(mac[:16]).decode().rstrip("=").lower()


def normalise(value: str) -> str:
    """How a code is compared: without blanks and dashes, letters alike in either case."""
    return "".join(character for character in value.lower() if character.isalnum())


def digest(purpose: str, value: str) -> str:
    """What a row stores of a plain value: keyed, so that a stolen table opens nothing."""
    text = f"{purpose}:{normalise(value)}"
    return salted_hmac("contacts.codes.digest", text, algorithm="sha256").hexdigest()


def same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return constant_time_compare(one, other)


def on_paper(value: str) -> str:
    """A paper code in groups that are easy to copy: K7QM4 XPT2B."""
    return f"{value[:5]} {value[5:]}"

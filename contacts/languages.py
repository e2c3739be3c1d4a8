"""In which of our languages a text is, where it can be told."""

import re
from collections.abc import Sequence

# The most frequent words that the other language does not have.
WORDS = {
    "nl": frozenset(
        [
            "ik",
            "het",
            "een",
            "niet",
            "van",
            "dat",
            "en",
            "de",
            "voor",
            "met",
            "zijn",
            "mijn",
            "hier",
            "uw",
            "u",
            "wij",
            "heb",
            "kan",
            "graag",
        ]
    ),
    "en": frozenset(
        [
            "the",
            "and",
            "you",
            "that",
            "it",
            "to",
            "my",
            "here",
            "for",
            "with",
            "have",
            "not",
            "this",
            "your",
            "can",
            "please",
            "would",
        ]
    ),
}


def told(text: str, ours: Sequence[str], *hints: str) -> str:
    """What the words tell; else the first of the hints that we speak, else our first."""
    return guess(text, next((hint for hint in hints if hint in ours), ours[0]))


def guess(text: str, default: str) -> str:
    """The language with clearly more of its frequent words, else the default."""
    found = re.findall(r"[a-z]+", text[:5000].lower())
    counts = {code: sum(word in words for word in found) for code, words in WORDS.items()}
    best = max(counts, key=lambda code: counts[code])
    rest = max(count for code, count in counts.items() if code != best)
    return best if counts[best] >= 2 and counts[best] > 2 * rest else default

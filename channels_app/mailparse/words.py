"""Word lists: written as one text, used as a set."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The blank-separated words of `text`."""
    return frozenset(text.split())


def phrases(text: str) -> frozenset[str]:
    """The phrases of `text`, separated by "|" or line ends."""
    return frozenset(part.strip() for part in text.replace("\n", "|").split("|") if part.strip())

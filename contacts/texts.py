"""How words are stored: what cannot be kept, or would change what stands beside it, is not."""

import re

# Embeddings, overrides and isolates, and what is no sign at all; marks of single places may stay.
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


def clean_text(text: str) -> str:
    """Text as it is stored: NUL cannot be, line ends are one sort."""
    return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip()


def clean_line(text: str) -> str:
    """A name or a title as it is stored: one line that turns nothing beside it around.

    It stands in the middle of sentences, lists and page titles: a sign that changes the direction
    of writing would go on in what follows it.
    """
    return " ".join(_TURNS.sub("", clean_text(text)).split())


def title_of(text: str) -> str:
    """The first line of a question, at most 120 characters."""
    lines = map(clean_line, text.splitlines())
    line = next(filter(None, lines), "")
    return line if len(line) <= 120 else line[:119].rstrip() + "…"

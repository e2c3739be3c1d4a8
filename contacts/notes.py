"""Notes of a call or a visit, read by rules: what was said, and which lines of it are promises."""

import re
from dataclasses import dataclass

# A line that begins so is a promise, in the languages that notes are written in.
MARKS = ("promised", "we promised", "agreed", "beloofd", "toegezegd", "afgesproken", "afspraak")
_PROMISE = re.compile(rf"[-*•]?[ \t]*(?:{'|'.join(MARKS)})[ \t]*:[ \t]*(\S.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Notes:
    """What was said, without its promises; and these, without their mark."""

    said: str
    promised: tuple[str, ...] = ()


def read(text: str) -> Notes:
    """The notes in their parts."""
    said, promised = [], []
    for line in text.splitlines():
        found = _PROMISE.fullmatch(line.strip())
        if found:
            promised.append(found[1].strip())
        else:
            said.append(line.rstrip())
    return Notes("\n".join(said).strip(), tuple(promised))

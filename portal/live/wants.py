"""What a page asks to be told about, from its address: `q:K7Q-4MP:12` and the like. Pure.

With the mark of its history behind it (`q:K7Q-4MP:12:12.<old>.<new>`) the news themselves come.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

MAX_WANTS = 60
MAX_QUERY = 4096  # characters of the whole query string
SITE, DESK, QUEUE, BELL = "q", "d", "queue", "bell"
LISTED = "l"  # as the desk, of a case that stands in a list: nobody has it open by that
BEHIND = "b"  # as the site, of a page that nobody sees: it says so beside its want (`behind`)
_CASE = re.compile(
    r"([qdl]):([0-9A-Z]{3}-[0-9A-Z]{3})(?::([0-9]{1,9}))?(?::([0-9]{1,9}(?:\.[0-9a-f]{12}){2}))?",
    re.ASCII,
)


class BadWant(ValueError):
    """The address asks for something that cannot be meant."""


@dataclass(frozen=True)
class Want:
    """One thing to be told about.

    `since`: the case's number that the page heard of; `mark`: what its history looks like;
    `is_behind`: it stands behind a closed panel, where nobody has it open.
    """

    door: str
    reference: str = ""
    since: int = 0
    mark: str = ""
    is_behind: bool = False

    @property
    def key(self) -> str:
        """How pages name it, without the number."""
        return f"{self.door}:{self.reference}" if self.reference else self.door

    @property
    def side(self) -> str:
        """From where it is looked at, for who is here."""
        return BEHIND if self.is_behind else self.door

    @property
    def is_staffs(self) -> bool:
        """Whether the staff's session is asked for the right, and not the customer's."""
        return self.door != SITE


def read(raw: Iterable[str], last_id: str = "", behind: Iterable[str] = ()) -> dict[str, Want]:
    """Wants by key. `last_id` is what the browser got last, `behind` the keys that nobody sees.

    Raises BadWant.
    """
    given = list(raw)
    if not 0 < len(given) <= MAX_WANTS:
        raise BadWant("between 1 and 60 wants")
    found: dict[str, Want] = {}
    for text in given:
        want = one(text)
        found[want.key] = _later(want, found.get(want.key))
    if (last := _last(last_id)) and last.key in found:
        found[last.key] = _later(last, found[last.key])
    for key in {*behind} & found.keys():
        found[key] = replace(found[key], is_behind=found[key].door == SITE)
    return found


def one(text: str) -> Want:
    """One want. Raises BadWant."""
    if text in (QUEUE, BELL):
        return Want(text)
    if (match := _CASE.fullmatch(text)) is None:
        raise BadWant("not a want")
    return Want(match[1], match[2], int(match[3] or 0), match[4] or "")


def _later(one: Want, other: Want | None) -> Want:
    if other is None:
        return one
    return replace(other, since=max(one.since, other.since))


def _last(text: str) -> Want | None:
    """The want of a `Last-Event-ID`; None for anything that we did not send."""
    try:
        return one(text) if text else None
    except BadWant:
        return None

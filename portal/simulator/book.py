"""What one app of the customers' telephones holds: lines of JSON that are only ever added to."""

import fcntl
import json
import os
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

SENT, DELIVERED, READ = "sent", "delivered", "read"
ORDER = ("", SENT, DELIVERED, READ)  # forward only, whatever the order of news
MAX_SHOWN = 200  # bubbles of one conversation
UPLOAD = "upload:"  # before the provider's id of a file that no message names yet


@dataclass(frozen=True)
class Kept:
    """A file of a message, kept beside the book under `key`."""

    key: str
    name: str
    content_type: str
    size: int

    @property
    def is_picture(self) -> bool:
        """Whether it can be shown where it stands."""
        return self.content_type in ("image/png", "image/jpeg", "image/webp", "image/gif")


@dataclass(frozen=True)
class Bubble:
    """One message in a conversation of `owner` (the customer) with `peer` (the shop)."""

    id: str
    owner: str
    peer: str
    at: datetime
    mine: bool  # the customer wrote it
    text: str = ""
    status: str = ""
    tag: str = ""  # what the provider gives back with news of it
    buttons: tuple[tuple[str, str], ...] = ()
    files: tuple[Kept, ...] = ()
    edited: bool = False
    deleted: bool = False
    reaction: str = ""  # what the other side put on it

    @property
    def is_unread(self) -> bool:
        """It came, and nobody looked yet."""
        return not self.mine and self.status != READ


@dataclass(frozen=True)
class Thread:
    """A conversation as a list shows it."""

    owner: str
    peer: str
    last: Bubble
    unread: int


@dataclass
class _Content:
    """What the lines up to `end` say."""

    end: int = 0
    bubbles: dict[str, Bubble] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


_read: dict[Path, _Content] = {}
_lock = threading.Lock()


class Book:
    """The book of one app. Reads only what was added since it was read last."""

    def __init__(self, app: str, folder: Path | None = None) -> None:
        self.folder = (folder or Path(settings.DATA_DIR)) / "telephone"
        self.path = self.folder / f"{app}.jsonl"

    # Writing

    def add(self, bubble: Bubble) -> None:
        """A message came, or went."""
        row = {
            **{name: getattr(bubble, name) for name in ("id", "owner", "peer", "mine", "text")},
            "sort": "message",
            "at": bubble.at.isoformat(),
            "status": bubble.status,
            "tag": bubble.tag,
            "buttons": [list(button) for button in bubble.buttons],
            "files": [vars(file) for file in bubble.files],
        }
        self._write(row)

    def mark(self, pk: str, status: str) -> None:
        """News of a message."""
        self._write({"sort": "status", "id": pk, "status": status})

    def change(self, pk: str, **fields: str | bool) -> None:
        """Somebody changed it afterwards: `text` and `edited`, `deleted`, `reaction`."""
        self._write({"sort": "changed", "id": pk, "fields": fields})

    def date(self, pk: str, at: datetime) -> None:
        """Move a message in time; for demo data only."""
        self._write({"sort": "moved", "id": pk, "at": at.isoformat()})

    def note(self, name: str, value: Any) -> None:
        """Something that the provider has to remember."""
        self._write({"sort": "fact", "name": name, "value": value})

    def keep(self, content: bytes, name: str, content_type: str) -> Kept:
        """Put a file beside the book."""
        kept = Kept(uuid.uuid4().hex, name, content_type, len(content))
        place = self.folder / "files"
        place.mkdir(parents=True, exist_ok=True)
        (place / kept.key).write_bytes(content)
        return kept

    def clear(self) -> None:
        """Throw everything away."""
        self.path.unlink(missing_ok=True)

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
            file.write(line)

    # Reading

    def bubbles(self, owner: str = "", peer: str = "") -> list[Bubble]:
        """A conversation, the oldest first; without names, all of them."""
        found = [b for b in self._all() if owner in ("", b.owner) and peer in ("", b.peer)]
        found.sort(key=lambda bubble: bubble.at)
        return found[-MAX_SHOWN:] if peer else found

    def get(self, pk: str) -> Bubble | None:
        """The message of that id; None if there is none."""
        return self._content().bubbles.get(pk)

    def file(self, key: str) -> tuple[Kept, bytes] | None:
        """A kept file and its content; only one that a message or an upload names."""
        known = [file for bubble in self._all() for file in bubble.files]
        facts = dict(self._content().facts)
        known += [Kept(**raw) for name, raw in facts.items() if name.startswith(UPLOAD)]
        found = next((file for file in known if file.key == key), None)
        return (found, (self.folder / "files" / key).read_bytes()) if found else None

    def fact(self, name: str, default: Any = None) -> Any:
        """What was noted under that name."""
        return self._content().facts.get(name, default)

    def facts(self, start: str) -> dict[str, Any]:
        """Everything noted under a name that starts so, the oldest first."""
        known = dict(self._content().facts)
        return {n: value for n, value in known.items() if n.startswith(start) and value}

    def threads(self, owner: str = "") -> list[Thread]:
        """The conversations, the newest first."""
        grouped: dict[tuple[str, str], list[Bubble]] = {}
        for bubble in self.bubbles(owner):
            grouped.setdefault((bubble.owner, bubble.peer), []).append(bubble)
        rows = [
            Thread(who, peer, rows[-1], sum(row.is_unread for row in rows))
            for (who, peer), rows in grouped.items()
        ]
        return sorted(rows, key=lambda thread: thread.last.at, reverse=True)

    def owners(self) -> set[str]:
        """Whose telephones have this app in use."""
        return {bubble.owner for bubble in self._all()}

    def unread(self, owner: str = "") -> int:
        """How many messages nobody looked at."""
        return sum(bubble.is_unread for bubble in self.bubbles(owner))

    def _all(self) -> list[Bubble]:
        return list(self._content().bubbles.values())

    def version(self) -> int:
        """Changes with every line; reads nothing."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def _content(self) -> _Content:
        with _lock:
            content = _read.setdefault(self.path, _Content())
            if self.version() < content.end:  # thrown away meanwhile
                content = _read[self.path] = _Content()
            if self.version() > content.end:
                with open(self.path, "rb") as file:
                    file.seek(content.end)
                    lines = file.read().rpartition(b"\n")[0]
                content.end += len(lines) + 1 if lines else 0
                _take(content, lines.splitlines())
            return content


def _take(content: _Content, lines: Iterable[bytes]) -> None:
    for line in lines:
        row = json.loads(line)
        sort, old = row["sort"], content.bubbles.get(row.get("id", ""))
        if sort == "message":
            content.bubbles[row["id"]] = _bubble(row)
        elif sort == "fact":
            content.facts[row["name"]] = row["value"]
        elif old is not None and sort == "moved":
            content.bubbles[old.id] = replace(old, at=datetime.fromisoformat(row["at"]))
        elif old is not None and sort == "changed":
            content.bubbles[old.id] = replace(old, **row["fields"])
        elif old is not None and sort == "status" and _is_news(old.status, row["status"]):
            content.bubbles[old.id] = replace(old, status=row["status"])


def _bubble(row: dict[str, Any]) -> Bubble:
    plain = ("id", "owner", "peer", "mine", "text", "status", "tag")
    return Bubble(
        **{name: row[name] for name in plain},
        at=datetime.fromisoformat(row["at"]),
        buttons=tuple((word, label) for word, label in row["buttons"]),
        files=tuple(Kept(**raw) for raw in row["files"]),
    )


def _is_news(old: str, new: str) -> bool:
    return ORDER.index(new) > ORDER.index(old)


def now() -> datetime:
    """This moment, as the books note it."""
    return datetime.now(UTC)

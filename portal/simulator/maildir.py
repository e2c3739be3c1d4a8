"""The customers' mailbox of the demo: a Maildir that SMTP fills and the pocket reads."""

import hashlib
import mailbox
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from channels_app.mailparse.model import ParsedMail, Unparseable
from channels_app.mailparse.parsing import parse

OWNER = re.compile(rb"\AReturn-Path: [^\n]*\nDelivered-To: ([^\n]*)\n")
MAX_SHOWN = 200  # mails that a list looks at
SEEN, ANSWERED = "S", "R"


@dataclass(frozen=True)
class Letterhead:
    """What a list shows of a mail."""

    sender: str
    subject: str
    preview: str


@dataclass(frozen=True)
class Mail:
    """One mail in somebody's mailbox. `key`, the first part of its file name, never changes."""

    key: str
    path: Path
    flags: str
    at: datetime

    @property
    def is_unread(self) -> bool:
        """Nobody opened it yet."""
        return SEEN not in self.flags

    @property
    def is_answered(self) -> bool:
        """The customer answered it."""
        return ANSWERED in self.flags

    @property
    def owner(self) -> str:
        """The address that it was delivered to."""
        return _owner(self.key, self.path)

    @property
    def head(self) -> Letterhead:
        """Sender, subject and the first words."""
        return _head(self.key, self.path)

    @property
    def content(self) -> ParsedMail:
        """The whole mail, parsed."""
        return _content(self.key, self.path)

    @property
    def raw(self) -> bytes:
        """The mail as it came."""
        return _read(self.key, self.path)

    @property
    def reply_to(self) -> str:
        """The address that an answer goes to: Reply-To, else From."""
        headers = BytesHeaderParser().parsebytes(self.raw)
        return parseaddr(str(headers["Reply-To"] or headers["From"] or ""))[1]


def _read(key: str, path: Path) -> bytes:
    """The file, wherever somebody's mark has moved it meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return next(path.parent.parent.glob(f"*/{key}*")).read_bytes()


# A mail never changes, only its flags do: what was read of it can be kept, by its key.
@lru_cache(maxsize=2000)
def _owner(key: str, path: Path) -> str:
    found = OWNER.match(_read(key, path))
    return found[1].decode("utf-8", "replace").strip() if found else ""


@lru_cache(maxsize=2000)
def _head(key: str, path: Path) -> Letterhead:
    mail = _content(key, path)
    words = " ".join((mail.reply_text or mail.text).split())
    return Letterhead(mail.from_name or mail.from_email, mail.subject, words[:140])


@lru_cache(maxsize=100)
def _content(key: str, path: Path) -> ParsedMail:
    raw = _read(key, path)
    try:
        return parse(raw)
    except Unparseable as error:
        headers = BytesHeaderParser().parsebytes(raw[:100_000])
        subject = str(make_header(decode_header(str(headers["Subject"] or ""))))
        return ParsedMail(subject=subject, error=str(error))


class Maildir:
    """Reads and writes the folder; every change is a rename, so that readers see whole mails."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(settings.DATA_DIR) / "pocket"

    def deliver(self, raw: bytes, *, sender: str, owner: str) -> str:
        """Put a mail into an owner's mailbox; its key."""
        head = f"Return-Path: <{_line(sender)}>\nDelivered-To: {_line(owner).lower()}\n"
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        box = mailbox.Maildir(self.folder, create=True)
        return str(box.add(head.encode() + raw.replace(b"\r\n", b"\n")))

    def mails(self, owner: str = "") -> list[Mail]:
        """The newest mails first, of one owner or of everybody."""
        found = sorted(self._scan(), key=lambda mail: (mail.at, mail.key), reverse=True)
        mine = (mail for mail in found if not owner or mail.owner == owner)
        return [mail for _n, mail in zip(range(MAX_SHOWN), mine, strict=False)]

    def get(self, key: str) -> Mail | None:
        """The mail of that key; None if there is none."""
        return next((mail for mail in self._scan() if mail.key == key), None)

    def mark(self, mail: Mail, flag: str) -> None:
        """Note that a mail was seen or answered."""
        if flag in mail.flags:
            return
        flags = "".join(sorted({*mail.flags, flag}))
        try:
            mail.path.rename(self.folder / "cur" / f"{mail.key}:2,{flags}")
        except FileNotFoundError:
            return  # somebody else marked it at the same moment

    def date(self, key: str, at: datetime) -> None:
        """Move a mail in time; for demo data only."""
        mail = self.get(key)
        if mail is not None:
            os.utime(mail.path, (at.timestamp(), at.timestamp()))

    def owners(self) -> list[str]:
        """Everybody who has mail, in alphabetical order."""
        return sorted({mail.owner for mail in self._scan()} - {""})

    def unread(self) -> int:
        """How many mails nobody opened yet."""
        return sum(mail.is_unread for mail in self._scan())

    def version(self) -> str:
        """Changes with every mail that comes and every mark that is set; reads no mail."""
        names = sorted(f"{mail.key}:{mail.flags}" for mail in self._scan())
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def clear(self) -> None:
        """Throw every mail away."""
        for mail in self._scan():
            mail.path.unlink(missing_ok=True)

    def _scan(self) -> list[Mail]:
        found = []
        for name in ("new", "cur"):
            try:
                entries = list(os.scandir(self.folder / name))
            except FileNotFoundError:
                continue
            for entry in entries:
                key, _colon, info = entry.name.partition(":")
                try:
                    at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                except FileNotFoundError:
                    continue
                flags = info.removeprefix("2,")
                found.append(Mail(key, Path(entry.path), flags, at))
        return found


def _line(text: str) -> str:
    return " ".join(text.split())[:320]

"""What the fake providers share: a call, its answer, and what a provider posts by itself."""

import hashlib
import hmac
import json
import re
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from portal.simulator.book import DELIVERED, READ, SENT, Book, Bubble, Kept, now

NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")  # of a telephone
SOON, LATER = 0.15, 0.6  # seconds until "sent" and until "delivered" is told


class InMemory(MemoryFileUploadHandler):
    """Keeps each file in memory: the whole body is there already."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        """Whatever its size; Django's own leaves what is larger than 2.5 MB to others."""
        self.activated = True


@dataclass(frozen=True)
class Call:
    """A request to a provider. `path` is what stands behind its base address, without a query."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # names in small letters
    query: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    base: str = ""  # the base address, as whoever called knows it

    def header(self, name: str) -> str:
        """The value of a header, "" without it."""
        return self.headers.get(name, "")

    @property
    def form(self) -> dict[str, list[str]]:
        """The fields of a form."""
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def parts(self) -> tuple[dict[str, str], dict[str, UploadedFile]]:
        """Fields and files of a form with files. ValueError where the body is none."""
        meta = {
            "CONTENT_TYPE": self.header("content-type"),
            "CONTENT_LENGTH": str(len(self.body)),
        }
        try:
            parser = MultiPartParser(meta, BytesIO(self.body), [InMemory()])
            fields, files = parser.parse()
        except (MultiPartParserError, SuspiciousOperation):
            raise ValueError("The body is no form.") from None
        uploads = {name: file for name, file in files.items() if isinstance(file, UploadedFile)}
        return {name: str(value) for name, value in fields.items()}, uploads

    @property
    def basic(self) -> tuple[str, str]:
        """Name and password of basic authentication; empty where there are none."""
        scheme, _blank, value = self.header("authorization").partition(" ")
        try:
            name, _colon, password = b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return (name, password) if scheme.lower() == "basic" else ("", "")

    @property
    def bearer(self) -> str:
        """The token of "Authorization: Bearer"; "" without one."""
        scheme, _blank, token = self.header("authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class Hook:
    """A request that a provider posts to whoever has an account there."""

    url: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    app: str
    after: float = 0.0  # seconds from now
    bubble: str = ""  # the customer's message that it brings
    owner: str = ""
    peer: str = ""


@dataclass(frozen=True)
class Answer:
    """What a provider answers, and what it will post."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()


def answer_json(content: Any, status: int = 200, hooks: Sequence[Hook] = ()) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(content).encode(), hooks=tuple(hooks))


class Provider(ABC):
    """One fake provider. Its state is the book of its app."""

    app: ClassVar[str] = ""
    place: ClassVar[str] = ""  # behind /demo/providers/
    peers: ClassVar[re.Pattern[str]] = NUMBER  # how the shop is named there
    starts: ClassVar[bool] = False  # a conversation begins with a button, not with words
    tells_read: ClassVar[bool] = True
    corrects: ClassVar[bool] = False  # what was written can be changed, deleted and reacted to
    carries_files: ClassVar[bool] = False  # from the customer to the shop

    @property
    def book(self) -> Book:
        """What the telephones hold of this app."""
        return Book(self.app)

    @property
    def webhook(self) -> str:
        """The public address that the shop gave to the provider."""
        return f"{settings.PUBLIC_URL}/webhooks/{self.app}/"

    def is_on(self, mood: str) -> bool:
        """Whether somebody asked it to misbehave in that way."""
        return bool(self.book.fact(f"mood:{mood}"))

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Answer as the provider does."""

    @abstractmethod
    def busy(self) -> Answer:
        """How it says that it was asked too often."""

    @abstractmethod
    def new_id(self) -> str:
        """An id as it gives to a message."""

    @abstractmethod
    def incoming(self, bubble: Bubble, word: str = "") -> Hook:
        """What it posts when the customer wrote; `word` is that of the button tapped."""

    def bubble(self, owner: str, peer: str, *, mine: bool = False, **shown: Any) -> Bubble:
        """A new message of this moment: the shop's, or (`mine`) the customer's."""
        return Bubble(self.new_id(), owner, peer, now(), mine, status=SENT, **shown)

    def correction(self, bubble: Bubble, sort: str, text: str) -> Hook | None:
        """What it posts when the customer edited, deleted or reacted; None where that goes not."""
        return None

    def news(self, bubble: Bubble, status: str, after: float = 0.0) -> Hook | None:
        """What it posts when a message of the shop was sent, delivered or read; None: nothing."""
        return None

    def felt(self, mood: str, *, on: bool) -> list[Hook]:
        """What it posts by itself when that mood begins or ends."""
        return []

    def arrival(self, bubble: Bubble) -> tuple[Hook, ...]:
        """The news of a message that goes well."""
        told = (self.news(bubble, SENT, SOON), self.news(bubble, DELIVERED, LATER))
        return tuple(hook for hook in told if hook)

    def seen(self, owner: str, peer: str) -> list[Hook]:
        """The customer opened a conversation."""
        hooks = []
        for bubble in self.book.bubbles(owner, peer):
            if bubble.is_unread:
                self.book.mark(bubble.id, READ)
                told = self.tells_read and bubble.tag and self.news(bubble, READ, LATER)
                if told:
                    hooks.append(told)
        return hooks


def secret_is(given: str, wanted: str) -> bool:
    """Compare in constant time; an empty one is never right."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def sha1(key: str, text: str) -> str:
    """HMAC-SHA1 in base64."""
    return b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def sha256(key: str, body: bytes) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def described(file: Kept, content: bytes) -> dict[str, Any]:
    """What providers say of a file."""
    digest = b64encode(hashlib.sha256(content).digest()).decode()
    return {"mime_type": file.content_type, "sha256": digest}

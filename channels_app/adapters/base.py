"""The adapter contract (design.md section 3): frozen dataclasses in, frozen dataclasses out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar


@dataclass(frozen=True)
class Reason:
    """Why something did not go: a code of channels_app/reasons.py, which makes the sentence.

    `data` completes the sentence: names and numbers as text, dates as ISO, kinds by name.
    """

    code: str
    data: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def said(cls, text: str) -> "Reason":
        """What a server or a provider said, as it came (PostgreSQL's JSON takes no NUL)."""
        return cls("said", {"text": " ".join(text.replace("\x00", "").split())[:300]})

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> "Reason":
        """What a row keeps."""
        data = dict(stored)
        return cls(data.pop("code", ""), data)

    @property
    def stored(self) -> dict[str, str]:
        """As a row keeps it."""
        return {"code": self.code, **self.data}


@dataclass(frozen=True)
class Capabilities:
    """What a provider can do for one kind."""

    automatic: bool = True  # False: a person does it, the delivery becomes a to-do
    immediate: bool = False  # the row itself is the delivery: it stands on our own page
    live: bool = False  # both sides are there at the same time
    receipts: bool = False  # tells us delivered / read
    idempotent: bool = False  # the provider drops a repeat of the same key
    authenticates_sender: bool = False  # never for SMS, caller id, plain mail
    written: bool = True  # leaves the customer a record
    private: bool = False  # fit for sensitive content
    max_text: int | None = None
    max_segments: int | None = None  # of SMS, so many at most; a longer answer: a notice and a link
    media: frozenset[str] = frozenset()  # content types of files that go along; the rest: a link
    max_file: int | None = None  # bytes of one file; None: as large as a file may be at all
    reply_window: timedelta | None = None  # so long after the customer's last message may one write
    templates: bool = False  # outside the window an approved template may go
    can_start: bool = True  # False: the customer must write first
    has_rooms: bool = False  # both sides enter a room of its own, at an agreed time

    @property
    def writes_first(self) -> bool:
        """Whether an address is proved by a message from there, as no code of ours may go there."""
        return not self.can_start or self.reply_window is not None

    @property
    def takes_codes(self) -> bool:
        """Whether a code may be sent to an address that never wrote to us."""
        return self.automatic and not self.immediate and not self.writes_first


@dataclass(frozen=True)
class Account:
    """What an adapter may know of a channel. `config` holds `env:NAME` references only."""

    kind: str
    address: str = ""
    config: tuple[tuple[str, str], ...] = ()
    version: int = 1

    def setting(self, name: str) -> str:
        """The value behind a reference: the one place where a secret is resolved."""
        reference = dict(self.config).get(name, "")
        if not reference.startswith("env:"):
            raise Misconfigured(Reason("setting_missing", {"name": name}))
        value = os.environ.get(reference.removeprefix("env:"), "")
        if not value:
            name = reference.removeprefix("env:")
            raise Misconfigured(Reason("setting_empty", {"name": name}))
        return value


@dataclass(frozen=True)
class OutFile:
    """A file that goes along."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Button:
    """A word to tap; `word` comes back as the text of the answer."""

    word: str
    label: str


@dataclass(frozen=True)
class Approved:
    """A text that the provider approved beforehand: its name there, language and values."""

    name: str
    language: str
    values: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Outbound:
    """One message as one kind can carry it. `key` is the same on every try.

    `approved`: goes instead of `text`, which still says what it says.
    """

    key: str
    to: str
    text: str = field(repr=False)
    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""
    subject: str = ""
    html: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    files: tuple[OutFile, ...] = ()
    buttons: tuple[Button, ...] = ()
    approved: Approved | None = None
    receipts_to: str = ""  # the public address of this channel's webhook


@dataclass(frozen=True)
class Sent:
    """The provider took it."""

    provider_id: str = ""


@dataclass(frozen=True)
class Guest:
    """Somebody who enters a room: until when at the latest, and whether it is one of ours."""

    room: str
    name: str = field(repr=False)
    is_host: bool
    now: datetime
    until: datetime


@dataclass(frozen=True)
class Request:
    """What came in by a door: raw bytes and what the door knew besides.

    `method` is that of HTTP; "" means a door of our own (SMTP, a pipe), which brings whole mails.
    """

    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # names in small letters
    envelope_from: str = ""
    envelope_to: tuple[str, ...] = ()
    received_at: datetime | None = None
    method: str = ""
    # Built from PUBLIC_URL, never from what the caller says; its query may hold a secret.
    url: str = field(default="", repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    remote_address: str = ""  # who connected: with a proxy before us, that proxy

    def header(self, name: str) -> str:
        """The value of a header, "" without it."""
        return dict(self.headers).get(name, "")


@dataclass(frozen=True)
class InFile:
    """A file that came in; with a `reference` its content is still to be fetched."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""
    reference: str = field(default="", repr=False)  # the provider's own id or address of it


@dataclass(frozen=True)
class Inbound:
    """Somebody wrote. The codes are secrets found in addresses and in what was tapped."""

    external_id: str
    provider_id: str
    scheme: str
    sender: str
    sender_name: str = ""
    subject: str = ""
    text: str = field(default="", repr=False)
    whole_text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    files: tuple[InFile, ...] = ()
    reply_codes: tuple[str, ...] = ()
    join_codes: tuple[str, ...] = ()
    refers_to: tuple[str, ...] = ()
    authenticated: bool = False
    automatic: bool = False
    ours: bool = False  # it carries our own mark: a loop
    kept_out: tuple[tuple[str, Reason], ...] = ()  # files that did not come along, and why
    language: str = ""
    greeting: bool = False  # they opened the conversation, and wrote nothing yet
    keyword: str = ""  # stop, start or help: the provider understood it, and answered it itself
    # By the provider's clock, where it says so.
    written_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Correction:
    """The customer did something to a message that is there: edited, deleted or reacted.

    `provider_id`: that message as the provider calls it, the customer's or ours; `text`: the new
    words, or the sign of the reaction ("" takes it back).
    """

    external_id: str
    provider_id: str
    scheme: str
    sender: str
    sort: str
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Receipt:
    """How a delivery went: delivered, read, delayed, returned, failed, complained.

    `signed`: the provider itself said it in a request that was verified. A report that comes as a
    mail is not: anybody can write one, so it must bring back a secret of ours.
    """

    external_id: str
    key: str
    status: str
    recipient: str = ""
    detail: str = ""
    gone: bool = False  # the address is no more
    stopped: bool = False  # they told the provider that they want nothing from us there
    too_late: bool = False  # its reply window was closed: only an approved text may go
    reply_codes: tuple[str, ...] = ()  # secrets of ours that the report came back with
    signed: bool = False


@dataclass(frozen=True)
class Block:
    """The customer blocked us there, or lifted that again; nothing was written."""

    external_id: str
    scheme: str
    sender: str
    lifted: bool = False


Parsed = Inbound | Correction | Receipt | Block


class SendError(Exception):
    """It did not go. `why` is fit for staff and holds no secret; a text is what a provider said."""

    retryable = False

    def __init__(
        self,
        why: Reason | str = "",
        *,
        retry_after: timedelta | None = None,
        everyone: bool = False,
    ) -> None:
        self.why = why if isinstance(why, Reason) else Reason.said(why)
        super().__init__(self.why.code)
        self.retry_after = retry_after
        self.everyone = everyone  # it concerns the whole account, not this message


class Unavailable(SendError):
    """Time-out, 5xx, 429: try again, not before `retry_after`."""

    retryable = True


class Rejected(SendError):
    """The provider refuses this message."""


class RecipientGone(SendError):
    """The address does not exist or blocks us: the identity is marked."""


class Stopped(RecipientGone):
    """They told the provider that they want nothing from us there (STOP, a block)."""


class Misconfigured(SendError):
    """The account is wrong: the channel is paused, staff are told."""

    retryable = True


class Uncertain(SendError):
    """The connection broke after everything was handed over: perhaps it went."""


class BadSignature(Exception):
    """Whoever called cannot show that it is the provider: 403."""


class BadPayload(Exception):
    """What came cannot be read: 400, and never again."""


class Adapter:
    """Speaks to one provider through one account. One instance per process, thread and version."""

    kinds: ClassVar[frozenset[str]] = frozenset()
    label: ClassVar[str] = ""  # how people call the provider
    # Whether the provider calls us by HTTP; without it the door does not exist (404).
    webhooks: ClassVar[bool] = False
    # What `parse` needs of a request's headers later. Never one that holds a secret.
    headers_kept: ClassVar[frozenset[str]] = frozenset()
    # The same of the address that was called: what we wrote into it ourselves.
    query_kept: ClassVar[frozenset[str]] = frozenset()
    # What the provider hears once its request is stored, and of which type.
    stored: ClassVar[tuple[str, str]] = ("Stored.\n", "text/plain; charset=utf-8")
    # Names in `Account.config`, each an `env:` reference; a check says which of them are missing.
    settings_needed: ClassVar[tuple[str, ...]] = ()
    settings_optional: ClassVar[tuple[str, ...]] = ()
    # Those of them that we make up and an administrator types at the provider: shown on demand.
    settings_given: ClassVar[tuple[str, ...]] = ()
    # Those whose values browsers get, and how the names of their variables have to end.
    settings_seen: ClassVar[Mapping[str, str]] = {}
    # How the own address of an account looks, whole, and one to show; "": it has none of its own.
    address_pattern: ClassVar[str] = ""
    address_example: ClassVar[str] = ""

    def __init__(self, account: Account) -> None:
        self.account = account

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """What the provider can do for that kind."""
        return Capabilities()

    def check(self) -> Reason:
        """Really connect; what was seen. Raises SendError."""
        return Reason("by_hand")

    def send(self, outbound: Outbound) -> Sent:
        """Hand one message over. Raises SendError."""
        raise Rejected(Reason("sends_nothing"))

    def verify(self, request: Request) -> None:
        """Raise BadSignature unless the request is the provider's. Refuses by default."""
        raise BadSignature("This door is closed.")

    def challenge(self, request: Request) -> str:
        """The answer to a provider that asks whether this address is ours. Refuses by default."""
        raise BadSignature("Nothing is asked here.")

    def fingerprint(self, request: Request) -> bytes:
        """What makes a request the same one when it comes again; asked after `verify`.

        Where a signature covers only a part (a token), it is that part: the same token with
        another body is refused.
        """
        return request.body

    def parse(self, request: Request) -> list[Parsed]:
        """What the request says; an unknown event is an empty list. Raises BadPayload."""
        return []

    def fetch(self, file: InFile, limit: int) -> InFile:
        """A file with its content, at most `limit` bytes. Raises Unavailable, or Rejected."""
        raise Rejected(Reason("sends_nothing"))

    def link_to_write(self, text: str, code: str) -> str:
        """Where a customer taps to write to us first, with a text ready; "" if there is none."""
        return ""

    def entrance(self, guest: Guest) -> str:
        """The address by which one enters a room, for this guest alone. Raises SendError."""
        raise Rejected(Reason("sends_nothing"))

    def rooms_at(self) -> str:
        """The origin of that address, which a browser must be allowed to go to; "" without one."""
        return ""

    def close(self) -> None:
        """Close connections that stay open between sends."""

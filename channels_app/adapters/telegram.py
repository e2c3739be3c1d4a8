"""Telegram by its Bot API: JSON out, updates in, each with a secret that was agreed on.

Refusals of Telegram -> ours; otherwise HTTP's status counts (http.py):
  403 (blocked, deleted, never started), 400 in words of GONE, another chat -> RecipientGone
  429 -> Unavailable, for so long as `retry_after` says    404 (no such bot) -> Misconfigured
What Telegram posts: updates.py.

It drops no repeat and has no place for a key of ours; it tells neither that a message arrived nor
that it was read, nor that one was deleted.
"""

import json
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from channels_app.adapters import updates
from channels_app.adapters.base import (
    BadPayload,
    BadSignature,
    Button,
    Capabilities,
    InFile,
    Misconfigured,
    Outbound,
    OutFile,
    Parsed,
    Reason,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Sent,
    Unavailable,
)
from channels_app.adapters.http import Door, HttpAdapter, send_in_parts
from channels_app.adapters.media import OFFICE, SOUNDS, checked
from channels_app.adapters.outside import MAX_PAUSE, Answer
from channels_app.adapters.payload import clean, is_number, is_same, piece

PER_SECOND = 14  # by each of two workers; Telegram takes about 30 of one bot
MAX_TEXT, MAX_CAPTION = 4096, 1024
MAX_PHOTO = 10 * 1024 * 1024  # a larger picture goes as a document
MAX_FILE = 50 * 1024 * 1024
MAX_BYTES = 1024 * 1024  # of an update, which holds no file
POLL = 10  # seconds that Telegram holds a question for news: shorter than the door's patience
LAST = 8  # updates in one answer: of the longest words more than the door reads
GONE = ("chat not found", "user not found", "peer_id_invalid", "user_is_blocked", "deactivated")
PHOTOS = frozenset({"image/jpeg", "image/png"})
MEDIA = PHOTOS | {
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/3gpp",
    *SOUNDS,
    "application/pdf",
    "text/plain",
    "text/csv",
    "application/zip",
    *OFFICE,
}


class TelegramAdapter(HttpAdapter):
    """One bot. Without a webhook secret its messages are fetched (`manage.py read_telegram`)."""

    label: ClassVar[str] = "Telegram"
    home: ClassVar[str] = "https://api.telegram.org"
    kinds: ClassVar[frozenset[str]] = frozenset({"telegram"})
    webhooks: ClassVar[bool] = True
    settings_needed: ClassVar[tuple[str, ...]] = ("bot_token",)
    settings_optional: ClassVar[tuple[str, ...]] = (
        "webhook_secret",
        *HttpAdapter.settings_optional,
    )
    settings_given: ClassVar[tuple[str, ...]] = ("webhook_secret",)
    address_pattern: ClassVar[str] = r"[A-Za-z][A-Za-z0-9_]{4,31}"
    address_example: ClassVar[str] = "OurShopBot"

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """Telegram answers for who wrote; they write first, and we may answer for ever."""
        return Capabilities(
            authenticates_sender=True,
            max_text=MAX_TEXT,
            media=MEDIA,
            max_file=MAX_FILE,
            can_start=False,
        )

    # Out

    def check(self) -> Reason:
        """Ask who the bot is, and whether it is the one that customers are shown."""
        answer = self.door.call("GET", "/getMe")
        name = clean(piece(answer.said, "result").get("username"))
        if not answer.ok or not name:
            raise self._refusal(answer)
        if name.lower() != self.account.address.lower():
            raise Misconfigured(f"getMe: @{self.door.clean(name)}")
        return Reason("provider_knows", {"provider": self.label})

    def send(self, outbound: Outbound) -> Sent:
        """Hand one answer over: files first, what is written last."""
        parts = [(outbound.to, words, file) for words, file in _parts(outbound)]
        return Sent(send_in_parts(parts, self._post))

    def _post(self, to: str, words: dict[str, Any], file: OutFile | None) -> str:
        """One message; its id."""
        told = {"chat_id": int(_chat(to)), **words}
        if file is None:
            answer = self.door.call("POST", "/sendMessage", json=told)
        else:
            answer = self._upload(told, file)
        pk = piece(answer.said, "result").get("message_id")
        if not answer.ok or not is_number(pk):
            raise self._refusal(answer)
        return f"{to}:{pk}"

    def _upload(self, told: dict[str, Any], file: OutFile) -> Answer:
        """A picture as one, if Telegram takes it (its sides may be too long); else a document."""
        # In a form what is no text stands as JSON.
        data = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in told.items()
        }
        content = (file.name, file.content, file.content_type)
        if file.content_type in PHOTOS and len(file.content) <= MAX_PHOTO:
            answer = self.door.call("POST", "/sendPhoto", data=data, files={"photo": content})
            if answer.status != 400 or self._is_gone(answer):
                return answer
        return self.door.call("POST", "/sendDocument", data=data, files={"document": content})

    def _open(self) -> Door:
        secrets = (self.account.setting("bot_token"),)
        return Door(self._place(), secrets=secrets, per_second=PER_SECOND)

    def _place(self, files: str = "") -> str:
        """Where our bot is asked; its token is part of the address."""
        token = quote(self.account.setting("bot_token"), safe=":")
        return f"{self.base_url}{files}/bot{token}"

    def _is_gone(self, answer: Answer) -> bool:
        words = clean(answer.said.get("description")).lower()
        moved = piece(answer.said, "parameters").get("migrate_to_chat_id")
        return answer.status == 403 or bool(moved) or any(word in words for word in GONE)

    def _refusal(self, answer: Answer) -> SendError:
        """By Telegram's own words where they say more than the status."""
        words = answer.said.get("description")
        detail = f"{answer.status} {self.door.clean(words)}"
        if answer.status in (400, 403) and self._is_gone(answer):
            return RecipientGone(detail)
        if answer.status == 404:
            return Misconfigured(detail)
        wait = piece(answer.said, "parameters").get("retry_after")
        if answer.status == 429 and is_number(wait):
            after = min(timedelta(seconds=min(max(wait, 0), 10**6)), MAX_PAUSE)
            return Unavailable(detail, retry_after=after, everyone=True)
        return self.door.refusal(answer, words)

    # In

    def verify(self, request: Request) -> None:
        """The secret that Telegram was given with our address; nothing of the body is signed."""
        self.account.setting("bot_token")  # without it nothing could be read later
        if len(request.body) > MAX_BYTES:
            raise BadPayload("It is too large.")
        if not request.method and self.fetches:  # by a door of our own
            return
        given = request.header("x-telegram-bot-api-secret-token")
        if not is_same(self.account.setting("webhook_secret"), given):
            raise BadSignature("The secret is not the one that was agreed on.")

    def parse(self, request: Request) -> list[Parsed]:
        """The update of one request."""
        return list(updates.read(request.body, self.account.setting("bot_token").partition(":")[0]))

    @property
    def fetches(self) -> bool:
        """Whether nobody calls us: Telegram does one or the other."""
        return "webhook_secret" not in dict(self.account.config)

    def news(self, after: int) -> list[tuple[int, bytes]]:
        """What came since, with its number, in order; waits for it. Raises SendError.

        Telegram forgets what came up to `after`: it must be stored by then.
        """
        asked = {
            "offset": after + 1,
            "limit": LAST,
            "timeout": POLL,
            "allowed_updates": updates.WANTED,
        }
        answer = self.door.call("POST", "/getUpdates", repeatable=True, json=asked)
        found = answer.said.get("result")
        if not answer.ok or not isinstance(found, list):
            raise self._refusal(answer)
        known = [one for one in found if isinstance(one, dict)]
        known = [one for one in known if is_number(one.get("update_id"))]
        return [(one["update_id"], json.dumps(one).encode()) for one in known]

    def fetch(self, file: InFile, limit: int) -> InFile:
        """Ask where the file lies, then for the file."""
        asked = {"file_id": file.reference}
        answer = self.door.call("POST", "/getFile", repeatable=True, json=asked)
        if not answer.ok:
            words = self.door.clean(answer.said.get("description"))
            if answer.status == 400 and "too big" in words:
                raise Rejected(Reason("file_too_large"))
            meaning = Unavailable if answer.status != 400 or "temporarily" in words else Rejected
            raise meaning(f"{answer.status} {words}")
        found = piece(answer.said, "result")
        path = found.get("file_path")
        url = f"{self._place('/file')}/{quote(path)}" if isinstance(path, str) else None
        content, served = self.door.fetch_kept(url, found.get("file_size"), limit)
        # What its sender says counts: Telegram guesses by the ending.
        return checked(file, content, "" if file.content_type else served)

    def link_to_write(self, text: str, code: str) -> str:
        """The chat with our bot; its button *Start* sends the code."""
        name = self.account.address
        return f"https://t.me/{name}?start={quote(code, safe='')}" if name else ""


def _parts(outbound: Outbound) -> list[tuple[dict[str, Any], OutFile | None]]:
    """The messages that it takes: what each says, and its file."""
    text, keys = outbound.text.strip(), _keyboard(outbound.buttons)
    if len(outbound.files) == 1 and len(text) <= MAX_CAPTION:
        return [(({"caption": text} if text else {}) | keys, outbound.files[0])]
    files: list[tuple[dict[str, Any], OutFile | None]] = [({}, file) for file in outbound.files]
    # No preview: Telegram would call each address in it, and ours are one customer's own.
    words = {"text": text, "link_preview_options": {"is_disabled": True}} | keys
    return [*files, (words, None)] if text or not files else files


def _keyboard(buttons: tuple[Button, ...]) -> dict[str, Any]:
    rows = [[{"text": button.label, "callback_data": button.word}] for button in buttons]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _chat(value: str) -> str:
    chat = value.rpartition(":")[2]
    if not chat.removeprefix("-").isdecimal():
        raise RecipientGone(Reason.said(value))
    return chat

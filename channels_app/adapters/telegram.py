"""Telegram by its Bot API: JSON out, updates in, each with a secret that was agreed on.

Refusals of Telegram -> ours; otherwise HTTP's status counts (http.py):
  403 (blocked, deleted, never started), 400 in words of GONE, another chat -> RecipientGone
  429 -> Unavailable, for so long as `retry_after` says    404 (no such bot) -> Misconfigured
What Telegram posts: updates.py.

It drops no repeat and has no place for a key of ours; it tells neither that a message arrived nor
that it was read, nor that one was deleted.
"""

import hmac
import json
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from channels_app.adapters import updates
from channels_app.adapters.base import (
    Account,
    Adapter,
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
    Uncertain,
)
from channels_app.adapters.http import MAX_PAUSE, Answer, Door, clean
from channels_app.adapters.media import checked

API = "https://api.telegram.org"
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
    "audio/aac",
    "audio/amr",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "application/pdf",
    "text/plain",
    "text/csv",
    "application/zip",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


class TelegramAdapter(Adapter):
    """One bot. Without a webhook secret its messages are fetched (`manage.py read_telegram`)."""

    label: ClassVar[str] = "Telegram"
    kinds: ClassVar[frozenset[str]] = frozenset({"telegram"})
    webhooks: ClassVar[bool] = True
    settings_needed: ClassVar[tuple[str, ...]] = ("bot_token",)
    settings_optional: ClassVar[tuple[str, ...]] = ("webhook_secret", "base_url")
    settings_given: ClassVar[tuple[str, ...]] = ("webhook_secret",)
    address_pattern: ClassVar[str] = r"[A-Za-z][A-Za-z0-9_]{4,31}"
    address_example: ClassVar[str] = "OurShopBot"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._door: Door | None = None

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
        door = self._open()
        answer = door.call("GET", "/getMe")
        name = clean(updates.piece(answer.said, "result").get("username"))
        if not answer.ok or not name:
            raise self._refusal(door, answer)
        if name.lower() != self.account.address.lower():
            raise Misconfigured(f"getMe: @{door.clean(name)}")
        return Reason("provider_knows", {"provider": self.label})

    def send(self, outbound: Outbound) -> Sent:
        """Hand one answer over: files first, what is written last."""
        door, sent = self._open(), ""
        for part in _parts(outbound):
            try:
                sent = self._post(door, outbound.to, *part)
            except SendError as error:
                if not sent:
                    raise
                # A part of it is there: the rest is never sent blindly.
                everyone = error.everyone or isinstance(error, Misconfigured)
                raise Uncertain(error.why, everyone=everyone) from None
        return Sent(sent)

    def _post(self, door: Door, to: str, words: dict[str, Any], file: OutFile | None) -> str:
        """One message; its id."""
        told = {"chat_id": int(_chat(to)), **words}
        if file is None:
            answer = door.call("POST", "/sendMessage", json=told)
        else:
            answer = self._upload(door, told, file)
        pk = updates.piece(answer.said, "result").get("message_id")
        if not answer.ok or not updates.is_number(pk):
            raise self._refusal(door, answer)
        return f"{to}:{pk}"

    def _upload(self, door: Door, told: dict[str, Any], file: OutFile) -> Answer:
        """A picture as one, if Telegram takes it (its sides may be too long); else a document."""
        # In a form what is no text stands as JSON.
        data = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in told.items()
        }
        content = (file.name, file.content, file.content_type)
        if file.content_type in PHOTOS and len(file.content) <= MAX_PHOTO:
            answer = door.call("POST", "/sendPhoto", data=data, files={"photo": content})
            if answer.status != 400 or self._is_gone(answer):
                return answer
        return door.call("POST", "/sendDocument", data=data, files={"document": content})

    def close(self) -> None:
        """Close the connections."""
        if self._door is not None:
            self._door.close()
            self._door = None

    def _open(self) -> Door:
        if self._door is None:
            secrets = (self.account.setting("bot_token"),)
            self._door = Door(self._place(), secrets=secrets, per_second=PER_SECOND)
        return self._door

    def _place(self, files: str = "") -> str:
        """Where our bot is asked; its token is part of the address."""
        own = "base_url" in dict(self.account.config)
        base_url = self.account.setting("base_url") if own else API
        token = quote(self.account.setting("bot_token"), safe=":")
        return f"{base_url.rstrip('/')}{files}/bot{token}"

    def _is_gone(self, answer: Answer) -> bool:
        words = clean(answer.said.get("description")).lower()
        moved = updates.piece(answer.said, "parameters").get("migrate_to_chat_id")
        return answer.status == 403 or bool(moved) or any(word in words for word in GONE)

    def _refusal(self, door: Door, answer: Answer) -> SendError:
        """By Telegram's own words where they say more than the status."""
        words = answer.said.get("description")
        detail = f"{answer.status} {door.clean(words)}"
        if answer.status in (400, 403) and self._is_gone(answer):
            return RecipientGone(detail)
        if answer.status == 404:
            return Misconfigured(detail)
        wait = updates.piece(answer.said, "parameters").get("retry_after")
        if answer.status == 429 and updates.is_number(wait):
            after = min(timedelta(seconds=min(max(wait, 0), 10**6)), MAX_PAUSE)
            return Unavailable(detail, retry_after=after, everyone=True)
        return door.refusal(answer, words)

    # In

    def verify(self, request: Request) -> None:
        """The secret that Telegram was given with our address; nothing of the body is signed."""
        self.account.setting("bot_token")  # without it nothing could be read later
        if len(request.body) > MAX_BYTES:
            raise BadPayload("It is too large.")
        if not request.method and self.fetches:  # by a door of our own
            return
        secret = self.account.setting("webhook_secret").encode()
        given = request.header("x-telegram-bot-api-secret-token").encode("utf-8", "replace")
        if not hmac.compare_digest(secret, given):
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
        door = self._open()
        asked = {
            "offset": after + 1,
            "limit": LAST,
            "timeout": POLL,
            "allowed_updates": updates.WANTED,
        }
        answer = door.call("POST", "/getUpdates", repeatable=True, json=asked)
        found = answer.said.get("result")
        if not answer.ok or not isinstance(found, list):
            raise self._refusal(door, answer)
        known = [one for one in found if isinstance(one, dict)]
        known = [one for one in known if updates.is_number(one.get("update_id"))]
        return [(one["update_id"], json.dumps(one).encode()) for one in known]

    def fetch(self, file: InFile, limit: int) -> InFile:
        """Ask where the file lies, then for the file."""
        door = self._open()
        asked = {"file_id": file.reference}
        answer = door.call("POST", "/getFile", repeatable=True, json=asked)
        if not answer.ok:
            words = clean(answer.said.get("description"))
            if answer.status == 400 and "too big" in words:
                raise Rejected(Reason("file_too_large"))
            if answer.status == 400 and "temporarily" not in words:
                raise Rejected(f"{answer.status} {door.clean(words)}")
            raise Unavailable(f"{answer.status} {door.clean(words)}")
        found = updates.piece(answer.said, "result")
        size, path = found.get("file_size"), found.get("file_path")
        if isinstance(size, int) and size > limit:
            raise Rejected(Reason("file_too_large"))
        if not isinstance(path, str):
            raise Unavailable(Reason("provider_nonsense"))
        content, served = door.fetch(f"{self._place('/file')}/{quote(path)}", limit)
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

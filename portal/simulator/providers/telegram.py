"""Telegram's Bot API as far as a conversation needs it: messages, files, updates in or fetched."""

import hashlib
import json
import re
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from portal.simulator import accounts
from portal.simulator.book import DELIVERED, UPLOAD, Bubble, Kept, now
from portal.simulator.cast import known_by, name_of
from portal.simulator.providers.base import Answer, Call, Hook, Provider, answer_json, secret_is

MAX_TEXT, MAX_CAPTION, MAX_WORD = 4096, 1024, 64
MAX_FETCHED = 20 * 1024 * 1024
MAX_PHOTO = 10 * 1024 * 1024
WAIT_SECONDS = 10  # what a 429 says
MAX_HELD = 10.0  # seconds that a question for updates is held
ROUTE = re.compile(r"/(?P<file>file/)?bot(?P<token>[0-9]+:[A-Za-z0-9_-]{35})/(?P<rest>.+)")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
BUSY = "Too Many Requests: retry after {}"
TAKEN = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the"
    " webhook first"
)
START = "/start"
CHAT, UPDATE, WEBHOOK = "chat:", "update:", "webhook"  # facts: whose chat, what waits, who is told


class Fault(Exception):
    """A refusal in its own words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Telegram(Provider):
    """One bot. Who never pressed Start has no chat with it; their number is told to nobody."""

    app = "telegram"
    place = "telegram"
    peers = re.compile(r"[A-Za-z][A-Za-z0-9_]{4,31}")
    starts = True
    tells_read = False
    corrects = True
    carries_files = True

    def answer(self, call: Call) -> Answer:
        """A method of the bot, or a file of its, for whoever has its token."""
        route = ROUTE.fullmatch(call.path)
        if route is None:
            return refused(404, "Not Found")
        if not secret_is(route["token"], accounts.value("DEMO_TELEGRAM_BOT_TOKEN")):
            return refused(401, "Unauthorized")
        if route["file"]:
            return self._content(route["rest"])
        methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "getme": lambda _told: bot(),
            "sendmessage": self._message,
            "sendphoto": self._photo,
            "senddocument": self._document,
            "getfile": self._file,
            "setwebhook": self._set_webhook,
            "deletewebhook": lambda told: self._set_webhook({}),
            "getupdates": self._updates,
        }
        method = methods.get(route["rest"].lower())
        if method is None:
            return refused(404, "Not Found")
        try:
            return answer_json({"ok": True, "result": method(_told(call))})
        except Fault as fault:
            return refused(fault.status, str(fault))

    def new_id(self) -> str:
        """A number, as it gives to a message."""
        return str(_number())

    def busy(self) -> Answer:
        """How it says that it was asked too often."""
        return refused(429, BUSY.format(WAIT_SECONDS), retry_after=WAIT_SECONDS)

    def arrival(self, bubble: Bubble) -> tuple[Hook, ...]:
        """It never tells that a message came."""
        return ()

    # Messages of the shop

    def _message(self, told: dict[str, Any]) -> dict[str, Any]:
        owner, text = self._owner(told), str(told.get("text") or "").strip()
        if not text:
            raise Fault(400, "Bad Request: message text is empty")
        if len(text) > MAX_TEXT:
            raise Fault(400, "Bad Request: message is too long")
        return self._take(owner, told, text=text)

    def _photo(self, told: dict[str, Any]) -> dict[str, Any]:
        kept = self._sent(told, "photo")
        found = self.book.file(kept.key)
        if found is None or kept.size > MAX_PHOTO or _jpeg(found[1]) is None:
            raise Fault(400, "Bad Request: IMAGE_PROCESS_FAILED")
        return self._captioned(told, kept)

    def _document(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._captioned(told, self._sent(told, "document"))

    def _captioned(self, told: dict[str, Any], kept: Kept) -> dict[str, Any]:
        owner, text = self._owner(told), str(told.get("caption") or "").strip()
        if len(text) > MAX_CAPTION:
            raise Fault(400, "Bad Request: message caption is too long")
        return self._take(owner, told, text=text, files=(kept,))

    def _take(self, owner: str, told: dict[str, Any], **shown: Any) -> dict[str, Any]:
        buttons = _buttons(told.get("reply_markup"))
        bubble = self.bubble(owner, accounts.TELEGRAM_BOT, buttons=buttons, **shown)
        self.book.add(bubble)
        return self._said(bubble)

    def _owner(self, told: dict[str, Any]) -> str:
        """Whose chat that is. Raises Fault where there is none, or they blocked the bot."""
        chat = str(told.get("chat_id", ""))
        if not chat:
            raise Fault(400, "Bad Request: chat_id is empty")
        owner = self.book.fact(f"{CHAT}{chat}")
        if not owner:
            raise Fault(400, "Bad Request: chat not found")
        if self.is_on("blocked"):
            raise Fault(403, "Forbidden: bot was blocked by the user")
        return str(owner)

    def _sent(self, told: dict[str, Any], name: str) -> Kept:
        """The file that came with a request."""
        file = told.get(name)
        if not isinstance(file, UploadedFile) or not file.size:
            raise Fault(400, f"Bad Request: there is no {name} in the request")
        sort = file.content_type or "application/octet-stream"
        kept = self.book.keep(file.read(), file.name or name, sort)
        self.book.note(f"{UPLOAD}{kept.key}", vars(kept))
        return kept

    # Files

    def _file(self, told: dict[str, Any]) -> dict[str, Any]:
        found = self.book.file(str(told.get("file_id", "")))
        if found is None:
            raise Fault(400, "Bad Request: invalid file_id")
        kept = found[0]
        if kept.size > MAX_FETCHED:
            raise Fault(400, "Bad Request: file is too big")
        return {**_part(kept), "file_path": f"documents/{kept.key}"}

    def _content(self, path: str) -> Answer:
        found = self.book.file(path.removeprefix("documents/"))
        if found is None:
            return refused(404, "Not Found")
        return Answer(200, found[1], content_type="application/octet-stream")

    # Who is told

    def _webhook(self) -> dict[str, str]:
        """Address and secret that it was given last; at first those of the demo's shop."""
        secret = accounts.value("DEMO_TELEGRAM_WEBHOOK_SECRET")
        return dict(self.book.fact(WEBHOOK) or {"url": self.webhook, "secret": secret})

    def _set_webhook(self, told: dict[str, Any]) -> bool:
        url, secret = str(told.get("url", "")), str(told.get("secret_token", ""))
        if url and not url.startswith(("https://", f"{settings.PUBLIC_URL}/")):
            raise Fault(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not SECRET.fullmatch(secret):
            raise Fault(400, "Bad Request: secret token contains unallowed characters")
        self.book.note(WEBHOOK, {"url": url, "secret": secret})
        return True

    def _updates(self, told: dict[str, Any]) -> list[Any]:
        """What waits for whoever asks; what came before `offset` is forgotten."""
        if self._webhook()["url"]:
            raise Fault(409, TAKEN)
        limit, offset = _whole(told.get("limit", 100)), _whole(told.get("offset", 0))
        until = time.monotonic() + min(_whole(told.get("timeout", 0)), MAX_HELD)
        while True:
            waiting = self.book.facts(UPDATE)
            for name, one in waiting.items():
                if one["update"]["update_id"] < offset:
                    self.book.mark(one["bubble"], DELIVERED)
                    self.book.note(name, None)
            found = [one["update"] for one in waiting.values()]
            found = [one for one in found if one["update_id"] >= offset][:limit]
            if found or time.monotonic() >= until:
                return found
            time.sleep(0.2)

    # What it posts

    def incoming(self, bubble: Bubble, word: str = "") -> Hook:
        """A message of a customer. With a word: that of a button, or what Start brings along."""
        chat = f"{CHAT}{_chat(bubble.owner)}"
        if not self.book.fact(chat):
            self.book.note(chat, bubble.owner)
        if word and bubble.text != START:
            return self._update("callback_query", self._tapped(bubble, word), bubble)
        said = self._said(bubble)
        if bubble.text == START and word:
            said["text"] = f"{START} {word}"
        return self._update("message", said, bubble)

    def correction(self, bubble: Bubble, sort: str, text: str) -> Hook | None:
        """Edited or reacted to. A bot never learns that something was deleted."""
        if sort == "edited":
            said = {**self._said(bubble), "edit_date": int(time.time())}
            said["caption" if bubble.files else "text"] = text
            return self._update("edited_message", said, bubble)
        if sort == "reacted":
            signs = {
                "old_reaction": [_sign(bubble.reaction)] if bubble.reaction else [],
                "new_reaction": [_sign(text)] if text else [],
            }
            whose = {"chat": _private(bubble.owner), "user": person(bubble.owner)}
            said = {**whose, "message_id": int(bubble.id), "date": int(time.time()), **signs}
            return self._update("message_reaction", said, bubble)
        return None

    def felt(self, mood: str, *, on: bool) -> list[Hook]:
        """Who blocks the bot, or lets it in again, is told to it: here that is everybody."""
        owners = self.book.facts(CHAT).values() if mood == "blocked" else ()
        return [self._member(owner, is_out=on) for owner in owners]

    def _member(self, owner: str, *, is_out: bool) -> Hook:
        there: dict[str, Any] = {"status": "member", "user": _author()}
        old, new = there, {**there, "status": "kicked", "until_date": 0}
        old, new = (old, new) if is_out else (new, old)
        said = {"chat": _private(owner), "from": person(owner), "date": int(time.time())}
        said |= {"old_chat_member": old, "new_chat_member": new}
        nothing = Bubble("", owner, accounts.TELEGRAM_BOT, now(), mine=True)
        return self._update("my_chat_member", said, nothing)

    def _tapped(self, bubble: Bubble, word: str) -> dict[str, Any]:
        """The newest question of the shop that has such a button."""
        bubbles = reversed(self.book.bubbles(bubble.owner, bubble.peer))
        asked = next((one for one in bubbles if word in dict(one.buttons)), bubble)
        return {
            "id": self.new_id(),
            "from": person(bubble.owner),
            "chat_instance": str(_chat(bubble.owner)),
            "message": self._said(asked),
            "data": word,
        }

    def _said(self, bubble: Bubble) -> dict[str, Any]:
        """A message as it describes one."""
        said = {
            "message_id": int(bubble.id),
            "from": person(bubble.owner) if bubble.mine else _author(),
            "chat": _private(bubble.owner),
            "date": int(bubble.at.timestamp()),
        }
        if bubble.buttons:
            row = [[{"text": label, "callback_data": word}] for word, label in bubble.buttons]
            said["reply_markup"] = {"inline_keyboard": row}
        if not bubble.files:
            return {**said, "text": bubble.text}
        caption = {"caption": bubble.text} if bubble.text else {}
        return {**said, **self._shown(bubble.files[0]), **caption}

    def _shown(self, kept: Kept) -> dict[str, Any]:
        """A picture is made a JPEG, as it does there; all else stays the document that it was."""
        found = self.book.file(kept.key)
        made = _jpeg(found[1]) if found and kept.is_picture else None
        if made is None:
            named = {"file_name": kept.name, "mime_type": kept.content_type}
            return {"document": {**_part(kept), **named}}
        content, (width, height) = made
        photo = self.book.keep(content, "photo.jpg", "image/jpeg")
        self.book.note(f"{UPLOAD}{photo.key}", vars(photo))
        return {"photo": [{**_part(photo), "width": width, "height": height}]}

    def _update(self, name: str, content: dict[str, Any], of: Bubble) -> Hook:
        """It goes to the webhook; without one it waits until somebody asks."""
        webhook, update = self._webhook(), {"update_id": _number(), name: content}
        bubble = "" if name in ("edited_message", "message_reaction") else of.id
        if not webhook["url"]:
            row = {"update": update, "bubble": bubble}
            self.book.note(f"{UPDATE}{update['update_id']}", row)
        headers = {"Content-Type": "application/json"}
        if webhook["secret"]:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook["secret"]
        body = json.dumps(update, ensure_ascii=False).encode()
        return Hook(
            url=webhook["url"],
            headers=headers,
            body=body,
            app=self.app,
            bubble=bubble if webhook["url"] else "",
            owner=of.owner,
            peer=of.peer,
        )


def refused(status: int, words: str, **parameters: int) -> Answer:
    """A refusal as it reads there."""
    said = {"ok": False, "error_code": status, "description": words}
    return answer_json(said | ({"parameters": parameters} if parameters else {}), status)


def bot() -> dict[str, Any]:
    """The bot, as it describes itself."""
    own = {"can_join_groups": False, "can_read_all_group_messages": False}
    return {**_author(), **own, "supports_inline_queries": False}


def person(owner: str) -> dict[str, Any]:
    """A customer, as it describes one: a name, no number."""
    first, _blank, last = name_of(owner).partition(" ")
    known = known_by(owner)
    return {
        "id": _chat(owner),
        "is_bot": False,
        "first_name": first,
        **({"last_name": last} if last else {}),
        **({"language_code": known.language} if known else {}),
    }


def _author() -> dict[str, Any]:
    pk = int(accounts.value("DEMO_TELEGRAM_BOT_TOKEN").partition(":")[0] or 0)
    name = accounts.TELEGRAM_BOT
    return {"id": pk, "is_bot": True, "first_name": "Velo & Volt Mobility", "username": name}


def _private(owner: str) -> dict[str, Any]:
    return {"id": _chat(owner), "type": "private", "first_name": person(owner)["first_name"]}


def _chat(owner: str) -> int:
    """The number of a chat; it says nothing of the telephone's."""
    token = accounts.value("DEMO_TELEGRAM_BOT_TOKEN")
    digest = hashlib.sha256(f"{token} {owner}".encode()).digest()
    return 5_000_000_000 + int.from_bytes(digest[:4])


def _part(kept: Kept) -> dict[str, Any]:
    return {"file_id": kept.key, "file_unique_id": kept.key[:16], "file_size": kept.size}


def _sign(emoji: str) -> dict[str, str]:
    return {"type": "emoji", "emoji": emoji}


def _number() -> int:
    """Larger than any before."""
    return time.time_ns() // 1000


def _whole(value: Any) -> int:
    return max(int(value), 0) if str(value).lstrip("-").isdecimal() else 0


def _jpeg(content: bytes) -> tuple[bytes, tuple[int, int]] | None:
    """A picture as JPEG, and its sides; None where it is none."""
    made = BytesIO()
    try:
        with Image.open(BytesIO(content)) as picture:
            picture.convert("RGB").save(made, "JPEG", quality=87)
            return made.getvalue(), picture.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _buttons(markup: Any) -> tuple[tuple[str, str], ...]:
    """Word and label of each button below a message."""
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    flat = [one for row in rows or [] for one in row]
    if any(not one.get("text") for one in flat):
        raise Fault(400, "Bad Request: inline keyboard button text must be non-empty")
    words = [str(one.get("callback_data", "")) for one in flat]
    if not all(1 <= len(word.encode()) <= MAX_WORD for word in words):
        raise Fault(400, "Bad Request: BUTTON_DATA_INVALID")
    return tuple((word, str(one["text"])) for word, one in zip(words, flat, strict=True))


def _told(call: Call) -> dict[str, Any]:
    """What a method is told: by its address, by JSON or by a form. Raises Fault."""
    sort = call.header("content-type").partition(";")[0]
    told: dict[str, Any] = dict(call.query)
    try:
        if sort == "application/json":
            return {**told, **json.loads(call.body)}
        if sort == "multipart/form-data":
            fields, files = call.parts()
            told.update({**fields, **files})
        else:
            told.update({name: values[-1] for name, values in call.form.items()})
        if told.get("reply_markup"):
            told["reply_markup"] = json.loads(told["reply_markup"])
    except (ValueError, TypeError):
        raise Fault(400, "Bad Request: can't parse the request") from None
    return told

"""How Telegram speaks: what it posts, what it answers, and what that is to us."""

import json
from dataclasses import replace
from typing import Any, ClassVar

from channels_app.adapters.base import Block, Correction, Inbound, InFile, Parsed, Request
from channels_app.adapters.telegram import MAX_BYTES
from tests.adapters.contract import AtProvider, said
from tests.webhooks.providers import Said

BOT, SAM = "123456789", 5550100
TOKEN, SECRET = f"{BOT}:AA-a-token-of-telegram_51c2", "a-secret-made-up-9e1f"
CHAT = f"{BOT}:{SAM}"
JPEG, PNG = b"\xff\xd8\xff\xe0 a picture", b"\x89PNG\r\n\x1a\n a picture"
PRIVATE = {"id": SAM, "type": "private", "first_name": "Sam", "username": "sam_example"}
PERSON = {
    "id": SAM,
    "is_bot": False,
    "first_name": "Sam",
    "last_name": "Vos",
    "language_code": "nl",
}
OUR_BOT = {"id": int(BOT), "is_bot": True, "first_name": "Our shop", "username": "OurShopBot"}
UNIQUE = {"file_unique_id": "AgAD"}


def posted(update: object, secret: str | None = SECRET) -> Request:
    """An update as Telegram posts it."""
    headers = [("content-type", "application/json")]
    if secret is not None:
        headers.append(("x-telegram-bot-api-secret-token", secret))
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    url = "https://portal.example.org/webhooks/telegram/"
    return Request(body, tuple(headers), method="POST", url=url)


def message(**content: Any) -> dict[str, Any]:
    """A message of Sam's."""
    return {"message_id": 7, "from": PERSON, "chat": PRIVATE, "date": 1749854575, **content}


def wrote(**content: Any) -> dict[str, Any]:
    """The update with it."""
    return {"update_id": 900, "message": message(**content)}


def inbound(**more: Any) -> Inbound:
    """What it is to us."""
    own = {"sender_name": "Sam Vos", "authenticated": True, "language": "nl", **more}
    return Inbound(f"{BOT}:900", f"{CHAT}:7", "telegram", CHAT, **own)


def correction(sort: str, text: str) -> Correction:
    """What Sam did to it afterwards."""
    return Correction(f"{BOT}:900", f"{CHAT}:7", "telegram", CHAT, sort, text)


def reacted(*signs: dict[str, Any]) -> dict[str, Any]:
    """A reaction, or none any more."""
    told = {"old_reaction": [], "new_reaction": list(signs)}
    own = {"chat": PRIVATE, "message_id": 7, "user": PERSON, "date": 1749854575}
    return {"update_id": 900, "message_reaction": own | told}


def blocked(status: str) -> dict[str, Any]:
    """What Telegram says when somebody blocks the bot, or no longer does."""
    row = {"status": status, "user": OUR_BOT}
    new = row | ({"until_date": 0} if status == "kicked" else {})
    own = {"chat": PRIVATE, "from": PERSON, "date": 1749854575}
    told = {"old_chat_member": {"status": "member", "user": OUR_BOT}, "new_chat_member": new}
    return {"update_id": 900, "my_chat_member": own | told}


TAPPED: dict[str, Any] = {
    "update_id": 900,
    "callback_query": {
        "id": "4382bfdwdsb323b2d9",
        "from": PERSON,
        "chat_instance": "-1",
        "data": "yes",
        "message": {
            "message_id": 6,
            "from": OUR_BOT,
            "chat": PRIVATE,
            "date": 1749854000,
            "text": "Shall we?",
            "document": {"file_id": "ours", **UNIQUE},
        },
    },
}
SIZES = [
    {"file_id": f"f{side}", **UNIQUE, "width": side, "height": side} for side in (90, 1280, 320)
]
PLACE = {"latitude": 52.37, "longitude": 4.89}
MAP = "https://www.openstreetmap.org/?mlat=52.37&mlon=4.89"
CARD = {"phone_number": "+31612345678", "first_name": "Kim"}
PICTURE = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}


def file(name: str, content_type: str, reference: str) -> InFile:
    """A file that is still to be fetched."""
    return InFile(name, content_type, b"", reference=reference)


# What customers do, and what each is to us.
UPDATES: list[tuple[dict[str, Any], Parsed]] = [
    (wrote(text="Is het er al? 🙂"), inbound(text="Is het er al? 🙂")),
    (wrote(text="/start"), inbound(greeting=True)),
    (wrote(text="/start abcdefghij"), inbound(text="abcdefghij", join_codes=("abcdefghij",))),
    (
        wrote(photo=SIZES, caption="Broken"),
        inbound(text="Broken", files=(file("photo", "image/jpeg", "f1280"),)),
    ),
    (
        wrote(
            document={
                "file_id": "d",
                **UNIQUE,
                "file_name": "a.pdf",
                "mime_type": "application/pdf",
            }
        ),
        inbound(files=(file("a.pdf", "application/pdf", "d"),)),
    ),
    (
        wrote(voice={"file_id": "v", **UNIQUE, "duration": 3}),
        inbound(files=(file("voice", "audio/ogg", "v"),)),
    ),
    (
        wrote(video={"file_id": "m", **UNIQUE, "width": 1, "height": 1, "duration": 3}),
        inbound(files=(file("video", "video/mp4", "m"),)),
    ),
    (
        wrote(sticker={"file_id": "s", **UNIQUE, **PICTURE, "emoji": "👍"}),
        inbound(text="👍", files=(file("sticker", "image/webp", "s"),)),
    ),
    (
        wrote(sticker={"file_id": "s", **UNIQUE, **PICTURE, "is_animated": True, "emoji": "👍"}),
        inbound(text="👍"),
    ),
    (wrote(contact=CARD), inbound(text="Kim\n+31612345678")),
    (wrote(location=PLACE), inbound(text=MAP)),
    (
        wrote(location=PLACE, venue={"location": PLACE, "title": "Shop", "address": "Dam 1"}),
        inbound(text=f"Shop\nDam 1\n{MAP}"),
    ),
    (wrote(dice={"emoji": "🎲", "value": 4}), inbound(text="🎲")),
    (wrote(story={"chat": PRIVATE, "id": 1}), inbound(text="Telegram: story")),
    (
        wrote(text="That one", reply_to_message=message(message_id=5, text="Which?")),
        inbound(text="That one", refers_to=(f"{CHAT}:5",)),
    ),
    (wrote(text="I am away.", is_from_offline=True), inbound(text="I am away.", automatic=True)),
    (TAPPED, replace(inbound(text="yes", refers_to=(f"{CHAT}:6",)), provider_id="")),
    (
        {"update_id": 900, "edited_message": message(text="Not 3 but 4", edit_date=1749854600)},
        correction("edited", "Not 3 but 4"),
    ),
    (reacted({"type": "emoji", "emoji": "❤"}), correction("reacted", "❤")),
    (reacted(), correction("reacted", "")),
    (blocked("kicked"), Block(f"{BOT}:900", "telegram", CHAT)),
    (blocked("member"), Block(f"{BOT}:900", "telegram", CHAT, lifted=True)),
]
PLACED = {"ok": True, "result": {"file_path": "x"}}
GROUP = {"id": -100200, "type": "group", "title": "Neighbours"}
# News that is none to us.
SILENT: list[dict[str, Any]] = [
    wrote(text="Hi all", chat=GROUP),
    wrote(chat=GROUP, migrate_to_chat_id=-100300),
    wrote(pinned_message=message(text="Pinned")),
    {"update_id": 900, "channel_post": message(text="Hi")},
    {"update_id": 900, "business_message": message(text="Hi")},
    {"update_id": 900, "edited_message": message(location=PLACE)},
    reacted({"type": "custom_emoji", "custom_emoji_id": "1"}),
    blocked("administrator"),
    {"update_id": 900, "my_chat_member": blocked("kicked")["my_chat_member"] | {"chat": GROUP}},
]


def refusal(status: int, words: str, **parameters: int) -> Said:
    """A refusal in Telegram's own form."""
    more = {"parameters": parameters} if parameters else {}
    return said(status, {"ok": False, "error_code": status, "description": words, **more})


def taken(pk: int = 8) -> Said:
    """A message that was taken."""
    own = {"message_id": pk, "from": OUR_BOT, "chat": PRIVATE, "date": 1749854575, "text": "x"}
    return said(200, {"ok": True, "result": own})


BLOCKED = refusal(403, "Forbidden: bot was blocked by the user")


class Telegram(AtProvider):
    """Our bot there."""

    provider_name = "telegram"
    kind = "telegram"
    address = "OurShopBot"
    to = CHAT
    places_key = False
    config: ClassVar[dict[str, str]] = {
        "bot_token": TOKEN,
        "webhook_secret": SECRET,
        "base_url": "{url}",
    }
    answers: ClassVar[dict[str, Said]] = {
        "ok": taken(),
        "fault": refusal(500, "Internal Server Error"),
        "busy": refusal(429, "Too Many Requests: retry after 120", retry_after=120),
        "refused": refusal(400, "Bad Request: message is too long"),
        "gone": BLOCKED,
        "key": refusal(401, "Unauthorized"),
        "nonsense": said(200, {"ok": True, "result": True}),
        "echo": refusal(400, f"Bad Request: {TOKEN} may not"),
    }
    unheard_of: ClassVar[dict[str, str]] = {"stopped": "a block ends as soon as they write again"}

    def key_in(self, call: Any) -> str:
        return str(call[2])  # it has no place for a key: the same words again

    def posts(self) -> list[tuple[Request, list[Any]]]:
        return [(posted(update), [meaning]) for update, meaning in UPDATES]

    def unknown(self) -> list[Request]:
        return [*map(posted, SILENT), posted({"update_id": 1}), posted(wrote(word_of_tomorrow={}))]

    def garbage(self) -> list[Request]:
        bodies = (b"", b"\xff{", b"[" * 100_000, b"[]", b"{}", b'{"update_id": true}')
        return [*map(posted, bodies), posted(wrote(text="x" * MAX_BYTES))]

    def forged(self) -> dict[str, Request]:
        update = UPDATES[0][0]
        return {
            "missing": posted(update, None),
            "wrong": posted(update, "another secret"),
            "re-encoded": posted(update, SECRET.encode().hex()),
            "empty": posted(update, ""),
            "in capitals": posted(update, SECRET.upper()),
            "cut": posted(update, SECRET[:-1]),
            "beyond ASCII": posted(update, "ü" * len(SECRET)),
            "the bot's token": posted(update, TOKEN),
            "by another door": Request(posted(update).body),
        }

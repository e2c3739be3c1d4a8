"""What Telegram posts, in our words: updates, of private chats alone.

Updates -> ours:
  message -> they wrote    callback_query -> they wrote the word of the button
  edited_message -> edited    message_reaction -> reacted
  my_chat_member (blocked us, or no longer) -> blocked, or lifted

A chat is known by the bot and its own number: `bot:chat`; a message by `bot:chat:number`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from channels_app.adapters.base import BadPayload, Block, Correction, Inbound, InFile, Parsed
from channels_app.adapters.payload import clean, is_number, lines, map_link, piece, read_object

SCHEME = "telegram"
# Reactions come only when they are asked for by name.
WANTED = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")
MEMBERS = {
    "kicked": False,
    "member": True,
}  # what we are to them: whether we may write
# What a file is where its sender's telephone does not say it.
FILES = {
    "document": "",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video_note": "video/mp4",
    "sticker": "image/webp",
}
# Written by a person, and of a sort that we do not show: staff see that it is there.
OTHERS = ("paid_media", "story", "checklist", "game", "rich_message", "gift", "unique_gift")


def read(body: bytes, bot: str) -> Iterator[Parsed]:
    """What the update of one request is to us. Raises BadPayload."""
    said = read_object(body)
    if not is_number(said.get("update_id")):
        raise BadPayload("It is no update.")
    external_id = f"{bot}:{said['update_id']}"
    if message := _private(piece(said, "message")):
        yield from _written(message, external_id, bot)
    elif message := _private(piece(said, "edited_message")):
        if "location" not in message:  # a place that moves is no other word
            pk, sender = _id(message, bot), _sender(message, bot)
            yield Correction(external_id, pk, SCHEME, sender, "edited", _words(message))
    elif tapped := piece(said, "callback_query"):
        message = _private(piece(tapped, "message"))
        if message and tapped.get("data"):
            by = {"chat": message["chat"], "from": tapped.get("from")}  # the message is our own
            word = _inbound(by, external_id, bot, clean(tapped["data"]))
            yield replace(word, provider_id="", refers_to=(_id(message, bot),))
    elif reaction := _private(piece(said, "message_reaction")):
        signs = _signs(reaction)
        if signs or not reaction.get("new_reaction"):
            pk, sender = _id(reaction, bot), _sender(reaction, bot)
            yield Correction(external_id, pk, SCHEME, sender, "reacted", signs)
    elif member := _alone(piece(said, "my_chat_member")):
        may_write = MEMBERS.get(clean(piece(member, "new_chat_member").get("status")))
        if may_write is not None:
            yield Block(external_id, SCHEME, _sender(member, bot), lifted=may_write)


def _written(message: dict[str, Any], external_id: str, bot: str) -> Iterator[Inbound]:
    text = _words(message)
    command, *words = text.split(maxsplit=1) or [""]
    inbound = _inbound(message, external_id, bot, text)
    if command == "/start":  # the button that each chat with a bot begins with: no words of theirs
        code = words[0][:64] if words else ""
        yield replace(inbound, text=code, join_codes=(code,) if code else (), greeting=not code)
    elif inbound.text or inbound.files:  # else it tells what happened, as that a message was pinned
        yield inbound


def _inbound(message: dict[str, Any], external_id: str, bot: str, text: str) -> Inbound:
    person, answered = piece(message, "from"), piece(message, "reply_to_message")
    names = (clean(person.get(name)) for name in ("first_name", "last_name"))
    return Inbound(
        external_id=external_id,
        provider_id=_id(message, bot),
        scheme=SCHEME,
        sender=_sender(message, bot),
        sender_name=" ".join(filter(None, names)),
        text=text,
        files=tuple(_files(message)),
        refers_to=(_id({**answered, "chat": message["chat"]}, bot),) if answered else (),
        authenticated=True,
        automatic=bool(person.get("is_bot") or message.get("is_from_offline")),
        language=clean(person.get("language_code"))[:2],
    )


def _private(message: dict[str, Any]) -> dict[str, Any]:
    """It, where one person and the bot are alone; else nothing."""
    return _alone(message) if is_number(message.get("message_id")) else {}


def _alone(said: dict[str, Any]) -> dict[str, Any]:
    """It, where its chat is that of one person."""
    chat = piece(said, "chat")
    return said if chat.get("type") == "private" and is_number(chat.get("id")) else {}


def _sender(message: dict[str, Any], bot: str) -> str:
    return f"{bot}:{message['chat']['id']}"


def _id(message: dict[str, Any], bot: str) -> str:
    """A message's number counts within its chat only."""
    return f"{_sender(message, bot)}:{clean(message.get('message_id'))}"[:255]


def _words(message: dict[str, Any]) -> str:
    """What a message says; of what is no text its plain facts, in no language."""
    if text := message.get("text") or message.get("caption"):
        return clean(text)
    if place := piece(message, "location"):
        venue = piece(message, "venue")
        return lines(venue.get("title"), venue.get("address"), map_link(place))
    if card := piece(message, "contact"):
        name = f"{clean(card.get('first_name'))} {clean(card.get('last_name'))}"
        return lines(name, card.get("phone_number"))
    if poll := piece(message, "poll"):
        options = (one.get("text") for one in _rows(poll.get("options")))
        return lines(poll.get("question"), *options)
    for sort in ("sticker", "dice"):
        if sign := piece(message, sort).get("emoji"):
            return clean(sign)
    return next((f"Telegram: {sort}" for sort in OTHERS if sort in message), "")


def _files(message: dict[str, Any]) -> Iterator[InFile]:
    photos = [one for one in _rows(message.get("photo")) if one.get("file_id")]
    if photos:  # one picture in several sizes
        largest = max(photos, key=_area)
        yield InFile("photo", "image/jpeg", b"", reference=clean(largest["file_id"]))
    for sort, usual in FILES.items():
        part = piece(message, sort)
        drawn = part.get("is_animated") or part.get("is_video")  # its sign says what it means
        if part.get("file_id") and not drawn:
            content_type = clean(part.get("mime_type")).lower() or usual
            name = clean(part.get("file_name")) or sort
            yield InFile(name, content_type, b"", reference=clean(part["file_id"]))


def _area(photo: dict[str, Any]) -> int:
    width, height = photo.get("width"), photo.get("height")
    return width * height if is_number(width) and is_number(height) else 0


def _signs(reaction: dict[str, Any]) -> str:
    return "".join(clean(one.get("emoji")) for one in _rows(reaction.get("new_reaction")))


def _rows(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

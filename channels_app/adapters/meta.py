"""What Meta posts and answers for WhatsApp, in our words: messages, what became of ours, faults.

Statuses -> ours (accepted and sent are no news to us):
  delivered -> delivered    read, played -> read    failed -> failed
Messages -> ours, each in `_thing`:
  text, button, interactive, image, video, audio, document, sticker, location, contacts, order,
  and what is not handed over -> they wrote
  reaction -> reacted    edit -> edited    revoke -> deleted    system, a new number -> automatic
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from channels_app.adapters.base import BadPayload, Correction, Inbound, InFile, Parsed, Receipt
from channels_app.adapters.payload import (
    clean,
    is_number,
    lines,
    map_link,
    media_type,
    one_line,
    piece,
    read_object,
)

STATUS = {"delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
GONE = frozenset({131026})  # no WhatsApp there, or one that takes nothing from businesses
WINDOW_CLOSED = 131047  # their last message is older than a day
NO_NEWS = frozenset({"request_welcome", "call_permission_reply", "customer_identity_changed"})
SECONDS = re.compile(r"[0-9]{1,11}")
FILES = ("image", "video", "audio", "document", "sticker")
# Several messages may carry one answer. The last one's news are the answer's; of the others only
# that one did not arrive counts.
NOT_LAST = "+"


def read(body: bytes, number: str) -> Iterator[Parsed]:
    """What was written to our number, and what became of our messages. Raises BadPayload."""
    for entry in rows(read_object(body), "entry"):
        for change in rows(entry, "changes"):
            value = piece(change, "value")
            # An app hears of all of its numbers; another one is another channel's.
            ours = piece(value, "metadata").get("phone_number_id") == number
            if ours and change.get("field") == "messages":
                yield from _written(value)
                yield from _news(value)


def _written(value: dict[str, Any]) -> Iterator[Parsed]:
    people = parts(value, "contacts")
    names = {clean(one.get("wa_id")): clean(piece(one, "profile").get("name")) for one in people}
    # Some numbers are spelt in two ways, so a single name is taken for the sender's.
    only = next(iter(names.values())) if len(names) == 1 else ""
    for message in rows(value, "messages"):
        name = names.get(clean(message.get("from")), only)
        yield from _thing(message, name, parts(value, "errors"))


def _thing(message: dict[str, Any], name: str, errors: list[dict[str, Any]]) -> Iterator[Parsed]:
    """What one message is to us."""
    sort = clean(message.get("type"))
    part = piece(message, sort)
    errors = parts(message, "errors") or errors
    if NO_NEWS & {sort, clean(part.get("type"))}:
        return
    if sort == "reaction":
        yield _correction(message, "reacted", part.get("message_id"), clean(part.get("emoji")))
    elif sort == "edit":
        words = _words(piece(part, "message"))
        yield _correction(message, "edited", part.get("original_message_id"), words)
    elif sort == "revoke":
        yield _correction(message, "deleted", part.get("original_message_id"))
    else:
        yield _inbound(message, name, errors)


def _inbound(message: dict[str, Any], name: str, errors: list[dict[str, Any]]) -> Inbound:
    sort, pk = clean(message.get("type")), _id(message)
    files = tuple(_files(message, sort))
    text = _words(message)
    if not (text or files):  # something was written, and its writer waits for an answer
        text = f"WhatsApp: {' '.join(map(why, errors)) or sort}"
    answered = piece(message, "context").get("id")
    return Inbound(
        external_id=pk,
        provider_id=pk[:255],
        scheme="phone",
        sender=_sender(message),
        sender_name=name,
        subject=clean(piece(message, "referral").get("headline")),
        text=text,
        files=files,
        refers_to=(clean(answered),) if answered else (),
        automatic=sort == "system",
        written_at=_when(message),
    )


def _correction(message: dict[str, Any], sort: str, of: object, text: str = "") -> Correction:
    pk = f"{_id(message)} {sort}"
    return Correction(pk, clean(of)[:255], "phone", _sender(message), sort, text)


def _id(message: dict[str, Any]) -> str:
    pk = clean(message.get("id"))
    if 0 < len(pk) <= 255:
        return pk
    return hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()


def _when(message: dict[str, Any]) -> datetime | None:
    """When it was written: for up to a week Meta brings again what we did not take."""
    seconds = clean(message.get("timestamp"))
    return datetime.fromtimestamp(int(seconds), UTC) if SECONDS.fullmatch(seconds) else None


def _sender(message: dict[str, Any]) -> str:
    """The number with its plus; else the id that Meta gives, which no address is."""
    number = clean(message.get("from"))
    return f"+{number}" if number.isdecimal() else number or clean(message.get("from_user_id"))


def _words(message: dict[str, Any]) -> str:
    """What a message says; of what is no text its plain facts, in no language."""
    sort = clean(message.get("type"))
    part = piece(message, sort)
    if sort == "interactive":
        return _tapped(part)
    if sort == "location":
        return lines(part.get("name"), part.get("address"), part.get("url") or map_link(part))
    if sort == "contacts":
        return "\n\n".join(filter(None, map(_card, parts(message, "contacts"))))
    if sort == "order":
        return lines(part.get("text"), *map(_item, parts(part, "product_items")))
    names = {"text": ("body",), "button": ("payload", "text"), "system": ("body",)}
    return clean(next(filter(None, map(part.get, names.get(sort, ("caption",)))), ""))


def _tapped(part: dict[str, Any]) -> str:
    """The word behind a button or a row of a list; of a form its answers."""
    sort = clean(part.get("type"))
    reply = piece(part, sort)
    if sort != "nfm_reply":
        return clean(reply.get("id") or reply.get("title"))
    try:
        answers = json.loads(reply.get("response_json") or "{}")
    except (ValueError, TypeError, RecursionError):
        answers = {}
    pairs = answers.items() if isinstance(answers, dict) else ()
    said = (f"{key}: {value}" for key, value in pairs if key != "flow_token")
    return lines(*said) or clean(reply.get("body"))


def _card(person: dict[str, Any]) -> str:
    name = piece(person, "name").get("formatted_name")
    phones = [row.get("phone") or row.get("wa_id") for row in parts(person, "phones")]
    return lines(name, *phones, *(row.get("email") for row in parts(person, "emails")))


def _item(item: dict[str, Any]) -> str:
    price = f"{item.get('item_price')} {item.get('currency')}"
    return f"{item.get('quantity')} x {item.get('product_retailer_id')}, {price}"


def _files(message: dict[str, Any], sort: str) -> Iterator[InFile]:
    part = piece(message, sort)
    if sort in FILES and part.get("id"):
        content_type = media_type(part.get("mime_type"))
        name = clean(part.get("filename")) or sort
        yield InFile(name, content_type, b"", reference=clean(part["id"]))


def _news(value: dict[str, Any]) -> Iterator[Receipt]:
    for row in rows(value, "statuses"):
        word, key = clean(row.get("status")), clean(row.get("biz_opaque_callback_data"))
        status = STATUS.get(word, "")
        if key.endswith(NOT_LAST):  # the answer may count as delivered already
            key, status = key.removesuffix(NOT_LAST), "returned" if word == "failed" else ""
        if not status:
            continue
        errors = parts(row, "errors")
        codes = [code(error) for error in errors]
        yield Receipt(
            external_id=f"{_id(row)} {word}",
            key=key,
            status=status,
            recipient=f"+{clean(row.get('recipient_id'))}",
            detail=" ".join([word, *map(str, codes), *map(why, errors)])[:300],
            gone=not GONE.isdisjoint(codes),
            too_late=WINDOW_CLOSED in codes,
            signed=True,
        )


def code(error: dict[str, Any], name: str = "code") -> int | None:
    """Meta's number of a fault."""
    number = error.get(name)
    return number if is_number(number) else None


def why(error: dict[str, Any]) -> str:
    """Meta's own sentence, the longer one where there are two."""
    details = piece(error, "error_data").get("details")
    return one_line(details or error.get("message") or error.get("title"))


def rows(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list in what Meta says. Raises BadPayload where it is another thing."""
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise BadPayload("It is not as expected.")
    return found


def parts(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list within one message, as far as it is as expected: the rest of a batch must not wait."""
    found = value.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

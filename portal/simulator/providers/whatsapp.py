"""Meta's Cloud API as far as a conversation needs it: messages, templates, media, webhooks."""

import json
import re
import secrets
import time
import uuid
from datetime import timedelta
from typing import Any

from portal.simulator import accounts
from portal.simulator.book import READ, UPLOAD, Bubble, Kept, now
from portal.simulator.cast import name_of
from portal.simulator.providers.base import (
    Answer,
    Call,
    Hook,
    Provider,
    answer_json,
    described,
    secret_is,
    sha256,
)

BUSINESS = "102290129340398"  # the business account that the number belongs to
WINDOW = timedelta(hours=24)
MAX_TEXT, MAX_BUTTON_TEXT, MAX_LABEL, MAX_WORD, MAX_CAPTION = 4096, 1024, 20, 256, 1024
ROUTE = re.compile(r"/v[0-9]+\.[0-9]/(?P<node>[0-9]+)(?P<edge>/messages|/media)?")
FETCHED = re.compile(r"/files/(?P<key>[0-9a-f]{32})")
MB = 1024 * 1024
OFFICE = "application/(msword|vnd\\.ms-(excel|powerpoint)|vnd\\.openxmlformats-officedocument\\..+)"
# What it takes of the shop as which sort of message, and how large.
FILES = {
    "image": (re.compile("image/(jpeg|png)"), 5 * MB),
    "document": (re.compile(f"text/plain|application/pdf|{OFFICE}"), 100 * MB),
    "audio": (re.compile("audio/(aac|amr|mpeg|mp4|ogg)"), 16 * MB),
    "video": (re.compile("video/(mp4|3gpp)"), 16 * MB),
    "sticker": (re.compile("image/webp"), MB // 2),
}
# What it says for each code: HTTP status and text.
ERRORS = {
    100: (400, "(#100) Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    33: (400, "Unsupported get request. Object does not exist or cannot be loaded"),
    80007: (429, "(#80007) Rate limit hit"),
    131026: (400, "Message undeliverable"),
    131047: (400, "Re-engagement message"),
    131053: (400, "Media upload error"),
    132000: (400, "(#132000) Number of parameters does not match the expected number of params"),
    132001: (404, "(#132001) Template name does not exist in the translation"),
}


class WhatsApp(Provider):
    """WhatsApp by the Cloud API."""

    app = "whatsapp"
    place = "whatsapp"
    corrects = True
    carries_files = True

    def answer(self, call: Call) -> Answer:
        """Messages and media of the shop's number, for whoever has its token."""
        if not secret_is(call.bearer, accounts.value("DEMO_WHATSAPP_ACCESS_TOKEN")):
            return refused(190)
        if found := FETCHED.fullmatch(call.path):
            return self._content(found["key"])
        route = ROUTE.fullmatch(call.path)
        if route is None:
            return refused(33)
        ours = route["node"] == accounts.value("DEMO_WHATSAPP_PHONE_NUMBER_ID")
        if call.method == "POST" and ours and route["edge"] == "/messages":
            return self._messages(call)
        if call.method == "POST" and ours and route["edge"] == "/media":
            return self._upload(call)
        if call.method == "GET" and route["edge"] is None:
            return self._number() if ours else self._media(call, route["node"])
        return refused(33)

    def new_id(self) -> str:
        """An id as it gives to a message."""
        return "wamid." + secrets.token_urlsafe(30)

    def busy(self) -> Answer:
        """How it says that it was asked too often."""
        return refused(80007)

    def _number(self) -> Answer:
        pk = accounts.value("DEMO_WHATSAPP_PHONE_NUMBER_ID")
        shown = {"display_phone_number": accounts.WHATSAPP_NUMBER, "quality_rating": "GREEN"}
        return answer_json({"verified_name": "Velo & Volt Mobility", **shown, "id": pk})

    # Messages of the shop

    def _messages(self, call: Call) -> Answer:
        try:
            content = json.loads(call.body)
            if not isinstance(content, dict):
                raise ValueError
        except ValueError:
            return refused(100, "The request is no JSON object.")
        if content.get("messaging_product") != "whatsapp":
            return refused(100, "The parameter messaging_product is required.")
        if content.get("status") == "read":
            return self._was_read(str(content.get("message_id")))
        to = re.sub(r"[^0-9]", "", str(content.get("to", "")))
        if not 8 <= len(to) <= 15:
            return refused(100, "The parameter to is required.")
        try:
            shown = self._shown(content)
        except Fault as fault:
            return refused(fault.code, str(fault))
        return self._take(f"+{to}", content, shown)

    def _take(self, owner: str, content: dict[str, Any], shown: dict[str, Any]) -> Answer:
        """It takes everything that is well-formed; what does not arrive is news of a minute later.

        So it is there, too: a closed window and an unreachable user are no refusals.
        """
        tag = str(content.get("biz_opaque_callback_data", "")) or "-"
        bubble = self.bubble(owner, accounts.WHATSAPP_NUMBER, tag=tag, **shown)
        code = self._undeliverable(owner, is_template=content.get("type") == "template")
        if code:
            hooks: tuple[Hook, ...] = (self._failed(bubble, code),)
        else:
            self.book.add(bubble)
            hooks = self.arrival(bubble)
        user = owner.removeprefix("+")
        accepted = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": str(content["to"]), "wa_id": user}],
            "messages": [{"id": bubble.id}],
        }
        return answer_json(accepted, 200, hooks)

    def _undeliverable(self, owner: str, *, is_template: bool) -> int:
        if self.is_on("blocked"):
            return 131026
        wrote = [bubble.at for bubble in self.book.bubbles(owner) if bubble.mine]
        open_still = bool(wrote) and max(wrote) > now() - WINDOW and not self.is_on("closed")
        return 0 if is_template or open_still else 131047

    def _shown(self, content: dict[str, Any]) -> dict[str, Any]:
        """What the customer sees of a message. Raises Fault where it is not well-formed."""
        sort = content.get("type", "text")
        part = content.get(sort)
        if not isinstance(part, dict):
            raise Fault(100, f"The parameter {sort} is required.")
        if sort == "text":
            return {"text": _words(part.get("body"), "text['body']", MAX_TEXT)}
        if sort == "interactive":
            return _buttons(part)
        if sort == "template":
            return {"text": _template(part)}
        if sort in FILES:
            fact = self.book.fact(f"{UPLOAD}{part.get('id')}")
            if not fact:
                raise Fault(131053, "The media id does not exist.")
            caption = part.get("caption", "")
            text = _words(caption, "caption", MAX_CAPTION) if caption else ""
            if not FILES[sort][0].fullmatch(fact["content_type"]):
                raise Fault(131053, f"The media is no {sort}.")
            if caption and sort in ("audio", "sticker"):
                raise Fault(100, f"Unexpected key caption on param {sort}.")
            name = part.get("filename") or fact["name"]
            return {"text": text, "files": (Kept(**{**fact, "name": name}),)}
        raise Fault(100, f"The type {sort} is not known.")

    def _was_read(self, pk: str) -> Answer:
        if self.book.get(pk) is None:
            return refused(100, "The message does not exist.")
        self.book.mark(pk, READ)
        return answer_json({"success": True})

    # Files

    def _upload(self, call: Call) -> Answer:
        try:
            fields, files = call.parts()
        except ValueError:
            return refused(100, "The body is no form.")
        file = files.get("file")
        if file is None or fields.get("messaging_product") != "whatsapp":
            return refused(100, "The parameters file and messaging_product are required.")
        sort = fields.get("type") or file.content_type or ""
        bounds = [most for types, most in FILES.values() if types.fullmatch(sort)]
        if not bounds:
            return refused(100, f"Param file has a type that is not taken: {sort}.")
        if (file.size or 0) > max(bounds):
            return refused(131053, "The file is too large.")
        kept = self.book.keep(file.read(), file.name or "file", sort)
        return answer_json({"id": self._named(kept)})

    def _named(self, kept: Kept) -> str:
        """The id by which messages name a file from now on."""
        pk = str(uuid.uuid4().int % 10**15)
        self.book.note(f"{UPLOAD}{pk}", vars(kept))
        return pk

    def _media(self, call: Call, pk: str) -> Answer:
        fact = self.book.fact(f"{UPLOAD}{pk}")
        found = self.book.file(fact["key"]) if fact else None
        if found is None:
            return refused(33)
        kept, content = found
        return answer_json(
            {
                "url": f"{call.base}/files/{kept.key}",
                **described(kept, content),
                "file_size": kept.size,
                "id": pk,
                "messaging_product": "whatsapp",
            }
        )

    def _content(self, key: str) -> Answer:
        found = self.book.file(key)
        return Answer(200, found[1], content_type=found[0].content_type) if found else refused(33)

    # What it posts

    def incoming(self, bubble: Bubble, word: str = "") -> Hook:
        """A message of a customer: text, a button that was tapped, or a file with its caption."""
        if word:
            button = {"type": "button_reply", "button_reply": {"id": word, "title": bubble.text}}
            said: dict[str, Any] = {"type": "interactive", "interactive": button}
        else:
            said = self._sent_file(bubble) if bubble.files else _text(bubble.text)
        return self._said(bubble, {"id": bubble.id, **said}, bubble=bubble.id)

    def correction(self, bubble: Bubble, sort: str, text: str) -> Hook:
        """What the customer did to a message that is there: edited, deleted or reacted."""
        original = {"original_message_id": bubble.id}
        said: dict[str, Any] = {
            "edited": {"type": "edit", "edit": {**original, "message": _text(text)}},
            "deleted": {"type": "revoke", "revoke": original},
            "reacted": {"type": "reaction", "reaction": {"message_id": bubble.id, "emoji": text}},
        }[sort]
        return self._said(bubble, {"id": self.new_id(), **said})

    def _said(self, of: Bubble, said: dict[str, Any], **more: Any) -> Hook:
        user = of.owner.removeprefix("+")
        contact = {"profile": {"name": name_of(of.owner)}, "wa_id": user}
        message = {"from": user, "timestamp": _stamp(), **said}
        return self._hook({"contacts": [contact], "messages": [message]}, of, **more)

    def _sent_file(self, bubble: Bubble) -> dict[str, Any]:
        kept = bubble.files[0]
        pk, found = self._named(kept), self.book.file(kept.key)
        part = {"id": pk, **described(kept, found[1] if found else b"")}
        sort = kept.content_type.partition("/")[0]
        sort = sort if sort in FILES else "document"
        if sort == "document":
            part["filename"] = kept.name
        if bubble.text:
            part["caption"] = bubble.text
        return {"type": sort, sort: part}

    def news(self, bubble: Bubble, status: str, after: float = 0.0) -> Hook:
        """A status, with what our request told it to give back."""
        return self._status(bubble, status, after)

    def _failed(self, bubble: Bubble, code: int) -> Hook:
        text = ERRORS[code][1]
        error = {"code": code, "title": text, "message": text, "error_data": {"details": text}}
        return self._status(bubble, "failed", 0.15, errors=[error])

    def _status(self, bubble: Bubble, status: str, after: float, **more: Any) -> Hook:
        row = {
            "id": bubble.id,
            "status": status,
            "timestamp": _stamp(),
            "recipient_id": bubble.owner.removeprefix("+"),
            **more,
        }
        if bubble.tag != "-":
            row["biz_opaque_callback_data"] = bubble.tag
        return self._hook({"statuses": [row]}, bubble, after=after)

    def _hook(self, value: dict[str, Any], of: Bubble, **more: Any) -> Hook:
        metadata = {
            "display_phone_number": accounts.WHATSAPP_NUMBER.removeprefix("+"),
            "phone_number_id": accounts.value("DEMO_WHATSAPP_PHONE_NUMBER_ID"),
        }
        value = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        entry = {"id": BUSINESS, "changes": [{"value": value, "field": "messages"}]}
        content = {"object": "whatsapp_business_account", "entry": [entry]}
        # Slashes are escaped there: a signature holds only over the bytes as they came.
        body = json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode()
        signature = sha256(accounts.value("DEMO_WHATSAPP_APP_SECRET"), body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        return Hook(self.webhook, headers, body, self.app, owner=of.owner, peer=of.peer, **more)


class Fault(Exception):
    """A message that is not well-formed."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code = code


def refused(code: int, details: str = "") -> Answer:
    """A refusal as it reads there."""
    status, text = ERRORS[code]
    error = {
        "message": f"(#{code}) {details}" if details else text,
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details or text},
        "fbtrace_id": secrets.token_urlsafe(12),
    }
    return answer_json({"error": error}, status)


def _words(value: Any, name: str, longest: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Fault(100, f"Param {name} is required.")
    if len(value) > longest:
        raise Fault(100, f"Param {name} must be at most {longest} characters long.")
    return value


def _buttons(part: dict[str, Any]) -> dict[str, Any]:
    """A text with buttons: one to three, each with a word and a label of its own."""
    rows = (part.get("action") or {}).get("buttons") or []
    if part.get("type") != "button" or not 1 <= len(rows) <= 3:
        raise Fault(100, "Interactive messages need one to three buttons.")
    text = _words((part.get("body") or {}).get("text"), "body['text']", MAX_BUTTON_TEXT)
    buttons = []
    for row in rows:
        reply = row.get("reply") or {}
        word = _words(reply.get("id"), "reply['id']", MAX_WORD)
        buttons.append((word, _words(reply.get("title"), "reply['title']", MAX_LABEL)))
    if len({word for word, _label in buttons}) < len(rows):
        raise Fault(100, "Button ids must be unique.")
    return {"text": text, "buttons": tuple(buttons)}


def _template(part: dict[str, Any]) -> str:
    """The text of an approved template with its values."""
    language = (part.get("language") or {}).get("code", "")
    body = accounts.TEMPLATES.get((str(part.get("name")), language))
    if body is None:
        raise Fault(132001, f"Template name ({part.get('name')}) does not exist in {language}")
    values = [
        str(parameter.get("text", ""))
        for component in part.get("components") or []
        if component.get("type") == "body"
        for parameter in component.get("parameters") or []
    ]
    if len(values) != len(set(re.findall(r"\{\{[0-9]+\}\}", body))):
        raise Fault(132000, "The number of localizable_params does not match.")
    for number, value in enumerate(values, 1):
        body = body.replace(f"{{{{{number}}}}}", value)
    return body


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": words}}


def _stamp() -> str:
    return str(int(time.time()))

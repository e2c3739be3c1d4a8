"""WhatsApp by Meta's Cloud API: the messages edge out, signed JSON in batches.

Codes of Meta -> ours, in refusals; without one HTTP's status counts (http.py):
  GONE -> RecipientGone    OURS -> Misconfigured    LATER -> Unavailable    THEIRS -> Rejected
  131047 (their last message is older than a day) -> Rejected, in words of our own
What Meta posts: meta.py.

Meta drops no repeat of a message. It signs the raw bytes, and who sent a message is certain.
"""

import hashlib
import hmac
import re
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from channels_app.adapters import meta
from channels_app.adapters.base import (
    Approved,
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
from channels_app.adapters.outside import Answer
from channels_app.adapters.payload import clean, is_same, one_line, piece

OURS = frozenset(
    # the token and its rights, a locked account, an unpaid bill, a number that is not registered
    {0, 3, 10, 33, 190, *range(200, 300), 368, 131005, 131031, 131037, 131042, 131045}
    | {133000, 133005, 133006, 133010}
)
THEIRS = frozenset({130497})  # a 403 for this recipient's country only
# Too many at once, or a fault of theirs; True: it concerns the whole account.
LATER = {
    1: False, 2: True, 4: True, 80007: True, 130429: True, 131000: False, 131016: True,
    131048: True, 131056: False, 131057: True, 133004: True,
}  # fmt: skip

VERSION = "v24.0"
MEDIA_HOSTS = frozenset({"lookaside.fbsbx.com"})  # where Meta keeps files; it wants our token there
PER_SECOND = 38  # by each of two workers; Meta takes 80 of one number
WINDOW = timedelta(hours=24)
MAX_TEXT, MAX_CAPTION, MAX_WITH_BUTTONS, MAX_LABEL = 4096, 1024, 1024, 20
MAX_FILE = 5 * 1024 * 1024  # Meta's bound for pictures, the smallest; larger files go as links
MAX_BYTES = 4 * 1024 * 1024  # of a webhook; Meta's own bound is 3 MB
MEDIA = {
    **dict.fromkeys(("image/jpeg", "image/png"), "image"),
    **dict.fromkeys(("video/mp4", "video/3gpp"), "video"),
    **dict.fromkeys(SOUNDS, "audio"),
    **dict.fromkeys(("application/pdf", "text/plain", *OFFICE), "document"),
}


class WhatsAppAdapter(HttpAdapter):
    """One number at Meta. Its connections stay open between sends."""

    label: ClassVar[str] = "WhatsApp"
    home: ClassVar[str] = "https://graph.facebook.com"
    kinds: ClassVar[frozenset[str]] = frozenset({"whatsapp"})
    webhooks: ClassVar[bool] = True
    settings_needed: ClassVar[tuple[str, ...]] = (
        "phone_number_id",
        "access_token",
        "app_secret",
        "verify_token",
    )
    settings_given: ClassVar[tuple[str, ...]] = ("verify_token",)
    address_pattern: ClassVar[str] = r"\+[1-9][0-9]{6,14}"
    address_example: ClassVar[str] = "+31201234567"

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """Meta answers for who wrote; we answer within a day, or with an approved text."""
        return Capabilities(
            receipts=True,
            authenticates_sender=True,
            max_text=MAX_TEXT,
            media=frozenset(MEDIA),
            max_file=MAX_FILE,
            reply_window=WINDOW,
            templates=True,
            can_start=False,
        )

    # Out

    def check(self) -> Reason:
        """Ask for our own number, and whether it is the one that customers are shown."""
        asked = {"fields": "display_phone_number"}
        answer = self.door.call("GET", self._place(), params=asked)
        number = self.door.clean(answer.said.get("display_phone_number"))
        if not answer.ok or not number:
            raise self._refusal(answer)
        if _digits(number) != _digits(self.account.address):
            raise Misconfigured(Reason("provider_number", {"number": number}))
        return Reason("provider_knows", {"provider": self.label})

    def send(self, outbound: Outbound) -> Sent:
        """Hand one answer over: files first, what is written last."""
        *first, last = self._parts(outbound)
        before = [(outbound.to, part, outbound.key + meta.NOT_LAST) for part in first]
        return Sent(send_in_parts([*before, (outbound.to, last, outbound.key)], self._post))

    def _parts(self, outbound: Outbound) -> list[dict[str, Any]]:
        """The messages that it takes. Files are uploaded here, where nobody sees them yet."""
        if outbound.approved is not None:
            return [_template(outbound.approved)]
        files = [self._upload(file) for file in outbound.files]
        text = outbound.text.strip()
        if files and not text:
            return files
        if len(files) == 1 and not outbound.buttons and len(text) <= MAX_CAPTION:
            sort = files[0]["type"]
            if sort != "audio":  # a sound carries no words
                return [{"type": sort, sort: {**files[0][sort], "caption": text}}]
        return [*files, *_written(text, outbound.buttons)]

    def _post(self, to: str, part: dict[str, Any], key: str) -> str:
        """One message; its id."""
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": _digits(to),
            "biz_opaque_callback_data": key,
            **part,
        }
        answer = self.door.call("POST", f"{self._place()}/messages", json=message)
        if not (pk := _id_in(answer)):
            raise self._refusal(answer)
        return pk

    def _upload(self, file: OutFile) -> dict[str, Any]:
        """A file as a message without words."""
        answer = self.door.call(
            "POST",
            f"{self._place()}/media",
            repeatable=True,
            data={"messaging_product": "whatsapp", "type": file.content_type},
            files={"file": (file.name, file.content, file.content_type)},
        )
        pk = answer.said.get("id")
        if not answer.ok:
            raise self._refusal(answer)
        if not isinstance(pk, str):
            raise Unavailable(Reason("provider_nonsense"))
        sort = MEDIA.get(file.content_type, "document")
        name = {"filename": file.name} if sort == "document" else {}
        return {"type": sort, sort: {"id": pk, **name}}

    def _open(self) -> Door:
        token = self.account.setting("access_token")
        return Door(
            f"{self.base_url}/{VERSION}",
            headers={"Authorization": f"Bearer {token}"},
            secrets=(token,),
            also=MEDIA_HOSTS,
            per_second=PER_SECOND,
        )

    def _place(self) -> str:
        return "/" + quote(self.account.setting("phone_number_id"), safe="")

    def _refusal(self, answer: Answer) -> SendError:
        """By Meta's own code where it says more than the status."""
        fault = piece(answer.said, "error")
        code, words = meta.code(fault), meta.why(fault)
        if answer.ok or code is None:
            return self.door.refusal(answer, words)
        detail = f"{answer.status} {code} {self.door.clean(words)}"
        if code == meta.WINDOW_CLOSED:
            return Rejected(Reason("provider_window"))
        if code in meta.GONE:
            return RecipientGone(detail)
        if code in THEIRS:
            return Rejected(detail)
        if code in OURS or meta.code(fault, "error_subcode") in OURS:
            return Misconfigured(detail)
        if code in LATER:
            return Unavailable(detail, retry_after=answer.retry_after, everyone=LATER[code])
        return self.door.refusal(answer, f"{code} {words}")

    # In

    def challenge(self, request: Request) -> str:
        """What Meta asks once, when our address is typed in there."""
        asked = dict(request.query)
        agreed = is_same(self.account.setting("verify_token"), asked.get("hub.verify_token", ""))
        if not agreed or asked.get("hub.mode") != "subscribe":
            raise BadSignature("The token is not the one that was agreed on.")
        challenge = asked.get("hub.challenge", "")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", challenge):
            raise BadSignature("Nothing is asked here.")
        return challenge

    def verify(self, request: Request) -> None:
        """HMAC-SHA256 with the app's secret over the bytes as they came."""
        if len(request.body) > MAX_BYTES:
            raise BadPayload("It is too large.")
        self.account.setting("phone_number_id")  # without it nothing could be read later
        secret = self.account.setting("app_secret").encode()
        mine = f"sha256={hmac.new(secret, request.body, hashlib.sha256).hexdigest()}"
        if not is_same(mine, request.header("x-hub-signature-256")):
            raise BadSignature("The signature is not Meta's.")

    def parse(self, request: Request) -> list[Parsed]:
        """What was written and what became of our messages, of our own number only."""
        return list(meta.read(request.body, self.account.setting("phone_number_id")))

    def fetch(self, file: InFile, limit: int) -> InFile:
        """Ask where the file is kept, then for the file."""
        params = {"phone_number_id": self.account.setting("phone_number_id")}
        answer = self.door.call("GET", f"/{quote(file.reference, safe='')}", params=params)
        if not answer.ok:
            error = self._refusal(answer)
            if error.retryable or answer.status not in (400, 404):
                raise Unavailable(error.why, retry_after=error.retry_after)
            raise Rejected(error.why)  # kept no longer, or another number's
        url, size = answer.said.get("url"), answer.said.get("file_size")
        content, served = self.door.fetch_kept(url, size, limit)
        return checked(file, content, served)

    def link_to_write(self, text: str, code: str) -> str:
        """The conversation with our number, with the text ready to be sent."""
        number = _digits(self.account.address)
        return f"https://wa.me/{number}?text={quote(text, safe='')}" if number else ""


def _written(text: str, buttons: tuple[Button, ...]) -> list[dict[str, Any]]:
    """What is written, with its buttons below; a long text begins in a message before."""
    if not buttons:
        return [_text(text)]
    before, below = _split(text)
    replies = [
        {"type": "reply", "reply": {"id": button.word, "title": _short(button.label)}}
        for button in buttons
    ]
    asked = {"type": "button", "body": {"text": below}, "action": {"buttons": replies}}
    return [*([_text(before)] if before else []), {"type": "interactive", "interactive": asked}]


def _text(text: str) -> dict[str, Any]:
    # No preview: Meta would call each address in it, and ours are one customer's own.
    return {"type": "text", "text": {"preview_url": False, "body": text}}


def _split(text: str) -> tuple[str, str]:
    """The text in two where it is too long for buttons, between paragraphs, lines or words."""
    if len(text) <= MAX_WITH_BUTTONS:
        return "", text
    earliest = len(text) - MAX_WITH_BUTTONS
    places = (text.find(mark, earliest) for mark in ("\n\n", "\n", " "))
    at = next((place for place in places if place >= 0), earliest)
    return text[:at].strip(), text[at:].strip()


def _short(label: str) -> str:
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…"


def _template(approved: Approved) -> dict[str, Any]:
    # Meta refuses values with line breaks or many blanks.
    values = [{"type": "text", "text": one_line(value)} for value in approved.values]
    body = [{"type": "body", "parameters": values}] if values else []
    language = {"code": approved.language}
    template = {"name": approved.name, "language": language, "components": body}
    return {"type": "template", "template": template}


def _id_in(answer: Answer) -> str:
    """The id of a message that was taken; "" where it was not."""
    found = answer.said.get("messages")
    first = found[0] if answer.ok and isinstance(found, list) and found else {}
    return clean(first.get("id"))[:255] if isinstance(first, dict) else ""


def _digits(number: str) -> str:
    return re.sub(r"[^0-9]", "", number)

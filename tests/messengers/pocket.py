"""A messenger of tests: signed webhooks as JSON, and a pocket that keeps what was sent to it."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any, ClassVar
from urllib.parse import quote

from channels_app import inbound
from channels_app.adapters.base import (
    Adapter,
    BadPayload,
    BadSignature,
    Capabilities,
    Correction,
    Inbound,
    InFile,
    Outbound,
    Parsed,
    Reason,
    Receipt,
    Rejected,
    Request,
    SendError,
    Sent,
    Unavailable,
)
from channels_app.models import Channel, InboundEvent
from contacts.models import Organisation
from tests import worker

SECRET = b"pocket-secret"
NOBODYS = "+15005550000"


class Pocket(Adapter):
    """WhatsApp says who writes, SMS does not; files are fetched by a reference."""

    kinds: ClassVar[frozenset[str]] = frozenset({"sms", "whatsapp"})
    webhooks = True
    headers_kept = frozenset({"x-signature"})
    sent: ClassVar[list[Outbound]] = []
    files: ClassVar[dict[str, bytes | SendError]] = {}
    fetched: ClassVar[list[str]] = []

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """As the real ones."""
        return Capabilities(
            receipts=True,
            authenticates_sender=kind == "whatsapp",
            can_start=kind != "whatsapp",
            max_text=4096,
        )

    def send(self, outbound: Outbound) -> Sent:
        """Keep it."""
        self.sent.append(outbound)
        return Sent(f"out-{outbound.key}")

    def verify(self, request: Request) -> None:
        """A keyed digest over the raw bytes."""
        if not hmac.compare_digest(request.header("x-signature"), signature(request.body)):
            raise BadSignature("wrong")

    def parse(self, request: Request) -> list[Parsed]:
        """A list of things."""
        try:
            return [_thing(given) for given in json.loads(request.body)]
        except ValueError:
            raise BadPayload("no JSON") from None

    def fetch(self, file: InFile, limit: int) -> InFile:
        """From the pocket."""
        self.fetched.append(file.reference)
        content = self.files.get(file.reference, Unavailable("gone for a while"))
        if isinstance(content, SendError):
            raise content
        if len(content) > limit:
            raise Rejected(Reason.said("too large"))
        return InFile(file.name, file.content_type, content)

    def link_to_write(self, text: str, code: str) -> str:
        """As wa.me."""
        return f"https://pocket.example/{self.account.address}?text={quote(text)}"


def _thing(given: dict[str, Any]) -> Parsed:
    sort = given.pop("sort", "message")
    if sort == "receipt":
        return Receipt(**given)
    if sort == "correction":
        change = given.pop("change")
        return Correction(**given, sort=change)
    files = tuple(
        InFile(f["name"], f["type"], base64.b64decode(f.get("content", "")), reference=f["id"])
        for f in given.pop("files", ())
    )
    codes = tuple(given.pop("join_codes", ()))
    return Inbound(**given, files=files, join_codes=codes)


def signature(body: bytes) -> str:
    """What the provider signs with."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def channel(organisation: Organisation, kind: str = "whatsapp", **fields: Any) -> Channel:
    """A channel of the pocket."""
    values = {"slug": kind, "name": kind, "address": "+3197000000", "position": 10, **fields}
    return Channel.objects.create(organisation=organisation, kind=kind, provider="pocket", **values)


def post(to: Channel, *things: dict[str, Any], signed: bool = True) -> InboundEvent:
    """A webhook comes in and is processed."""
    body = json.dumps(things).encode()
    headers = (("x-signature", signature(body) if signed else "forged"),)
    event = inbound.receive(to, Request(body=body, headers=headers, method="POST"))
    worker.file(event)
    event.refresh_from_db()
    return event


def write(to: Channel, sender: str, text: str = "", **more: Any) -> InboundEvent:
    """Somebody writes; a new message each time, unless `id` says which."""
    name = more.pop("id", None) or uuid.uuid4().hex
    thing = {"external_id": name, "provider_id": name, "scheme": "phone", "sender": sender}
    return post(to, {**thing, "text": text, **more})


def send_all() -> list[Outbound]:
    """What a worker does; what was sent by it."""
    before = len(Pocket.sent)
    worker.send_due()
    return Pocket.sent[before:]

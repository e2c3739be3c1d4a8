"""Telephones with the real messengers on them: each post is the provider's own, really signed."""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts.models import Identity, Organisation
from tests import worker
from tests.adapters import telegram, twilio, whatsapp
from tests.adapters.contract import AtProvider, said
from tests.webhooks.channels import channel_at, post
from tests.webhooks.providers import Provider, Said, provider_server

PICTURE = b"\xff\xd8\xff\xe0 a picture"


@dataclass
class Messenger(ABC):
    """One messenger: what customers do on it, and what it brought them. They go by their number."""

    account: ClassVar[type[AtProvider]]
    scheme: ClassVar[str] = "phone"
    proof: ClassVar[str]  # the header that shows that it is the provider
    sends: ClassVar[str]  # how the place ends that takes our messages
    channel: Channel
    provider: Provider

    @abstractmethod
    def posted(self, sender: str, text: str, *, picture: bool = False) -> Request:
        """What the provider posts when somebody writes."""

    @abstractmethod
    def edited(self, sender: str, of: str, text: str) -> Request:
        """What it posts when somebody edits the message of that id."""

    @abstractmethod
    def read(self, call: Any) -> tuple[str, str]:
        """To whom a call goes, and what it says."""

    @abstractmethod
    def picture(self) -> list[Said]:
        """What it answers when the picture is fetched."""

    def address(self, number: str) -> str:
        """How we know the person with that number."""
        return number

    def identity(self, number: str) -> Identity:
        """The same as a row."""
        return Identity.of(self.scheme, self.address(number))

    def write(self, sender: str, text: str) -> Request:
        """Somebody writes; what was posted of it."""
        return self.bring(self.posted(sender, text))

    def show(self, sender: str, text: str) -> None:
        """Somebody sends a picture with these words."""
        self.provider.answers = [*self.picture()]
        self.bring(self.posted(sender, text, picture=True))
        assert not self.provider.answers  # it was fetched

    def scan(self, sender: str, link: str) -> Request:
        """Somebody opens a link of ours, as a QR code holds it, and presses send."""
        found = parse_qs(urlsplit(link).query)
        return self.write(
            sender, next(found[name][0] for name in ("text", "body") if name in found)
        )

    def tap(self, sender: str, code: str) -> Request:
        """Somebody sends a bare code, as the messenger's links do it."""
        return self.write(sender, code)

    def bring(self, request: Request) -> Request:
        """Post it, and let the worker read it."""
        assert post(Client(), self.channel, request).status_code == 200
        worker.file_all()
        return request

    def unsigned(self, request: Request, proof: str | None) -> Request:
        """The same post with another proof, or with none."""
        kept = tuple(one for one in request.headers if one[0] != self.proof)
        return replace(request, headers=kept if proof is None else (*kept, (self.proof, proof)))

    def brought(self) -> list[tuple[str, str]]:
        """All that went out: to which address of ours, and what."""
        return [self.read(call) for call in self.provider.calls if call[0].endswith(self.sends)]


class Sms(Messenger):
    """By Twilio: the sender is whatever was typed into somebody's machine."""

    account = twilio.Twilio
    proof = "x-twilio-signature"
    sends = "/Messages.json"

    def posted(self, sender: str, text: str, *, picture: bool = False) -> Request:
        """A form."""
        sid = f"SM{uuid.uuid4().hex}"
        place = f"{self.provider.url}/2010-04-01/Accounts/{twilio.SID}/Messages/{sid}/Media/ME1"
        media = {"NumMedia": "1", "MediaUrl0": place, "MediaContentType0": "image/jpeg"}
        fields = twilio.text(MessageSid=sid, From=sender, Body=text, **(media if picture else {}))
        return twilio.posted(fields, url=f"{settings.PUBLIC_URL}/webhooks/{self.channel.slug}/")

    def edited(self, sender: str, of: str, text: str) -> Request:
        """An SMS cannot be: another with the same id."""
        fields = twilio.text(MessageSid=of, From=sender, Body=text)
        return twilio.posted(fields, url=f"{settings.PUBLIC_URL}/webhooks/{self.channel.slug}/")

    def read(self, call: Any) -> tuple[str, str]:
        """A form."""
        told = parse_qs(call[2].decode())
        return told["To"][0], told["Body"][0]

    def picture(self) -> list[Said]:
        """At once."""
        return [(200, {"Content-Type": "image/jpeg"}, PICTURE)]


class WhatsApp(Messenger):
    """By Meta, which says who wrote."""

    account = whatsapp.WhatsApp
    proof = "x-hub-signature-256"
    sends = "/messages"

    def _thing(self, sender: str, sort: str, part: dict[str, Any]) -> Request:
        own = {"from": sender.removeprefix("+"), "id": f"wamid.{uuid.uuid4().hex}", "type": sort}
        return whatsapp.posted(whatsapp.value(messages=[own | {sort: part}]) | {"contacts": []})

    def posted(self, sender: str, text: str, *, picture: bool = False) -> Request:
        """A batch of one."""
        if picture:
            part = {"id": "8487", "mime_type": "image/jpeg", "caption": text}
            return self._thing(sender, "image", part)
        return self._thing(sender, "text", {"body": text})

    def edited(self, sender: str, of: str, text: str) -> Request:
        """A thing of its own."""
        words = {"type": "text", "text": {"body": text}}
        return self._thing(sender, "edit", {"original_message_id": of, "message": words})

    def read(self, call: Any) -> tuple[str, str]:
        """JSON; with buttons the text stands elsewhere."""
        told = json.loads(call[2])
        words = told["text"] if told["type"] == "text" else told[told["type"]]["body"]
        return f"+{told['to']}", words.get("body") or words["text"]

    def picture(self) -> list[Said]:
        """First where it is."""
        place = {"url": f"{self.provider.url}/kept/8487", "mime_type": "image/jpeg"}
        return [said(200, place), (200, {"Content-Type": "image/jpeg"}, PICTURE)]


class Telegram(Messenger):
    """By its Bot API, which says who wrote. A person has a chat with our bot, and no number."""

    account = telegram.Telegram
    scheme = "telegram"
    proof = "x-telegram-bot-api-secret-token"
    sends = "/sendMessage"

    def _chat(self, sender: str) -> dict[str, Any]:
        return {"id": int(sender[-9:]), "type": "private", "first_name": "Sam"}

    def _message(self, sender: str, pk: int, **content: Any) -> dict[str, Any]:
        chat = self._chat(sender)
        person = telegram.PERSON | {"id": chat["id"]}
        return telegram.message(message_id=pk, chat=chat, **{"from": person}, **content)

    def address(self, number: str) -> str:
        """Their chat with our bot."""
        return f"{telegram.BOT}:{int(number[-9:])}"

    def posted(self, sender: str, text: str, *, picture: bool = False) -> Request:
        """An update."""
        pk = uuid.uuid4().int % 10**9
        content = {"photo": telegram.SIZES, "caption": text} if picture else {"text": text}
        return telegram.posted({"update_id": pk, "message": self._message(sender, pk, **content)})

    def edited(self, sender: str, of: str, text: str) -> Request:
        """Another update about the number of a message within the sender's own chat."""
        message = self._message(sender, int(of.rpartition(":")[2]), text=text, edit_date=1749854600)
        return telegram.posted({"update_id": uuid.uuid4().int % 10**9, "edited_message": message})

    def scan(self, sender: str, link: str) -> Request:
        """The code stands in the link."""
        return self.tap(sender, parse_qs(urlsplit(link).query)["start"][0])

    def tap(self, sender: str, code: str) -> Request:
        """The button Start sends what stands behind it."""
        return self.write(sender, f"/start {code}")

    def read(self, call: Any) -> tuple[str, str]:
        """JSON."""
        told = json.loads(call[2])
        return f"{telegram.BOT}:{told['chat_id']}", told["text"]

    def picture(self) -> list[Said]:
        """First where it is."""
        place = said(200, {"ok": True, "result": {"file_path": "photos/1.jpg"}})
        return [place, (200, {"Content-Type": "image/jpeg"}, PICTURE)]


MESSENGERS: dict[str, type[Messenger]] = {"sms": Sms, "whatsapp": WhatsApp, "telegram": Telegram}


@contextmanager
def servers() -> Iterator[dict[str, Provider]]:
    """A provider for each, on this machine."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(provider_server()) for kind in MESSENGERS}


def messenger_at(
    kind: str,
    organisation: Organisation,
    providers: dict[str, Provider],
    monkeypatch: pytest.MonkeyPatch,
    **fields: Any,
) -> Messenger:
    """The channel of an organisation at a provider that heard nothing yet."""
    provider, cls = providers[kind], MESSENGERS[kind]
    provider.calls.clear()
    return cls(channel_at(cls.account, organisation, provider, monkeypatch, **fields), provider)


def send_all() -> None:
    """What a worker does."""
    worker.send_due()

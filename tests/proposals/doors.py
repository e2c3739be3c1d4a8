"""How a customer writes, taps and hears by one kind: the same words for every door."""

import json
from email.message import EmailMessage
from itertools import count
from typing import Any

from django.test import Client

from channels_app import inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts.models import Case
from tests import shop, worker
from tests.adapters import telegram as bot
from tests.messengers import pocket
from tests.messengers.people import SAM
from tests.webhooks import channels
from tests.webhooks.providers import Provider

MAIL = "sam@example.org"
PERSON = bot.PERSON | {"language_code": "en"}


class Door:
    """One kind. What was heard is forgotten once it was asked for."""

    kind = ""

    def write(self, text: str) -> None:
        """Write by it."""
        raise NotImplementedError

    def heard(self) -> list[str]:
        """What came since, after everything was sent."""
        raise NotImplementedError

    def tap(self, word: str) -> None:
        """Tap a button of what came last; where there are none, write the word."""
        self.write(word)

    def opens(self) -> Case:
        """Ask a question by it; its case, which is answered here from now on."""
        self.write("My kettle leaks")
        self.heard()
        return Case.objects.latest("pk")


class MailDoor(Door):
    """A mail program: answers go to where the last mail wants them."""

    kind = "email"

    def __init__(self, channel: Channel, sink: shop.Sink) -> None:
        self.channel, self.sink, self.seen = channel, sink, 0

    def write(self, text: str, sender: str = MAIL) -> None:
        """An answer to the newest mail, or a first one."""
        last = self.sink.mails[-1] if self.sink.mails else None
        self.send(text, to=str(last["Reply-To"]) if last else shop.MAILBOX, sender=sender)

    def send(self, text: str, *, to: str, sender: str = MAIL, **headers: str) -> None:
        """A mail to one address."""
        raw = shop.mail(sender=sender, to=to, subject="Kettle", text=text, **headers)
        worker.file(inbound.receive(self.channel, Request(body=raw)))

    def mails(self) -> list[EmailMessage]:
        """What came since."""
        worker.send_due()
        new, self.seen = self.sink.mails[self.seen :], len(self.sink.mails)
        return new

    def heard(self) -> list[str]:
        """Their plain texts, in one line each."""
        texts = (mail.get_body(("plain",)) for mail in self.mails())
        return [" ".join(str(text.get_content()).split()) for text in texts if text]


class PocketDoor(Door):
    """SMS, or WhatsApp."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self.kind = channel, channel.kind
        self.buttons: dict[str, str] = {}

    def write(self, text: str, sender: str = SAM) -> None:
        """A message."""
        pocket.write(self.channel, sender, text)

    def heard(self) -> list[str]:
        """Texts; the buttons of the newest are kept."""
        sent = pocket.send_all()
        if sent:
            self.buttons = {button.label: button.word for button in sent[-1].buttons}
        return [" ".join(one.text.split()) for one in sent]

    def tap(self, word: str) -> None:
        """As the app does: the word that the button carries."""
        self.write(self.buttons[word] if self.kind == "whatsapp" else word)


class BotDoor(Door):
    """Telegram, by its webhook."""

    kind = "telegram"

    def __init__(self, channel: Channel, client: Client, provider: Provider) -> None:
        self.channel, self.client, self.provider = channel, client, provider
        self.numbers, self.buttons = count(900), {}  # type: tuple[Any, dict[str, str]]

    def post(self, **update: Any) -> None:
        """An update."""
        given = {"update_id": next(self.numbers), **update}
        assert channels.post(self.client, self.channel, bot.posted(given)).status_code == 200
        worker.file_all()

    def write(self, text: str) -> None:
        """A message."""
        content = {"message_id": next(self.numbers), "from": PERSON, "text": text}
        self.post(message=bot.message(**content))

    def heard(self) -> list[str]:
        """Texts of the bot."""
        del self.provider.calls[:]
        worker.send_due()
        told = [json.loads(body) for _path, _headers, body in self.provider.calls]
        told = [one for one in told if "text" in one]
        if told:
            rows = told[-1].get("reply_markup", {}).get("inline_keyboard", [])
            self.buttons = {row[0]["text"]: row[0]["callback_data"] for row in rows}
        return [" ".join(one["text"].split()) for one in told]

    def tap(self, word: str) -> None:
        """A button below the bot's message."""
        query = bot.TAPPED["callback_query"] | {"from": PERSON, "data": self.buttons[word]}
        self.post(callback_query=query)

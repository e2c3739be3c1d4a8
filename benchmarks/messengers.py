"""Three messengers of the shop, and what their providers would post: really signed."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from benchmarks.house import House
from channels_app.models import Channel
from contacts.models import Organisation

NUMBER = "106540352242922"
PEOPLE = 1000  # numbers that a regulator keeps for fiction: 07700 900000 to 900999
CONFIG = {
    "whatsapp": ("access_token", "app_secret", "verify_token"),
    "twilio": ("account_sid", "auth_token"),
    "telegram": ("bot_token", "webhook_secret"),
}
numbers = itertools.count(1)


@dataclass(frozen=True)
class Post:
    """A request of a provider's."""

    path: str
    body: bytes
    headers: dict[str, str]


def open_messengers() -> None:
    """WhatsApp, SMS and Telegram, as an administrator would set them up; once."""
    if Channel.objects.filter(kind="whatsapp").exists():
        return
    for kind, provider, address in (
        ("whatsapp", "whatsapp", "+3197010200000"),
        ("sms", "twilio", "+3197010200001"),
        ("telegram", "telegram", "OurShopBot"),
    ):
        config = dict.fromkeys(CONFIG[provider], "env:BENCH_SECRET")
        config |= {"base_url": "env:BENCH_WELL"}
        config |= {"bot_token": "env:BENCH_BOT"} if kind == "telegram" else {}
        config |= {"phone_number_id": "env:BENCH_NUMBER"} if kind == "whatsapp" else {}
        channel = Channel(
            organisation=Organisation.current(),
            kind=kind,
            provider=provider,
            slug=kind,
            name=kind,
            address=address,
            config=config,
        )
        channel.full_clean()
        channel.save()


def behaves(kind: str, how: str) -> None:
    """From now on that provider is "well", "slow", "garbled" or "dead"."""
    channel = Channel.objects.get(kind=kind)
    channel.config["base_url"] = f"env:BENCH_{how.upper()}"
    channel.paused_until = None
    channel.save()


def posts(house: House) -> Iterator[Post]:
    """What customers write, for ever: half of it by WhatsApp, the rest by SMS and Telegram."""
    makers = itertools.cycle((whatsapp, sms, whatsapp, telegram))
    return (next(makers)(house, next(numbers)) for _n in itertools.count())


def whatsapp(house: House, number: int, **more: Any) -> Post:
    """A message, or what `more` says it is."""
    sender = _number(number)
    now = str(int(time.time()))  # else the window is closed, and no answer goes
    message = {"from": sender, "id": f"wamid.{number}", "timestamp": now, "type": "text"}
    message |= more or {"text": {"body": f"Is number {number} in stock? I can come on Friday."}}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "3197010200000", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Sam"}, "wa_id": sender}],
        "messages": [message],
    }
    change = {"field": "messages", "value": value}
    said = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    body = json.dumps(said).encode()
    mark = hmac.new(house.env["BENCH_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    return _post("whatsapp", body, "application/json", {"X-Hub-Signature-256": f"sha256={mark}"})


def sms(house: House, number: int) -> Post:
    """A text."""
    form = {
        "MessageSid": f"SM{number:032x}",
        "AccountSid": house.env["BENCH_SECRET"],
        "From": f"+{_number(number)}",
        "To": "+3197010200001",
        "Body": f"Is number {number} in stock?",
        "NumMedia": "0",
    }
    signed = f"{settings.PUBLIC_URL}/webhooks/sms/" + "".join(
        name + value for name, value in sorted(form.items())
    )
    mark = hmac.new(house.env["BENCH_SECRET"].encode(), signed.encode(), hashlib.sha1).digest()
    sort = "application/x-www-form-urlencoded"
    signature = {"X-Twilio-Signature": base64.b64encode(mark).decode()}
    return _post("sms", urlencode(form).encode(), sort, signature)


def telegram(house: House, number: int) -> Post:
    """A message to the bot."""
    sam = {"id": 5_550_000 + number % PEOPLE, "is_bot": False, "first_name": "Sam"}
    message = {
        "message_id": number,
        "from": sam,
        "chat": {"id": sam["id"], "type": "private"},
        "date": int(time.time()),
        "text": f"Is number {number} in stock?",
    }
    body = json.dumps({"update_id": number, "message": message}).encode()
    secret = {"X-Telegram-Bot-Api-Secret-Token": house.env["BENCH_SECRET"]}
    return _post("telegram", body, "application/json", secret)


def _number(number: int) -> str:
    return f"4477009{number % PEOPLE:05}"


def _post(kind: str, body: bytes, sort: str, signature: dict[str, str]) -> Post:
    return Post(f"/webhooks/{kind}/", body, {"Content-Type": sort, **signature})

"""A worker beside a provider that is not well, run as a process of its own: see test_bulkhead.py.

Prints one line of JSON.
"""

import json
import os
import time
from datetime import timedelta

import django

from tests.reliability.shift import kill, start

ANSWERS, PICTURES, MAILS, CHATS = 30, 12, 10, 10
PATIENCE = 60.0


def main() -> dict[str, object]:
    """Answers and pictures wait at WhatsApp; how long does all that is not WhatsApp's take?"""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django.core.management import call_command
    from django.db.models import Count, F, Max
    from django.utils import timezone

    from channels_app import dispatch, inbound, opening, outbox
    from channels_app.models import Channel, Delivery, InboundEvent
    from tests import shop, worker
    from tests.adapters import telegram as bot
    from tests.adapters import whatsapp as meta

    call_command("migrate", verbosity=0)
    organisation, agent = shop.make_shop(), shop.make_agent()
    for kind, address, config in (
        ("whatsapp", "+3197010200000", meta.WhatsApp.config),
        ("telegram", "OurShopBot", bot.Telegram.config),
    ):
        Channel.objects.create(
            organisation=organisation,
            kind=kind,
            provider=kind,
            slug=kind,
            name=kind,
            address=address,
            config={name: f"env:{kind.upper()}_{name.upper()}" for name in config},
        )
    by = {channel.kind: channel for channel in Channel.objects.all()}

    def came(kind: str, request: object) -> InboundEvent:
        return inbound.receive(by[kind], request)  # type: ignore[arg-type]

    stamp = str(int(time.time()))  # else the window is closed, and no answer goes
    hi = meta.wrote("text", {"body": "Hi?"}, "wamid.0", timestamp=stamp)
    worker.file(came("whatsapp", hi))
    chat = Delivery.objects.get(channel=by["whatsapp"]).message.case
    mail = opening.open_case(
        organisation=organisation,
        text="Hi?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    assert chat is not None
    running = start("worker", "-P", "threads", "-c", "16")
    try:
        for number in range(ANSWERS):
            dispatch.reply(case=chat, staff=agent, text=f"Yes ({number}).")
        for number in range(PICTURES):
            picture = {"id": "1", "mime_type": "image/jpeg"}
            came("whatsapp", meta.wrote("image", picture, f"wamid.{number + 1}"))
        tried = Delivery.objects.filter(channel=by["whatsapp"], attempt_count__gt=0)
        until = time.monotonic() + PATIENCE
        while not tried.exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1)  # now it sits wherever it may
        since = timezone.now()
        for number in range(MAILS):
            dispatch.reply(case=mail, staff=agent, text=f"Yes ({number}).")
        for number in range(CHATS):
            text = bot.message(text="Hi?", message_id=number)
            came("telegram", bot.posted({"update_id": number, "message": text}))
        mails = Delivery.objects.filter(channel=by["email"])
        chats = InboundEvent.objects.filter(channel=by["telegram"])
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and (
            mails.exclude(status="sent").exists() or chats.exclude(state="processed").exists()
        ):
            time.sleep(0.05)
            outbox.ring_to_send(by["email"].pk)  # one may be lost: no sweep here
    finally:
        kill(running)
    longest = {
        "mail": mails.filter(created_at__gte=since).aggregate(
            found=Max(F("sent_at") - F("created_at"))
        )["found"],
        "chat": chats.aggregate(found=Max(F("processed_at") - F("received_at")))["found"],
    }
    states = Delivery.objects.filter(channel=by["whatsapp"]).values_list("status")
    now = Channel.objects.get(kind="whatsapp")
    return {
        "longest": {
            name: found.total_seconds() if isinstance(found, timedelta) else None
            for name, found in longest.items()
        },
        "sent": mails.filter(status="sent").count(),
        "filed": chats.filter(state="processed").count(),
        "whatsapp": dict(states.annotate(Count("pk"))),
        "paused": now.paused_until is not None,
    }


if __name__ == "__main__":
    print(json.dumps(main()))

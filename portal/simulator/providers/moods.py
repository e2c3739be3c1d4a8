"""How a provider can be made to misbehave, and who is asked: the registry of providers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.simulator.providers.base import Answer, Call, Hook, Provider
from portal.simulator.providers.telegram import Telegram
from portal.simulator.providers.twilio import Twilio
from portal.simulator.providers.whatsapp import WhatsApp

PROVIDERS: dict[str, Provider] = {p.app: p for p in (Twilio(), WhatsApp(), Telegram())}
SLOW_SECONDS = 5.0
WAIT_SECONDS = 10  # what Retry-After says
GARBAGE = b"<html><body><h1>It works!</h1></body>"


@dataclass(frozen=True)
class Mood:
    """One way to misbehave; `only` are the apps that know it, () means all."""

    name: str
    label: str | Promise
    hint: str | Promise
    only: tuple[str, ...] = ()


MOODS = (
    Mood("slow", _("Slow"), _("Every answer takes five seconds.")),
    Mood("broken", _("Broken"), _("Every request gets an error 500.")),
    Mood("busy", _("Too busy"), _("Every request gets a 429: try again in ten seconds.")),
    Mood("garbage", _("Garbage"), _("It says 200 and answers with something unreadable.")),
    Mood("twice", _("Everything twice"), _("Each webhook is posted two times.")),
    Mood(
        "disorder",
        _("Out of order"),
        _("Read is told before delivered, and that before sent."),
        ("sms", "whatsapp"),
    ),
    Mood("closed", _("Window closed"), _("The 24 hours are over, it says."), ("whatsapp",)),
    Mood("blocked", _("Customer blocks us"), _("Nothing of ours reaches the customer any more.")),
)


def of_app(app: str) -> list[Mood]:
    """The moods that an app knows."""
    return [mood for mood in MOODS if not mood.only or app in mood.only]


def active(app: str) -> list[Mood]:
    """Those that are on."""
    return [mood for mood in of_app(app) if PROVIDERS[app].is_on(mood.name)]


def switch(app: str, name: str, *, on: bool) -> list[Hook]:
    """Turn one on or off; what the provider posts about it."""
    PROVIDERS[app].book.note(f"mood:{name}", on)
    return PROVIDERS[app].felt(name, on=on)


def normal(app: str) -> list[Hook]:
    """Turn all of them off; what the provider posts about it."""
    return [hook for mood in active(app) for hook in switch(app, mood.name, on=False)]


def answer(provider: Provider, call: Call) -> Answer:
    """What the provider answers in the mood that it is in."""
    if provider.is_on("slow"):
        time.sleep(SLOW_SECONDS)
    if provider.is_on("broken"):
        return Answer(500, b"Internal Server Error", content_type="text/plain")
    if provider.is_on("busy"):
        said = provider.busy()
        return replace(said, headers={**said.headers, "Retry-After": str(WAIT_SECONDS)})
    if provider.is_on("garbage"):
        return Answer(200, GARBAGE, content_type="text/html")
    return provider.answer(call)


def moody(provider: Provider, hooks: Sequence[Hook]) -> list[Hook]:
    """What the provider posts in the mood that it is in."""
    found = list(hooks)
    if provider.is_on("disorder"):
        moments = [hook.after for hook in found]
        found = [
            replace(hook, after=after) for hook, after in zip(reversed(found), moments, strict=True)
        ]
    return found * 2 if provider.is_on("twice") else found

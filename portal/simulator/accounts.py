"""The demo's accounts at its own providers: made once, kept in a file, never in the database."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit


def _digits(count: int) -> str:
    return "1" + "".join(secrets.choice("0123456789") for _n in range(count - 1))


MAKERS: dict[str, Callable[[], str]] = {
    "DEMO_TWILIO_ACCOUNT_SID": lambda: "AC" + secrets.token_hex(16),
    "DEMO_TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
    "DEMO_WHATSAPP_PHONE_NUMBER_ID": lambda: _digits(15),
    "DEMO_WHATSAPP_ACCESS_TOKEN": lambda: "EAA" + secrets.token_hex(60),
    "DEMO_WHATSAPP_APP_SECRET": lambda: secrets.token_hex(16),
    "DEMO_WHATSAPP_VERIFY_TOKEN": lambda: secrets.token_urlsafe(24),
    "DEMO_TELEGRAM_BOT_TOKEN": lambda: f"{_digits(10)}:AA{secrets.token_urlsafe(25)[:33]}",
    "DEMO_TELEGRAM_WEBHOOK_SECRET": lambda: secrets.token_urlsafe(24),
    "DEMO_JITSI_APP_ID": lambda: f"velo-volt-{secrets.token_hex(4)}",
    "DEMO_JITSI_APP_SECRET": lambda: secrets.token_urlsafe(32),
}
SMS_NUMBER = "+442079460020"
WHATSAPP_NUMBER = "+442079460021"
TELEGRAM_BOT = "VeloVolt__DemoBot"  # Telegram gives no name with two lines in a row to anybody
# Texts that the provider approved: they may go at any time. Name and language, as it knows them.
TEMPLATES = {
    ("answer_waiting", "en"): "You have an answer to {{1}}. Read it here: {{2}} .",
    ("answer_waiting", "nl"): "Er is een antwoord op {{1}}. Lees het hier: {{2}} .",
}
WEB = "DEMO_WEB"  # where the demo's own web process listens
# Where the adapters look for each provider: the part after /demo/providers/.
PLACES = {
    "DEMO_TWILIO_URL": "twilio",
    "DEMO_WHATSAPP_URL": "whatsapp",
    "DEMO_TELEGRAM_URL": "telegram",
}
# The Jitsi server has to be another site than the portal, as it is with everybody: to a browser the
# two names of this machine are two sites.
OTHER_NAME = {"localhost": "127.0.0.1", "127.0.0.1": "localhost"}


def environment(folder: Path, web: str, public: str = "") -> dict[str, str]:
    """What every process of the demo needs, with the providers at that address.

    `public`: where browsers find it, which go to rooms of video calls themselves.
    """
    urls = {name: f"{web}/demo/providers/{place}" for name, place in PLACES.items()}
    urls["DEMO_JITSI_URL"] = f"{other_site(public or web) or public}/demo/meet"
    return {**_kept(folder / "providers.json"), **urls, WEB: web}


def other_site(public: str) -> str:
    """The same place by this machine's other name; "" where it has none."""
    parts = urlsplit(public)
    other = OTHER_NAME.get(parts.hostname or "")
    return f"{parts.scheme}://{other}" + (f":{parts.port}" if parts.port else "") if other else ""


def value(name: str) -> str:
    """One of them, "" where the demo does not run."""
    return os.environ.get(name, "")


def _kept(path: Path) -> dict[str, str]:
    """The same as last time; what is new is made now."""
    known: dict[str, str] = {}
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text())
    made = {name: str(known.get(name) or make()) for name, make in MAKERS.items()}
    if made != known:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(made, file, indent=1)
    return made

"""Providers by name, and their adapters, cached so that connections stay open."""

import threading

from channels_app.adapters.base import Account, Adapter
from channels_app.adapters.email import EmailAdapter
from channels_app.adapters.in_house import InHouseAdapter
from channels_app.adapters.jitsi import JitsiAdapter
from channels_app.adapters.mailgun import MailgunAdapter
from channels_app.adapters.manual import ManualAdapter
from channels_app.adapters.postmark import PostmarkAdapter
from channels_app.adapters.telegram import TelegramAdapter
from channels_app.adapters.twilio import TwilioAdapter
from channels_app.adapters.whatsapp import WhatsAppAdapter

PROVIDERS: dict[str, type[Adapter]] = {
    "email": EmailAdapter,
    "mailgun": MailgunAdapter,
    "postmark": PostmarkAdapter,
    "telegram": TelegramAdapter,
    "twilio": TwilioAdapter,
    "whatsapp": WhatsAppAdapter,
    "jitsi": JitsiAdapter,
    "manual": ManualAdapter,
    "in_house": InHouseAdapter,
}
_cache = threading.local()


def adapter_for(provider: str, channel_id: int, account: Account) -> Adapter:
    """The adapter of a channel: one per process and thread, made anew when the channel changed."""
    adapters: dict[int, Adapter] = _cache.__dict__.setdefault("adapters", {})
    adapter, wanted = adapters.get(channel_id), PROVIDERS[provider]
    if adapter is None or type(adapter) is not wanted or adapter.account != account:
        if adapter is not None:
            adapter.close()
        adapter = adapters[channel_id] = wanted(account)
    return adapter

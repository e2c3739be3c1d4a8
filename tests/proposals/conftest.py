"""A shop whose customers write by mail, SMS, WhatsApp and Telegram."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts.models import Organisation, User
from tests import shop
from tests.adapters import telegram as bot
from tests.messengers import pocket
from tests.messengers.pocket import Pocket
from tests.proposals.doors import BotDoor, Door, MailDoor, PocketDoor
from tests.webhooks.channels import channel_at
from tests.webhooks.providers import provider_server


@pytest.fixture
def organisation(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[Organisation]:
    """The shop."""
    settings.MEDIA_ROOT, settings.CELERY_BROKER_URL = tmp_path, ""
    cache.clear()
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    found = shop.make_shop()
    for kind in ("sms", "whatsapp"):
        pocket.channel(found, kind)
    yield found
    Pocket.sent.clear()


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """Anna."""
    return shop.make_agent()


@pytest.fixture
def desk(agent: User) -> Client:
    """Anna's browser."""
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def mail(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailDoor]:
    """A mail program."""
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        yield MailDoor(Channel.objects.get(slug="email"), sink)


@pytest.fixture
def sms(organisation: Organisation) -> PocketDoor:
    """A telephone."""
    return PocketDoor(Channel.objects.get(slug="sms"))


@pytest.fixture
def whatsapp(organisation: Organisation) -> PocketDoor:
    """A telephone with WhatsApp."""
    return PocketDoor(Channel.objects.get(slug="whatsapp"))


@pytest.fixture
def telegram(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[BotDoor]:
    """A chat with the shop's bot."""
    with provider_server() as provider:
        channel = channel_at(bot.Telegram, organisation, provider, monkeypatch)
        yield BotDoor(channel, Client(), provider)


@pytest.fixture(params=["mail", "sms", "whatsapp", "telegram"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each of them in turn."""
    found: Door = request.getfixturevalue(request.param)
    return found

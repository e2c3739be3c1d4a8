"""A shop whose mailbox is with a provider, and the portal served by HTTP."""

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from channels_app.models import Channel
from contacts.models import Organisation, User
from tests import shop, worker
from tests.webhooks.providers import BASIC, SIGNING_KEY, Call, Provider, provider_server


@dataclass(frozen=True)
class Answer:
    """What the portal said."""

    status_code: int
    text: str


Post = Callable[..., Answer]
MAILGUN = {
    "api_key": "env:MG_KEY",
    "webhook_signing_key": "env:MG_SIGNING_KEY",
    "api_url": "env:MG_URL",
}
POSTMARK = {
    "server_token": "env:PM_TOKEN",
    "webhook_secret": "env:PM_SECRET",
    "api_url": "env:PM_URL",
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on this machine."""
    with provider_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _environment(
    provider: Provider, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secrets, no broker, and a place for files."""
    settings.MEDIA_ROOT = tmp_path
    settings.CELERY_BROKER_URL = ""
    monkeypatch.setenv("MG_KEY", "secret-key-of-mailgun")
    monkeypatch.setenv("MG_SIGNING_KEY", SIGNING_KEY)
    monkeypatch.setenv("MG_URL", provider.url)
    monkeypatch.setenv("PM_TOKEN", "secret-token-of-postmark")
    monkeypatch.setenv("PM_SECRET", BASIC)
    monkeypatch.setenv("PM_URL", provider.url)


@pytest.fixture
def organisation(transactional_db: None) -> Organisation:
    """A small shop."""
    return shop.make_shop()


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """One agent."""
    return shop.make_agent()


def _at(provider: str, config: dict[str, str]) -> Channel:
    channel = Channel.objects.get(slug="email")
    channel.provider, channel.slug, channel.config = provider, provider, config
    channel.full_clean()
    channel.save()
    return channel


@pytest.fixture
def mailgun(organisation: Organisation) -> Channel:
    """The shop's mailbox at Mailgun."""
    return _at("mailgun", MAILGUN)


@pytest.fixture
def postmark(organisation: Organisation) -> Channel:
    """The shop's mailbox at Postmark."""
    return _at("postmark", POSTMARK)


@pytest.fixture
def post(live_server: Any) -> Post:
    """Post to the webhook of a channel, over a real connection."""

    def call(
        slug: str, call: Call, method: str = "POST", query: str = "", **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=30)
        try:
            connection.request(method, f"/webhooks/{slug}/{query}", call[0], call[1] | headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            connection.close()

    return call


def work() -> None:
    """What the worker would do: file what came, send what waits."""
    worker.file_all()
    worker.send_due()

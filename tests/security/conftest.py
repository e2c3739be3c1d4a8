"""The shop for the attacks."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts.models import Organisation, User
from tests import shop
from tests.messengers import pocket
from tests.messengers.pocket import Pocket


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Any) -> Iterator[None]:
    """No counted tries and no stored files of another test, and no broker."""
    settings.MEDIA_ROOT = tmp_path
    settings.CELERY_BROKER_URL = ""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """A member of staff."""
    return shop.make_agent()


@pytest.fixture
def whatsapp(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    """A messenger that says who writes."""
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    yield pocket.channel(organisation)
    Pocket.sent.clear()
    Pocket.files.clear()


@pytest.fixture
def sms(whatsapp: Channel) -> Channel:
    """One whose sender can be forged."""
    return pocket.channel(whatsapp.organisation, "sms")

"""What the tests of messengers share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts.models import Organisation
from tests import shop
from tests.messengers import pocket
from tests.messengers.pocket import Pocket


@pytest.fixture
def organisation(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[Organisation]:
    """A small shop with a pocket as its provider."""
    settings.MEDIA_ROOT, settings.CELERY_BROKER_URL = tmp_path, ""
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    yield shop.make_shop()
    Pocket.sent.clear()
    Pocket.files.clear()
    Pocket.fetched.clear()


@pytest.fixture
def whatsapp(organisation: Organisation) -> Channel:
    """A messenger that says who writes."""
    return pocket.channel(organisation)


@pytest.fixture
def sms(organisation: Organisation) -> Channel:
    """One whose sender can be forged."""
    return pocket.channel(organisation, "sms")

"""What every page reads is asked for once a second, and anew after an administrator's change."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channels_app.models import Channel
from contacts.models import Organisation
from portal import lately
from tests import shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """It is kept for a second of this clock, which stands still by itself."""
    settings.SITE_SECONDS = 1.0
    now = [100.0]
    monkeypatch.setattr(lately, "monotonic", lambda: now[0])
    lately.forget()
    yield now
    lately.forget()


def asked(client: Client) -> list[str]:
    """The statements of one look at the start page that read the organisation or its channels."""
    with CaptureQueriesContext(connection) as seen:
        client.get("/")
    tables = ("contacts_organisation", "channels_app_channel")
    return [q["sql"] for q in seen.captured_queries if any(t in q["sql"] for t in tables)]


def test_it_is_asked_for_once_a_second(client: Client, clock: list[float]) -> None:
    shop.make_shop()
    assert len(asked(client)) == 2
    assert asked(client) == []
    Organisation.objects.update(name="Otherwise")
    assert b"Otherwise" not in client.get("/").content
    clock[0] += 1.0
    assert b"Otherwise" in client.get("/").content


@pytest.mark.django_db(transaction=True)
def test_who_changes_it_sees_it_at_once(client: Client) -> None:
    shop.make_shop()
    desk = Client()
    desk.force_login(shop.make_agent(administrator=True))
    assert b'value="email"' in client.get("/").content
    channel = Channel.objects.get(kind="email")
    desk.post(f"/admin/channels/{channel.pk}/offer/", {"offered": "0", "confirmed": "1"})
    assert not Channel.objects.get(kind="email").is_offered
    assert b'value="email"' not in client.get("/").content

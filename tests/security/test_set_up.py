"""What must hold of an installation: demo accounts, closed doors, a proxy that nobody counted."""

import logging
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import inbound
from channels_app.adapters.base import Account, Adapter, BadSignature, Request
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, InboundEvent
from contacts.models import Organisation, User
from portal import access
from tests import shop


def test_demo_accounts_end_where_the_demo_ends(db: None, settings: Any) -> None:
    settings.DEMO = True
    User.objects.filter(pk=shop.make_agent("noor").pk).update(is_demo=True)
    data = {"username": "noor", "password": "secret-word-7"}
    inside, home = Client(), reverse("admin:index")
    inside.post(reverse("admin:login"), data)
    assert inside.get(home).status_code == 200
    settings.DEMO = False
    assert inside.get(home).status_code == 302  # the session of the try-out ends
    later = Client()
    later.post(reverse("admin:login"), data)
    assert later.get(home).status_code == 302
    assert User.objects.get().check_password(data["password"])  # right, and refused all the same


def test_an_adapter_that_says_nothing_of_signatures_lets_nobody_in() -> None:
    with pytest.raises(BadSignature):
        Adapter(Account(kind="sms")).verify(Request(body=b"x"))


@pytest.mark.parametrize("slug", ["phone", "account", "letter", "north"])
def test_a_channel_without_a_door_takes_nothing(organisation: Organisation, slug: str) -> None:
    channel = Channel.objects.get(slug=slug)
    assert "verify" not in vars(PROVIDERS[channel.provider])
    with pytest.raises(BadSignature):
        inbound.receive(channel, Request(body=b"x"))
    assert not InboundEvent.objects.exists()


def test_a_proxy_that_nobody_counted_is_told_once(
    organisation: Organisation,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def ask(**headers: str) -> int:
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="portal.access"):
            Client().post(
                reverse("admin:login"), {"username": "x", "password": "y"}, headers=headers
            )
        return sum("TRUSTED_PROXIES" in record.message for record in caplog.records)

    monkeypatch.setattr(access, "_is_proxy_told", False)
    settings.TRUSTED_PROXIES, settings.DEMO = 0, True
    assert ask(**{"X-Forwarded-For": "192.0.2.1"}) == 0
    settings.DEMO = False
    assert ask() == 0
    settings.TRUSTED_PROXIES = 1
    assert ask(**{"X-Forwarded-For": "192.0.2.1"}) == 0
    settings.TRUSTED_PROXIES = 0
    assert ask(**{"X-Forwarded-For": "192.0.2.1"}) == 1
    assert ask(**{"X-Forwarded-For": "192.0.2.1"}) == 0  # once a process

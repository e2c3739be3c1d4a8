"""The page of a channel with a provider: what to paste there, whether it works, how it does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import checks, measures, opening
from channels_app.adapters.base import Reason
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Attempt, Channel, Delivery, InboundEvent
from contacts.models import Organisation
from tests.administration.conftest import said
from tests.administration.test_channels import form, press
from tests.webhooks.providers import provider_server

TOKEN, SECRET = "a-token-of-twilio-41c", "user:made-up-for-postmark-52d"
SMS = {
    "name": "SMS",
    "address": "+31 97 0102 00000",
    "setting_account_sid": "SMS_SID",
    "setting_auth_token": "SMS_TOKEN",
    "setting_base_url": "",
}


@pytest.fixture
def sms(shop: Organisation, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """A number at Twilio."""
    monkeypatch.setenv("SMS_SID", "AC" + "0" * 32)
    monkeypatch.setenv("SMS_TOKEN", TOKEN)
    config = {"account_sid": "env:SMS_SID", "auth_token": "env:SMS_TOKEN"}
    return made(shop, "sms", "twilio", "+3197010200000", config)


@pytest.fixture
def postmark(shop: Organisation, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """A mailbox at Postmark, whose webhooks come with a password that is ours to give."""
    monkeypatch.setenv("PM_TOKEN", "a-token-of-postmark-77")
    monkeypatch.setenv("PM_WEBHOOK_SECRET", SECRET)
    config = {"server_token": "env:PM_TOKEN", "webhook_secret": "env:PM_WEBHOOK_SECRET"}
    return made(shop, "email", "postmark", "pm@example.org", config)


def made(shop: Organisation, kind: str, provider: str, address: str, config: Any) -> Channel:
    """A channel with all its texts."""
    text = {"en": "Good", "nl": "Goed"}
    return Channel.objects.create(
        organisation=shop, kind=kind, provider=provider, slug=provider, name=provider,
        address=address, config=config, good_for=text, cannot=text,
    )  # fmt: skip


def page(desk: Client, row: Channel) -> str:
    """Its page."""
    return desk.get(reverse("admin:channel", args=[row.pk])).content.decode()


# What is asked for


def test_a_number_is_taken_in_any_spelling(shop: Organisation, desk: Client) -> None:
    new = reverse("admin:channel_new", args=["sms", "twilio"])
    asked = desk.get(new).content.decode()
    for word in ("Account SID", "Auth token", "As Twilio has it", "without an app"):
        assert word in asked
    assert desk.post(new, form(**SMS)).status_code == 302
    assert Channel.objects.get(provider="twilio").address == "+3197010200000"
    again = desk.post(new, form(**SMS | {"name": "Other", "address": "+3197010200000"}))
    assert "Another channel has this address already." in again.content.decode()


@pytest.mark.parametrize("address", ["", "12", "our shop", "MG123", "+0123456789"])
def test_what_the_provider_cannot_know_is_refused(
    shop: Organisation, desk: Client, address: str
) -> None:
    new = reverse("admin:channel_new", args=["sms", "twilio"])
    assert desk.post(new, form(**SMS | {"address": address})).status_code == 422
    assert not Channel.objects.filter(provider="twilio").exists()


def test_a_messaging_service_is_an_address_too(shop: Organisation, desk: Client) -> None:
    new = reverse("admin:channel_new", args=["sms", "twilio"])
    service = "MG" + "a1" * 16
    assert desk.post(new, form(**SMS | {"address": service})).status_code == 302
    assert Channel.objects.get(provider="twilio").address == service


def test_whatsapp_asks_for_what_metas_console_shows(shop: Organisation, desk: Client) -> None:
    new = reverse("admin:channel_new", args=["whatsapp", "whatsapp"])
    asked = desk.get(new).content.decode()
    for word in ("Phone number ID", "Access token", "App secret", "Verify token", "VERIFY_TOKEN"):
        assert word in asked
    assert PROVIDERS["whatsapp"].settings_given == ("verify_token",)


def test_every_own_address_has_an_example_that_fits(shop: Organisation) -> None:
    for name, adapter in PROVIDERS.items():
        if adapter.address_pattern:
            row = Channel(kind=next(iter(adapter.kinds)), provider=name, name=name)
            row.address = adapter.address_example
            assert list(checks._own_addresses([row])) == []
            row.address = "!"
            assert [found.id for found in checks._own_addresses([row])] == ["onecase.W009"]


# What is shown to paste


def test_the_webhook_address_stands_there_to_copy(desk: Client, sms: Channel) -> None:
    shown = page(desk, sms)
    assert '<p class="adm-mono" id="webhook">http://testserver/webhooks/twilio/</p>' in shown
    assert 'data-copy-text="webhook"' in shown
    assert TOKEN not in shown


def test_what_is_ours_to_give_is_shown_on_demand_only(
    desk: Client, postmark: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    assert SECRET not in page(desk, postmark)
    assert 'name="setting" value="webhook_secret"' in page(desk, postmark)
    url = reverse("admin:channel_secret", args=[postmark.pk])
    assert desk.get(url, {"setting": "webhook_secret"}).status_code == 405
    shown = desk.post(url, {"setting": "webhook_secret"})
    assert SECRET in shown.content.decode() and "no-store" in shown["Cache-Control"]
    entry = LogEntry.objects.latest("pk")
    assert entry.change_message == "Shown: webhook_secret." and SECRET not in caplog.text
    assert SECRET not in page(desk, postmark)


def test_what_the_provider_gave_us_is_never_shown(desk: Client, postmark: Channel) -> None:
    url = reverse("admin:channel_secret", args=[postmark.pk])
    for setting in ("server_token", "api_key", "", "webhook_secret\x00", "__class__"):
        assert desk.post(url, {"setting": setting}).status_code == 404
    assert not LogEntry.objects.exists()


def test_no_other_secret_of_the_portal_can_be_shown(
    desk: Client, postmark: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may change a channel may point its setting anywhere."""
    monkeypatch.setenv("SECRET_KEY", "the-key-of-all-sessions")
    Channel.objects.filter(pk=postmark.pk).update(config={"webhook_secret": "env:SECRET_KEY"})
    assert 'value="webhook_secret"' not in page(desk, postmark)
    shown = desk.post(
        reverse("admin:channel_secret", args=[postmark.pk]), {"setting": "webhook_secret"}
    )
    assert shown.status_code == 404 and b"the-key-of-all" not in shown.content


def test_agents_see_none_of_it(agent_desk: Client, postmark: Channel) -> None:
    url = reverse("admin:channel_secret", args=[postmark.pk])
    refused = agent_desk.post(url, {"setting": "webhook_secret"})
    assert refused.status_code == 403 and SECRET not in refused.content.decode()
    assert Client().post(url, {"setting": "webhook_secret"}).status_code == 302


def test_one_that_is_not_set_is_named(
    desk: Client, postmark: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PM_WEBHOOK_SECRET")
    assert 'value="webhook_secret"' not in page(desk, postmark)
    url = reverse("admin:channel_secret", args=[postmark.pk])
    answer = desk.post(url, {"setting": "webhook_secret"}, follow=True)
    assert "PM_WEBHOOK_SECRET is not set in the environment" in said(answer)


# The test


@pytest.fixture
def twilio(sms: Channel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Twilio on this machine."""
    with provider_server() as provider:
        # A variable of its own: connections stay open as long as the channel is the same.
        variable = f"SMS_URL_{urlsplit(provider.url).port}"
        monkeypatch.setenv(variable, provider.url.removesuffix("/v3"))
        sms.config["base_url"] = f"env:{variable}"
        sms.save()
        yield provider


def test_the_test_really_asks_the_provider(desk: Client, sms: Channel, twilio: Any) -> None:
    twilio.answers = [(200, {}, b'{"status": "active"}')]
    assert "twilio works. Twilio knows the key." in said(press(desk, "test", "sms"))
    assert len(twilio.calls) == 1 and not twilio.calls[0][2]
    sms.refresh_from_db()
    assert sms.last_success_at is not None


def test_the_providers_own_words_are_told_without_our_secret(
    desk: Client, sms: Channel, twilio: Any
) -> None:
    words = f'{{"code": 20003, "message": "Authenticate {TOKEN}", "status": 401}}'
    twilio.answers = [(401, {}, words.encode())]
    told = said(press(desk, "test", "sms"))
    assert "twilio does not work: “401 20003 Authenticate …”" in told
    assert TOKEN not in told


# How it does


def delivery(row: Channel, status: str, **more: Any) -> Delivery:
    """One of its deliveries, tried once."""
    case = opening.open_case(
        organisation=row.organisation,
        text="Hello",
        came_by="account",
        kind="account",
        language="en",
    )
    message = case.messages.create(direction="out", kind=row.kind, seq=90)
    made: Delivery = message.deliveries.create(channel=row, status=status, **more)
    if more.get("reason"):
        Attempt.objects.create(delivery=made, number=1, outcome="failed", started_at=timezone.now())
    return made


def test_a_quiet_channel(desk: Client, sms: Channel) -> None:
    found = measures.health(sms, timezone.now())
    assert (found.due, found.later, found.error, found.received_at) == (0, 0, "", None)
    assert "Nothing failed for good in 30 days." in page(desk, sms)


def test_what_waits_what_failed_and_what_came_in(desk: Client, sms: Channel) -> None:
    now = timezone.now()
    busy = Reason.said("429 20429 Too many").stored
    delivery(sms, "queued", next_attempt_at=now - timedelta(minutes=3))
    delivery(sms, "failed", reason=Reason.said("400 21211 No number").stored)
    delivery(sms, "queued", next_attempt_at=now + timedelta(hours=1), attempt_count=1, reason=busy)
    InboundEvent.objects.create(channel=sms, sha256="a", raw=b"", received_at=now)
    sms.pause(now + timedelta(hours=1), Reason("provider_unreachable", {"fault": "gaierror"}))
    found = measures.health(sms, now)
    assert (found.due, found.later, found.received_at) == (1, 1, now)
    assert found.since == now - timedelta(minutes=3)
    assert found.error == "“429 20429 Too many”"  # tried last, though the other was made later
    shown = page(desk, sms)
    for word in ("Too many", "the first since", "1 later", "its name is not known"):
        assert word in shown


def test_another_channels_troubles_are_not_its_own(sms: Channel, postmark: Channel) -> None:
    delivery(postmark, "failed", reason=Reason.said("No").stored)
    InboundEvent.objects.create(channel=postmark, sha256="a", raw=b"")
    found = measures.health(sms, timezone.now())
    assert found.error == "" and found.received_at is None


def test_the_page_asks_a_constant_number_of_times(desk: Client, sms: Channel) -> None:
    page(desk, sms)
    delivery(sms, "failed", reason=Reason.said("No").stored)
    with CaptureQueriesContext(connection) as few:
        page(desk, sms)
    for number in range(20):
        delivery(sms, "failed", reason=Reason.said("No").stored)
        InboundEvent.objects.create(channel=sms, sha256=str(number), raw=b"")
    with CaptureQueriesContext(connection) as many:
        page(desk, sms)
    assert len(many) == len(few)
    with CaptureQueriesContext(connection) as own:
        measures.health(sms, timezone.now())
    assert len(own) == 5

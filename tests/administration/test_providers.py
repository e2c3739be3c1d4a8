"""A mailbox at a provider: made in the form, with the address that the provider calls."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve, reverse

from channels_app.models import Channel
from contacts.models import Organisation
from tests.administration.test_channels import form

NEW = reverse("admin:channel_new", args=["email", "mailgun"])
MAILGUN = {
    "name": "Mailgun",
    "address": "mg@example.org",
    "setting_api_key": "MG_KEY",
    "setting_webhook_signing_key": "env:MG_SIGNING_KEY",
    "setting_sender_domain": "",
    "setting_api_url": "",
}


def test_the_providers_of_mail_can_be_chosen(shop: Organisation, desk: Client) -> None:
    page = desk.get(reverse("admin:channel_add")).content.decode()
    for provider, label in (("email", "SMTP"), ("mailgun", "Mailgun"), ("postmark", "Postmark")):
        assert reverse("admin:channel_new", args=["email", provider]) in page and label in page
    assert page.count("1 is there") == 4  # phone, letter, own page, and e-mail by SMTP only


def test_a_channel_is_made_and_shows_the_address_to_give_away(
    shop: Organisation, desk: Client
) -> None:
    assert "/webhooks/" not in desk.get(NEW).content.decode()
    assert desk.post(NEW, form(**MAILGUN)).status_code == 302
    row = Channel.objects.get(provider="mailgun")
    assert row.config == {"api_key": "env:MG_KEY", "webhook_signing_key": "env:MG_SIGNING_KEY"}
    address = f"{settings.PUBLIC_URL}/webhooks/{row.slug}/"
    page = desk.get(reverse("admin:channel", args=[row.pk]), headers={"host": "evil.example"})
    assert address in page.content.decode() and "evil.example/webhooks" not in page.content.decode()
    assert resolve(f"/webhooks/{row.slug}/").kwargs == {"key": row.slug}


@pytest.mark.parametrize("missing", ["setting_api_key", "setting_webhook_signing_key"])
def test_no_channel_without_the_names_of_its_secrets(
    shop: Organisation, desk: Client, missing: str
) -> None:
    assert desk.post(NEW, form(**MAILGUN | {missing: ""})).status_code == 422
    typed = desk.post(NEW, form(**MAILGUN | {missing: "key-3ax6xnjp29jd6fds4gc373sg"}))
    assert typed.status_code == 422 and b"key-3ax6xnjp29" not in typed.content
    assert not Channel.objects.filter(provider="mailgun").exists()


def test_a_secret_that_is_not_set_is_said(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MG_KEY", "very-secret")
    desk.post(NEW, form(**MAILGUN))
    Channel.objects.update(is_offered=True)
    row = Channel.objects.get(provider="mailgun")
    page = desk.get(reverse("admin:channel", args=[row.pk])).content.decode()
    assert "lacks a setting: MG_SIGNING_KEY" in page and "very-secret" not in page


def test_a_mailbox_by_smtp_shows_no_such_address(shop: Organisation, desk: Client) -> None:
    row = Channel.objects.get(slug="email")
    assert "/webhooks/" not in desk.get(reverse("admin:channel", args=[row.pk])).content.decode()


def test_one_mailbox_is_one_channel(shop: Organisation, desk: Client) -> None:
    taken = Channel.objects.get(slug="email").address
    refused = desk.post(NEW, form(**MAILGUN | {"address": taken}))
    assert "Another channel has this mailbox already." in refused.content.decode()

"""Video calls in the admin: what is asked for, what is never shown, and the test that connects."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from channels_app.models import Channel
from contacts.models import Organisation
from tests.administration.test_channels import form, week
from tests.core import booking
from tests.webhooks.providers import provider_server

NEW = reverse("admin:channel_new", args=["video", "jitsi"])
GIVEN = {
    "name": "Video",
    "setting_base_url": "JITSI_URL",
    "setting_app_id": "JITSI_APP_ID",
    "setting_app_secret": "JITSI_APP_SECRET",
}
OPEN = week(mon=[("09:00", "12:00")])


def test_it_is_set_up_with_hours_and_without_a_switch_for_times(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking.signed(monkeypatch)
    page = desk.get(NEW).content.decode()
    assert "takes_appointments" not in page and 'name="slot_minutes"' in page
    assert 'name="max_sending"' not in page and "nobody can guess one" in page
    assert "Showing what you mean, and long stories" in page
    refused = desk.post(NEW, form(**GIVEN))
    assert refused.status_code == 422 and "Write opening hours" in refused.content.decode()
    assert not Channel.objects.filter(kind="video").exists()
    assert desk.post(NEW, form(**GIVEN, **OPEN)).status_code == 302
    made = Channel.objects.get(kind="video")
    assert made.config == booking.VIDEO and made.opening.week


def test_the_test_asks_the_server_and_no_page_shows_the_secret(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = booking.offer_video(shop)
    with provider_server() as server:
        booking.signed(monkeypatch, server.url)
        server.answers = [(200, {}, b"<html>")]
        page = desk.post(reverse("admin:channel_test", args=[row.pk]), follow=True)
    assert (
        "We sign rooms; whether the server asks for it only a try tells." in page.content.decode()
    )
    for path in (reverse("admin:channel", args=[row.pk]), reverse("admin:channels")):
        assert booking.SECRET not in desk.get(path).content.decode()
    row.config = {name: row.config[name] for name in ("base_url", "app_id")}
    row.save()
    page = desk.post(reverse("admin:channel_test", args=[row.pk]), follow=True)
    assert "The setting app_secret is missing." in page.content.decode()
    row.config = {"base_url": row.config["base_url"]}
    row.save()
    monkeypatch.delenv("JITSI_URL")
    page = desk.post(reverse("admin:channel_test", args=[row.pk]), follow=True)
    assert "JITSI_URL is not set" in page.content.decode()


def test_no_secret_can_be_typed_in(shop: Organisation, desk: Client) -> None:
    typed = form(**GIVEN, **OPEN) | {"setting_app_secret": booking.SECRET}
    answer = desk.post(NEW, typed)
    assert answer.status_code == 422 and booking.SECRET.encode() not in answer.content


@pytest.mark.parametrize(
    ("setting", "variable"), [("base_url", "DATABASE_URL"), ("app_id", "JITSI_APP_SECRET")]
)
def test_what_goes_to_browsers_is_named_for_it(
    shop: Organisation, desk: Client, setting: str, variable: str
) -> None:
    answer = desk.post(NEW, form(**GIVEN, **OPEN) | {f"setting_{setting}": variable})
    assert answer.status_code == 422 and "goes to browsers" in answer.content.decode()
    row = booking.offer_video(shop)
    row.full_clean()
    row.config = {**row.config, setting: f"env:{variable}"}
    with pytest.raises(ValidationError, match="goes to browsers"):
        row.full_clean()

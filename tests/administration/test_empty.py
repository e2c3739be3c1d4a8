"""A new installation: nothing is set up, every page of the desk stands, and leads on."""

import pytest
from django.test import Client
from django.urls import reverse

from channels_app.models import Channel
from contacts.models import Organisation
from tests.shop import make_shop

PAGES = ["index", "cases", "todo", "record", "alerts", "troubles"]
SET_UP = ["organisation", "channels", "topics", "targets", "staff", "teams", "quarantine"]
ADVICE = ["advice", "advice_try", "advice_found"]


@pytest.mark.parametrize("name", PAGES + SET_UP + ADVICE)
def test_every_page_stands_before_anything_is_set_up(desk: Client, name: str) -> None:
    assert not Organisation.objects.exists()
    assert desk.get(reverse(f"admin:{name}")).status_code == 200


def test_a_contact_cannot_be_recorded_before_there_is_a_way_to_answer(desk: Client) -> None:
    said = {"text": "They called.", "name": "Sam", "into": "new", "kind": "phone"}
    answer = desk.post(reverse("admin:record"), said)
    assert answer.status_code == 422 and "They called." in answer.content.decode()


def test_a_new_mail_channel_takes_the_account_of_the_installation(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop()
    new = reverse("admin:channel_new", args=["email", "email"])
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:1")
    monkeypatch.delenv("TRUSTED_AUTHSERV", raising=False)
    first = desk.get(new).context["form"]
    assert first.initial["setting_url"] == "env:EMAIL_URL"
    assert first.initial["setting_authserv"] == ""  # nothing that is not set is referred to
    Channel.objects.filter(slug="email").update(config={})
    page = desk.get(reverse("admin:channel", args=[Channel.objects.get(slug="email").pk]))
    assert page.context["form"].initial["setting_url"] == ""  # what was stored is shown

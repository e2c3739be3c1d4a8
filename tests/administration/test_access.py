"""Who may enter, and by which method."""

import pytest
from django.test import Client
from django.urls import reverse

from channels_app.models import InboundEvent
from contacts.models import Organisation, Topic, User
from portal.api.models import ApiClient
from portal.desk import (
    adviser,
    api_clients,
    approved_texts,
    channels,
    organisation,
    quarantine,
    staff,
    topics,
)
from tests.administration.conftest import channel, messenger

MODULES = (organisation, channels, approved_texts, topics, adviser, staff, quarantine, api_clients)
CHANGES = {
    "channel_offer",
    "channel_move",
    "channel_test",
    "channel_secret",
    "channel_pause",
    "channel_resume",
    "channel_remove",
    "channel_text_remove",
    "topic_move",
    "topic_remove",
    "advice_reset",
    "staff_active",
    "quarantine_again",
    "quarantine_aside",
    "quarantine_back",
    "api_client_revoke",
}
NAMES = [pattern.name for module in MODULES for pattern in module.urls()]


def address(name: str) -> str:
    """A real address of the page of that name."""
    if name == "channel_new":
        return reverse("admin:channel_new", args=["phone", "manual"])
    if name.startswith("channel_text"):
        return reverse(f"admin:{name}", args=[messenger().pk, "en"])
    if name.startswith("channel") and name not in ("channels", "channel_add"):
        return reverse(f"admin:{name}", args=[channel("letter").pk])
    if name in ("topic", "topic_move", "topic_remove"):
        return reverse(f"admin:{name}", args=[Topic.objects.earliest("pk").pk])
    if name in ("advice_factor", "advice_reset"):
        return reverse(f"admin:{name}", args=["usual"])
    if name in ("staff_member", "staff_active"):
        return reverse(f"admin:{name}", args=[User.objects.latest("pk").pk])
    if name in ("api_client", "api_client_revoke"):
        return reverse(f"admin:{name}", args=[ApiClient.objects.create(name="Shop").pk])
    if name.startswith("quarantine_"):
        event = InboundEvent.objects.create(
            channel=channel("email"), sha256="0", raw=b"x", state=InboundEvent.State.QUARANTINED
        )
        return reverse(f"admin:{name}", args=[event.pk])
    return reverse(f"admin:{name}")


@pytest.mark.parametrize("name", NAMES)
def test_agents_get_403_and_strangers_the_sign_in_page(
    name: str, shop: Organisation, agent_desk: Client, client: Client
) -> None:
    url = address(name)
    assert agent_desk.get(url).status_code == 403
    assert agent_desk.post(url).status_code == 403
    for response in (client.get(url), client.post(url)):
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", NAMES)
def test_administrators_enter_and_a_change_needs_post(
    name: str, shop: Organisation, desk: Client
) -> None:
    expected = 405 if name in CHANGES else 200
    assert desk.get(address(name)).status_code == expected


def test_a_change_needs_the_csrf_token(shop: Organisation, administrator: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(administrator, backend="portal.access.StaffBackend")
    response = browser.post(reverse("admin:channel_offer", args=[channel("letter").pk]))
    assert response.status_code == 403
    assert channel("letter").is_offered


def test_who_lost_the_rights_is_out_at_once(
    shop: Organisation, desk: Client, administrator: User
) -> None:
    assert desk.get(reverse("admin:channels")).status_code == 200
    User.objects.filter(pk=administrator.pk).update(is_superuser=False)
    assert desk.get(reverse("admin:channels")).status_code == 403
    User.objects.filter(pk=administrator.pk).update(is_active=False)
    assert desk.get(reverse("admin:channels")).status_code == 302


def test_who_was_signed_out_meanwhile_comes_back_to_the_page_with_the_button(
    shop: Organisation, client: Client
) -> None:
    before = reverse("admin:channels")
    referer = {"Referer": f"http://testserver{before}"}
    gone = client.post(address("channel_test"), headers=referer)
    assert gone["Location"] == f"{reverse('admin:login')}?next={before}"


def test_a_button_without_its_page_says_so_and_leads_back(shop: Organisation, desk: Client) -> None:
    answer = desk.get(address("channel_test"))
    assert answer.status_code == 405 and answer["Allow"] == "POST"
    assert reverse("admin:channel", args=[channel("letter").pk]) in answer.content.decode()

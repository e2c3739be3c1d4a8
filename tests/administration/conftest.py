"""An administrator, an agent and a small organisation, each in front of the desk."""

import pytest
from django.test import Client

from channels_app.models import Channel
from contacts.models import Organisation, User
from tests.shop import make_agent, make_shop


@pytest.fixture
def shop(db: None) -> Organisation:
    """Six channels and two topics, with all their texts."""
    organisation = make_shop()
    text = {"en": "Good", "nl": "Goed"}
    for channel in Channel.objects.all():
        channel.good_for, channel.cannot = text, text
        channel.save()
    return organisation


@pytest.fixture
def administrator(db: None) -> User:
    """Robin may configure the portal."""
    return make_agent("robin", administrator=True)


@pytest.fixture
def desk(client: Client, administrator: User) -> Client:
    """A browser in which the administrator is signed in."""
    client.force_login(administrator, backend="portal.access.StaffBackend")
    return client


@pytest.fixture
def agent_desk(db: None) -> Client:
    """A browser in which an agent is signed in."""
    browser = Client()
    browser.force_login(make_agent("anna"), backend="portal.access.StaffBackend")
    return browser


def channel(kind: str) -> Channel:
    """The first channel of a kind."""
    found = Channel.objects.filter(kind=kind).first()
    assert found is not None
    return found


def messenger() -> Channel:
    """One with a reply window and approved texts."""
    values = {"provider": "whatsapp", "slug": "whatsapp", "name": "WhatsApp", "position": 20}
    organisation = Organisation.objects.get()
    return Channel.objects.create(organisation=organisation, kind="whatsapp", **values)


def said(response: object) -> str:
    """What the page told after a change, all messages in one."""
    context = getattr(response, "context", None)
    return " ".join(str(message) for message in context["messages"]) if context else ""

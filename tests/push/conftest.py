"""A shop, a question that is answered on its own page, and a push service on this machine."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app import push
from channels_app.models import Device
from contacts.models import Case, Organisation, User
from tests import shop
from tests.push import service
from tests.push.service import Browser, Service

Subscribe = Callable[..., Browser]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def pushes() -> Iterator[Service]:
    """The push service."""
    with service.running(push.public_key()) as found:
        yield found
        assert found.faults == []


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """One agent."""
    return shop.make_agent()


@pytest.fixture
def case(client: Client, organisation: Organisation) -> Case:
    """A question of this browser, to be answered on its own page."""
    words = {"text": "Is the blue bicycle still there?", "way": "account"}
    response = client.post("/", {**words, "client_key": str(shop.key())})
    return Case.objects.get(reference=response["Location"].split("/")[2])


def post(client: Client, case: Case, said: Any) -> Any:
    """What the page's script posts."""
    address = f"/q/{case.reference}/device/"
    return client.post(address, said, content_type="application/json")


@pytest.fixture
def subscribe(client: Client, case: Case, pushes: Service) -> Subscribe:
    """Let a new browser be told of the case."""

    def subscribed() -> Browser:
        browser = pushes.browser()
        assert post(client, case, browser.subscription).status_code == 201
        return browser

    return subscribed


@pytest.fixture
def device(subscribe: Subscribe) -> Device:
    """One browser that is told."""
    return Device.objects.get(endpoint=subscribe().endpoint)

"""A small shop, a customer's browser, and the short ways to ask and to get in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from contacts.models import Case, Code, Organisation
from tests import shop

Ask = Callable[..., Case]


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    """Limits are counted in the cache: each test starts without any."""
    cache.clear()
    yield
    cache.clear()


def posted(**changes: Any) -> dict[str, Any]:
    """What the start page posts: a question to be answered by e-mail."""
    words = {
        "text": "Is the blue bicycle still there?",
        "way": "email",
        "address_email": "sam@example.org",
        "client_key": str(shop.key()),
    }
    return {key: value for key, value in {**words, **changes}.items() if value is not None}


@pytest.fixture
def ask(organisation: Organisation) -> Ask:
    """Ask a question by the start page, as the browser `client`; its case."""

    def asked(client: Client, **changes: Any) -> Case:
        response = client.post("/", posted(**changes))
        assert response.status_code == 302, response.content.decode()[:4000]
        return Case.objects.get(reference=response["Location"].split("/")[2])

    return asked


def newest_code(purpose: str) -> Code:
    """The code that was sent last."""
    return Code.objects.filter(purpose=purpose).latest("created_at")


def sign_in(client: Client, address: str) -> None:
    """Sign in by a one-time code, as a person does."""
    client.post("/sign-in/", {"email": address})
    response = client.post("/sign-in/code/", {"code": newest_code("sign_in").plain})
    assert response["Location"] == "/questions/", response.content

"""What the core's tests share."""

from collections.abc import Iterator

import pytest

from contacts.models import Organisation, User
from tests import shop


@pytest.fixture
def organisation(db: None) -> Organisation:
    """A small shop."""
    return shop.make_shop()


@pytest.fixture
def agent(db: None) -> User:
    """One agent."""
    return shop.make_agent()


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[shop.Sink]:
    """A real SMTP server that EMAIL_URL points at."""
    with shop.sink_server() as (server, url):
        monkeypatch.setenv("EMAIL_URL", url)
        yield server

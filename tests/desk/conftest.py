"""What the desk's tests share: a shop, an agent at the desk, and cases."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app import opening
from contacts.models import Case, Organisation, User
from tests import shop

MakeCase = Callable[..., Case]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Limits are counted in the cache, which tests share."""
    cache.clear()


@pytest.fixture
def colleague(db: None) -> User:
    """Bo, another agent."""
    return shop.make_agent("bo")


@pytest.fixture
def desk(agent: User) -> Client:
    """A browser in which Anna is signed in."""
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def make_case(organisation: Organisation) -> MakeCase:
    """Open a case as the start page does."""

    def make(text: str = "Is the bicycle there?", **values: Any) -> Case:
        given = {"kind": "email", "address": "sam@example.org", "came_by": "account"}
        return opening.open_case(
            organisation=organisation, text=text, language="en", **{**given, **values}
        )

    return make


@pytest.fixture
def case(make_case: MakeCase) -> Case:
    """A question that wants its answer by e-mail."""
    return make_case(name="Sam Sample")

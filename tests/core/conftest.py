"""What the core's tests share."""

import pytest

from contacts.models import Organisation
from tests.core.chats import offer_chat


@pytest.fixture
def house(organisation: Organisation) -> Organisation:
    """The test shop with chat."""
    offer_chat(organisation)
    return organisation

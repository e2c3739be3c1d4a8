"""The real product, started once for all journeys, and the people who use it.

Doors only: browsers, the shop's SMTP door and the customers' mailbox. No ORM, no service calls.
"""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from portal import valkey
from tests.journeys.people import Agent, Customer, Person
from tests.journeys.product import Product
from tests.setup.test_processes import until


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They drive a browser and need no second run on PostgreSQL."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.processes)


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """The demo as `make run` starts it; in the end it stops, leaves nothing and logged no fault."""
    data = Path(tempfile.mkdtemp(prefix="onecase-journeys-", dir="/tmp")) / "data"
    started = Product(data)
    try:
        started.running.ready(90)
        yield started
        faults = started.faults()
        assert started.running.end(signal.SIGTERM) < 10  # tests/setup holds it to five
        assert started.running.process.returncode == 0
        assert until(lambda: started.running.processes() == {}, 3), started.running.processes()
        assert not valkey.runtime_path(data).exists()
        assert faults == []
    finally:
        if started.running.process.poll() is None:
            started.running.end(signal.SIGTERM)
        shutil.rmtree(data.parent, ignore_errors=True)


@pytest.fixture
def people(browser: Browser, product: Product) -> Iterator[list[Person]]:
    """Everybody with an open browser; at the end none of them saw anything wrong."""
    present: list[Person] = []
    yield present
    faults = [fault for person in present for fault in person.close()]
    assert faults == []


@pytest.fixture
def new_customer(
    browser: Browser, product: Product, people: list[Person]
) -> Callable[..., Customer]:
    """A customer who was never here, with any option of a browser."""

    def made(**options: object) -> Customer:
        people.append(customer := Customer(browser, product.url, **options))
        return customer

    return made


@pytest.fixture
def customer(new_customer: Callable[..., Customer]) -> Customer:
    """A customer on a telephone."""
    return new_customer()


@pytest.fixture(scope="package")
def signed_in() -> dict[str, StorageState]:
    """The cookies of each agent who signed in before: an agent does that once a day."""
    return {}


@pytest.fixture
def new_agent(
    browser: Browser,
    product: Product,
    people: list[Person],
    signed_in: dict[str, StorageState],
) -> Callable[[str], Agent]:
    """An agent of that name, signed in."""

    def made(name: str) -> Agent:
        people.append(agent := Agent(browser, product.url, storage_state=signed_in.get(name)))
        if name not in signed_in:
            agent.sign_in(name)
            signed_in[name] = agent.context.storage_state()
        return agent

    return made


@pytest.fixture
def agent(new_agent: Callable[[str], Agent]) -> Agent:
    """An agent, signed in."""
    return new_agent("noor")

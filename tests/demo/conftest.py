"""A shop, and real mail servers on loopback ports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from channels_app.management import smtp
from channels_app.management.commands.listen_smtp import Door
from contacts.models import Organisation
from portal.management.commands.demo_mailbox import Postman
from portal.simulator import accounts
from portal.simulator import shop as demo_shop
from portal.simulator.maildir import Maildir
from portal.simulator.providers import courier


@pytest.fixture
def data(settings: Any, tmp_path: Path) -> Path:
    """A data folder of this test's own."""
    settings.DATA_DIR = settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def shop(db: None, data: Path) -> Organisation:
    """The demo's shop without a case."""
    return demo_shop.open_shop()


@pytest.fixture
def mailbox(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maildir]:
    """The customers' mail server, where the shop sends to."""
    maildir = Maildir()
    with smtp.in_background(Postman(maildir), "mailbox.test") as port:
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{port}")
        yield maildir


@pytest.fixture
def door(settings: Any, transactional_db: None, data: Path) -> Iterator[int]:
    """The shop's SMTP door; its port."""
    with smtp.in_background(Door(), "mail.test") as port:
        settings.MAIL_LISTEN = f"127.0.0.1:{port}"
        yield port


@pytest.fixture
def web(
    settings: Any, data: Path, live_server: Any, shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The shop on a real web server, with the demo's providers in it."""
    settings.PUBLIC_URL = live_server.url
    # Its threads let go of their connections, or PostgreSQL cannot remove the test's database.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    for name, value in accounts.environment(data, live_server.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(courier, "PAUSES", (0.05,) * 5)
    monkeypatch.setattr(courier, "_couriers", {})
    yield str(live_server.url)
    for one in courier._couriers.values():
        one._queue.clear()

"""A shop whose e-mail channel has a mailbox in a real Dovecot."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from channels_app.management import imap
from channels_app.models import Channel, InboundEvent
from contacts.models import Organisation
from tests import shop as shops
from tests import worker
from tests.imap import dovecot
from tests.imap.dovecot import Account, Dovecot, DovecotMissing
from tests.needs import require

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Dovecot]:
    """One Dovecot for the whole run; each test has a user of its own."""
    try:
        with dovecot.running() as running:
            yield running
    except DovecotMissing as missing:
        require("imap", str(missing))


@pytest.fixture
def user() -> str:
    """A name that no other test has."""
    return f"user{next(_numbers)}"


@pytest.fixture
def mailbox(server: Dovecot, user: str) -> Iterator[Account]:
    """The mailbox of the channel, as a mail program sees it."""
    with server.account(user) as account:
        yield account


@pytest.fixture
def shop(transactional_db: None) -> Organisation:
    """A small shop; its mail server does not matter here."""
    return shops.make_shop()


@pytest.fixture
def channel(
    shop: Organisation, server: Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> Channel:
    """The e-mail channel, with its mailbox in IMAP_URL."""
    monkeypatch.setenv("IMAP_URL", server.url(user))
    return give_mailbox("email")


def give_mailbox(slug: str, name: str = "IMAP_URL") -> Channel:
    """Let a channel read the mailbox that a variable names."""
    channel = Channel.objects.get(slug=slug)
    channel.config = {"url": "env:EMAIL_URL", "imap": f"env:{name}"}
    channel.save()
    return channel


@pytest.fixture
def readers() -> Iterator[imap.Readers]:
    """Started by `look()`; stopped at the end, and then really gone."""
    found = imap.Readers()
    yield found
    threads = list(found.running.values())
    begun = time.monotonic()
    found.stop()
    assert time.monotonic() - begun < 2
    assert not [thread for thread in threads if thread.is_alive()]


def until(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Wait for a condition; whether it came true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def stored(count: int) -> Callable[[], bool]:
    """So many mails are committed."""
    return lambda: InboundEvent.objects.count() == count


def process() -> None:
    """What the worker does."""
    worker.file_all()


def fresh(channel: Channel) -> Channel:
    """The channel as it is stored now."""
    return Channel.objects.get(pk=channel.pk)

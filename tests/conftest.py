"""Fixtures for every test: a real Valkey, a real browser, and no network but this machine's."""

import gc
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.commands import flush

from channels_app import breaker
from contacts.models import Organisation, User
from portal import valkey
from tests import shop
from tests.needs import chromium, require

# Playwright's synchronous interface runs an event loop in the test's own thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

WAITING = ("live", "imap")  # folders of those that wait for streams and mail servers
# Folders of what asks either database the same: forms of administrators, the demo's own pages,
# what is made of a text, and what is read of a mail.
ONCE = ("administration", "demo", "rendering", "mailparse", "imap")
DESCRIBING = {"django_content_type", "auth_permission"}
LOOPBACK = ("127.", "localhost", "::1", "0.0.0.0", "testserver")


class NetworkRefused(RuntimeError):
    """A test tried to reach another machine."""


def _refuse(address: object) -> None:
    host = address[0] if isinstance(address, tuple) else address
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    own = name in (socket.gethostname(), "localhost.localdomain")
    if not (isinstance(address, (str, bytes)) or own or name.startswith(LOOPBACK)):
        raise NetworkRefused(f"a test tried to reach {name}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what touches the database: the rest is the same there."""
    if os.environ.get("ONECASE_TWICE"):
        for item in filter(_waits, items):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return
    rest = [item for item in items if not _for_postgres(item)]
    config.hook.pytest_deselected(items=rest)
    items[:] = [item for item in items if _for_postgres(item)]


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not look through all of it for each test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _waits(item: pytest.Item) -> bool:
    """Has seconds for what others do: beside two other runs it may try twice, and that is told."""
    marked = item.get_closest_marker("browser") or item.get_closest_marker("processes")
    return bool(marked) or item.path.parent.name in WAITING


def _for_postgres(item: pytest.Item) -> bool:
    return item.path.parent.name not in ONCE and _has_database(item)


def _has_database(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    return (
        bool(item.get_closest_marker("django_db")) or "db" in names or "transactional_db" in names
    )


@pytest.fixture
def organisation(db: None) -> Organisation:
    """A small shop."""
    return shop.make_shop()


@pytest.fixture
def agent(db: None) -> User:
    """Anna, an agent."""
    return shop.make_agent()


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[shop.Sink]:
    """A real SMTP server that EMAIL_URL points at."""
    with shop.sink_server() as (server, url):
        monkeypatch.setenv("EMAIL_URL", url)
        yield server


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """After a test with transactions of its own the rows go, but for those that describe models.

    To make these anew each time was most of what such a test cost.
    """

    def sql_flush(style: Any, connection: Any, **options: Any) -> list[str]:
        tables = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        gone = [name for name in tables if name not in DESCRIBING]
        return list(connection.ops.sql_flush(style, gone, **options))

    patch = pytest.MonkeyPatch()
    patch.setattr(flush, "sql_flush", sql_flush)
    patch.setattr(flush, "emit_post_migrate_signal", lambda *_given: None)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Refuse connections and look-ups that leave this machine (unix sockets are paths)."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    look_up = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse(address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse((host, port))
        return look_up(host, port, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_faults_before() -> None:
    """What this process remembers of providers is a test's own."""
    breaker._faults.clear()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The address of a real Valkey with the product's own options, one for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="onecase-test-", dir="/tmp"))  # socket paths are short
    place = folder / valkey.SOCKET_NAME
    server = subprocess.Popen(
        valkey.command(folder, place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 10
        while not valkey.answers(place, server.pid):
            assert server.poll() is None and time.monotonic() < end, "Valkey did not start"
            time.sleep(0.02)
        yield valkey.url(place)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The system's Chromium, which reaches nothing but this machine."""
    path = chromium()
    if path is None:
        require("browser", "no Chromium: apt install chromium")
    outside = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    return {
        "executable_path": path,
        "args": ["--no-sandbox", "--disable-dev-shm-usage", f"--host-resolver-rules={outside}"],
    }

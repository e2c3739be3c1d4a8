"""A real server with its streams over loopback, a real Valkey, and browsers that only listen."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from django.conf import settings as portal_settings
from django.core.asgi import get_asgi_application
from django.db import connections
from django.test import Client

from contacts import hints
from contacts.models import Case, Code, Organisation, User
from portal.access import SessionStore
from portal.live import door
from tests import shop
from tests.desk.conftest import MakeCase
from tests.desk.conftest import make_case as make_case
from tests.setup.test_processes import until

Event = tuple[str, dict[str, Any]]


@pytest.fixture
def organisation(transactional_db: None) -> Organisation:
    """A small shop."""
    return shop.make_shop()


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """Anna, an agent."""
    return shop.make_agent()


@pytest.fixture
def case(make_case: MakeCase) -> Case:
    """A question that wants its answer by e-mail."""
    return fresh(make_case(name="Sam Sample"))


@pytest.fixture
def other(make_case: MakeCase) -> Case:
    """Somebody else's question."""
    return fresh(make_case("Another", address="other@example.org"))


def fresh(case: Case) -> Case:
    """With the number that it has once its acknowledgement is written."""
    return Case.objects.get(pk=case.pk)


@pytest.fixture(autouse=True)
def redis_url(valkey_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Hints go through the real Valkey."""
    settings.REDIS_URL = valkey_url
    monkeypatch.setattr(hints._Line, "client", None)
    monkeypatch.setattr(hints._Line, "quiet_until", 0.0)
    return valkey_url


class Server:
    """uvicorn in a thread, with the door of the product in front of Django."""

    def __init__(self) -> None:
        self.door = door.Door(get_asgi_application())
        self.port = shop.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self.door,
            port=self.port,
            lifespan="off",
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.uvicorn.run, daemon=True)
        self.thread.start()
        assert until(lambda: self.uvicorn.started, 10)

    def stop(self) -> None:
        """End it, and leave no connection to the database behind."""
        self.uvicorn.should_exit = True
        self.thread.join(10)
        barrier = threading.Barrier(door.THREADS)

        def close() -> None:
            barrier.wait(5)
            connections.close_all()

        for done in [self.door.pool.submit(close) for _n in range(door.THREADS)]:
            done.result(10)
        self.door.pool.shutdown()


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    """A running server."""
    running = Server()
    yield running
    running.stop()


def ask(server: Server, address: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    """One plain request: status and headers."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    line.request(method, address, headers=given)
    answer = line.getresponse()
    line.close()
    return answer.status, answer.headers


class Listener:
    """One stream, read in a thread."""

    path = "/live/"
    is_behind = False  # of a page that nobody sees

    def __init__(self, server: Server, wants: list[str], cookies: dict[str, str], **headers: str):
        self.events: list[tuple[float, str, str, dict[str, Any]]] = []
        self.status = 0
        self.over = False
        self.line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.given = {key.replace("_", "-"): value for key, value in headers.items()}
        self.given["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        query = [("want", want) for want in wants]
        if self.is_behind:
            query += [("behind", ":".join(want.split(":")[:2])) for want in wants]
        self.address = f"{self.path}?{urlencode(query)}"
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            self.line.request("GET", self.address, headers=self.given)
            answer = self.line.getresponse()
            self.status = answer.status
            block: dict[str, str] = {}
            for raw in answer:
                line = raw.decode().rstrip("\n")
                name, _colon, value = line.partition(": ")
                if line:
                    block[name] = value
                    continue
                if "event" in block:
                    data = json.loads(block["data"])
                    head = (time.monotonic(), block["event"], block.get("id", ""), data)
                    self.events.append(head)
                block = {}
        except (http.client.HTTPException, OSError, ValueError, AttributeError):
            pass  # closed
        self.over = True

    def named(self, name: str) -> list[dict[str, Any]]:
        """The data of all events of that name."""
        return [data for _at, found, _id, data in list(self.events) if found == name]

    def hears(self, name: str, within: float = 15.0, **wanted: Any) -> bool:
        """Whether such an event comes in that time."""
        return until(
            lambda: any(
                all(data.get(k) == v for k, v in wanted.items()) for data in self.named(name)
            ),
            within,
        )

    def close(self) -> None:
        """Go away as a browser does."""
        if self.line.sock is not None:
            self.line.sock.shutdown(socket.SHUT_RDWR)
        self.line.close()


Listen = Callable[..., Listener]


@pytest.fixture
def listen(server: Server) -> Iterator[Listen]:
    """Open streams; all are closed in the end."""
    opened: list[Listener] = []

    def start(*wants: str, cookies: dict[str, str] | None = None, **headers: str) -> Listener:
        listener = Listener(server, list(wants), cookies or {}, **headers)
        opened.append(listener)
        assert until(lambda: bool(listener.named("hello")) or listener.over, 10)
        return listener

    yield start
    for listener in opened:
        listener.close()


def customer_cookies(
    *cases: Case, customer: int | None = None, link: Code | None = None
) -> dict[str, str]:
    """A customer's browser that may see these cases."""
    session = SessionStore()
    session["cases"] = {str(case.pk): str(link.pk) if link else "" for case in cases}
    if customer:
        session["customer"] = customer
    session.save()
    return {portal_settings.CUSTOMER_COOKIE_NAME: str(session.session_key)}


def staff_cookies(user: User) -> dict[str, str]:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return {portal_settings.SESSION_COOKIE_NAME: client.session.session_key or ""}

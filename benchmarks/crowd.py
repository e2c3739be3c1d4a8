"""Many customers without a browser: their open streams, and what they and an agent write."""

import asyncio
import secrets
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.test import Client

from benchmarks.house import House
from benchmarks.load import HOST, Browser
from contacts.models import Case, User
from portal import access

T = TypeVar("T")
WRITERS = 4  # connections that the load comes over


def customer(*cases: Case) -> dict[str, str]:
    """The cookies of a browser in which these cases are open."""
    session = access.SessionStore()
    session["cases"] = {str(case.pk): "" for case in cases}
    session.save()
    return {settings.CUSTOMER_COOKIE_NAME: session.session_key, **_token()}


def agent(name: str) -> dict[str, str]:
    """The cookies of a browser in which this agent is signed in."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    return {settings.SESSION_COOKIE_NAME: client.session.session_key or "", **_token()}


def _token() -> dict[str, str]:
    return {settings.CSRF_COOKIE_NAME: secrets.token_hex(16)}


def post(browser: Browser, path: str, cookies: dict[str, str], **form: str) -> None:
    """Send a form as a page does that stays open."""
    token = cookies[settings.CSRF_COOKIE_NAME]
    fields = {"csrfmiddlewaretoken": token, "client_key": str(uuid.uuid4()), **form}
    headers = {
        "Referer": f"https://{HOST}/",
        "Cookie": _line(cookies),
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Requested-With": "fetch",
    }
    answer = browser.ask("POST", path, urlencode(fields).encode(), headers)
    assert answer.status == 201, (answer.status, answer.body[:2000])


def answer(browser: Browser, case: Case, cookies: dict[str, str], text: str) -> None:
    """The agent's answer."""
    path = f"/admin/cases/{case.reference}/answer/"
    post(browser, path, cookies, text=text, kind="", seen="1000000")


def _line(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@contextmanager
def talk(house: House, cases: list[Case], staff: dict[str, str], rate: float) -> Iterator[None]:
    """So many messages a second in these cases, by turns from either side, while the block runs."""
    people = [customer(case) for case in cases]
    free: SimpleQueue[Browser] = SimpleQueue()
    for _n in range(WRITERS):
        free.put(Browser(house.web_port))
    over, failed = threading.Event(), list[BaseException]()

    def say(turn: int) -> None:
        browser, number = free.get(), turn // 2 % len(cases)
        try:
            if turn % 2:
                answer(browser, cases[number], staff, f"Answer {turn}.")
            else:
                page = f"/q/{cases[number].reference}/"
                post(browser, page, people[number], text=f"Question {turn}.")
        except BaseException as error:
            failed.append(error)
        finally:
            free.put(browser)

    def run() -> None:
        with ThreadPoolExecutor(WRITERS) as crew:
            begun, turn = time.monotonic(), 0
            while not over.wait(max(0.0, begun + turn / rate - time.monotonic())):
                crew.submit(say, turn)
                turn += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


class Streams:
    """Open streams of as many customers, read in one thread."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[float] = []  # when a stream said that there is something new
        self.loop = asyncio.new_event_loop()
        self.tasks: list[asyncio.Task[None]] = []
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self, pages: list[tuple[dict[str, str], str]]) -> list[float]:
        """A stream for each of these cookies and wants; seconds until each was greeted."""
        return self._run(self._open(pages))

    def close(self) -> None:
        """All browsers go."""
        self._run(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    async def _open(self, pages: list[tuple[dict[str, str], str]]) -> list[float]:
        greeted: list[asyncio.Future[float]] = []
        begun = time.perf_counter()
        for cookies, want in pages:
            greeted.append(self.loop.create_future())
            reading = self._read(_line(cookies), want, greeted[-1])
            self.tasks.append(self.loop.create_task(reading))
        return [at - begun for at in await asyncio.wait_for(asyncio.gather(*greeted), 110)]

    async def _close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _read(self, cookie: str, want: str, greeted: "asyncio.Future[float]") -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        head = f"GET /live/?want={quote(want)} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\n"
        writer.write(
            f"{head}X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n".encode()
        )
        try:
            async for line in reader:
                if line.startswith((b"event: case", b"event: part")):
                    self.heard.append(time.perf_counter())
                elif line.startswith(b"event: hello"):
                    greeted.set_result(time.perf_counter())
        finally:
            writer.close()

"""A push arrives in Chromium: the page's own button, the browser's own push client, our worker.

Real are the page, its script and service worker, the browser's subscription and keys, what our
sending does, and what the browser does with what came: it opens the sealed message itself. In the
place of Google's servers stands `tests/push/google.py`; Chromium is led there by its own switches.
Not real is the way from us to there: the endpoint's name leads to this machine, and without TLS.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, Playwright, expect
from pytest_django.live_server_helper import LiveServer

from channels_app import dispatch, push
from channels_app.models import Device
from contacts.models import Case, User
from tests import shop
from tests.browser.test_site_axe import ask
from tests.needs import require, whole_chromium
from tests.push import google
from tests.push.google import Google, ToGoogle, wait

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ALLOWED, DENIED = 1, 2
SHOWN = """() => navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) =>
    all.map((one) => ({ title: one.title, body: one.body, tag: one.tag, at: one.timestamp,
    path: one.data.path })))"""
CLOSE = """() => navigator.serviceWorker.ready.then((r) => r.getNotifications())
    .then((all) => all.forEach((one) => one.close()))"""
LET_GO = """() => navigator.serviceWorker.ready.then((r) => r.pushManager.getSubscription())
    .then((subscription) => subscription.unsubscribe())"""


@pytest.fixture(autouse=True)
def agent(live_server: LiveServer) -> User:
    """An agent of a small shop."""
    cache.clear()
    shop.make_shop()
    return shop.make_agent()


class Launch:
    """Starts a browser in which notifications of our site are allowed, or denied."""

    def __init__(
        self, playwright: Playwright, options: dict[str, Any], folder: Path, origin: str
    ) -> None:
        self._playwright, self._options = playwright, options
        self._folder, self._origin = folder, origin
        self.contexts: list[BrowserContext] = []

    def __call__(self, setting: int, *, theme: Any = "light") -> Page:
        """A page of a telephone."""
        profile = self._folder / "profile"
        (profile / "Default").mkdir(parents=True)
        known = {"notifications": {f"{self._origin},*": {"setting": setting}}}
        content = {"profile": {"content_settings": {"exceptions": known}}}
        (profile / "Default" / "Preferences").write_text(json.dumps(content))
        context = self._playwright.chromium.launch_persistent_context(
            profile,
            ignore_default_args=["--disable-background-networking"],
            viewport={"width": 390, "height": 844},
            color_scheme=theme,
            locale="en",
            **self._options,
        )
        self.contexts.append(context)
        return context.new_page()


@pytest.fixture
def world(
    playwright: Playwright,
    browser_type_launch_args: dict[str, Any],
    tmp_path: Path,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Google, Launch]]:
    """Google on this machine, and how a browser is started that knows no other."""
    with google.running(tmp_path) as (found, switches):
        monkeypatch.setattr(push, "_outside", lambda: ToGoogle(found))
        path = whole_chromium()  # the shell has no push client
        if path is None:
            require("browser", "no whole Chromium: apt install chromium")
        args = [*browser_type_launch_args["args"], *switches]
        options = {**browser_type_launch_args, "executable_path": path, "args": args}
        launch = Launch(playwright, options, tmp_path, live_server.url)
        yield found, launch
        for context in launch.contexts:
            context.close()
        assert found.faults == []


def tell(case: Case, agent: User, words: str) -> int:
    """An agent answers, and the worker's turn comes."""
    dispatch.reply(case=case, staff=agent, text=words)
    Device.objects.update(due_at=timezone.now())
    return push.tell(case.pk)


def stands_there(page: Page, after: float = 0) -> list[dict[str, Any]]:
    """What the device shows, once it has something that came later than `after`.

    Asked for seldom: in the moment of its showing Chromium forgets it.
    """
    for _turn in range(15):
        page.wait_for_timeout(2000)
        found = page.evaluate(SHOWN)
        if any(one["at"] > after for one in found):
            return list(found)
    raise AssertionError("it did not come")


def subscribe(page: Page, server: LiveServer, found: Google) -> Case:
    """Ask a question, and tap the button below it."""
    case = ask(page, server, way="account")
    page.get_by_role("button", name="Tell me on this device").click()
    expect(page.get_by_text("You may close this page")).to_be_visible(timeout=20000)
    row = Device.objects.get()
    parts = urlsplit(row.endpoint)
    found.url = f"{parts.scheme}://{parts.netloc}"
    assert parts.scheme == "https" and push.is_service(row.endpoint)
    wait(lambda: found.lines)
    return case


def test_an_answer_arrives_on_the_device(
    world: tuple[Google, Launch], live_server: LiveServer, agent: User
) -> None:
    found, launch = world
    page = launch(ALLOWED)
    case = subscribe(page, live_server, found)
    assert Axe().run(page).violations_count == 0
    page.reload()
    expect(page.get_by_text("You may close this page")).to_be_visible()  # the server knows it
    page.goto(f"{live_server.url}/ways/")
    assert tell(case, agent, "Yes, the blue one is here") == 1
    (shown,) = stands_there(page)
    assert shown["title"] == "You have an answer" and shown["body"] == ""
    assert shown["path"] == f"/q/{case.reference}/"
    assert tell(case, agent, "And a red one") == 1
    assert [one["tag"] for one in stands_there(page, shown["at"])] == [shown["tag"]]  # in its place


def test_nothing_is_shown_to_who_looks_at_the_question(
    world: tuple[Google, Launch], live_server: LiveServer, agent: User
) -> None:
    found, launch = world
    page = launch(ALLOWED)
    case = subscribe(page, live_server, found)
    page.bring_to_front()
    assert tell(case, agent, "Yes, the blue one is here") == 1
    page.wait_for_timeout(2000)
    assert page.evaluate(SHOWN) == []
    page.goto(f"{live_server.url}/ways/")
    assert tell(case, agent, "And a red one") == 1  # the same way brings this one
    assert len(stands_there(page)) == 1
    page.evaluate(CLOSE)


def test_a_browser_that_lets_go_is_forgotten_and_asked_again(
    world: tuple[Google, Launch], live_server: LiveServer, agent: User
) -> None:
    found, launch = world
    page = launch(ALLOWED)
    case = subscribe(page, live_server, found)
    assert page.evaluate(LET_GO) is True
    wait(lambda: not found.tokens)
    assert tell(case, agent, "Yes, the blue one is here") == 0
    assert not Device.objects.exists()
    page.reload()
    page.get_by_role("button", name="Tell me on this device").click()
    expect(page.get_by_text("You may close this page")).to_be_visible(timeout=20000)
    page.goto(f"{live_server.url}/q/{case.reference}/devices/")
    expect(page.get_by_text("This device", exact=True)).to_be_visible()
    assert Axe().run(page).violations_count == 0
    page.locator("[data-digest] form button").click()
    expect(page.get_by_text("That device is no longer told.")).to_be_visible()
    assert not Device.objects.exists()


def test_who_refused_reads_how_to_allow_it(
    world: tuple[Google, Launch], live_server: LiveServer
) -> None:
    _found, launch = world
    page = launch(DENIED, theme="dark")
    ask(page, live_server, way="account")
    expect(page.get_by_text("Allow notifications for this site")).to_be_visible()
    expect(page.get_by_role("button", name="Tell me on this device")).to_be_hidden()
    assert Axe().run(page).violations_count == 0

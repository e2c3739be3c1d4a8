"""The widget in a real Chromium: a page of another site, under the strictest policy of all.

`localhost` in the address bar and our own pages from 127.0.0.1 are two sites to a browser, so that
everything is as between a shop's site and its help desk: third-party cookies, storage kept apart.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.cache import cache
from playwright.sync_api import Browser, Frame, FrameLocator, Page, Route, expect

from channels_app import dispatch
from contacts.models import Case, Organisation, User
from portal.live import wants
from tests import shop
from tests.core.chats import offer_chat
from tests.live import conftest as live
from tests.live.conftest import Server
from tests.live.conftest import redis_url as redis_url
from tests.serving import serving
from tests.setup.test_processes import until

# A site of its own beside ours; and with the whole browser: see `needs.chromium`.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]
DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "widget.md"
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bicycles</title>'
    '<meta name="viewport" content="width=device-width"></head>'
    "<body><main><h1>Blue bicycle</h1><p>Our own site.</p>"
    '<p><a href="{help}/" data-onecase>Contact</a></p></main>'
    '<script src="{help}/widget.js" async {more}></script></body></html>'
)


def documented_policy(help_site: str) -> str:
    """The line of docs/widget.md, with the address of our pages in it."""
    found = re.search(r"```\nContent-Security-Policy: ([^\n]*)\n```", DOCUMENTED.read_text())
    assert found
    return found[1].replace("https://help.example.org", help_site)


class Host:
    """The organisation's own site: one page on a port of its own."""

    def __init__(self, help_site: str) -> None:
        self.more = 'data-topic="repair" data-about="Blue bicycle"'
        host, policy = self, documented_policy(help_site)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = PAGE.format(help=help_site, more=host.more).encode()
                self.send_response(200 if self.path in ("/", "/two") else 204)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"
        self.open = ExitStack()
        self.open.enter_context(serving(self.server))

    def stop(self) -> None:
        """Close it."""
        self.open.close()


@pytest.fixture
def site(
    transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Our own pages with their streams and their style."""
    made = ASGIStaticFilesHandler(get_asgi_application())
    monkeypatch.setattr(live, "get_asgi_application", lambda: made)
    running = Server()
    settings.PUBLIC_URL = running.url
    yield running
    running.stop()


@pytest.fixture
def host(site: Server) -> Iterator[Host]:
    """The shop's own site."""
    running = Host(site.url)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def organisation(host: Host) -> Organisation:
    """A shop with chat, whose own site may show the widget."""
    cache.clear()
    made = shop.make_shop()
    made.widget_origins = [host.url]
    made.save()
    offer_chat(made)
    return made


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """Anna."""
    return shop.make_agent()


class Visitor:
    """A browser on the shop's site, and what its console said."""

    def __init__(self, browser: Browser, width: int = 1280, **options: Any) -> None:
        self.said: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": 844}, locale="en", **options
        )
        self.page = self.open()

    def open(self) -> Page:
        """A page whose console is read."""
        page = self.context.new_page()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"fault: {error.stack}"))
        return page

    @property
    def button(self) -> Any:
        """The button of the widget."""
        return self.page.locator("onecase-widget button.open")

    @property
    def panel(self) -> Any:
        """The panel."""
        return self.page.locator("onecase-widget dialog")

    @property
    def inside(self) -> FrameLocator:
        """What stands in the frame."""
        return self.page.frame_locator("onecase-widget iframe")

    @property
    def frame(self) -> Frame:
        """The frame as a document."""
        return next(frame for frame in self.page.frames if "/widget/" in frame.url)

    def bad(self) -> list[str]:
        """What the console said that is no mere line."""
        return [line for line in self.said if not line.startswith(("log", "info", "debug"))]


@pytest.fixture
def visitors(browser: Browser) -> Iterator[Any]:
    """Makes visitors; nothing may be wrong in any of their consoles."""
    made: list[Visitor] = []

    def visit(url: str, width: int = 1280, **options: Any) -> Visitor:
        visitor = Visitor(browser, width, **options)
        made.append(visitor)
        visitor.page.goto(url)
        return visitor

    yield visit
    for visitor in made:
        visitor.context.close()
    bad = [line for visitor in made for line in visitor.bad()]
    assert bad == [], "\n".join(bad)


def chat(visitor: Visitor, text: str = "Is the blue bicycle still there?") -> Case:
    """Open the panel and begin a chat, as a person does; its case."""
    visitor.button.click()
    visitor.inside.get_by_role("link", name="Chat").click()
    visitor.inside.locator("#text").fill(text)
    visitor.inside.get_by_role("button", name="Start the chat").click()
    expect(visitor.inside.locator("#history")).to_contain_text(text)
    return Case.objects.get()


def test_a_chat_begins_on_the_shops_own_site_and_goes_on(
    host: Host, agent: User, visitors: Any
) -> None:
    """A1's first part, from a foreign origin, under the documented policy."""
    visitor = visitors(host.url)
    case = chat(visitor)
    assert case.about == "Blue bicycle" and case.topic and case.topic.slug == "repair"
    assert case.choice and case.choice.kind == "chat"
    dispatch.reply(case=case, staff=agent, text="Yes, it is in the shop.")
    expect(visitor.inside.locator("#history")).to_contain_text("Yes, it is in the shop.")
    # The answer to it, from the frame.
    visitor.inside.locator("#text").fill("Then I am coming.")
    visitor.inside.get_by_role("button", name="Send").click()
    expect(visitor.inside.locator("#history")).to_contain_text("Then I am coming.")
    assert case.messages.filter(direction="in").count() == 2
    # Another page of the shop: the panel stands open, and the chat in it.
    visitor.page.goto(f"{host.url}/two")
    expect(visitor.inside.locator("#history")).to_contain_text("Yes, it is in the shop.")
    # Another day: the button leads back into it.
    visitor.page.evaluate("sessionStorage.clear()")
    visitor.page.reload()
    expect(visitor.panel).to_be_hidden()
    visitor.button.click()
    expect(visitor.inside.locator("#history")).to_contain_text("Then I am coming.")


def test_what_comes_while_the_panel_is_closed_is_told_by_a_dot(
    host: Host, agent: User, visitors: Any
) -> None:
    visitor = visitors(host.url)
    case = chat(visitor)
    visitor.panel.get_by_role("button", name="Close").click()
    expect(visitor.panel).to_be_hidden()
    expect(visitor.button).to_be_focused()
    expect(visitor.button).not_to_have_attribute("data-news", "")
    answer = dispatch.reply(case=case, staff=agent, text="Yes, it is in the shop.")
    expect(visitor.button).to_have_attribute("data-news", "", timeout=15_000)
    # It came, and nobody looked at it: what is not read follows elsewhere.
    assert until(lambda: answer.deliveries.get().status == "delivered")
    expect(visitor.button).to_have_accessible_name(re.compile("new message"))
    # On another page of the shop it is told as well, until it was shown.
    visitor.page.goto(f"{host.url}/two")
    expect(visitor.button).to_have_attribute("data-news", "")
    assert answer.deliveries.get().status == "delivered"
    visitor.button.click()
    expect(visitor.button).not_to_have_attribute("data-news", "")
    expect(visitor.inside.locator("#history")).to_contain_text("Yes, it is in the shop.")
    assert until(lambda: answer.deliveries.get().status == "read")
    visitor.inside.locator("#text").press("Escape")
    expect(visitor.panel).to_be_hidden()
    visitor.page.reload()
    expect(visitor.inside.locator("#history")).to_be_attached()
    expect(visitor.button).not_to_have_attribute("data-news", "")


def test_a_panel_that_closed_before_its_page_had_come_tells_of_what_is_newer(
    host: Host, agent: User, visitors: Any
) -> None:
    """On a slow line the history is read while the page still waits for its last script."""
    visitor = visitors(host.url)
    held: list[Route] = []
    visitor.context.route("**/live.js", lambda route: held.append(route))
    case = chat(visitor)
    visitor.panel.get_by_role("button", name="Close").click()
    expect(visitor.panel).to_be_hidden()
    with visitor.page.expect_event("requestfinished", lambda asked: "live.js" in asked.url):
        held[-1].continue_()
    dispatch.reply(case=case, staff=agent, text="Yes, it is in the shop.")
    expect(visitor.button).to_have_attribute("data-news", "", timeout=15_000)


def test_behind_a_closed_panel_the_page_says_that_nobody_sees_it(
    host: Host, agent: User, visitors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bool] = []
    read = wants.read

    def listened(*asked: Any) -> Any:
        found = read(*asked)
        said.extend(want.is_behind for want in found.values())
        return found

    monkeypatch.setattr(wants, "read", listened)
    visitor = visitors(host.url)
    chat(visitor)
    assert until(lambda: said[-1:] == [False])
    visitor.panel.get_by_role("button", name="Close").click()
    assert until(lambda: said[-1:] == [True])
    visitor.button.click()
    assert until(lambda: said[-1:] == [False])


def test_keys_alone_are_enough(host: Host, visitors: Any) -> None:
    visitor = visitors(host.url)
    keys = visitor.page.keyboard
    expect(visitor.button).to_be_attached()
    keys.press("Tab")  # the page's own link, which opens the panel as well
    keys.press("Enter")
    expect(visitor.panel).to_be_visible()
    expect(visitor.panel).to_have_accessible_name("Test Shop")
    expect(visitor.button).to_have_attribute("aria-expanded", "true")
    assert (
        visitor.page.evaluate(
            "document.querySelector('onecase-widget').shadowRoot.activeElement.nodeName"
        )
        == "IFRAME"
    )
    call = visitor.inside.get_by_role("link", name="Call 020 123 4567")
    expect(call).to_be_visible()
    for _n in range(12):
        if call.evaluate("link => link === document.activeElement"):
            break
        keys.press("Tab")
    expect(call).to_be_focused()
    keys.press("Escape")
    expect(visitor.panel).to_be_hidden()
    expect(visitor.page.get_by_role("link", name="Contact")).to_be_focused()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(host: Host, agent: User, visitors: Any, width: int, theme: Any) -> None:
    visitor = visitors(
        host.url, width, color_scheme=theme, reduced_motion="reduce", bypass_csp=True
    )
    look(visitor.page, "closed")
    visitor.button.click()
    expect(visitor.inside.get_by_role("link", name="Chat")).to_be_visible()
    look(visitor.page, "the panel")
    look(visitor.frame, "the ways")
    visitor.inside.get_by_role("link", name="Chat").click()
    expect(visitor.inside.get_by_role("button", name="Start the chat")).to_be_visible()
    look(visitor.frame, "the form")
    visitor.inside.locator("#text").fill("Is the blue bicycle still there?")
    visitor.inside.get_by_role("button", name="Start the chat").click()
    expect(visitor.inside.locator("#history")).to_be_visible()
    look(visitor.frame, "the chat")
    visitor.said.clear()  # axe asks for style sheets by addresses that there are not
    if width == 390:
        box = visitor.panel.bounding_box()
        assert box == {"x": 0, "y": 0, "width": 390, "height": 844}


def look(place: Page | Frame, name: str) -> None:
    """Axe finds nothing, and nothing is wider than its screen."""
    found = Axe().run(place)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = place.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"


def test_an_origin_that_is_not_configured_gets_nothing(
    host: Host, organisation: Organisation, browser: Browser
) -> None:
    organisation.widget_origins = ["https://www.example.org"]
    organisation.save()
    visitor = Visitor(browser)
    visitor.page.goto(host.url)
    visitor.page.wait_for_function("performance.getEntriesByType('resource').length > 0")
    expect(visitor.page.locator("onecase-widget")).to_have_count(0)
    assert [line.split(" is ")[0] for line in visitor.bad()] == [
        f"warning: Onecase: {host.url} may not show the widget of {help_site(visitor)}."
        " An administrator adds it on the page Organisation."
    ]
    # Whoever makes the frame without our script is stopped by the browser itself.
    frame = "Object.assign(document.createElement('iframe'), { src: to })"
    to = f"{help_site(visitor)}/widget/"
    visitor.page.evaluate(f"to => document.body.append({frame})", to)
    for _n in range(50):
        if refused := [line for line in visitor.bad() if "frame-ancestors" in line]:
            break
        visitor.page.wait_for_timeout(100)
    assert refused
    assert not [frame.url for frame in visitor.page.frames[1:] if "/widget/" in frame.url]
    visitor.context.close()


def help_site(visitor: Visitor) -> str:
    """Where our own pages are, as the tag says it."""
    src = visitor.page.locator("script[src]").get_attribute("src")
    assert src
    return src.removesuffix("/widget.js")


def test_without_a_script_the_pages_own_link_leads_to_our_site(
    host: Host, visitors: Any, site: Server
) -> None:
    visitor = visitors(host.url, java_script_enabled=False)
    visitor.page.get_by_role("link", name="Contact").click()
    assert visitor.page.url == f"{site.url}/"


def test_the_tag_says_language_side_and_words(host: Host, visitors: Any) -> None:
    host.more = 'data-lang="nl" data-side="left" data-label="Vraag het ons"'
    visitor = visitors(host.url)
    expect(visitor.button).to_have_text("Vraag het ons")
    box = visitor.button.bounding_box()
    assert box and box["x"] < 100
    visitor.button.click()
    expect(visitor.inside.locator("html")).to_have_attribute("lang", "nl")
    expect(visitor.inside.get_by_role("link", name="Bel 020 123 4567")).to_be_visible()


def test_links_that_lead_out_of_the_frame_open_a_window(
    host: Host, visitors: Any, site: Server
) -> None:
    visitor = visitors(host.url)
    chat(visitor)
    with visitor.context.expect_page() as opened:
        visitor.inside.get_by_role("link", name="Open in a window").click()
    # By the link of the case: it goes on there, after a button.
    page = opened.value
    assert "/c/" in page.url and "/widget/" not in page.url
    page.get_by_role("button").last.click()
    expect(page.locator("#history")).to_contain_text("Is the blue bicycle still there?")
    assert page.locator(".foot").count() == 1


def test_a_browser_that_keeps_no_cookie_for_a_frame_goes_to_the_site(
    host: Host, visitors: Any, site: Server
) -> None:
    visitor = visitors(host.url)
    visitor.button.click()
    chat_link = visitor.inside.get_by_role("link", name="Chat")
    expect(chat_link).to_be_visible()
    visitor.context.clear_cookies()
    with visitor.context.expect_page() as opened:
        chat_link.click()
    page = opened.value
    assert page.url.startswith(f"{site.url}/?way=chat&topic=repair")
    expect(page.locator("#way-chat")).to_be_checked()


def test_only_page_and_frame_of_each_other_are_heard(host: Host, visitors: Any) -> None:
    visitor = visitors(host.url)
    visitor.button.click()
    expect(visitor.inside.get_by_role("link", name="Chat")).to_be_visible()
    assert until(lambda: not visitor.frame.evaluate("document.hidden"))
    visitor.page.evaluate("postMessage({ onecase: 'close' }, '*')")  # the page to itself
    visitor.frame.evaluate("postMessage({ onecase: 'shown', shown: false }, '*')")
    visitor.page.wait_for_timeout(200)
    expect(visitor.panel).to_be_visible()
    assert not visitor.frame.evaluate("document.hidden")

"""Without a connection, in a real browser with the real service worker."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from contacts.models import Case
from tests import shop
from tests.browser.test_site_axe import ask

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEPT = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const one of await cache.keys()) found.push(new URL(one.url).pathname);
    }
    return found;
}"""


@pytest.fixture(autouse=True)
def _shop(live_server: LiveServer) -> None:
    cache.clear()
    shop.make_shop()


@pytest.fixture(params=["light", "dark"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A telephone."""
    made = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=request.param, locale="en"
    )
    yield made
    made.close()


def ready(page: Page) -> None:
    """The service worker stands beside this page."""
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")


def test_a_page_of_ours_says_so_and_comes_back(
    context: BrowserContext, live_server: LiveServer
) -> None:
    page = context.new_page()
    case: Case = ask(page, live_server, way="account")
    ready(page)
    page.reload()
    context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(page.get_by_role("link", name="Call 020 123 4567")).to_be_visible()
    background = page.evaluate("getComputedStyle(document.querySelector('.first')).backgroundColor")
    assert background not in ("rgba(0, 0, 0, 0)", "")  # the brand's sheet was kept as well
    assert page.evaluate("document.images[0].naturalWidth") == 192
    assert "bicycle" not in page.content() and case.reference not in page.inner_text("body")
    assert Axe().run(page).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Is the blue bicycle still there?")).to_be_visible()
    assert page.url.endswith(f"/q/{case.reference}/")


def test_it_speaks_the_language_of_the_last_page_and_keeps_nothing_private(
    context: BrowserContext, live_server: LiveServer
) -> None:
    page = context.new_page()
    page.goto(live_server.url)
    ready(page)
    page.click("button[name=language][value=nl]")
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    ask(page, live_server, way="account")
    page.reload()
    kept = page.evaluate(KEPT)
    public = ("/offline/", "/static/", "/icon", "/brand")
    private = [path for path in kept if not path.startswith(public)]
    assert kept and private == []
    context.set_offline(True)
    page.goto(f"{live_server.url}/questions/")
    expect(page.get_by_role("link", name="Bel 020 123 4567")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "nl")


def test_what_is_not_the_customers_page_passes_by(
    context: BrowserContext, live_server: LiveServer
) -> None:
    page = context.new_page()
    page.goto(live_server.url)
    ready(page)
    context.set_offline(True)
    for path in ("/admin/", "/demo/", "/files/1/", "/live/"):
        with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
            page.goto(f"{live_server.url}{path}")

"""The newest lines are put into a page that stays open, and every other line stays on it."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from channels_app import dispatch
from channels_app.models import Delivery
from contacts import services
from contacts.models import Case, Organisation, User
from tests import shop
from tests.browser.test_site_axe import ask, open_page
from tests.browser.test_site_axe import pages_closed as pages_closed
from tests.core.chats import offer_chat

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LINES = "#history .msg"


@pytest.fixture(autouse=True)
def organisation(live_server: LiveServer) -> Iterator[Organisation]:
    """A small shop with a chat, behind a real server."""
    cache.clear()
    made = shop.make_shop()
    offer_chat(made)
    yield made


@pytest.fixture
def agent() -> User:
    """One agent."""
    return shop.make_agent()


@pytest.fixture
def page(browser: Browser) -> Page:
    """A page on a telephone."""
    return open_page(browser, 390, "light")


def asked(page: Page, live_server: LiveServer, lines: int) -> Case:
    """A chat with so many lines after the question, open in that page."""
    case = ask(page, live_server, way="chat")
    for number in range(lines):
        services.file_message(case=now(case), kind="chat", text=f"Line {number:03}.")
    page.reload()
    return case


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def arrives(page: Page, text: str) -> None:
    expect(page.locator("#history")).to_contain_text(text, timeout=15_000)


def test_below_the_link_to_older_ones(page: Page, live_server: LiveServer, agent: User) -> None:
    case = asked(page, live_server, 60)
    before = page.locator(LINES).count()
    expect(page.locator("#history .older")).to_have_count(1)
    for number in (1, 2):
        dispatch.reply(case=now(case), staff=agent, text=f"Answer {number}.")
        arrives(page, f"Answer {number}.")
        assert page.locator(LINES).count() == before + number
    expect(page.locator("#history .older")).to_have_count(1)
    shown = [line.split("\n")[0] for line in page.locator(f"{LINES} .msg__body").all_inner_texts()]
    lines = [f"Line {number:03}." for number in range(60)]
    assert shown == [*lines[62 - len(shown) :], "Answer 1.", "Answer 2."]


def test_while_a_strip_above_them_goes(page: Page, live_server: LiveServer, agent: User) -> None:
    case = asked(page, live_server, 10)
    failed = dispatch.reply(case=now(case), staff=agent, text="This did not arrive.")
    Delivery.objects.filter(message=failed).update(status="failed")
    page.reload()
    expect(page.locator("#history .strip--bad")).to_have_count(1)
    before = page.locator(LINES).count()
    dispatch.reply(case=now(case), staff=agent, text="This did.")
    arrives(page, "This did.")
    expect(page.locator("#history .strip--bad")).to_have_count(0)
    assert page.locator(LINES).count() == before + 1


def test_who_reads_along_goes_on_so_whatever_grows(
    page: Page, live_server: LiveServer, agent: User
) -> None:
    case = asked(page, live_server, 20)
    expect(page.locator(LINES).last).to_be_in_viewport()
    grow = """id => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`#${id} { min-height: 600px }`);
        document.adoptedStyleSheets.push(sheet);
    }"""
    ids = page.locator(LINES).evaluate_all("lines => lines.map((line) => line.id)")
    page.evaluate(grow, ids[-1])  # as a picture that comes later
    dispatch.reply(case=now(case), staff=agent, text="One.")
    expect(page.get_by_text("One.")).to_be_in_viewport(timeout=15_000)
    page.evaluate(grow, ids[0])  # above: nothing is seen of it
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -400)
    expect(page.get_by_text("One.")).not_to_be_in_viewport()
    dispatch.reply(case=now(case), staff=agent, text="Two.")
    expect(page.locator("[data-news]")).to_have_text("1 new message", timeout=15_000)
    expect(page.get_by_text("Two.")).not_to_be_in_viewport()
    page.locator("[data-news]").click()
    expect(page.get_by_text("Two.")).to_be_in_viewport()

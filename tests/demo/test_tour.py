"""The whole tour as a visitor takes it: a real browser, the real worker, real SMTP both ways."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.setup.test_supervisor import Running, free_port

pytestmark = pytest.mark.browser
SECOND = 1000
Visit = Callable[..., Page]
LOOKS = [(390, "dark"), (1280, "light")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running portal with its demo, as `make run` starts it."""
    with pytest.MonkeyPatch.context() as own:
        # Mail ports of its own: another portal may be running on this machine.
        for name in ("ONECASE_SMTP_LISTEN", "ONECASE_MAILBOX_LISTEN"):
            own.setenv(name, f"127.0.0.1:{free_port()}")
        running = Running(tmp_path_factory.mktemp("tour"), free_port())
    try:
        running.ready(120)
        yield f"http://localhost:{running.port}"
    finally:
        running.process.terminate()
        running.process.wait(20)


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """Opens pages; in the end each is closed, and a script fault on one fails the test.

    Open pages would go on asking a portal that is gone, and a fault that is raised from there
    ends the browser's connection for every later test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def made(path: str = "/demo/", width: int = 1440, theme: Any = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, locale="en"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{site}{path}")
        return page

    yield made
    for context in contexts:
        context.close()
    assert faults == []


def ticked(page: Page, number: int, within: float = 10) -> None:
    """So many steps are ticked, without anybody reloading the page."""
    expect(page.locator(".step--done")).to_have_count(number, timeout=within * SECOND)


def pane(page: Page, name: str) -> FrameLocator:
    return page.frame_locator(f"iframe[name={name}]")


def go(page: Page) -> None:
    """Press "Show me" and wait until that frame is there."""
    with page.expect_event("framenavigated"):
        page.locator("[data-go]").click()


def test_the_tour(visit: Visit) -> None:
    page = visit()
    customer = pane(page, "customer-browser")
    customer.locator("textarea[name=text]").fill("Do you have a helmet in size M?")
    customer.locator("input[type=radio][value=email]").check(force=True)
    customer.locator("input[type=email]").fill("zoe@example.org")
    customer.locator("main button[type=submit]:visible").last.click()
    ticked(page, 1)

    page.locator(".pane__empty button").click()
    expect(customer.locator("h1")).to_contain_text("Do you have a helmet")  # it stayed open
    go(page)
    desk = pane(page, "agent-desk")
    desk.locator("textarea[name=text]:visible").fill("Yes, three. Shall I keep one for you?")
    desk.locator("[data-send]").click()
    ticked(page, 3)

    pocket = pane(page, "customer-pocket")
    newest = pocket.locator(".mails__item").first
    expect(newest).to_contain_text("Shall I keep one for you?", timeout=3 * SECOND)
    newest.locator("a").click()
    pocket.locator("#text").fill("Yes please, I come on Friday.")
    pocket.locator(".answer button").click()
    expect(pocket.locator("#sent")).to_be_visible()
    ticked(page, 4)

    # The mail's own link opens in the customer's browser, not in the pocket.
    mail = pocket.frame_locator("iframe[data-mail]")
    mail.locator("a", has_text="Open my question").click()
    customer.get_by_role("button", name="Open my question").click()
    expect(customer.locator("h1")).to_contain_text("Do you have a helmet")
    expect(customer.locator("body")).to_contain_text("Yes please, I come on Friday.")

    go(page)
    customer.locator("a", has_text="Change").first.click()
    customer.locator("input[type=radio][value=account]").check(force=True)
    customer.locator(".form--switch button[type=submit]").click()
    ticked(page, 5)

    # Again, to the telephone: its code is scanned, and sent from there.
    go(page)
    customer.locator("a", has_text="Change").first.click()
    customer.locator("input[type=radio][value=whatsapp]").check(force=True)
    customer.locator(".form--switch button[type=submit]").click()
    page.locator("[data-scanner]").click()
    pocket.locator(".typing textarea").press("Enter")
    expect(pocket.locator(".ticks").first).to_have_text(re.compile("✓✓"), timeout=5 * SECOND)
    ticked(page, 6)

    go(page)
    desk.locator(".desk-way__other summary").click()
    desk.locator("button[name=to][value=phone]").click()
    expect(desk.locator(".desk-way--refused")).to_be_visible()
    ticked(page, 7)
    expect(page.locator(".tour__now")).to_contain_text("One case")


def test_be_somebody_else_keeps_the_other_frames(visit: Visit) -> None:
    page = visit()
    page.locator("[data-roles=staff] button", has_text="Robin").click()
    desk = pane(page, "agent-desk")
    desk.locator("a[href^='/admin/cases/']").first.wait_for(state="attached")
    pane(page, "customer-browser").locator("textarea[name=text]").fill("A draft")
    page.locator("[data-roles=staff] button", has_text="Daan").click()
    expect(page.locator("[data-roles=staff] [aria-pressed=true]")).to_have_text("Daan")
    expect(pane(page, "customer-browser").locator("textarea[name=text]")).to_have_value("A draft")
    page.locator("[data-roles=customer] button", has_text="Tom").click()
    expect(pane(page, "customer-browser").locator("main")).to_contain_text("A switch")


def test_another_language_goes_on_where_it_was(visit: Visit) -> None:
    page = visit()
    page.locator("[data-roles=customer] button", has_text="Lucas").click()
    pane(page, "customer-browser").locator("a", has_text="Sixty messages").click()
    expect(page.locator("[data-where]")).to_contain_text("/q/")
    page.locator(".lang button[lang=nl]").click()
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    expect(page.locator("[data-where]")).to_contain_text("/q/")


def test_enlarge_one_window(visit: Visit) -> None:
    page = visit()
    enlarge = page.locator("[data-enlarge=pocket]")
    enlarge.click()
    expect(page.locator("#pane-customer")).to_be_hidden()
    expect(page.locator("#pane-pocket")).to_be_visible()
    enlarge.click()
    expect(page.locator("#pane-customer")).to_be_visible()


def test_a_qr_is_scanned_with_one_click(visit: Visit) -> None:
    page = visit()
    customer, pocket = pane(page, "customer-browser"), pane(page, "customer-pocket")
    expect(page.locator("[data-scanner]")).to_be_hidden()
    link = "https://wa.me/442079460021?text=Code%20"
    customer.locator("main").evaluate(
        "(main, link) => main.insertAdjacentHTML('beforeend', `<a href='${link}1'>WhatsApp</a>`)",
        link,
    )
    page.locator("[data-scanner]").click()
    expect(pocket.locator("#text")).to_have_value("Code 1")
    # The telephone's own camera does the same, and so does the link itself.
    pocket.locator(".handset__home").click()
    pocket.locator("[data-scan]").click()
    expect(pocket.locator("#text")).to_have_value("Code 1")
    pocket.locator(".handset__home").click()
    customer.locator("main a", has_text="WhatsApp").last.click()
    expect(pocket.locator("#text")).to_have_value("Code 1")
    pocket.locator("#text").press("Enter")
    expect(pocket.locator(".bubble--mine").last).to_contain_text("Code 1")


STOP = """() => {
  const form = new FormData(document.querySelector(".handset__whose"));
  form.set("text", "STOP");
  const path = "/demo/telephone/sms/+442079460199/+442079460020/";
  return fetch(path, { method: "POST", body: form, redirect: "manual" }).then(() => 1);
}"""


def test_what_comes_rings_in_the_pocket(visit: Visit) -> None:
    page = visit("/demo/telephone/")
    page.evaluate(STOP)  # the provider itself answers to that
    card = page.locator(".banner__card")
    expect(card).to_contain_text("unsubscribed", timeout=5 * SECOND)
    expect(page.locator(".app--sms .count")).to_contain_text("1")
    card.click()
    expect(page.locator(".bubble").last).to_contain_text("unsubscribed")


def test_tabs_on_a_phone(visit: Visit) -> None:
    page = visit(width=390)
    expect(page.locator("#pane-customer")).to_be_visible()
    expect(page.locator("#pane-desk")).to_be_hidden()
    page.locator("#tab-customer").press("ArrowRight")
    expect(page.locator("#pane-desk")).to_be_visible()
    expect(page.locator("#tab-desk")).to_be_focused()
    page.locator("#tab-pocket").click()
    expect(page.locator("#pane-pocket")).to_be_visible()
    expect(page.locator("#tab-pocket")).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_accessible(visit: Visit, site: str, width: int, theme: str) -> None:
    page = visit(width=width, theme=theme)
    look(page, "the demo page")
    phone = "telephone/sms/+442079460112/+442079460020/"
    for path in ("", "sms/", "misbehave/"):
        page.goto(f"{site}/demo/telephone/{path}")
        look(page, f"telephone/{path}")
    page.goto(f"{site}/demo/{phone}")
    expect(page.locator(".bubble").first).to_be_visible()
    look(page, "a conversation")
    for path in ("", "write/", "letters/"):
        page.goto(f"{site}/demo/pocket/{path}")
        look(page, f"pocket/{path}")
        if path == "letters/":
            page.locator(".envelope").first.click()
            look(page, "a letter")
    page.goto(f"{site}/demo/pocket/")
    page.locator(".mails__item a").nth(3).click()
    look(page, "a mail")


def look(page: Page, name: str) -> None:
    """Axe finds nothing on the page itself, and nothing is wider than the screen."""
    page.wait_for_load_state("load")
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"

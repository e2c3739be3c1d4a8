"""Waiting for a message from a messenger, in a real browser: the card goes by itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from channels_app import joining, switching
from channels_app.adapters.registry import PROVIDERS
from contacts.kinds import PHONE
from contacts.models import Case, Choice, Code, Identity, Organisation
from tests import shop
from tests.browser.test_site_axe import look, open_page
from tests.browser.test_site_axe import pages_closed as pages_closed
from tests.messengers import pocket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = [(390, "dark"), (1280, "light")]
SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures, where somebody wants to look


@pytest.fixture(autouse=True)
def organisation(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Organisation]:
    """A small shop that offers WhatsApp and SMS, behind a real server."""
    cache.clear()
    monkeypatch.setitem(PROVIDERS, "pocket", pocket.Pocket)
    made = shop.make_shop()
    for kind in ("whatsapp", "sms"):
        pocket.channel(made, kind)
    yield made


def seen(page: Page, name: str) -> None:
    """Axe finds nothing; a picture for who wants one."""
    if SHOTS:
        width = page.viewport_size["width"] if page.viewport_size else 0
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        language = page.evaluate("document.documentElement.lang")
        place = Path(SHOTS) / f"{name}-{width}-{'dark' if dark else 'light'}-{language}.png"
        page.screenshot(path=place, full_page=True)
    look(page, name)


def ask(page: Page, server: LiveServer, way: str, *, has_script: bool = True) -> Case:
    """Ask a question as a person does; axe is a script, and waits for ever where none runs."""
    page.goto(f"{server.url}/")
    page.fill("#text", f"Is the blue bicycle still there? ({way})")
    page.check(f"#way-{way}")
    if way == "sms":
        page.fill("#address_sms", "06 1234 5678")
    if has_script:
        seen(page, f"start-{way}")
    page.click(".finish button[type=submit]")
    page.wait_for_url("**/q/**")
    return Case.objects.latest("pk")


def writes(case: Case) -> None:
    """What a message from the messenger comes to."""
    shown = joining.waiting(case)
    assert shown and shown.code.redeem()
    switching.switch(
        case=case,
        kind="whatsapp",
        identity=Identity.of(PHONE, "+31687654321"),
        by=Choice.By.WRITING,
    )


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_card_waits_and_goes_by_itself(
    browser: Browser, live_server: LiveServer, width: int, theme: str
) -> None:
    page = open_page(browser, width, theme)
    case = ask(page, live_server, "whatsapp")
    card = page.locator("#waiting")
    button, code = card.get_by_role("link"), card.locator(".qr:visible")
    expect(button).to_be_in_viewport()
    if width < 720:
        expect(code).to_have_count(0)
        page.click(".waiting__other summary")
    expect(code).to_have_count(1)
    seen(page, "card")
    writes(case)
    expect(card).to_contain_text("From now on we answer by WhatsApp.", timeout=9000)
    expect(page.locator("#answerline")).to_contain_text("by WhatsApp")
    expect(button).to_have_count(0)
    seen(page, "done")
    page.click("#answerline a")
    expect(page.locator("dialog.sheet")).to_be_visible()
    seen(page, "sheet")
    page.goto(f"{live_server.url}/q/{case.reference}/switch/")
    page.check("#way-sms")
    seen(page, "switch")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_six_digits_stand_on_the_page_of_the_question(
    browser: Browser, live_server: LiveServer, width: int, theme: str
) -> None:
    page = open_page(browser, width, theme)
    ask(page, live_server, "sms")
    expect(page.locator("#code")).to_be_in_viewport()
    seen(page, "boxes")
    page.fill("#code", Code.objects.filter(purpose="prove").latest("created_at").plain)
    page.locator("#code").press("End")
    assert page.evaluate("document.querySelector('#code').scrollLeft") == 0  # all six are seen
    wide = page.evaluate("document.querySelector('.code6-box').getBoundingClientRect().width")
    assert wide >= 6 * 46 + 5 * 8  # the last box is not cut
    page.click("#waiting form button >> nth=0")
    expect(page.locator(".strip--good")).to_contain_text("From now on we answer by SMS.")


def test_a_code_that_ends_while_one_looks_offers_a_new_one(
    browser: Browser, live_server: LiveServer
) -> None:
    page = open_page(browser, 390, "light")
    page.clock.install()
    case = ask(page, live_server, "whatsapp")
    fresh = page.get_by_role("button", name="Give me a new code")
    expect(fresh).to_be_hidden()
    page.clock.fast_forward("16:00")
    expect(fresh).to_be_visible()
    expect(page.locator("#waiting").get_by_role("link")).to_be_hidden()
    seen(page, "over")
    Code.objects.invitations().update(expires_at=timezone.now())
    fresh.click()
    expect(page.locator("#waiting").get_by_role("link")).to_be_visible()
    assert Code.objects.invitations().filter(case=case).count() == 2


def test_the_card_works_without_javascript(browser: Browser, live_server: LiveServer) -> None:
    page = open_page(browser, 390, "light", java_script_enabled=False)
    case = ask(page, live_server, "whatsapp", has_script=False)
    page.click("text=Choose another way")
    page.wait_for_url("**/switch/")
    assert joining.waiting(case) is None

"""The customer's pages in a real browser: accessible, and alive with and without JavaScript."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from channels_app import dispatch, outcomes
from channels_app.models import Channel, Delivery
from contacts import services
from contacts.models import Case, Code, Message, Organisation, User
from portal import lately
from tests import shop
from tests.core import booking

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Best practices too, not only WCAG: axe must find nothing at all.
FAULTS: list[str] = []
LOOKS = [(390, "light"), (1280, "dark")]


@pytest.fixture(autouse=True)
def organisation(live_server: LiveServer) -> Iterator[Organisation]:
    """A small shop behind a real server."""
    cache.clear()
    made = shop.make_shop()
    made.welcome = "Ask us anything."
    made.save()
    yield made


@pytest.fixture
def agent() -> User:
    """One agent."""
    return shop.make_agent()


@pytest.fixture(autouse=True)
def pages_closed(browser: Browser) -> Iterator[None]:
    """Each test closes its pages, and a script fault on one fails it.

    A fault that is raised inside the browser's event would end its connection for later tests.
    """
    FAULTS.clear()
    yield
    for context in browser.contexts:
        context.close()
    assert FAULTS == []


def open_page(browser: Browser, width: int, theme: Any, **options: Any) -> Page:
    """A page of that width and theme, whose faults in the console fail the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=theme, locale="en", **options
    )
    page = context.new_page()
    page.on("pageerror", lambda error: FAULTS.append(str(error)))
    return page


def look(page: Page, name: str) -> None:
    """Axe finds nothing, and nothing is wider than the screen."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"


def ask(page: Page, server: LiveServer, *, way: str = "email") -> Case:
    """Ask a question as a person does."""
    page.goto(f"{server.url}/")
    page.fill("#text", "Is the blue bicycle still there?")
    page.check(f"#way-{way}")
    if way == "email":
        page.fill("#address_email", "sam@example.org")
    page.click(".finish button[type=submit]")
    page.wait_for_url("**/q/**")
    return Case.objects.latest("pk")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_axe_finds_nothing(
    browser: Browser, live_server: LiveServer, agent: User, width: int, theme: str
) -> None:
    page = open_page(browser, width, theme)
    page.goto(f"{live_server.url}/?topic=invoice&about=Bicycle")
    look(page, "start")
    for kind in ("phone", "in_person", "letter", "account", "email"):
        page.check(f"#way-{kind}")
        look(page, f"start with {kind}")
    page.click(".finish button[type=submit]")
    look(page, "start with errors")
    case = ask(page, live_server)
    look(page, "question, just sent")
    page.click(".strip summary")
    look(page, "keep menu")
    dispatch.reply(case=case, staff=agent, text="Yes, it is here.\nSee https://example.org/")
    failed = dispatch.reply(case=case, staff=agent, text="Come by.")
    Delivery.objects.filter(message=failed).update(status="failed")
    services.file_message(case=case, kind="email", text="Thanks", html="<p>Thanks</p>")
    page.goto(f"{live_server.url}/q/{case.reference}/")
    look(page, "question with answers")
    page.click("#answerline a")
    expect(page.locator("dialog.sheet")).to_be_visible()
    look(page, "switch sheet")
    noted = services.file_message(case=case, kind="phone", text="He wants it in red.", staff=agent)
    wrong = f"wrong/{noted.pk}/"
    bookable = {"takes_appointments": True, "weekly_hours": booking.WEEK}
    Channel.objects.filter(slug="phone").update(**bookable)
    lately.forget()
    for path in ("switch/", "keep/", "elsewhere/", "appointment/phone/", wrong):
        page.goto(f"{live_server.url}/q/{case.reference}/{path}")
        look(page, path)
    page.click("main form button")
    look(page, "a correction without words")
    page.goto(f"{live_server.url}/q/{case.reference}/elsewhere/")
    page.click("main form button")
    expect(page.locator(".bigcode")).to_be_visible()
    look(page, "elsewhere, with its code")
    page.goto(f"{live_server.url}/q/{case.reference}/switch/")
    page.check("#way-email")
    page.fill("#address_email", "new@example.org")
    page.click(".switch__end button")
    page.wait_for_url("**/code/")
    look(page, "six boxes")
    whole = Message.objects.get(text="Thanks")
    page.goto(f"{live_server.url}/files/message/{whole.pk}/")
    look(page, "whole message")
    outcomes.resolve(case=case)
    page.goto(f"{live_server.url}/q/{case.reference}/")
    look(page, "solved question")
    for what in ("answered", "repeated"):
        page.click(f"#outcome button[name={what}][value=yes]")
        expect(page.locator(f"#outcome button[name={what}][value=yes]")).to_have_attribute(
            "aria-pressed", "true"
        )
    look(page, "solved question, and how it was")
    for path in ("ways/", "sign-in/", "sign-in/letter/", "questions/", "c/xx/", "nowhere/"):
        page.goto(f"{live_server.url}/{path}")
        look(page, path)
    page.goto(f"{live_server.url}/sign-in/")
    page.fill("#email", "sam@example.org")
    page.click("main form button >> nth=0")
    page.wait_for_url("**/code/")
    page.fill("#code", Code.objects.filter(purpose="sign_in").latest("created_at").plain)
    page.click("main form button >> nth=0")
    page.wait_for_url("**/questions/")
    look(page, "questions")
    page.goto(f"{live_server.url}/preferences/")
    look(page, "preferences")
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_all_of_it_works_without_javascript(
    browser: Browser, live_server: LiveServer, width: int
) -> None:
    page = open_page(browser, width, "light", java_script_enabled=False)
    page.goto(f"{live_server.url}/")
    assert not page.locator("#address_email").is_visible()
    case = ask(page, live_server)
    page.fill("#text", "And in red?")
    page.click(".composer button[type=submit]")
    expect(page.locator(".msg").last).to_contain_text("And in red?")
    page.click("#answerline a")
    page.wait_for_url("**/switch/")
    page.check("#way-account")
    page.click(".switch__end button")
    expect(page.locator(".strip--good")).to_contain_text("From now on we answer on your own page.")
    page.click("text=Undo")
    expect(page.locator("#answerline")).to_contain_text("by e-mail")
    assert case.choices.count() == 3
    page.context.close()


def test_an_answer_appears_and_the_draft_stays(
    browser: Browser, live_server: LiveServer, agent: User
) -> None:
    page = open_page(browser, 1280, "light")
    case = ask(page, live_server, way="account")
    page.fill("#text", "Half a sent")
    dispatch.reply(case=case, staff=agent, text="Here is your answer.")
    expect(page.locator(".msg--out")).to_contain_text("Here is your answer.", timeout=9000)
    expect(page.locator("#news")).to_have_text("There is a new message.")
    expect(page.locator("#text")).to_have_value("Half a sent")
    page.reload()
    expect(page.locator("#text")).to_have_value("Half a sent")
    page.click(".composer button[type=submit]")
    expect(page.locator(".msg--in").last).to_contain_text("Half a sent")
    expect(page.locator("#text")).to_have_value("")
    page.context.close()


def test_a_fold_keeps_its_distance_when_it_opens(browser: Browser, live_server: LiveServer) -> None:
    page = open_page(browser, 390, "light")
    page.goto(f"{live_server.url}/sign-in/")
    closed = page.locator("details.fold").bounding_box()
    page.click("details.fold summary")
    opened = page.locator("details.fold").bounding_box()
    assert closed and opened and opened["y"] == closed["y"]
    page.context.close()


def test_the_suggestion_moves_with_the_topic(browser: Browser, live_server: LiveServer) -> None:
    page = open_page(browser, 1280, "light")
    page.goto(f"{live_server.url}/")
    expect(page.locator("#badge-phone")).to_have_text("Suggested")
    page.check("#matters-writing")
    expect(page.locator("#badge-email")).to_have_text("Suggested")
    expect(page.locator("#badge-phone")).to_be_hidden()
    page.click("#because-email summary")
    expect(page.locator("#because-email")).to_contain_text("can be kept")
    expect(page.locator("#way-email")).not_to_be_checked()  # to read why chooses nothing
    page.check("#topic-invoice")
    expect(page.locator("#notice-email")).to_contain_text("only send a notice by e-mail")
    page.context.close()


def test_arrow_keys_choose_a_row_and_its_field_opens(
    browser: Browser, live_server: LiveServer
) -> None:
    page = open_page(browser, 390, "light")
    page.goto(f"{live_server.url}/")
    page.check("#way-email")
    expect(page.locator("#address_email")).to_be_visible()
    page.focus("#way-email")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#address_email")).to_be_hidden()
    assert page.locator("#way-account").is_checked()
    expect(page.locator(".finish__line")).to_have_text(
        "We answer on your own page, within 4 hours.", use_inner_text=True
    )
    page.context.close()


def test_the_sheet_closes_by_escape_and_gives_the_focus_back(
    browser: Browser, live_server: LiveServer
) -> None:
    page = open_page(browser, 390, "light")
    ask(page, live_server)
    page.click("#answerline a")
    expect(page.locator("dialog.sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.sheet")).to_have_count(0)
    assert page.evaluate("document.activeElement.hasAttribute('data-opens-sheet')")
    page.context.close()

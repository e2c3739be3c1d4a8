"""The customer's chat in a real browser: what was sent is not lost, and not sent twice."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from channels_app import dispatch
from contacts.kinds import CHAT
from contacts.models import Case, Message, Organisation, User
from tests import shop
from tests.browser.test_site_axe import ask, look, open_page
from tests.browser.test_site_axe import pages_closed as pages_closed
from tests.core.chats import offer_chat
from tests.setup.test_processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SENDS = "**/q/*/?have=*"
PICTURE = """async (how) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 60, height: 40 });
    canvas.getContext("2d").fillRect(0, 0, 30, 40);
    const blob = await new Promise((done) => canvas.toBlob(done));
    const carried = new DataTransfer();
    carried.items.add(new File([blob], `${how}.png`, { type: "image/png" }));
    const said = { bubbles: true, cancelable: true };
    const event = how === "paste"
        ? new ClipboardEvent("paste", { ...said, clipboardData: carried })
        : new DragEvent("drop", { ...said, dataTransfer: carried });
    document.body.dispatchEvent(event);
    return event.defaultPrevented;
}"""


@pytest.fixture(autouse=True)
def organisation(live_server: LiveServer) -> Iterator[Organisation]:
    """A small shop with a chat, and somebody there, behind a real server."""
    cache.clear()
    made = shop.make_shop()
    shop.make_agent()
    offer_chat(made)
    yield made


@pytest.fixture
def page(browser: Browser) -> Page:
    """A page on a desktop."""
    return open_page(browser, 1280, "light")


def away(page: Page) -> None:
    """Nothing that is sent arrives."""
    page.route(SENDS, lambda route: route.abort())


def back(page: Page) -> None:
    page.unroute(SENDS)
    page.evaluate("window.dispatchEvent(new Event('online'))")


def write(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def texts(case: Case) -> list[str]:
    """What arrived after the question, in its order."""
    return list(Message.objects.filter(case=case).order_by("seq").values_list("text", flat=True))[
        1:
    ]


def test_nothing_is_lost_while_away_and_through_a_reload(
    page: Page, live_server: LiveServer
) -> None:
    case = ask(page, live_server, way=CHAT)
    write(page, "One")
    expect(page.locator("#history .msg--in")).to_have_count(2)
    expect(page.locator("#unsent")).to_be_hidden()
    away(page)
    write(page, "Two")
    write(page, "Three")
    waits = page.locator("#unsent .msg__state")
    expect(waits).to_have_text(["Waits for a connection"] * 2)
    page.fill("#text", "and then")
    page.reload()
    expect(page.locator("#unsent .msg__text")).to_have_text(["Two", "Three"])
    expect(waits).to_have_text(["Waits for a connection"] * 2)
    expect(page.locator("#text")).to_have_value("and then")
    assert texts(case) == ["One"]
    back(page)
    expect(page.locator("#history .msg--in")).to_have_count(4)
    expect(page.locator("#unsent li")).to_have_count(0)
    expect(page.locator("#text")).to_have_value("and then")
    assert texts(case) == ["One", "Two", "Three"]


def test_an_answer_that_is_lost_is_no_second_message(page: Page, live_server: LiveServer) -> None:
    case = ask(page, live_server, way=CHAT)
    lost = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().status)
        route.abort()

    page.route(SENDS, lose, times=1)
    write(page, "Only once")
    expect(page.locator("#history .msg--in")).to_have_count(2)
    expect(page.locator("#unsent li")).to_have_count(0)
    assert lost == [201] and texts(case) == ["Only once"]


def test_another_tab_sends_what_a_closed_one_could_not(page: Page, live_server: LiveServer) -> None:
    case = ask(page, live_server, way=CHAT)
    other = page.context.new_page()
    other.goto(page.url)
    away(page)
    away(other)
    write(page, "From the first tab")
    expect(other.locator("#unsent .msg__text")).to_have_text("From the first tab")
    write(other, "From the second tab")
    expect(page.locator("#unsent li")).to_have_count(2)
    page.close()
    back(other)
    expect(other.locator("#history .msg--in")).to_have_count(3)
    assert texts(case) == ["From the first tab", "From the second tab"]


def test_two_tabs_send_it_once(page: Page, live_server: LiveServer) -> None:
    case = ask(page, live_server, way=CHAT)
    other = page.context.new_page()
    other.goto(page.url)
    away(page)
    away(other)
    for number in range(3):
        write(page, f"Number {number}")
    expect(other.locator("#unsent li")).to_have_count(3)
    back(page)
    back(other)
    for tab in (page, other):
        expect(tab.locator("#unsent li")).to_have_count(0)
    assert texts(case) == [f"Number {number}" for number in range(3)]


def test_a_browser_that_forgets_its_questions_keeps_no_words_of_theirs(
    page: Page, live_server: LiveServer
) -> None:
    """On a computer that others use as well."""
    ask(page, live_server, way=CHAT)
    other = page.context.new_page()
    other.goto(page.url)
    away(page)
    away(other)
    write(page, "Waits")
    expect(other.locator("#unsent .msg__text")).to_have_text("Waits")
    page.fill("#text", "A draft")
    page.goto(f"{live_server.url}/questions/")
    page.get_by_role("button", name="Forget these questions in this browser").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    kept = """async () => [(await indexedDB.databases()).map((found) => found.name),
        Object.keys(sessionStorage).filter((key) => key.startsWith("draft:"))]"""
    assert until(lambda: page.evaluate(kept) == [[], []])  # the other tab lets go first


def test_pictures_by_paste_and_drag_stand_in_the_page(page: Page, live_server: LiveServer) -> None:
    case = ask(page, live_server, way=CHAT)
    assert page.evaluate(PICTURE, "paste") and page.evaluate(PICTURE, "drop")
    small = page.locator(".files__list .pill")
    expect(small).to_have_count(2)
    expect(small.locator("canvas")).to_have_count(2)
    small.first.get_by_role("button", name="Remove").click()
    expect(small).to_have_count(1)
    page.click(".composer [type=submit]")
    shown = page.locator("#history img.msg__picture")
    expect(shown).to_have_attribute("alt", "drop.png")
    shown.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('img.msg__picture').naturalWidth === 60")
    expect(small).to_have_count(0)
    assert texts(case) == [""]


def test_what_is_refused_says_why_and_can_be_mended(page: Page, live_server: LiveServer) -> None:
    case = ask(page, live_server, way=CHAT)
    page.set_input_files("#files", {"name": "a.html", "mimeType": "text/html", "buffer": b"<b>"})
    write(page, "See my page")
    bad = page.locator("#unsent .msg--wrong")
    expect(bad).to_contain_text("We cannot take a.html")
    write(page, "And a good one")  # which does not wait for it
    expect(page.locator("#history")).to_contain_text("And a good one")
    page.reload()
    expect(bad).to_contain_text("We cannot take a.html")
    look(page, "a message that was refused")
    bad.get_by_role("button", name="Edit").click()
    expect(page.locator("#text")).to_have_value("See my page")
    page.locator(".pill button").click()
    page.press("#text", "Enter")
    expect(page.locator("#history")).to_contain_text("See my page")
    page.evaluate("document.querySelector('[data-chat]').dataset.mostBytes = 2")
    page.set_input_files("#files", {"name": "big.txt", "mimeType": "text/plain", "buffer": b"big"})
    page.click(".composer [type=submit]")
    expect(bad).to_contain_text("big.txt is too large. A file can be at most 10")
    bad.get_by_role("button", name="Remove").click()
    expect(page.locator("#unsent li")).to_have_count(0)
    assert texts(case) == ["And a good one", "See my page"]


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_who_is_there_and_types(
    browser: Browser, live_server: LiveServer, width: int, theme: str
) -> None:
    page = open_page(browser, width, theme)
    case = ask(page, live_server, way=CHAT)
    expect(page.locator("#chat")).to_contain_text("You are next.")
    expect(page.locator(".chat__place")).to_be_in_viewport()
    now = page.locator("#chat-now")

    def heard(name: str, **detail: object) -> None:
        script = "([n, d]) => document.dispatchEvent(new CustomEvent(n, { detail: d }))"
        key = page.locator("#history").get_attribute("data-live")
        page.evaluate(script, [name, {"key": key, **detail}])

    heard("live:here", here=True, who="Sanne", since="")
    expect(now).to_have_text("Sanne is here")
    heard("live:typing", who="Sanne")
    expect(now).to_have_text("Sanne is typing …")
    heard("live:typing", who="")  # this side's own sign, from another tab
    away(page)
    page.fill("#text", "Hello?")
    page.click(".composer [type=submit]")
    expect(page.locator("#unsent")).to_contain_text("Waits for a connection")
    look(page, "a chat")
    heard("live:here", here=False, who="Sanne", since="")
    page.click("#leaving summary")
    expect(page.locator("#leaving button")).to_be_in_viewport()
    dispatch.reply(case=Case.objects.get(pk=case.pk), staff=User.objects.get(), text="Yes")
    page.reload()
    expect(now).to_have_text("You talk with Anna.")
    expect(page.locator(".chat__place")).to_have_count(0)


def test_a_private_matter_keeps_its_file(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/?topic=invoice")
    page.fill("#text", "My account is empty")
    page.set_input_files("#files", {"name": "b.txt", "mimeType": "text/plain", "buffer": b"bill"})
    page.check("#way-chat")
    page.click(".finish button[type=submit]")
    card = page.locator("#private")
    expect(card).to_be_visible()
    look(page, "a private matter")
    page.check("#way-letter")
    expect(card).to_be_hidden()
    page.check("#way-chat")
    page.click(".finish button[type=submit]")
    card.get_by_role("button", name="Chat anyway").click()
    page.wait_for_url("**/q/**")
    expect(page.locator("#history")).to_contain_text("b.txt")


KEYBOARD = """(height) => {
    const view = window.visualViewport;
    Object.defineProperty(view, "height", { configurable: true, get: () => height });
    view.dispatchEvent(new Event("resize"));
}"""


def test_over_a_telephones_keyboard_stand_the_composer_and_the_end_of_what_is_said(
    browser: Browser, live_server: LiveServer
) -> None:
    page = open_page(browser, 390, "light")
    case = ask(page, live_server, way=CHAT)
    for number in range(8):
        text = f"Number {number}"
        newest = dispatch.reply(case=case, staff=User.objects.get(), text=text)
    page.reload()
    line = page.locator(f"#m{newest.pk}")
    expect(line).to_be_in_viewport()
    page.evaluate(KEYBOARD, 500)
    expect(page.locator("html")).to_have_class("js keyboard")
    composer, said = page.locator("form.composer").bounding_box(), line.bounding_box()
    assert composer and composer["y"] + composer["height"] <= 500
    assert said and said["y"] > 0 and said["y"] + said["height"] <= composer["y"]
    # Who read further up stays there, and the keyboard goes as it came.
    page.evaluate(KEYBOARD, 844)
    page.evaluate("window.scrollTo(0, 0)")
    page.evaluate(KEYBOARD, 500)
    assert page.evaluate("window.scrollY") == 0
    page.evaluate(KEYBOARD, 844)
    expect(page.locator("html")).to_have_class("js")

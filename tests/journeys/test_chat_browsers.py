"""Chat between two browsers: signs, files, a lost line, away and back, and chat that goes (A10)."""

import re
from collections.abc import Callable
from io import BytesIO

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in, reply, text_of
from tests.journeys.test_channel_goes import settings_of
from tests.journeys.test_live_pages import SLOW, on_line

TIM = "tim.chats@example.org"
FIELD = "[data-write=answer] textarea"
PRICE = {"name": "price.txt", "mimeType": "text/plain", "buffer": b"120 pounds"}
NO_LINE = re.compile("ERR_INTERNET_DISCONNECTED")


def photo() -> dict[str, object]:
    """A picture as a telephone's camera gives it."""
    raw = BytesIO()
    Image.new("RGB", (320, 240), "teal").save(raw, "JPEG")
    return {"name": "frame.jpg", "mimeType": "image/jpeg", "buffer": raw.getvalue()}


def said(page: Page, text: str) -> Locator:
    """The messages with these words, sent or still on their way, on either side's page."""
    return page.locator("#history .msg, #unsent .msg, #timeline article").filter(has_text=text)


def stands_once(text: str, *pages: Page) -> None:
    """On each of these pages, after a moment; none has it twice."""
    for page in pages:
        expect(said(page, text)).to_have_count(1, timeout=SLOW)


def say(page: Page, text: str) -> None:
    """Write in the chat and send it: it stands there at once, whatever the line does."""
    page.fill("#text", text)
    page.click(".composer button[type=submit]")
    expect(page.locator("#text")).to_have_value("")
    stands_once(text, page)


def arrived(page: Page, text: str) -> None:
    """The server has it: it stands in the history and no longer among what is on its way."""
    expect(page.locator("#history .msg").filter(has_text=text)).to_have_count(1, timeout=SLOW)
    stands_once(text, page)


def take(agent: Agent, reference: str) -> None:
    """Open a chat and make it one's own, whoever it was given to."""
    agent.open(reference)
    mine = agent.page.get_by_role("button", name=re.compile("Assign to me|Take over"))
    if mine.count():
        mine.first.click()
        agent.at_case()


def test_a_chat_until_the_channel_goes(
    new_customer: Callable[..., Customer], new_agent: Callable[[str], Agent], product: Product
) -> None:
    tim, agent = new_customer(), new_agent("noor")
    reference = tim.ask("Is the blue frame still there?", "chat")
    take(agent, reference)
    mine, theirs = tim.page, agent.page
    on_line(mine, theirs)

    # Each sees that the other is there, and types.
    expect(theirs.locator("#with")).to_contain_text("has the page open", timeout=SLOW)
    expect(mine.locator("#chat-now")).to_have_text("Noor is here", timeout=SLOW)
    mine.locator("#text").press_sequentially("Hel")
    expect(theirs.locator(".desk-with__typing")).to_be_visible(timeout=SLOW)
    theirs.locator(FIELD).press_sequentially("Yes, one is left.")
    expect(mine.locator("#chat-now")).to_have_text("Noor is typing …", timeout=SLOW)
    theirs.press(FIELD, "Enter")
    stands_once("Yes, one is left.", mine, theirs)
    expect(mine.locator("#text")).to_have_value("Hel")

    # Files both ways; a picture is shown.
    mine.set_input_files(".composer input[name=files]", photo())  # type: ignore[arg-type]
    say(mine, "This one?")
    arrived(mine, "This one?")
    expect(mine.locator("#history .msg__picture")).to_be_visible(timeout=SLOW)
    expect(said(theirs, "This one?")).to_contain_text("frame.jpg", timeout=SLOW)
    theirs.set_input_files("[data-write=answer] [data-files]", PRICE)  # type: ignore[arg-type]
    agent.answer("That one, and its price.")
    expect(said(mine, "and its price")).to_contain_text("price.txt", timeout=SLOW)

    # The line is lost: what is written waits, also beyond the page, and goes once.
    tim.context.set_offline(True)
    say(mine, "I am in the train.")
    expect(mine.locator("#unsent")).to_contain_text("Waits for a connection")
    agent.answer("No hurry.")
    tim.context.set_offline(False)
    arrived(mine, "I am in the train.")
    stands_once("No hurry.", mine)
    tim.context.set_offline(True)
    say(mine, "In a tunnel now.")
    mine.goto("about:blank")
    tim.context.set_offline(False)
    mine.goto(f"/q/{reference}/")
    for text in ("I am in the train.", "In a tunnel now."):
        arrived(mine, text)
        stands_once(text, theirs)
    mine.reload()
    stands_once("In a tunnel now.", mine)
    tim.faults[:] = [fault for fault in tim.faults if not NO_LINE.search(fault)]

    # A second tab: both show everything, and what is typed in one stays there.
    other = tim.context.new_page()
    other.goto(f"/q/{reference}/")
    on_line(mine, other)
    mine.fill("#text", "half a")
    say(other, "From my other tab.")
    arrived(other, "From my other tab.")
    stands_once("From my other tab.", theirs)  # else the answer asks about it first
    agent.answer("I see it.")
    for text in ("From my other tab.", "I see it."):
        stands_once(text, mine, other, theirs)
    expect(mine.locator("#text")).to_have_value("half a")
    other.close()

    # Away: what was not read follows by mail after ten minutes, all in one.
    mine.fill("#text", "")
    mine.locator("#leaving summary").click()
    mine.fill("#leaving_email", TIM)
    tim.press("Send me a code", "#leaving")
    mine.fill("#code", code_in(product.arrival(TIM, "Type this code")))
    if mine.locator("#code").count():  # six digits may send themselves
        tim.press("Confirm this address", "#waiting")
    tim.see("The answer follows by e-mail", "#leaving")
    mine.goto("about:blank")
    agent.answer("It costs 120 pounds.")
    agent.answer("Shall I keep it for you?")
    product.let_pass(11, reference)
    mail = product.arrival(TIM, "Shall I keep it for you?", within=60)
    assert "It costs 120 pounds." in text_of(mail)
    product.send(reply(mail, "Keep it, please."))
    stands_once("Keep it, please.", theirs)

    # Back on the page it is a chat again, and nothing came twice.
    tim.go(f"/q/{reference}/")
    for text in ("It costs 120 pounds.", "Keep it, please."):
        stands_once(text, mine)
    mine.fill("#text", "I am back.")
    mine.click(".composer button[type=submit]")
    arrived(mine, "I am back.")
    expect(theirs.locator("#way")).to_contain_text("chat", timeout=SLOW)
    tim.go(f"/q/{reference}/")
    expect(mine.locator("form[data-chat]")).to_be_visible()
    agent.answer("It is yours.")
    stands_once("It is yours.", mine)
    assert len(product.arrivals(TIM, "It costs 120 pounds.")) == 1
    assert not product.arrivals(TIM, "It is yours.")

    # Chat is switched off: the open page says so, keeps what is typed, and another way is chosen.
    admin = new_agent("admin")
    mine.fill("#text", "And a bell")
    settings_of(admin, "Chat")
    admin.press("Stop offering", ".adm-statebar")
    admin.see("answered this way", ".adm")
    admin.press("Stop offering it", ".adm-actions")
    tim.see("We no longer answer by chat.", "#away")
    expect(mine.locator("#text")).to_have_value("And a bell")
    tim.press("Choose another way", "#away")
    expect(mine.locator("dialog.sheet")).to_be_visible()
    mine.locator("dialog.sheet [id^=way-email-]").first.check()
    mine.click(".switch__end button")
    expect(theirs.locator("#way")).to_contain_text("Goes by e-mail", timeout=SLOW)
    agent.answer("A bell comes with it.")
    product.arrival(TIM, "A bell comes with it.")
    tim.go(f"/q/{reference}/")
    for text in ("Is the blue frame still there?", "A bell comes with it."):
        stands_once(text, mine)
    settings_of(admin, "Chat")
    admin.press("Offer", ".adm-statebar")

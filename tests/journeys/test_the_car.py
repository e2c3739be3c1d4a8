"""A1: chat, later a mail and a test drive that is moved by SMS, later a call; one story for all."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in, reply, text_of

WHO, NUMBER = "carla@example.org", "+442079460171"
ASKED = "Is the grey Volt estate of the window still there? Stock number VE-31."
FIRST = "It is, and it is ready to drive: 21,400 kilometres."
SECOND = "Shall I plan a test drive?"
MAILED = "Yes please, a test drive with VE-31, in the centre."
CALLED = "She rang: does VE-31 pull a caravan of 1,300 kilos? Yes, up to 1,500 with brakes."
THIRD = "In writing, as promised: VE-31 may pull 1,500 kilos, with brakes."
LINK = re.compile(r"http://localhost:\d+(/a/\w+/)")
CODE = re.compile(r"\b(\d{6})\b")


def found(pattern: re.Pattern[str], text: str) -> str:
    """The link, or the code, in a message."""
    there = pattern.search(text)
    assert there, text
    return there[1]


def test_the_car(
    product: Product,
    customer: Customer,
    new_customer: Callable[..., Customer],
    new_agent: Callable[[str], Agent],
) -> None:
    reference = customer.ask(ASKED, "chat")
    noor = new_agent("noor")
    noor.open(reference)
    noor.answer(FIRST)
    customer.see(FIRST, ".timeline")

    # Later, on the way: she wants the rest by mail, and types the code that came there.
    customer.switch("email", address_email=WHO)
    customer.page.wait_for_url("**/switch/code/")
    customer.page.fill("#code", code_in(product.arrival(WHO, "code")))
    customer.page.press("#code", "Enter")
    customer.see("From now on we answer by e-mail.", "main")
    noor.answer(SECOND)
    product.send(reply(product.arrival(WHO, SECOND), MAILED))
    noor.see(MAILED, "#timeline")

    # The agent agrees on a time with her, and a mail confirms it.
    noor.press("Agree on a visit: Shop in the centre")
    noor.page.locator(".desk-times label").first.click()
    noor.press("Agree on this time")
    assert noor.at_case() == reference
    noor.see("Visit on", "#timeline")
    confirmed = text_of(product.arrival(WHO, "We see you on"))
    assert "Shop in the centre, Marktplein 1" in confirmed and ASKED not in confirmed

    # From now on she prefers SMS; what was agreed stands.
    telephone = new_customer().has_number(NUMBER)
    customer.page.reload()
    customer.switch("sms", address_sms=NUMBER)
    customer.page.wait_for_url("**/switch/code/")
    customer.page.fill("#code", found(CODE, telephone.read_sms(CODE)))
    customer.page.press("#code", "Enter")
    customer.see("From now on we answer by SMS.", "main")
    customer.see("We see you on", "#appointment")

    # Its time comes near: an SMS reminds her, and by its link she moves it, signed in nowhere.
    product.let_it_come_near(reference)
    reminded = telephone.read_sms("We see you on")
    telephone.go(found(LINK, reminded))
    telephone.see("Your visit")
    assert ASKED not in telephone.page.content()
    telephone.page.locator(".times .chips label").last.click()
    telephone.press("Move it to this time")
    moved = telephone.see("The visit is moved: we see you on", ".strip").inner_text()
    assert "The visit is moved" in telephone.read_sms("The visit is moved")
    noor.see("The visit is moved to", "#timeline")

    # And reminded of the new time.
    product.let_it_come_near(reference)
    when = found(re.compile(r"we see you on (.+? at [\d:]+)"), moved)
    telephone.read_sms(re.compile(rf"^(?!.*is moved).*We see you on {re.escape(when)}", re.DOTALL))

    # Later she phones. A colleague picks up, finds her by what she says, and reads all of it.
    daan = new_agent("daan")
    daan.find("VE-31")
    assert daan.at_case() == reference
    for words in (ASKED, FIRST, SECOND, MAILED, "Visit on", "The visit is moved to"):
        daan.see(words, "#timeline")
    for channel in ("Chat", "E-mail", "SMS"):
        daan.see(channel, "#timeline")
    expect(daan.page.locator(".desk-story")).to_contain_text("a visit")
    expect(daan.page.locator(".desk-agreed")).to_contain_text("Shop in the centre")
    daan.record("phone", reference, CALLED, "as_before")
    expect(daan.page.locator("#people")).to_contain_text(reference)
    daan.press("Save the contact")
    daan.page.fill("textarea#text", THIRD)  # what was said goes to her in writing as well
    daan.press("Send the confirmation")
    assert daan.at_case() == reference
    telephone.read_sms(THIRD)

    customer.page.reload()
    for words in (ASKED, FIRST, MAILED, "The visit is moved to", CALLED, THIRD):
        daan.see(words, "#timeline")
        customer.see(words, ".timeline")
    daan.go("/admin/cases/?q=VE-31")
    expect(daan.page.locator(".desk-row__link")).to_have_count(1)  # one case

"""A1 without the appointment: own page, later a mail, later a call; who picks up reads it all."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in, reply

WHO = "carla@example.org"
ASKED = "Is the grey Volt estate of the window still there? Stock number VE-31."
FIRST = "It is, and it is ready to drive: 21,400 kilometres."
MAILED = "Then I would like a test drive with VE-31, on Saturday if you can."
SECOND = "Saturday at eleven it stands before the door; bring your licence."
CALLED = "She rang: does VE-31 pull a caravan of 1,300 kilos? Yes, up to 1,500 with brakes."
THIRD = "In writing, as promised: VE-31 may pull 1,500 kilos, with brakes."


def test_the_car(product: Product, customer: Customer, new_agent: Callable[[str], Agent]) -> None:
    reference = customer.ask(ASKED, "account")
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
    noor.answer("Shall I plan a test drive?")
    product.send(reply(product.arrival(WHO, "Shall I plan a test drive?"), MAILED))
    noor.see(MAILED, "#timeline")
    noor.answer(SECOND)
    product.arrival(WHO, SECOND)
    customer.see(MAILED, ".timeline")  # her page is the same story

    # Later she phones. A colleague picks up, finds her by what she says, and reads all of it.
    daan = new_agent("daan")
    daan.find("VE-31")
    assert daan.at_case() == reference
    for words in (ASKED, FIRST, MAILED, SECOND):
        daan.see(words, "#timeline")
    expect(daan.page.locator(".desk-story")).to_contain_text(SECOND[:20])
    daan.record("phone", reference, CALLED, "as_before")
    expect(daan.page.locator("#people")).to_contain_text(reference)
    daan.press("Save the contact")
    daan.page.fill("textarea#text", THIRD)  # what was said goes to her in writing as well
    daan.press("Send the confirmation")
    assert daan.at_case() == reference
    product.arrival(WHO, THIRD)

    for words in (ASKED, FIRST, MAILED, SECOND, CALLED, THIRD):
        daan.see(words, "#timeline")
        customer.see(words, ".timeline")
    daan.go("/admin/cases/?q=VE-31")
    expect(daan.page.locator(".desk-row__link")).to_have_count(1)  # one case

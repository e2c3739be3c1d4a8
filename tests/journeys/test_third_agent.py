"""A9: the third agent, on a third channel, answers without asking anything again."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, reply

ASKED = "My Volt City stops on hills, with error E21 in the display. Frame number VC-88."
FIRST = "Please hold the power button for ten seconds and try the hill again."
MAILED = "I did that twice: now it says E22, and it stops even sooner."
SECOND = "E22 is the motor cable. We have one in stock, for 35 euros."
CALLED = "She rang: agreed to the 35 euros, and can only come on Thursday after five."
THIRD = "Thursday at 17:15 in the workshop; the cable for VC-88 is put aside."


def test_the_third_agent_reads_all_of_it_on_one_page(
    product: Product, customer: Customer, new_agent: Callable[[str], Agent]
) -> None:
    who = "hilly@example.org"
    reference = customer.ask(ASKED, "email", address_email=who)

    noor = new_agent("noor")
    noor.open(reference)
    noor.answer(FIRST)
    product.send(reply(product.arrival(who, FIRST), MAILED))

    daan = new_agent("daan")
    daan.find(reference)
    daan.see(MAILED, "#timeline")
    daan.answer(SECOND)
    product.arrival(who, SECOND)
    daan.record("phone", who, CALLED, "as_before")
    expect(daan.page.locator("#people")).to_contain_text(reference)
    daan.page.locator(f"input[name=into][value='case:{reference}']").check()
    daan.press("Save the contact")
    assert daan.at_case() == reference

    mei = new_agent("mei")
    mei.find("VC-88")
    assert mei.at_case() == reference
    for words in (ASKED, FIRST, MAILED, SECOND, CALLED):
        mei.see(words, "#timeline")
    for channel in ("Own page", "E-mail", "Phone"):
        mei.see(channel, "#timeline")
    story = mei.page.locator(".desk-story")
    for words in ("Daan", "E22 is the motor cable", "She rang: agreed"):
        expect(story).to_contain_text(words)
    expect(story).to_contain_text(f"By e-mail to {who}")
    mei.answer(THIRD)
    product.arrival(who, THIRD)
    customer.page.reload()
    for words in (ASKED, FIRST, MAILED, SECOND, CALLED, THIRD):
        customer.see(words, ".timeline")

"""A5: a caller without e-mail gets a letter, and its printed code leads the answer back."""

import re

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer

WHO = "Hendrika Brieve"
SAID = "Hendrika asks whether the battery of her tricycle is under warranty."
BACK = "She writes that she comes on Monday with the tricycle and the battery."
SECOND = "On Monday at ten the workshop is ready for you."


def confirm(agent: Agent) -> None:
    """Send what was noted of the call, in the words of the draft, by letter."""
    agent.page.wait_for_url("**/confirm/**")
    agent.fits()
    expect(agent.page.locator("#text")).to_have_value(re.compile(rf"You called us on .*\n{SAID}"))
    expect(agent.page.locator("#kind")).to_have_value("letter")
    agent.press("Send the confirmation")


def write_letter(agent: Agent, reference: str, text: str) -> str:
    """Answer by letter, and send it; the code on the paper."""
    agent.open(reference)
    agent.see("It becomes a to-do.", "#way")
    agent.answer(text)
    return send_letter(agent, reference, text)


def send_letter(agent: Agent, reference: str, text: str) -> str:
    """Print what waits for the post and say that it was sent; the code on the paper."""
    agent.go("/admin/todo/")
    agent.page.locator(".desk-todo", has_text=WHO).get_by_role("link").first.click()
    agent.press("Open the letter to print")
    agent.page.wait_for_url("**/letter/")
    window = agent.page.locator(".window p:not(.window__from)")
    expect(window).to_have_text([WHO, "Kerkstraat 5", "1000 AA Demodorp"])
    agent.see(text, ".text")
    agent.see(reference, ".facts")
    code = agent.page.inner_text(".code")
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{5} [2-9A-HJ-NP-Z]{5}", code)
    agent.press("Back")
    agent.press("Printed and sent")
    agent.page.wait_for_url("**/admin/todo/")
    expect(agent.page.locator(".desk-todo", has_text=WHO)).to_have_count(0)
    return code


def test_the_letters_code_leads_back_to_the_case(customer: Customer, agent: Agent) -> None:
    agent.record("phone", WHO, SAID, "letter", post="Kerkstraat 5\n1000 AA Demodorp")
    expect(agent.page.locator("#name")).to_have_value(WHO)
    agent.press("Save the contact")
    reference = agent.at_case()
    confirm(agent)
    first = send_letter(agent, reference, SAID)

    # She writes back by letter: whoever opens it types the code, in whatever way they write it.
    agent.record("letter", first.lower().replace(" ", "-"), BACK, "as_before")
    agent.see("This code belongs to:", "#people")
    expect(agent.page.locator("#people")).to_contain_text(reference)
    agent.press("Save the contact")
    assert agent.at_case() == reference
    for words in (SAID, "We noted:", BACK):
        agent.see(words, "#timeline")
    # A code works once: typed again it leads nobody into the case.
    customer.may_get = {422}
    open_by_code(customer, first)
    customer.see("This code does not fit, was used before, or is too old.", ".errors")

    # The code of the next letter opens the case on the customer's own page.
    second = write_letter(agent, reference, SECOND)
    open_by_code(customer, second)
    assert customer.arrived() == reference
    for words in (SAID, "We noted:", BACK, SECOND):
        customer.see(words, ".timeline")
    customer.add("My granddaughter types this: Monday is fine.")
    agent.open(reference)
    agent.see("My granddaughter types this: Monday is fine.", "#timeline")


def open_by_code(customer: Customer, code: str) -> None:
    """I have a code from a letter."""
    customer.go("/questions/")
    customer.go("/sign-in/")
    customer.page.get_by_text("I have a code from a letter").click()
    customer.page.fill("#paper", code)
    customer.press("Open my question")

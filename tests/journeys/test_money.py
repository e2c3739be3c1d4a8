"""A4: who asks about money in a chat is led to the secure page, or to a time to be called."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product
from tests.journeys.test_the_car import CODE, found

ASKED = "I cannot pay invoice 4411 at once. Can I pay in three parts?"
SECRET = "Yes: three times 413 euros, from your account that ends in 778."
MORE = "The first part is due on the first of the month, 413 euros."
NUMBER = "+442079460172"


def ask_in_chat(customer: Customer) -> None:
    """About an invoice, by chat: the card asks once more, and nothing is sent yet."""
    customer.go("/?topic=invoice")
    customer.page.fill("#text", ASKED)
    customer.choose("chat")
    customer.send()
    card = customer.see("This is private", "#private")
    expect(card).to_be_visible()
    customer.fits()


def test_the_secure_page(
    product: Product,
    customer: Customer,
    new_customer: Callable[..., Customer],
    agent: Agent,
) -> None:
    ask_in_chat(customer)
    customer.press("On my own page", "#private")
    reference = customer.arrived()
    customer.see("We answer on this page", "#answerline")
    agent.open(reference)
    agent.answer(SECRET)
    customer.see(SECRET, ".timeline")

    # She goes on by SMS: there she reads that an answer is there, and nothing of what it says.
    telephone = new_customer().has_number(NUMBER)
    customer.switch("sms", address_sms=NUMBER)
    customer.page.wait_for_url("**/switch/code/")
    customer.page.fill("#code", found(CODE, telephone.read_sms(CODE)))
    customer.page.press("#code", "Enter")
    customer.see("From now on we answer by SMS.", "main")
    agent.page.reload()
    agent.answer(MORE)
    customer.see(MORE, ".timeline")
    telephone.read_sms(re.compile("answer", re.IGNORECASE))
    talk = telephone.page.locator(".talk").inner_text()
    for words in ("413", "invoice", "account", ASKED):
        assert words not in talk


def test_a_time_to_be_called_in_two_taps(customer: Customer, agent: Agent) -> None:
    ask_in_chat(customer)
    customer.page.fill("#private_phone", "+44 20 7946 0173")
    times = customer.page.locator(".private__times button[value^=at-]")
    when = times.last.inner_text()
    times.last.click()
    reference = customer.arrived()
    card = customer.see("We call you on", "#appointment").inner_text()
    assert when.split()[-1] in card and "+44 20 7946 0173" not in card
    agent.open(reference)
    agent.see("Call on", "#timeline")
    expect(agent.page.locator(".desk-agreed")).to_be_visible()
    agent.see("Goes by phone", "#way")


def test_a_chat_that_comes_to_money(customer: Customer, agent: Agent) -> None:
    """It began as something else; the agent names the topic, and the chat asks by itself."""
    reference = customer.ask("Which lock fits the Volt City?", "chat")
    agent.open(reference)
    customer.add(ASKED)
    agent.see(ASKED, "#timeline")
    agent.page.locator("summary", has_text="More").first.click()
    agent.page.select_option("#more-topic", label="Invoice and finance")
    agent.press("Change", "form:has(#more-topic)")
    strip = customer.see("This is private", "#chat")
    strip.get_by_text("Call me at a time of my choice").click()
    customer.page.fill("#number_then", "+44 20 7946 0174")
    customer.page.locator("#chat .private__times button").first.click()
    customer.see("We call you on", "#appointment")
    customer.see("We call you on", "#answerline")
    expect(customer.page.locator("#chat")).not_to_contain_text("This is private")
    agent.page.reload()
    agent.see("Call on", "#timeline")

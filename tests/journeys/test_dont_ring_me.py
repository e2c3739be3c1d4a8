"""A3: "I e-mailed, don't ring me". The wish is enforced, and so is what they ask for later."""

import re

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in

REFUSED = "They want to be called only if they ask"


def test_who_e_mails_is_not_called_until_they_choose_the_phone(
    product: Product, customer: Customer, agent: Agent
) -> None:
    who = "quiet@example.org"
    reference = customer.ask("Do you sell child seats?", "email", address_email=who)
    agent.open(reference)
    agent.page.fill("[data-write=answer] textarea", "We do, in three sizes.")
    way = agent.try_way("phone")
    expect(way).to_contain_text(REFUSED)
    expect(agent.page.locator("[data-send]")).to_have_count(0)
    agent.page.reload()
    agent.see(f"Noor Demo wanted to answer by phone and was refused: {REFUSED}", "#timeline")
    # What was written is still there, and goes the way that the customer chose.
    expect(agent.page.locator("[data-write=answer] textarea")).to_have_value(
        "We do, in three sizes."
    )
    agent.page.click("[data-send]")
    product.arrival(who, "We do, in three sizes.")

    customer.switch("phone", address_phone="+44 20 7946 0123")
    customer.see("From now on we answer by phone.", ".strip--good")
    customer.see("You chose a phone call instead of e-mail.", ".timeline")
    customer.see("We call you on +44 … 23", "#answerline")

    agent.page.reload()
    agent.see(re.compile(r"The customer chose a phone call .* instead of e-mail"), "#timeline")
    agent.see("Goes by phone to +44 20 7946 0123: chosen by the customer", "#way")
    agent.go("/admin/todo/")
    todo = agent.page.locator(".desk-todo", has_text="+44 20 7946 0123")
    expect(todo).to_contain_text("Asks to be called: Do you sell child seats?")
    todo.get_by_role("link").first.click()
    agent.press("I'll take it")
    agent.page.get_by_label("Reached", exact=True).check()
    agent.page.fill("#note", "She takes the middle size and comes on Friday.")
    agent.page.select_option("#also", "email")
    agent.press("Save")
    agent.page.wait_for_url("**/admin/todo/")
    product.arrival(who, "She takes the middle size and comes on Friday.")
    customer.page.reload()
    customer.see("She takes the middle size and comes on Friday.", ".timeline")


def test_a_request_to_be_called_lifts_the_refusal_and_stands_in_the_history(
    product: Product, customer: Customer, agent: Agent
) -> None:
    who = "aisha@example.org"
    customer.sign_in(who, lambda: code_in(product.arrival(who, "works for 10 minutes")))
    customer.page.click("a:has-text('A refused call')")
    reference = customer.arrived()
    agent.open(reference)
    expect(agent.try_way("phone")).to_contain_text(REFUSED)
    customer.page.click("#answerline a")
    customer.press("Please call me", "dialog.sheet")
    customer.see("You asked us to call you about this.", ".timeline")

    agent.page.reload()
    agent.see("The customer asks to be called about this.", "#timeline")
    expect(agent.try_way("phone")).to_contain_text("Goes by phone to +44 20 7946 0102")
    agent.page.fill("#why", "She asked for a call on her page.")
    agent.answer("Your bike is put aside; she need not hurry.")
    agent.see("instead of e-mail", "article.desk-message--out:last-of-type")
    agent.see("Reason: She asked for a call on her page.", "article.desk-message--out:last-of-type")
    agent.go("/admin/todo/")
    expect(agent.page.locator(".desk-todo", has_text="Aisha Demo")).to_contain_text(
        "Your bike is put aside"
    )


def test_nobody_is_offered_a_call_without_a_number(customer: Customer) -> None:
    reference = customer.ask("Do you buy old bicycles?", "email", address_email="no@example.org")
    customer.go(f"/q/{reference}/switch/")
    expect(customer.page.get_by_role("button", name="Please call me")).to_have_count(0)
    customer.choose("phone")
    expect(customer.page.locator("#address_phone")).to_be_visible()

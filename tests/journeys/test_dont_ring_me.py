"""A3: "I e-mailed, don't ring me". The wish is enforced, and so is what they ask for later."""

import re

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in, reply, text_of

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
    agent.press("Save")
    agent.page.wait_for_url("**/confirm/**")
    agent.page.select_option("#kind", "email")
    agent.press("Send the confirmation")
    product.arrival(who, "She takes the middle size and comes on Friday.")
    customer.page.reload()
    customer.see("She takes the middle size and comes on Friday.", ".timeline")


def sign_in(product: Product, customer: Customer, who: str) -> None:
    """Get in with the code that comes now."""
    words = "works for 10 minutes"
    before = len(product.arrivals(who, words))
    customer.sign_in(who, lambda: code_in(product.arrival(who, words, besides=before)))


def proposed(agent: Agent, reference: str, sentence: str = "") -> None:
    """The agent may not call, and asks."""
    agent.open(reference)
    expect(agent.try_way("phone")).to_contain_text(REFUSED)
    agent.page.fill("#sentence", sentence)
    agent.page.press("#sentence", "Enter")
    agent.see("Proposed: a phone call. Waits for a word until", "#way")


def test_a_call_that_is_proposed_by_mail_waits_for_the_word_yes(
    product: Product, customer: Customer, agent: Agent
) -> None:
    who = "asked@example.org"
    reference = customer.ask("Does the seat fit my bike?", "email", address_email=who)
    proposed(agent, reference, "A word says more than ten mails.")
    asked = product.arrival(who, "Shall we phone you about this?")
    assert "A word says more than ten mails." in text_of(asked) and "YES or NO" in text_of(asked)
    product.send(reply(asked, "Yes", sender=who))
    step = product.arrival(who, "One step is left to go on by phone")  # nobody knows a number
    agent.see("The customer said yes to a phone call; one step is left to them.", "#timeline")
    customer.see("You said yes. One step is left to go on by phone.", "#asked")
    customer.press("Go on by phone", "#asked")
    customer.page.fill("#address_phone", "+44 20 7946 0144")
    customer.page.click(".switch__end button")
    customer.see("We call you on +44 … 44", "#answerline")
    expect(customer.page.locator("#asked section")).to_have_count(0)
    product.send(reply(step, "no", sender=who))
    product.arrival(who, "You said yes already. Nothing changes.")
    agent.see("The customer said no to a phone call, too late: nothing changed.", "#timeline")
    agent.see("Goes by phone to +44 20 7946 0144", "#way")
    agent.go("/admin/todo/")
    expect(agent.page.locator(".desk-todo", has_text="+44 20 7946 0144")).to_have_count(1)


def test_a_call_that_is_proposed_on_the_page_waits_for_a_tap(
    product: Product, customer: Customer, agent: Agent
) -> None:
    who = "aisha@example.org"
    sign_in(product, customer, who)
    reference = customer.ask("May I bring the old battery?", "email", address_email=who)
    proposed(agent, reference)
    customer.see("Shall we phone you about this?", "#asked")  # the open page finds it by itself
    customer.fits()
    customer.press("No, stay with e-mail", "#asked")
    customer.see("Thank you. We go on answering you by e-mail.", ".strip--good")
    agent.see("The customer said no to a phone call.", "#timeline")
    expect(agent.try_way("phone")).to_contain_text("They said no to this today")
    agent.press("Propose it all the same", "#way")
    customer.see("Shall we phone you about this?", "#asked")
    customer.press("Yes, call me", "#asked")
    customer.see("Thank you. We call you", ".strip--good")
    customer.see("You said yes: a phone call instead of e-mail.", ".timeline")
    agent.see(re.compile(r"The customer said yes: a phone call .* instead of e-mail"), "#timeline")
    agent.go("/admin/todo/")
    expect(agent.page.locator(".desk-todo", has_text="May I bring the old battery?")).to_have_count(
        1
    )


def test_a_request_to_be_called_lifts_the_refusal_and_stands_in_the_history(
    product: Product, customer: Customer, agent: Agent
) -> None:
    who = "aisha@example.org"
    sign_in(product, customer, who)
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
    expect(agent.page.locator(".desk-todo", has_text="Your bike is put aside")).to_contain_text(
        "Aisha Demo"
    )


def test_nobody_is_offered_a_call_without_a_number(customer: Customer) -> None:
    reference = customer.ask("Do you buy old bicycles?", "email", address_email="no@example.org")
    customer.go(f"/q/{reference}/switch/")
    expect(customer.page.get_by_role("button", name="Please call me")).to_have_count(0)
    customer.choose("phone")
    expect(customer.page.locator("#address_phone")).to_be_visible()

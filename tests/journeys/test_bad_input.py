"""What goes wrong in real life: nothing is lost or comes twice, and the page says what now."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, link_in


def titles(customer: Customer) -> list[str]:
    """The questions of this browser."""
    customer.go("/questions/")
    return customer.page.locator(".item > a").all_inner_texts()


def test_two_clicks_and_the_back_button_are_one_question(customer: Customer) -> None:
    text = "Is the tandem for rent?"
    customer.go("/")
    customer.page.fill("#text", text)
    customer.choose("account")
    customer.page.dblclick(".finish button[type=submit]")
    reference = customer.arrived()
    customer.page.go_back()
    expect(customer.page.locator("#text")).to_be_visible()
    customer.page.fill("#text", text)
    customer.choose("account")
    customer.send()
    assert customer.arrived() == reference
    assert titles(customer) == [text]
    customer.page.go_back()
    customer.page.fill("#text", "And in blue?")
    customer.page.dblclick(".composer button[type=submit]")
    customer.said("And in blue?")
    expect(customer.page.locator(".msg--in")).to_have_count(2)


@contextmanager
def without_letters(administrator: Agent) -> Iterator[None]:
    """For a while the administrator does not offer letters."""
    administrator.go("/admin/channels/")
    name = administrator.page.get_by_role("link", name="Letter", exact=True)
    row = administrator.page.locator(".adm-channel").filter(has=name)
    row.get_by_role("button", name="Stop offering").click()
    administrator.see("answered this way", ".adm")  # it asks first: somebody waits for a letter
    administrator.press("Stop offering it")
    administrator.see("Letter is switched off.")  # whose customers can be asked to choose again
    administrator.go("/admin/channels/")
    offer = row.get_by_role("button", name="Offer", exact=True)
    expect(offer).to_be_visible()
    try:
        yield
    finally:
        offer.click()
        expect(row.get_by_role("button", name="Stop offering")).to_be_visible()


def test_a_way_that_goes_while_the_page_is_open(
    new_customer: Callable[..., Customer], new_agent: Callable[[str], Agent]
) -> None:
    asking, waiting = new_customer(), new_customer()
    fields = {"name_letter": "Wil Demo", "address_letter": "Kade 1\n1000 AA Demodorp"}
    reference = waiting.ask("When is my bell in?", "letter", **fields)
    asking.go("/")
    asking.page.fill("#text", "Do you post a catalogue?")
    asking.choose("letter", **fields)
    with without_letters(new_agent("admin")):
        asking.may_get = {422}
        asking.send()
        asking.see("This way is not offered any more. Please choose another one.", ".errors")
        expect(asking.page.locator("#text")).to_have_value("Do you post a catalogue?")
        asking.choose("account")
        asking.send()
        asking.arrived()
        waiting.go(f"/q/{reference}/")
        waiting.see("We no longer answer by letter. Please choose another way", ".strip--warn")
        waiting.switch("account")
        waiting.see("From now on we answer on your own page.", ".strip--good")


def test_a_form_that_grew_stale_keeps_what_was_typed(customer: Customer) -> None:
    customer.go("/")
    customer.page.fill("#text", "Do you repair scooters?")
    customer.choose("email", address_email="stale@example.org")
    customer.may_get = {403}
    customer.context.clear_cookies()
    customer.send()
    customer.see("This page was open for a long time. Please send it once more.", ".strip--warn")
    customer.send()
    reference = customer.arrived()

    customer.page.fill("#text", "Electric ones, I mean.")
    customer.context.clear_cookies(name="csrftoken")
    customer.page.click(".composer button[type=submit]")
    customer.see("This page was open for a long time. Please send it once more.", ".strip--warn")
    customer.page.click(".composer button[type=submit]")
    customer.said("Electric ones, I mean.")

    # A button whose page grew stale leads back to the page it stood on.
    customer.page.click(".menu--icon summary")
    customer.context.clear_cookies(name="csrftoken")
    customer.press("It's solved")
    customer.see("Please try once more")
    customer.press("Load the page again")
    assert customer.arrived() == reference


def test_who_is_signed_out_meanwhile_keeps_the_words(customer: Customer, product: Product) -> None:
    reference = customer.ask("Is my key cut?", "account")
    customer.page.fill("#text", "It is the small one with the red ring.")
    customer.context.clear_cookies()
    customer.may_get = {403, 404}
    customer.page.click(".composer button[type=submit]")
    expect(customer.page.get_by_label("What you wrote, to copy")).to_have_value(
        "It is the small one with the red ring."
    )
    customer.go(f"/q/{reference}/")
    customer.see("We cannot find this page")
    customer.press("Get in with a code")
    customer.page.wait_for_url("**/sign-in/")


def test_an_agent_whose_session_ended_loses_nothing(
    customer: Customer, agent: Agent, product: Product
) -> None:
    who = "patient@example.org"
    reference = customer.ask("How long is the warranty?", "email", address_email=who)
    agent.open(reference)
    agent.page.fill("[data-write=answer] textarea", "Two years, and five on the frame.")
    agent.context.clear_cookies(name="onecase_staff")
    agent.page.click("[data-send]")
    agent.page.wait_for_url("**/admin/login/**")
    agent.page.fill("input[name=username]", "noor")
    agent.page.fill("input[name=password]", "demo-onecase")
    agent.page.press("input[name=password]", "Enter")
    assert agent.at_case() == reference
    expect(agent.page.locator("[data-write=answer] textarea")).to_have_value(
        "Two years, and five on the frame."
    )
    agent.page.click("[data-send]")
    product.arrival(who, "Two years, and five on the frame.")


def test_an_expired_link_offers_a_new_one(
    customer: Customer, new_customer: Callable[..., Customer], product: Product
) -> None:
    who = "later@example.org"
    reference = customer.ask("Is there a waiting list?", "email", address_email=who)
    old = link_in(product.arrival(who, "We have your question"))
    product.let_links_expire(who)
    elsewhere = new_customer()
    elsewhere.may_get = {410}
    elsewhere.go(old)
    elsewhere.see("This link no longer works")
    elsewhere.press("Send me a new link")
    elsewhere.see("A new link is on its way to your mailbox.", ".strip")
    elsewhere.go(link_in(product.arrival(who, "With this link you get back to your question.")))
    elsewhere.press("Open my question")
    assert elsewhere.arrived() == reference


@pytest.mark.parametrize("path", ["/nowhere/", "/q/AAA-AAA/", "/c/notacode/", "/files/1/"])
def test_nobody_is_stranded(customer: Customer, path: str) -> None:
    customer.may_get = {404}
    customer.go(path)
    number = customer.page.get_by_role("link", name=re.compile(r"\+44 20 7946 0018")).first
    expect(number).to_have_attribute("href", "tel:+442079460018")
    expect(customer.page.locator("footer")).to_contain_text("All ways to reach us")
    expect(customer.page.locator("main .button").first).to_be_visible()


def test_an_answer_waits_when_the_customer_wrote_meanwhile(
    customer: Customer, agent: Agent, product: Product
) -> None:
    who = "quick@example.org"
    reference = customer.ask("Can I pick it up today?", "email", address_email=who)
    agent.open(reference)
    agent.page.fill("[data-write=answer] textarea", "Yes, until six.")
    customer.add("Sorry, tomorrow is better.")
    agent.may_get = {409, 422}
    agent.page.click("[data-send]")
    agent.see("The customer wrote while you were writing", "#wrong")
    expect(agent.page.locator("[data-write=answer] textarea")).to_have_value("Yes, until six.")
    product.never_comes(who, "Yes, until six.", seconds=1)
    agent.answer("Tomorrow is fine, until six.")
    product.arrival(who, "Tomorrow is fine, until six.")

"""Who sends stays on the page: the message is there, the field is empty, nothing loads anew."""

import re

from django.conf import settings
from playwright.sync_api import FilePayload, Page, expect

from tests.journeys.people import Agent, Customer
from tests.journeys.test_live_pages import on_line, stayed, write

ANSWER = "[data-write=answer] textarea"
NOTE = "[data-write=note] textarea"


def sent_twice(page: Page, field: str, button: str, own: str) -> None:
    """Two messages in a row; the newest stands where one looks."""
    for text in ("First this.", "And then that."):
        page.fill(field, text)
        page.click(button)
        expect(page.locator(own).last).to_contain_text(text)
        expect(page.locator(field)).to_have_value("")
        expect(page.locator(own).last).to_be_in_viewport()
    expect(page.locator("[data-news]")).to_be_hidden()
    expect(page.locator("#news")).to_have_text("Sent.")


def test_both_send_and_nothing_is_loaded_anew(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Do you rent out cargo bicycles?", "account")
    agent.open(reference)
    on_line(customer.page, agent.page)
    sent_twice(agent.page, ANSWER, "[data-send]", "article.desk-message--out")
    expect(agent.page.locator(".desk-toast")).to_have_count(1)
    expect(agent.page.locator(".desk-toast")).to_contain_text("Your answer goes")
    sent_twice(customer.page, "#text", ".composer button[type=submit]", ".msg--in")
    expect(agent.page.locator(".desk-message--in").last).to_contain_text("And then that.")
    agent.page.click("[data-tab=note]")
    agent.page.fill(NOTE, "A regular.")
    agent.page.keyboard.press("Control+Enter")
    expect(agent.page.locator("#timeline")).to_contain_text("A regular.")
    expect(agent.page.locator(NOTE)).to_have_value("")
    stayed(customer.page)
    stayed(agent.page)
    for page, field in ((customer.page, "#text"), (agent.page, ANSWER), (agent.page, NOTE)):
        page.reload()
        expect(page.locator(field)).to_have_value("")


def test_files_go_along_and_are_gone_from_the_form(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Which tyre is this?", "account")
    agent.open(reference)
    file: FilePayload = {"name": "tyre.txt", "mimeType": "text/plain", "buffer": b"28 inch"}
    for page, field, button, own in (
        (customer.page, "#text", ".composer button[type=submit]", ".msg--in"),
        (agent.page, ANSWER, "[data-send]", ".desk-message--out"),
    ):
        on_line(page)
        form = page.locator(field).locator("xpath=ancestor::form")
        form.locator("input[type=file]").set_input_files(file)
        for text in ("Look at this.", "And without."):
            page.fill(field, text)
            page.click(button)
            expect(page.locator(own).last).to_contain_text(text)
            expect(form).not_to_contain_text("tyre.txt")
        expect(page.locator(own, has_text="tyre.txt")).to_have_count(1)
        # Who has not seen it yet is asked before an answer goes.
        expect(agent.page.locator("#timeline")).to_contain_text("And without.")
        stayed(page)


def test_what_cannot_be_sent_goes_the_usual_way(customer: Customer, agent: Agent) -> None:
    customer.may_get |= {422}
    agent.may_get |= {409}
    reference = customer.ask("Are you open at Easter?", "account")
    agent.open(reference)
    on_line(customer.page, agent.page)
    customer.page.click(".composer button[type=submit]")
    customer.see("Please write something first.")
    customer.add("On Monday?")
    agent.page.fill(ANSWER, "We are")
    write(customer, reference, "Or on Sunday?")
    expect(agent.page.locator("#timeline")).to_contain_text("Or on Sunday?", timeout=20_000)
    agent.page.click("[data-send]")
    expect(agent.page.locator("#wrong")).to_contain_text("The customer wrote")
    expect(agent.page.locator(ANSWER)).to_have_value("We are")
    agent.page.click("[data-send]")
    agent.see("We are", "article.desk-message--out")
    expect(agent.page.locator(ANSWER)).to_have_value("")


def test_two_clicks_are_one_message(customer: Customer) -> None:
    customer.ask("How long is a tube?", "account")
    on_line(customer.page)
    customer.page.fill("#text", "For 28 inch.")
    customer.page.dblclick(".composer button[type=submit]")
    expect(customer.page.locator("#text")).to_have_value("")
    customer.page.reload()
    expect(customer.page.locator(".msg--in", has_text="For 28 inch.")).to_have_count(1)


def test_who_was_signed_out_meanwhile_loses_no_word(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Do you have a pump?", "account")
    agent.open(reference)
    on_line(agent.page)
    agent.page.fill(ANSWER, "Yes, at the door.")
    agent.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    agent.page.click("[data-send]")
    agent.page.wait_for_url(re.compile("/admin/login/"))
    agent.page.fill("input[name=username]", "noor")
    agent.page.fill("input[name=password]", "demo-onecase")
    agent.page.press("input[name=password]", "Enter")
    agent.at_case()
    expect(agent.page.locator(ANSWER)).to_have_value("Yes, at the door.")
    agent.page.click("[data-send]")
    agent.see("Yes, at the door.", "article.desk-message--out")

"""A8: a talk on the desktop goes on by WhatsApp on the telephone, and both pages follow alone."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer

ASKED = "Which lock fits the Volt City, and do you have it?"
FIRST = "The frame lock; it costs 30 euros."
SECOND = "Shall I keep one for you?"
WROTE = "Yes please, I come on Friday."
LAST = "On Friday at two."
NUMBER = "+442079460181"


def test_from_desk_to_pocket(new_customer: Callable[..., Customer], agent: Agent) -> None:
    desktop = new_customer(viewport={"width": 1280, "height": 900})
    reference = desktop.ask(ASKED, "account")
    agent.open(reference)
    agent.answer(FIRST)
    desktop.see(FIRST, ".timeline")

    # Change, WhatsApp: a button and a QR; it waits.
    desktop.switch("whatsapp")
    card = desktop.see("Waiting for your message", "#waiting")
    expect(card.locator(".waiting__qr svg")).to_be_visible()
    link = card.locator(".waiting__open a").get_attribute("href") or ""
    assert link.startswith("https://wa.me/")
    agent.see("The customer wants to go on by WhatsApp", "#timeline")

    # The telephone, another browser, scans it and presses send.
    telephone = new_customer().has_number(NUMBER)
    telephone.go(f"/demo/telephone/open/?link={quote(link, safe='')}")
    telephone.page.press("#text", "Enter")
    desktop.see("From now on we answer by WhatsApp.", "#waiting")
    expect(agent.page.locator("#way")).to_contain_text("Goes by WhatsApp", timeout=12_000)

    # From here on they are on the telephone; the desktop reads along.
    agent.answer(SECOND)
    telephone.see(SECOND, ".talk")
    telephone.page.fill("#text", WROTE)
    telephone.page.press("#text", "Enter")
    desktop.see(WROTE, ".timeline")
    agent.see(WROTE, "#timeline")

    # Back on the desktop, and on the telephone after all: what the strip said is over.
    desktop.switch("account")
    desktop.see("From now on we answer on your own page.", "main > .strip")
    telephone.page.fill("#text", LAST)
    telephone.page.press("#text", "Enter")
    desktop.see(LAST, ".timeline")
    expect(desktop.page.locator("main > .strip", has_text="on your own page")).to_have_count(0)
    for page in (desktop.page.locator(".timeline"), agent.page.locator("#timeline")):
        for words in (ASKED, FIRST, SECOND, WROTE):
            expect(page.first).to_contain_text(words)

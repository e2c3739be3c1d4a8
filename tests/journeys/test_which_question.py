"""Two open questions by WhatsApp: the third message asks which one it is about."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer

DRIVE, INVOICE = "May I try the Volt City on the road?", "Where is the invoice of my repair?"
FRIDAY = "On Friday at ten would be fine."


def asks(telephone: Customer, text: str) -> str:
    """A question on the start page, that goes on by WhatsApp; who is known there says yes first."""
    reference = telephone.ask(text, "whatsapp")
    link = telephone.page.locator("#waiting .waiting__open a").get_attribute("href") or ""
    telephone.go(f"/demo/telephone/open/?link={quote(link, safe='')}")
    telephone.page.press("#text", "Enter")
    there = telephone.page.locator(".talk")
    goes_on = there.get_by_text(f"Your question {reference} goes on here.")
    asked = there.get_by_text(f"You are joining question {reference}.")
    expect(goes_on.or_(asked)).to_be_visible(timeout=12_000)
    if asked.is_visible():
        there.get_by_role("button", name="Yes").last.click()
    expect(goes_on).to_be_visible(timeout=12_000)
    return reference


def test_a_number_says_which(new_customer: Callable[..., Customer], agent: Agent) -> None:
    telephone = new_customer()
    drive, _invoice = asks(telephone, DRIVE), asks(telephone, INVOICE)
    telephone.page.fill("#text", FRIDAY)
    telephone.page.press("#text", "Enter")
    telephone.see("Which one is this about?", ".talk")
    telephone.fits()
    lines = telephone.page.locator(".talk").inner_text().splitlines()
    number = next(line.split()[0] for line in lines if f"({drive})" in line)
    telephone.page.fill("#text", number)
    telephone.page.press("#text", "Enter")
    telephone.see(f"It is with question {drive}.", ".talk")
    agent.open(drive)
    expect(agent.page.locator("#timeline")).to_contain_text(FRIDAY)

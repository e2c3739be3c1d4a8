"""Two open questions by WhatsApp: the third message asks which one it is about, a tap answers."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer

DRIVE, INVOICE = "May I try the Volt City on the road?", "Where is the invoice of my repair?"
FRIDAY = "On Friday at ten would be fine."


def asks(telephone: Customer, text: str, *, is_known: bool = False) -> str:
    """A question on the start page, that goes on by WhatsApp; who is known there is asked first."""
    reference = telephone.ask(text, "whatsapp")
    link = telephone.page.locator("#waiting .waiting__open a").get_attribute("href") or ""
    telephone.go(f"/demo/telephone/open/?link={quote(link, safe='')}")
    telephone.page.press("#text", "Enter")
    if is_known:
        telephone.see(f"You are joining question {reference}.", ".talk")
        telephone.page.get_by_role("button", name="Yes").last.click()
    telephone.see(f"{reference} goes on here.", ".talk")
    return reference


def test_a_tap_says_which(new_customer: Callable[..., Customer], agent: Agent) -> None:
    telephone = new_customer()
    drive, _invoice = asks(telephone, DRIVE), asks(telephone, INVOICE, is_known=True)
    telephone.page.fill("#text", FRIDAY)
    telephone.page.press("#text", "Enter")
    telephone.see("Which one is this about?", ".talk")
    telephone.fits()
    telephone.page.get_by_role("button", name="1 May I try").click()
    telephone.see(f"It is with question {drive}.", ".talk")
    agent.open(drive)
    expect(agent.page.locator("#timeline")).to_contain_text(FRIDAY)

"""A10: WhatsApp goes while people are answered there; nothing is lost, and they choose again."""

import re
from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in, link_in, text_of

ZOE = "zoe.goes@example.org"
HELD, STAYS = "Your bicycle is ready on Friday.", "Your light is ready on Monday."
TYPED = "I have half a sentence"
NUMBERS = "+442079460171", "+442079460172"


def by_whatsapp(customer: Customer, telephone: Customer, text: str) -> str:
    """Ask on the website, and send it from the telephone; the reference."""
    reference = customer.ask(text, "whatsapp")
    link = customer.page.locator("#waiting .waiting__open a").get_attribute("href") or ""
    telephone.go(f"/demo/telephone/open/?link={quote(link, safe='')}")
    telephone.page.press("#text", "Enter")
    customer.see("From now on we answer by WhatsApp.", "#waiting")
    return reference


def settings_of(admin: Agent, name: str) -> None:
    """Open a channel's page."""
    admin.go("/admin/channels/")
    admin.page.locator(".adm-channel__name a", has_text=name).first.click()
    admin.page.wait_for_url(re.compile(r"/admin/channels/\d+/$"))


def test_a_channel_goes_and_comes_back(
    new_customer: Callable[..., Customer], new_agent: Callable[[str], Agent], product: Product
) -> None:
    zoe, ben = new_customer(), new_customer()
    phones = [new_customer().has_number(number) for number in NUMBERS]
    agent, admin = new_agent("noor"), new_agent("admin")

    # Zoe proved a mail address; Ben has nothing but his telephone.
    zoe.ask("Do you repair bicycles?", "email", address_email=ZOE)
    zoe.sign_in(ZOE, lambda: code_in(product.arrival(ZOE, "Type this code")))
    hers = by_whatsapp(zoe, phones[0], "When is my bicycle ready?")
    his = by_whatsapp(ben, phones[1], "When is my light ready?")

    # A pause first: what is written waits, and the desk and the customers' pages say so.
    settings_of(admin, "WhatsApp")
    admin.page.locator("details.adm-more summary").click()
    admin.page.fill("[name=reason]", "Our number moves.")
    admin.press("Pause", ".adm-pause")
    admin.see("open cases are answered this way", ".adm")
    admin.press("Pause", ".adm-actions")
    admin.see("WhatsApp is paused", ".adm-gone")
    zoe.see("At the moment we cannot answer by WhatsApp", "#away")
    for reference, text in ((hers, HELD), (his, STAYS)):
        agent.open(reference)
        agent.see("what is written for it waits", "#way")
        agent.answer(text)

    # It is switched off: open pages say so by themselves, and what is being typed stays.
    zoe.page.fill("#text", TYPED)
    settings_of(admin, "WhatsApp")
    admin.press("Stop offering", ".adm-statebar")
    admin.see("are kept", ".adm")
    admin.press("Stop offering it", ".adm-actions")
    zoe.see("We no longer answer by WhatsApp.", "#away")
    ben.see("We no longer answer by WhatsApp.", "#away")
    expect(zoe.page.locator("#text")).to_have_value(TYPED)
    agent.open(hers)
    agent.see("WhatsApp is switched off.", "#way")
    assert not agent.page.locator("[data-send]").count()

    # One button asks all of them: Zoe by mail, Ben by SMS at the number that he wrote from.
    admin.press("Ask these customers to choose again")
    admin.see("Nobody is asked twice.", "#asking")
    mail = product.arrival(ZOE, "We no longer answer by WhatsApp.")
    zoe.see("We asked you by e-mail to choose another way.", ".timeline")
    ben.see("We asked you by SMS to choose another way.", ".timeline")
    admin.see("did not choose yet", ".adm-rows")

    # Zoe opens the link on another device and takes her mail: what waited arrives there, once.
    other = new_customer()
    other.go(link_in(mail))
    other.page.locator("main form button").first.click()
    other.arrived()
    zoe.press("Choose another way", "#away")
    expect(zoe.page.locator("dialog.sheet")).to_be_visible()
    zoe.page.locator("dialog.sheet [id^=way-email-]").first.check()
    zoe.page.click(".switch__end button")
    product.arrival(ZOE, HELD)
    expect(zoe.page.locator("#away")).to_be_empty(timeout=12_000)
    admin.page.goto(admin.page.url.partition("?")[0] + "?tab=chose")
    admin.see(hers, ".adm-rows")

    # It is back: Ben's answer goes where he wants it, once; nothing goes to Zoe a second time.
    settings_of(admin, "WhatsApp")
    admin.press("Offer", ".adm-statebar")
    admin.press("Resume", ".adm-statebar")
    phones[1].see(STAYS, ".talk")
    expect(ben.page.locator("#away")).to_be_empty(timeout=20_000)
    agent.open(hers)
    agent.see("Goes by e-mail", "#way")
    agent.answer("See you then.")
    product.arrival(ZOE, "See you then.")
    assert len([m for m in product.mails(ZOE) if HELD in text_of(m)]) == 1
    assert HELD not in (phones[0].page.text_content(".talk") or "")
    assert (phones[1].page.text_content(".talk") or "").count(STAYS) == 1

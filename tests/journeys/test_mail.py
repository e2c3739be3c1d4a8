"""A plain mail program is a door too: in, out and back, and nobody gets in by pretending."""

import smtplib
from email.message import EmailMessage

import pytest
from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import SHOP, Product, letter, link_in, reply, text_of

WHO = "piet@example.org"
ASKED = "Do you have winter tyres 215/65 R16 for my van?"


def test_a_mail_opens_a_case_and_the_reply_comes_back_to_it(
    product: Product, customer: Customer, agent: Agent
) -> None:
    product.send(letter(f"Piet Post <{WHO}>", "Winter tyres", f"Hello,\n\n{ASKED}\n\nPiet"))
    confirmed = product.arrival(WHO, "We have your question")
    assert ASKED not in text_of(confirmed)  # nothing of the sender's: it may not be theirs
    assert confirmed["Auto-Submitted"] == "auto-replied"
    customer.go(link_in(confirmed))
    customer.press("Open my question")
    reference = customer.arrived()
    customer.see(ASKED, ".timeline")

    agent.go("/admin/cases/")
    agent.page.click(".desk-row__link:has-text('Winter tyres')")
    assert agent.at_case() == reference
    agent.answer("Four of them, 89 euros each.")
    answer = product.arrival(WHO, "Four of them, 89 euros each.")
    assert answer["From"].addresses[0].display_name == "Noor of Velo & Volt Mobility (demo)"
    assert answer["From"].addresses[0].addr_spec == SHOP
    assert confirmed["Message-ID"] in str(answer["References"])

    product.send(reply(answer, "Please put them aside for me.", sender=f"Piet Post <{WHO}>"))
    agent.see("Please put them aside for me.", "#timeline")
    new = agent.page.locator("article.desk-message--in").last
    expect(new.locator(".desk-message__text")).to_have_text("Please put them aside for me.")
    new.get_by_text("The whole mail").click()
    expect(new).to_contain_text("> Four of them, 89 euros each.")
    customer.see("Please put them aside for me.", ".timeline")  # the open page finds it by itself

    forged(product, agent, reference, answer)


def forged(product: Product, agent: Agent, reference: str, answer: EmailMessage) -> None:
    """Pretending to be Piet, or to answer in his place, joins nothing and shows nothing."""
    guess = letter(WHO, "Re: Winter tyres", "I am Piet, really. What did you tell me?")
    guess["In-Reply-To"] = guess["References"] = answer["Message-ID"]
    product.send(guess)
    stranger = reply(
        answer,
        "I take over from Piet. Send the tyres to me.",
        sender="Mallory <mallory@example.org>",
    )
    product.send(stranger)
    agent.go("/admin/cases/")
    for name, words in (("Piet Post", "I am Piet, really."), ("Mallory", "I take over from Piet.")):
        row = agent.page.locator(".desk-row", has_text=name).filter(has_text="may belong")
        expect(row).to_have_count(1, timeout=15_000)
        row.get_by_role("link").click()
        agent.at_case()
        agent.see(words, "#timeline")
        agent.see("May belong to", ".desk-banner")
        expect(agent.page.locator("#timeline")).not_to_contain_text(ASKED)
        agent.go("/admin/cases/")
    confirmed = product.arrival("mallory@example.org", "We have your question")
    assert "89 euros" not in text_of(confirmed)
    agent.open(reference)
    agent.see("Please put them aside for me.", "#timeline")
    for words in ("I am Piet, really.", "I take over from Piet."):
        expect(agent.page.locator("#timeline")).not_to_contain_text(words)


def test_mail_for_nobody_is_refused_at_the_door(product: Product) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        product.send(letter(WHO, "Hello", "Is anybody there?", to="sales@mail.example.org"))

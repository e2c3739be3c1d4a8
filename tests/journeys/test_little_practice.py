"""Somebody with little practice on computers: large letters, no mouse, Dutch, and plain words."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer

LARGE = (
    "addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '200%')"
)
ASKED = "Mijn fiets doet het niet meer."
NAME = "Gerda Bakker"
# Words of the trade. Nobody has to know one of them to ask a question.
JARGON = re.compile(
    r"\b(?:kana?al|kanalen|tickets?|sessies?|url|cookies?|browser|account|cases?|dossier|status"
    r"|opties?|prioriteit|upload\w*|download\w*|formulier|invoer|authentic\w*|verific\w*"
    r"|digita\w*|online|website|interface|device|workflow|submit|error|ongeldige?)\b",
    re.IGNORECASE,
)


def only_plain_words(customer: Customer) -> None:
    """What stands on the page as it is now."""
    customer.fits()
    text = customer.page.inner_text("body")
    assert JARGON.findall(text) == [], text
    fields = "main :is(input:not([type=hidden]), textarea, select):visible"
    for field in customer.page.locator(fields).all():
        assert field.evaluate(
            "field => [field.ariaLabel, ...[...field.labels].map(label => label.textContent)]"
            ".some(name => name?.trim())"
        )


def tab_to(customer: Customer, field: str, most: int = 40) -> None:
    """Go there by the Tab key, as who has no mouse does."""
    for _press in range(most):
        customer.page.keyboard.press("Tab")
        if customer.page.evaluate("(field) => document.activeElement.matches(field)", field):
            return
    raise AssertionError(f"the Tab key does not reach {field}")


def write(customer: Customer, field: str, words: str) -> None:
    """Go to a field and type."""
    tab_to(customer, field)
    customer.page.keyboard.type(words)


def test_a_call_and_a_letter_by_the_keyboard_with_large_letters(
    new_customer: Callable[..., Customer], agent: Agent
) -> None:
    gerda = new_customer(locale="nl-NL")
    gerda.context.add_init_script(LARGE)
    gerda.may_get.add(422)
    page, keys = gerda.page, gerda.page.keyboard

    # The number comes first, for who reads it and for who goes by the keyboard.
    gerda.go("/")
    expect(page.locator(".callbar")).to_be_in_viewport(ratio=1)
    expect(page.locator(".callbar")).to_contain_text(re.compile(r"Bel \+?[\d ]{8,}"))
    tab_to(gerda, "a[href^='tel:']", most=2)
    only_plain_words(gerda)

    # Sent too early: it says in plain words what is missing, and leads there.
    tab_to(gerda, ".finish button[type=submit]", most=60)
    keys.press("Enter")
    expect(page.locator("#errors li")).to_have_text(
        ["Schrijf waar wij u mee kunnen helpen.", "Kies hoe u antwoord wilt krijgen."]
    )
    only_plain_words(gerda)
    tab_to(gerda, "#errors a")
    keys.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    keys.type(ASKED)

    # One sentence, a number and a name.
    tab_to(gerda, "[name=way]")
    keys.press("Space")
    expect(page.locator("#way-phone")).to_be_checked()
    only_plain_words(gerda)
    write(gerda, "#address_phone", "020 765 43 21")
    write(gerda, "#name", NAME)
    tab_to(gerda, ".finish button[type=submit]")
    button = page.locator(".finish button[type=submit]")
    expect(button).to_have_text("Bel mij terug", use_inner_text=True)
    keys.press("Enter")
    called = gerda.arrived()
    gerda.see("Wij bellen u", "#answerline")
    only_plain_words(gerda)

    # A letter: one sentence, a name and an address, on one line as people write it.
    gerda.go("/")
    write(gerda, "#text", ASKED)
    tab_to(gerda, "[name=way]")
    keys.press("ArrowUp")  # round to the last one
    expect(page.locator("#way-letter")).to_be_checked()
    write(gerda, "#name_letter", NAME)
    write(gerda, "#address_letter", "Dorpsstraat 8, 1000 AB Demodorp")
    only_plain_words(gerda)
    tab_to(gerda, ".finish button[type=submit]")
    keys.press("Enter")
    written = gerda.arrived()
    assert written != called
    gerda.see("Wij antwoorden per brief naar Dorpsstraat 8", "#answerline")
    only_plain_words(gerda)

    for reference, way in ((called, "020 765 4321"), (written, "1000 AB Demodorp")):
        agent.open(reference)
        agent.see(ASKED, ".desk-timeline")
        agent.see(NAME, ".desk-customer")
        agent.see(way, ".desk-customer")

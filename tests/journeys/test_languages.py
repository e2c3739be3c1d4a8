"""Both languages and both themes: the journey is the same."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product, code_in, link_in, reply, text_of


def in_dutch(customer: Customer) -> None:
    """The page says that it is Dutch."""
    expect(customer.page.locator("html")).to_have_attribute("lang", "nl")


def test_a_whole_journey_in_dutch_on_a_telephone(
    new_customer: Callable[..., Customer], agent: Agent, product: Product
) -> None:
    who = "jansen@example.org"
    customer = new_customer(locale="nl-NL", color_scheme="dark")
    asked = "Hebt u de rode bakfiets nog op voorraad, en kan ik hem zaterdag proberen?"
    reference = customer.ask(asked, "email", address_email=who)
    in_dutch(customer)
    confirmed = product.arrival(who, reference)
    assert confirmed["Subject"] == f"Wij hebben uw vraag [{reference}]"
    agent.open(reference)
    agent.see("Nederlands", ".desk-customer")
    agent.answer("Ja, hij staat hier. Zaterdag om tien uur?")
    answer = product.arrival(who, "Zaterdag om tien uur?")
    assert "U kunt" in text_of(answer)
    product.send(reply(answer, "Graag, tot zaterdag!"))
    expect(customer.page.locator(".timeline")).to_contain_text(
        "Graag, tot zaterdag!", timeout=15_000
    )
    customer.switch("account")
    expect(customer.page.locator(".strip--good")).to_be_visible()
    in_dutch(customer)
    for path in ("/ways/", "/questions/", f"/q/{reference}/switch/", f"/q/{reference}/keep/"):
        customer.go(path)
        in_dutch(customer)

    elsewhere = new_customer(locale="nl-NL", color_scheme="dark")
    elsewhere.go(link_in(confirmed))
    in_dutch(elsewhere)
    elsewhere.page.click("main button[type=submit]")
    assert elsewhere.arrived() == reference
    elsewhere.sign_in(who, lambda: code_in(product.arrival(who, "10 minuten")))
    elsewhere.go("/preferences/")
    in_dutch(elsewhere)
    elsewhere.may_get = {404}
    elsewhere.go("/nergens/")
    in_dutch(elsewhere)
    # One press, and the same page speaks English.
    elsewhere.go("/")
    elsewhere.page.click("button[name=language][value=en]")
    expect(elsewhere.page.locator("html")).to_have_attribute("lang", "en")


def test_the_desk_in_the_dark_and_in_dutch(
    new_customer: Callable[..., Customer], product: Product
) -> None:
    visitor = new_customer(
        viewport={"width": 1280, "height": 900}, locale="nl-NL", color_scheme="dark"
    )
    visitor.go("/demo/")
    in_dutch(visitor)
    with visitor.page.expect_response("**/demo/be/staff/admin/"):
        visitor.page.click("form[action='/demo/be/staff/admin/'] button")
    for path in ("", "cases/", "todo/", "record/", "alerts/", "channels/", "organisation/"):
        visitor.go(f"/admin/{path}")
        in_dutch(visitor)
        assert visitor.page.evaluate("document.documentElement.classList.contains('dark')"), path
    visitor.page.goto("/demo/")
    visitor.page.click("button[name=language][value=en]")
    with visitor.page.expect_response("**/demo/be/staff/admin/"):
        visitor.page.click("form[action='/demo/be/staff/admin/'] button")
    visitor.go("/admin/")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")

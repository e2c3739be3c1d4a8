"""The first five minutes: the demo page, and its six steps by really doing them."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FrameLocator, Page, expect

from tests.journeys.people import Customer, Person
from tests.journeys.product import Product

ASKED = "Is the red cargo bike still there?"
ANSWERED = "Yes, it is. Come and see it!"
REPLIED = "Then I come on Friday."


class Stage:
    """The demo page with its three windows."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def window(self, name: str) -> FrameLocator:
        """What is in one of the frames."""
        return self.page.frame_locator(f"iframe[name={name}]")

    def ticks(self, *names: str) -> None:
        """These steps, and no others, get their tick."""
        done = self.page.locator(".step--done .step__name")
        expect(done).to_have_text(list(names), timeout=15_000)


def test_the_tour_ticks_itself(new_customer: Callable[..., Customer], product: Product) -> None:
    visitor: Person = new_customer(viewport={"width": 1400, "height": 1000})
    visitor.go("/demo/")
    stage = Stage(visitor.page)
    site, desk, pocket = map(stage.window, ("customer-browser", "agent-desk", "customer-pocket"))
    expect(visitor.page.locator(".step")).to_have_count(7)
    stage.ticks()

    site.locator("#text").fill(ASKED)
    site.locator("#way-email").check()
    site.locator("#address_email").fill("five@example.org")
    site.get_by_role("button", name="Send my question").click()
    stage.ticks("Ask")

    visitor.press("Be agent Noor")
    desk.locator(".desk-row__link", has_text=ASKED).click()
    desk.get_by_placeholder("Write your answer").fill(ANSWERED)
    desk.get_by_role("button", name="Send by e-mail").click()
    pocket.locator(".mails__item--new", has_text=ANSWERED).click(timeout=15_000)
    stage.ticks("Ask", "Answer", "See it arrive")

    expect(pocket.frame_locator("iframe").locator("body")).to_contain_text(ANSWERED)
    pocket.locator("#text").fill(REPLIED)
    pocket.get_by_role("button", name="Send the answer").click()
    stage.ticks("Ask", "Answer", "See it arrive", "Reply")
    expect(site.locator(".timeline")).to_contain_text(REPLIED, timeout=12_000)

    site.get_by_role("link", name="Change how we answer").click()
    site.locator("#way-account").check()
    site.get_by_role("button", name=re.compile("Go on")).click()
    stage.ticks("Ask", "Answer", "See it arrive", "Reply", "Switch")

    # The agent still reads whose case it is, though its answers go to no address now.
    expect(desk.locator("article.desk-message--in").first).to_contain_text(
        "five@example.org", timeout=12_000
    )
    # By the telephone, and to the call that is refused: tests/demo/test_tour.py.
    visitor.see("Press Change again and choose WhatsApp", ".tour__now")


def test_three_inputs_and_one_button(customer: Customer, product: Product) -> None:
    customer.go("/")
    done = count_what_is_done(customer.page)
    customer.page.fill("#text", "Do you rent out tandems?")
    customer.page.check("#way-email")
    customer.page.fill("#address_email", "three@example.org")
    customer.send()
    customer.arrived()
    customer.see("We have your question. Reference", ".strip--good")
    assert done == ["input text", "input way", "input address_email", "button"]
    product.arrival("three@example.org", "We have your question")


def count_what_is_done(page: Page) -> list[str]:
    """Every field that is filled and every button that is pressed on this page, once each."""
    done: list[str] = []

    def note(_source: Any, what: str) -> None:
        if what not in done:
            done.append(what)

    page.expose_binding("didSomething", note)
    page.evaluate(
        """() => {
            document.addEventListener("input", (e) => didSomething("input " + e.target.name), true);
            document.addEventListener("click", (e) => {
                if (e.target.closest("button, a")) didSomething("button");
            }, true);
        }"""
    )
    return done

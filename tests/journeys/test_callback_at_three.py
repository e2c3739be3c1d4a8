"""Needed now, nobody free, callback at three; and the place in the line until the telephone rings.

It is no matter when this runs: the phone is open night and day, and at three is the first free time
that is offered.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.people import Agent, Customer
from tests.journeys.product import Product

ASKED = "The lock of my cargo bike is stuck, and the children are at school."
FOUND = "The lock is frozen: warm the key, then turn it twice. She rides again."
NUMBER = "+44 20 7946 0161"
STANDING = {"next": 1, "second": 2, "third": 3}
NewAgent = Callable[[str], Agent]
NewCustomer = Callable[..., Customer]


@pytest.fixture
def desks(new_agent: NewAgent) -> Iterator[list[Agent]]:
    """All who take calls; afterwards they are on duty, as they were."""
    found = [new_agent(name) for name in ("noor", "daan", "mei")]
    yield found
    for agent in found:
        are_there(agent, "on")


@pytest.fixture(autouse=True)
def open_for_calls(new_agent: NewAgent) -> Iterator[None]:
    """An administrator opens the phone for today and tomorrow, night and day."""
    admin, today = new_agent("admin"), datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    admin.go("/admin/special-days/new/")
    admin.page.fill("[name=first]", f"{today}")
    admin.page.fill("[name=last]", f"{today + timedelta(days=1)}")
    admin.page.fill("[name=spans_0_from]", "00:00")
    admin.page.fill("[name=spans_0_to]", "00:00")
    admin.page.select_option("[name=channel]", label="Phone")
    admin.press("Save", ".adm-savebar")
    admin.see("0:00-0:00", ".adm-rows")
    yield
    admin.go("/admin/special-days/")
    admin.page.locator(".adm-row a.adm-strong").first.click()
    admin.press("Remove", ".adm-remove")
    expect(admin.page.locator(".adm-rows")).to_have_count(0)


def are_there(agent: Agent, state: str) -> None:
    """Say at the top of the desk whether one is there: on, away or off."""
    agent.go("/admin/cases/")
    agent.page.click(f"button[form=duty][name=state][value={state}]")
    pressed = f"button[form=duty][value={state}][aria-pressed=true]"
    expect(agent.page.locator(pressed).first).to_be_attached()


def take(agent: Agent, asked: str, page: str = "/admin/todo/") -> None:
    """Take the call of that question."""
    agent.go(page)
    agent.page.locator(".desk-todo", has_text=asked).get_by_role("link").first.click()
    agent.press("I'll take it")
    agent.see("How did it go?")


def call_was(agent: Agent, note: str) -> None:
    """Say that they were reached, and what was said."""
    agent.page.get_by_label("Reached", exact=True).check()
    agent.page.fill("#note", note)
    agent.press("Save")
    agent.page.wait_for_url("**/confirm/**")


def call_me(customer: Customer, text: str, number: str) -> str:
    """Ask to be called as soon as possible; the reference."""
    return customer.ask(text, "phone", address_phone=number)


def place(customer: Customer) -> int:
    """Where one stands, as the page says it."""
    said = customer.see(re.compile(r"You are (next|second|third|number \d+)"), "#call-now")
    found = re.search(r"You are (?:number )?(\w+)", said.inner_text())
    assert found
    return STANDING.get(found[1]) or int(found[1])


def expect_soon(look: Callable[[], None], tries: int = 15) -> None:
    """Look again, a second or so each time, until it holds."""
    for number in range(tries):
        try:
            return look()
        except AssertionError:
            if number == tries - 1:
                raise


def callback_at_three(product: Product, customer: Customer, desks: list[Agent]) -> None:
    """Needed now, and nobody is there: they choose the first free time, and are called then."""
    for agent in desks:
        are_there(agent, "away")
    customer.go("/")
    customer.page.fill("#text", ASKED)
    customer.page.check("#soon-now", force=True)
    row = customer.page.locator(".way", has=customer.page.locator("#way-phone"))

    def says_so() -> None:
        customer.page.reload()
        expect(row).to_contain_text("nobody is there for calls now", timeout=1000)

    expect_soon(says_so)  # who is there is asked every two seconds
    expect(row).to_contain_text("You can book:")
    customer.choose("phone", address_phone=NUMBER)
    expect(row).to_contain_text("Nobody can call you right now.")
    at_three = row.locator("input[name=wish_phone][value^=at-]").first
    clock = row.locator(f"label[for={at_three.get_attribute('id')}]").inner_text()
    hour = (re.findall(r"\d+:\d\d", clock) or [""])[0]
    at_three.check(force=True)
    customer.send()
    reference = customer.arrived()
    customer.see(f"{hour}", "#appointment")
    customer.see("We call you on", "#appointment")

    # Mei comes, sees it in her day, takes it when its hour has come, and reads the story.
    mei = desks[2]
    are_there(mei, "on")
    product.let_the_hour_come(reference)
    take(mei, ASKED, "/admin/day/")
    mei.see(ASKED, ".desk-story")
    mei.see(NUMBER, ".desk-target__big")
    customer.see("We are calling you now.", "#call-now")
    customer.see("Mei has your question at hand.", "#call-now")
    call_was(mei, FOUND)
    customer.see(FOUND, ".timeline")
    expect(customer.page.locator("#call-now")).to_be_empty()
    expect(customer.page.locator("#appointment .agreed")).to_have_count(0)


def the_line(new_customer: NewCustomer, customer: Customer, desks: list[Agent]) -> None:
    """Everybody is there, and two others were first."""
    for agent in desks:
        are_there(agent, "on")
    before = ["The first in the line", "The second in the line"]
    for number, text in enumerate(before):
        call_me(new_customer(), text, f"+44 20 7946 019{number}")
    customer.page.clock.install()
    call_me(customer, "The third in the line", NUMBER)
    third = place(customer)
    assert third >= 3  # others of the demo may stand before them
    for agent, text in zip(desks, before, strict=False):
        take(agent, text)
        customer.page.clock.run_for(21_000)  # who waits asks anew every 20 s
        third -= 1
        words = {1: "next", 2: "second", 3: "third"}.get(third, f"number {third}")
        customer.see(f"You are {words}", "#call-now")
    take(desks[2], "The third in the line")
    customer.see("We are calling you now.", "#call-now")
    customer.see("Mei has your question at hand.", "#call-now")
    for agent, text in zip(desks, [*before, "The third in the line"], strict=True):
        call_was(agent, f"Settled: {text}.")
    customer.see("Settled: The third in the line.", ".timeline")


def test_callback_at_three(
    product: Product, new_customer: NewCustomer, customer: Customer, desks: list[Agent]
) -> None:
    callback_at_three(product, customer, desks)
    the_line(new_customer, new_customer(), desks)

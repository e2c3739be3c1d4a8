"""Two real browsers: what is new is brought by the line, who types and who is here is said."""

from typing import Any

from playwright.sync_api import Page, Request, expect

from tests.journeys.people import Agent, Customer
from tests.journeys.test_live_pages import SLOW, answer, on_line, stayed

LISTEN = """for (const name of ["live:typing", "live:here"]) {
    document.addEventListener(name, (event) => { (window.signs ??= {})[name] = event.detail; });
}"""


def asks(page: Page) -> list[str]:
    """What this page asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    return asked


def sign(page: Page, name: str, **wanted: Any) -> dict[str, Any]:
    """The newest sign of that name, once it says so."""
    script = """([name, wanted]) => {
        const sign = window.signs?.[name];
        return sign && Object.entries(wanted).every(([key, value]) => sign[key] === value) && sign;
    }"""
    found = page.wait_for_function(script, arg=[name, wanted], timeout=SLOW)
    return dict(found.json_value())


def test_what_is_new_is_brought_and_not_fetched(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Do you sell bells?", "account")
    agent.open(reference)
    on_line(customer.page, agent.page)
    mine = asks(customer.page)
    agent.page.fill("[data-write=answer] textarea", "We do, brass ones.")
    agent.page.click("[data-send]")
    expect(customer.page.locator("#history")).to_contain_text("brass ones.", timeout=SLOW)
    # That it was read is a step without a number, which the desk fetches; what is written is not.
    shown = agent.page.locator("#timeline .desk-message--out").last
    expect(shown).to_contain_text("read on their own page", timeout=SLOW)
    theirs = asks(agent.page)
    customer.add("And horns?")
    expect(agent.page.locator("#timeline")).to_contain_text("And horns?", timeout=SLOW)
    assert not [url for url in mine if "/news/" in url], mine
    assert not [url for url in theirs if "part=live" in url], theirs
    assert customer.page.locator("#history .msg--out").count() == 1
    stayed(customer.page)
    stayed(agent.page)


def test_a_page_that_shows_something_else_asks_for_itself(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Do you sell pumps?", "account")
    on_line(customer.page)
    asked = asks(customer.page)
    # As after a lost line: what it shows is not what the line goes on from.
    customer.page.evaluate("document.getElementById('history').dataset.have = '1.a.b'")
    answer(agent, reference, "We do.")
    expect(customer.page.locator("#history")).to_contain_text("We do.", timeout=SLOW)
    assert [url for url in asked if "/news/" in url], asked
    stayed(customer.page)


def test_each_side_sees_that_the_other_one_types_and_is_here(
    customer: Customer, agent: Agent
) -> None:
    for page in (customer.page, agent.page):
        page.add_init_script(LISTEN)
    reference = customer.ask("Do you sell locks?", "account")
    agent.open(reference)
    on_line(customer.page, agent.page)
    assert sign(agent.page, "live:here", here=True)["key"] == f"d:{reference}"
    agent.page.evaluate(f"OnecaseLive.typing('d:{reference}')")
    assert sign(customer.page, "live:typing", key=f"q:{reference}")["who"]
    customer.page.evaluate(f"OnecaseLive.typing('q:{reference}')")
    assert sign(agent.page, "live:typing", key=f"d:{reference}")["who"] == ""
    customer.page.goto("/")
    sign(agent.page, "live:here", here=False)

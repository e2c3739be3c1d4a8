"""Two real browsers talk without reloading, through a restart of the web process."""

import os
import re
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.journeys.people import Agent, Customer, Person
from tests.journeys.product import Product, reply
from tests.setup.test_processes import until

AWAY = re.compile("ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE")
NO_WORKER = "delete window.SharedWorker"
NO_STREAM = f"{NO_WORKER}; delete window.EventSource"
LINES = 14  # of a history so long that its newest lines come alone
SLOW = 20_000  # milliseconds, on a machine that does other things as well


def on_line(*pages: Page, mode: str | re.Pattern[str] = "stream") -> None:
    """The pages are connected; from here on a reload would be noticed."""
    for page in pages:
        expect(page.locator("html")).to_have_attribute("data-line", mode, timeout=SLOW)
        page.evaluate("window.stayed = true")


def stayed(page: Page) -> None:
    """Nothing was loaded anew."""
    assert page.evaluate("window.stayed === true")


def post(page: Page, form: str, text: str) -> None:
    """Send a form from another tab of the same browser, so that this page stays as it is."""
    script = """async ([form, text]) => {
        const element = document.querySelector(form);
        const data = new FormData(element);
        data.set("text", text);
        data.set("client_key", crypto.randomUUID());
        if (data.has("seen")) data.set("seen", "99999");
        return (await fetch(element.action, { method: "POST", body: data })).status;
    }"""
    assert page.evaluate(script, [form, text]) == 200


def answer(agent: Agent, reference: str, text: str) -> None:
    """The agent answers, in another tab."""
    tab = agent.context.new_page()
    tab.goto(f"/admin/cases/{reference}/")
    post(tab, "[data-write=answer]", text)
    tab.close()


def write(customer: Customer, reference: str, text: str) -> None:
    """The customer writes, in another tab."""
    tab = customer.context.new_page()
    tab.goto(f"/q/{reference}/")
    post(tab, "form.composer", text)
    tab.close()


def restart(product: Product) -> None:
    """The web process is told to stop, which it does at once, and comes back by itself."""
    pid = product.running.processes()["uvicorn"]
    begun = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    assert until(lambda: product.running.processes().get("uvicorn") != pid, 5)
    assert time.monotonic() - begun < 2.5, "open streams held the process"


def comes_back(product: Product) -> None:
    """It answers again."""
    assert until(lambda: product.running.get("/healthz") == 200, 30)


def forgive_absence(*people: Person) -> None:
    """What browsers say of a server that is away."""
    for person in people:
        person.faults[:] = [fault for fault in person.faults if not AWAY.search(fault)]


def test_they_talk_live_through_a_restart(
    customer: Customer, agent: Agent, product: Product
) -> None:
    who = "lena@example.org"
    reference = customer.ask("Do you repair tandems?", "email", address_email=who)
    agent.open(reference)
    on_line(customer.page, agent.page)
    answer(agent, reference, "We do, bring it along.")
    expect(customer.page.locator(".msg--out")).to_contain_text("bring it along", timeout=SLOW)
    write(customer, reference, "On Saturday then.")
    expect(agent.page.locator("#timeline")).to_contain_text("On Saturday then.", timeout=SLOW)
    # A step of the delivery, which is no message.
    expect(customer.page.locator(".msg__state").last).to_contain_text("Sent", timeout=SLOW)
    mail = product.arrival(who, "bring it along")

    customer.page.fill("#text", "and my")
    agent.page.fill("[data-write=answer] textarea", "See you")
    restart(product)
    product.send(reply(mail, "I wrote this while you were away."))
    comes_back(product)
    for page in (agent.page, customer.page):
        expect(page.locator("#timeline, #history")).to_contain_text(
            "while you were away", timeout=SLOW
        )
    answer(agent, reference, "We are back.")
    expect(customer.page.locator("#history")).to_contain_text("We are back.", timeout=SLOW)
    expect(customer.page.locator("#text")).to_have_value("and my")
    expect(agent.page.locator("[data-write=answer] textarea")).to_have_value("See you")
    stayed(customer.page)
    stayed(agent.page)
    forgive_absence(customer, agent)


def test_nothing_that_is_typed_open_or_chosen_moves(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Is the shop open on Monday?", "account")
    agent.open(reference)
    on_line(customer.page, agent.page)

    mine = customer.page
    mine.set_input_files(
        "input[type=file]", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
    )
    mine.click("#answerline a")
    expect(mine.locator("dialog.sheet")).to_be_visible()
    mine.check("#way-email")
    mine.fill("#address_email", "half@exam")
    theirs = agent.page
    theirs.click("#way summary")
    theirs.fill("[data-write=answer] textarea", "We open at")
    theirs.evaluate(
        "document.querySelector('[data-write=answer] textarea').setSelectionRange(3, 7)"
    )
    write(customer, reference, "Or Tuesday?")
    answer(agent, reference, "From ten o'clock.")

    expect(mine.locator("#history")).to_contain_text("From ten o'clock.", timeout=SLOW)
    expect(theirs.locator("#timeline")).to_contain_text("Or Tuesday?", timeout=SLOW)
    expect(mine.locator("dialog.sheet")).to_be_visible()
    expect(mine.locator("#address_email")).to_have_value("half@exam")
    expect(mine.locator("#address_email")).to_be_focused()
    expect(mine.locator(".files__list")).to_contain_text("a.txt")
    field = theirs.locator("[data-write=answer] textarea")
    expect(field).to_have_value("We open at")
    expect(field).to_be_focused()
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [3, 7]
    # The newer message was not confirmed as read: sending asks first.
    agent.may_get = {409}
    expect(theirs.locator("[data-news]")).to_be_visible()
    theirs.click("[data-send]")
    agent.see("The customer wrote while you were writing")
    assert customer.page.evaluate("window.stayed === true")


def test_who_reads_along_in_a_long_history_is_not_asked_about_it(
    customer: Customer, agent: Agent
) -> None:
    """Of a long history only its newest lines come: what came counts as read all the same."""
    reference = customer.ask("Is the shop open on Monday?", "account")
    agent.open(reference)
    on_line(customer.page, agent.page)
    for day in range(1, LINES):
        write(customer, reference, f"And on day {day}?")
    agent.see(f"And on day {LINES - 1}?", "#timeline")
    agent.answer("All week, from ten.")  # and no "the customer wrote while you were writing"
    stayed(agent.page)


def test_who_reads_above_is_told_and_not_moved(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Long story. " * 200, "account")
    on_line(page := customer.page)
    page.evaluate("window.scrollTo(0, 0)")
    answer(agent, reference, "One.")
    pill = page.locator("[data-news]")
    expect(pill).to_have_text("1 new message", timeout=SLOW)
    answer(agent, reference, "Two.")
    expect(pill).to_have_text("2 new messages", timeout=SLOW)
    expect(page.locator("#news")).to_have_text("There are 2 new messages.")
    assert page.evaluate("window.scrollY") == 0
    customer.fits()
    pill.click()
    expect(pill).to_be_hidden()
    expect(page.get_by_text("Two.")).to_be_in_viewport()


def test_queue_bell_and_state_move_by_themselves(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Is there a children's bicycle?", "account")
    agent.open(reference)
    agent.press("Assign to me", ".desk-head")
    agent.page.wait_for_load_state()
    agent.go("/admin/cases/?tab=mine")
    on_line(agent.page)
    before = agent.page.get_attribute("#bell", "aria-label")
    expect(
        agent.page.locator(f".desk-row:has-text('{reference}') .desk-row__state")
    ).to_contain_text("Needs an answer")
    write(customer, reference, "In red, please.")
    expect(agent.page.locator("#bell")).not_to_have_attribute(
        "aria-label", before or "", timeout=SLOW
    )
    answer(agent, reference, "There is.")
    row = agent.page.locator(f".desk-row:has-text('{reference}') .desk-row__state")
    expect(row).to_contain_text("Waiting for the customer", timeout=SLOW)
    stayed(agent.page)
    on_line(page := customer.page)
    agent.open(reference)
    agent.press("Done", ".desk-head")
    expect(page.locator("#state")).to_contain_text("This question is solved.", timeout=SLOW)
    stayed(page)


def test_what_stands_beside_the_history_follows(customer: Customer, agent: Agent) -> None:
    reference = customer.ask("Do you have bells?", "email", address_email="b@example.org")
    agent.open(reference)
    on_line(page := agent.page)
    page.click("#story summary")
    page.click("#customer .desk-fold:has(#customer-note) summary")
    page.fill("#customer-note", "Likes b")
    tab = agent.context.new_page()
    tab.goto(f"/admin/cases/{reference}/")
    tab.click("#case-state button:has-text('Assign to me')")
    tab.wait_for_load_state()
    me = tab.locator("#more-to").input_value()
    tab.close()
    customer.switch("account")
    expect(page.locator("#customer .desk-wish")).to_contain_text("Own page", timeout=SLOW)
    expect(page.locator("#more-to")).to_have_value(me)
    expect(page.locator("#customer-note")).to_have_value("Likes b")
    # They had folded it: a switch opens it again, and it says what is new.
    expect(page.locator("#story .desk-story__news")).to_contain_text("Now on their own page")
    assert me and page.evaluate("document.querySelector('#story').open")
    stayed(page)


@pytest.mark.parametrize(("script", "mode"), [(NO_WORKER, "stream"), (NO_STREAM, "poll")])
def test_browsers_that_can_do_less_are_told_as_well(
    new_customer: Callable[..., Customer], agent: Agent, script: str, mode: str
) -> None:
    customer = new_customer()
    customer.context.add_init_script(script)
    reference = customer.ask("Do you rent out?", "account")
    on_line(customer.page, mode=mode)
    answer(agent, reference, "By the day.")
    expect(customer.page.locator("#history")).to_contain_text("By the day.", timeout=SLOW)
    stayed(customer.page)


@pytest.mark.parametrize("script", ["", NO_WORKER])
def test_ten_tabs_of_one_browser_all_load(
    new_customer: Callable[..., Customer], agent: Agent, script: str
) -> None:
    customer = new_customer()
    if script:
        customer.context.add_init_script(script)
    reference = customer.ask("Ten tabs", "account")
    tabs = [customer.context.new_page() for _n in range(10)]
    for tab in tabs:
        tab.goto(f"/q/{reference}/", timeout=SLOW)
        tab.bring_to_front()
    on_line(tabs[-1], mode=re.compile("stream|poll"))
    answer(agent, reference, "Even with ten.")
    expect(tabs[-1].locator("#history")).to_contain_text("Even with ten.", timeout=SLOW)
    tabs[3].bring_to_front()
    expect(tabs[3].locator("#history")).to_contain_text("Even with ten.", timeout=SLOW)


@pytest.mark.parametrize("script", ["", NO_WORKER])
def test_signing_out_ends_what_is_open_in_other_tabs(
    new_customer: Callable[..., Customer], agent: Agent, product: Product, script: str
) -> None:
    customer = new_customer()
    if script:
        customer.context.add_init_script(script)
    reference = customer.ask("Nobody else may read this", "account")
    open_page = customer.page
    open_page.fill("#text", "half a sentence")
    on_line(open_page)
    other = customer.context.new_page()
    other.goto("/questions/")
    other.click("button:has-text('Forget these questions')")
    other.wait_for_url("**/")
    open_page.bring_to_front()
    expect(open_page.locator("#live-ended")).to_be_visible(timeout=SLOW)
    answer(agent, reference, "A secret.")
    open_page.wait_for_timeout(1500)
    assert "A secret." not in open_page.inner_text("#history")
    expect(open_page.locator("#text")).to_have_value("half a sentence")


def test_the_desk_ends_with_its_session(
    new_agent: Callable[[str], Agent], customer: Customer, signed_in: dict[str, StorageState]
) -> None:
    reference = customer.ask("Who is there?", "account")
    agent = new_agent("mei")
    del signed_in["mei"]  # for those who come after her
    agent.open(reference)
    on_line(agent.page)
    tab = agent.context.new_page()
    tab.goto("/admin/")
    assert (
        tab.evaluate("""async () => {
        const data = new FormData(document.querySelector('form[action$="/logout/"]'));
        return (await fetch("/admin/logout/", { method: "POST", body: data })).status;
    }""")
        == 200
    )
    agent.page.bring_to_front()
    expect(agent.page.locator("#live-ended")).to_be_visible(timeout=SLOW)
    agent.may_get = {401, 403, 404}

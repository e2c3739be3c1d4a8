"""The agents' desk in a real browser: accessible, and the comforts that need a script work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from channels_app import dispatch, opening, switching
from channels_app.models import Attempt, Delivery
from contacts import holding, services
from contacts.models import Alert, Case, Consent, Holder, Identity, Message, Organisation, User
from tests import shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = [(390, "dark"), (1280, "light")]
Visit = Callable[[str], Page]


def ask(organisation: Organisation, text: str = "Is the bicycle there?", **values: Any) -> Case:
    """Open a case as the start page does."""
    given = {"kind": "email", "address": "sam@example.org", "came_by": "account", **values}
    return opening.open_case(organisation=organisation, text=text, language="en", **given)


@pytest.fixture
def full(live_server: LiveServer) -> Case:
    """A case that shows everything a case page can show, and work of every sort around it."""
    cache.clear()
    organisation, agent = shop.make_shop(), shop.make_agent()
    older = ask(organisation, "An older question", name="Sam Sample")
    case = ask(organisation, name="Sam Sample")
    Case.objects.filter(pk=case.pk).update(may_belong_to=older)
    holding.hold(case.customer, Identity.of("phone", "020 111 22 33"), how=Holder.How.STAFF)
    Consent.objects.create(customer=case.customer, kind="letter", level=Consent.Level.NEVER)
    failed = dispatch.reply(case=case, staff=agent, text="Yes, it is.").deliveries.get()
    fail(failed, Delivery.Status.FAILED)
    unsure = dispatch.reply(
        case=case, staff=agent, text="It is blue.", kind="account", why_text="They asked"
    ).deliveries.get()
    fail(unsure, Delivery.Status.UNCERTAIN)
    services.add_note(case=case, staff=agent, text="A careful customer")
    services.file_message(
        case=case, kind="email", text="And in red?", html="<p>And in <b>red</b>?</p>"
    )
    services.file_message(case=case, kind="email", text="Hello", whole_text="Hello\n> Yes, it is.")
    services.resolve(case=older, by=agent)
    Alert.objects.create(user=agent, case=case, sort=Alert.Sort.FAILED)
    ask(organisation, "Call me", kind="phone", address="020 999 88 77", wish="soon")
    letter = ask(organisation, "Write", kind="letter", address="Kade 1\n1000 AA Stad", name="Jo")
    dispatch.reply(case=letter, staff=agent, text="Here it is in writing.")
    Case.objects.filter(pk=letter.pk).update(waiting_since="2026-01-01T00:00Z")
    case.refresh_from_db()
    return case


def fail(delivery: Delivery, status: str) -> None:
    """Let a delivery have gone wrong."""
    Delivery.objects.filter(pk=delivery.pk).update(
        status=status, reason={"code": "said", "text": "550 No such user"}, attempt_count=1
    )
    Attempt.objects.create(
        delivery=delivery, number=1, outcome="rejected", started_at=timezone.now()
    )


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer, full: Case) -> Iterator[Visit]:
    """Anna's browser: goes to an address; at the end nothing was wrong in its console."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page, faults = context.new_page(), []

    def note(line: Any) -> None:
        # Chromium reports a page with an error status (409, 422) as a fault of its own.
        if line.type == "error" and "the server responded with a status of 4" not in line.text:
            faults.append(line.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))

    def go(address: str) -> Page:
        page.goto(live_server.url + address)
        return page

    go("/admin/login/?next=/admin/cases/")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", "secret-word-7")
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/admin/cases/")
    yield go
    context.close()
    assert faults == []


def look(page: Page, name: str) -> None:
    """Axe finds nothing on the whole page, and nothing is wider than the screen."""
    page.wait_for_timeout(50)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_axe_finds_nothing(visit: Visit, full: Case, width: int, theme: str) -> None:
    page = visit("/admin/cases/")
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate("theme => localStorage.setItem('adminTheme', JSON.stringify(theme))", theme)
    for address in (
        "cases/",
        "cases/?tab=done",
        "cases/?q=nothing+fits",
        "todo/",
        "day/",
        "alerts/",
    ):
        look(visit(f"/admin/{address}"), address)
    look(visit("/admin/record/"), "record")
    look(visit("/admin/record/?q=Sample"), "record with people")
    page.click("[data-send]")
    page.wait_for_selector("#wrong")
    look(page, "record with errors")
    for delivery in Delivery.objects.to_do().select_related("channel"):
        page = visit(f"/admin/todo/{delivery.pk}/")
        look(page, "to do")
        page.click("text=I'll take it")
        page.wait_for_selector("text=Give it back")
        look(page, f"to do, taken: {delivery.channel.kind}")
        if delivery.channel.kind == "letter":
            page.click("text=Open the letter to print")
            look(page, "letter")
    page = visit(f"/admin/cases/{full.reference}/")
    look(page, "case")
    page.click("#story .desk-points-edit summary")
    look(page, "open points")
    page.fill("#points", "Daan plans the van.")
    Case.objects.filter(pk=full.pk).update(open_points="Somebody was faster.")
    page.click("#story .desk-points-edit button:has-text('Save')")
    page.wait_for_selector("text=Somebody was faster.")
    look(page, "open points, twice")
    said = services.file_message(
        case=full, kind="phone", text="It squeaks.", staff=User.objects.get(username="anna")
    )
    look(visit(f"/admin/cases/{full.reference}/confirm/{said.pk}/"), "confirmation")
    look(visit(f"/admin/record/?case={full.reference}"), "record in a case")
    page = visit(f"/admin/cases/{full.reference}/")
    page.click("[data-write=answer] textarea")
    page.click(".desk-way summary")
    look(page, "other ways")
    page.click(".desk-way .desk-menu__item:has-text('Own page')")
    page.wait_for_selector("#why")
    look(page, "another way")
    page.click(".desk-way summary")
    page.click(".desk-way .desk-menu__item:has-text('Phone')")
    page.wait_for_selector(".desk-way--refused")
    look(page, "refused")
    page.click("[data-tab=note]")
    look(page, "note")
    page.click(".desk-head details[data-menu] summary")
    look(page, "more")


def test_the_sign_in_page(browser: Browser, live_server: LiveServer, full: Case) -> None:
    page = browser.new_page()
    page.goto(f"{live_server.url}/admin/login/")
    look(page, "sign in")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("#wrong")
    look(page, "sign in, refused")


def test_a_draft_survives_a_reload_and_ends_when_it_was_sent(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.fill("[data-write=answer] textarea", "Half a thought")
    page.wait_for_timeout(400)
    page = visit("/admin/cases/")
    page = visit(f"/admin/cases/{full.reference}/")
    text = page.locator("[data-write=answer] textarea")
    expect(text).to_have_value("Half a thought")
    text.fill("Half a thought, now whole")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".desk-toast")
    expect(page.locator("[data-write=answer] textarea")).to_have_value("")
    assert full.messages.filter(text="Half a thought, now whole").count() == 1
    page = visit(f"/admin/cases/{full.reference}/")
    expect(page.locator("[data-write=answer] textarea")).to_have_value("")


def test_another_way_keeps_the_text_and_refuses_a_call(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.fill("[data-write=answer] textarea", "May I ring you up?")
    page.click(".desk-way summary")
    page.click(".desk-way .desk-menu__item:has-text('Phone')")
    page.wait_for_selector(".desk-way--refused")
    assert page.locator("#send button").count() == 0
    page.fill("#sentence", "It takes five minutes.")
    page.press("#sentence", "Enter")
    page.wait_for_selector(".desk-toast")
    assert "Waits for a word until" in page.inner_text("#way")
    assert page.input_value("[data-write=answer] textarea") == "May I ring you up?"
    assert full.messages.filter(template="proposal").get().text.endswith("It takes five minutes.")


def test_two_quick_clicks_are_one_answer(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.fill("[data-write=answer] textarea", "Only once, please")
    page.dblclick("[data-send]")
    page.wait_for_selector(".desk-toast")
    assert full.messages.filter(text="Only once, please").count() == 1


def test_what_comes_in_appears_and_a_draft_stays(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.fill("[data-write=answer] textarea", "I am writing")
    services.file_message(case=full, kind="email", text="One more thing")
    page.wait_for_selector("text=One more thing", timeout=9000)
    expect(page.locator("[data-news]")).to_be_visible()
    expect(page.locator("[data-write=answer] textarea")).to_have_value("I am writing")
    page.click("[data-news]")
    page.click("[data-send]")
    page.wait_for_selector(".desk-toast")
    assert full.messages.filter(text="I am writing", direction=Message.Direction.OUT).exists()


def test_who_did_not_read_the_newer_message_is_asked(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.fill("[data-write=answer] textarea", "I am writing")
    services.file_message(case=full, kind="email", text="Never mind")
    page.click("[data-send]")
    page.wait_for_selector("text=Send anyway")
    expect(page.locator("[data-write=answer] textarea")).to_have_value("I am writing")
    page.click("text=Send anyway")
    page.wait_for_selector(".desk-toast")
    assert full.messages.filter(text="I am writing").count() == 1


def test_the_queue_shows_a_new_case_by_itself(visit: Visit, full: Case) -> None:
    page = visit("/admin/cases/")
    ask(full.organisation, "Just arrived", address="new@example.org")
    page.wait_for_selector("text=Just arrived", timeout=9000)


def test_a_contact_is_recorded_with_the_keyboard(visit: Visit, full: Case) -> None:
    page = visit("/admin/record/")
    page.keyboard.type("Jan de Vries")
    page.wait_for_selector("input[name=into][value=new]:checked")
    expect(page.locator("#name")).to_have_value("Jan de Vries")
    page.fill("#text", "His brakes squeak.")
    page.check("input[name=kind][value=in_person]")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/confirm/**")
    assert Case.objects.latest("pk").customer.name == "Jan de Vries"


def sign_in_again(page: Page) -> None:
    """The session ended: name and password, as in the morning."""
    page.wait_for_url("**/admin/login/**")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", "secret-word-7")
    page.press("input[name=password]", "Enter")


def test_a_contact_survives_the_end_of_the_session(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/record/?case={full.reference}")
    page.fill("#q", "Jan de Vries")
    page.wait_for_selector("input[name=into][value=new]:checked")
    page.fill("#name", "Jan de Vries-Bakker")
    page.fill("#text", "His brakes squeak.")
    page.check("input[name=kind][value=letter]")
    page.fill("#post", "Kade 1\n1000 AA Stad")
    page.context.clear_cookies(name="onecase_staff")
    page.click("[data-send]")
    sign_in_again(page)
    page.wait_for_url("**/admin/record/**")
    expect(page.locator("[data-kept]")).to_be_visible()
    expect(page.locator("#text")).to_have_value("His brakes squeak.")
    expect(page.locator("#post")).to_have_value("Kade 1\n1000 AA Stad")
    expect(page.locator("#name")).to_have_value("Jan de Vries-Bakker")
    page.click("[data-send]")
    page.wait_for_url("**/confirm/**")
    case = Case.objects.latest("pk")
    assert (case.customer.name, case.title) == ("Jan de Vries-Bakker", "His brakes squeak.")
    expect(visit("/admin/record/").locator("#text")).to_have_value("")


def test_a_kept_contact_is_put_away_in_one_click(visit: Visit, full: Case) -> None:
    visit("/admin/record/").fill("#text", "Half a call")
    page = visit("/admin/cases/")
    page = visit("/admin/record/")
    expect(page.locator("#text")).to_have_value("Half a call")
    page.click("[data-start-empty]")
    expect(page.locator("#text")).to_have_value("")
    expect(visit("/admin/record/").locator("#text")).to_have_value("")


def test_the_outcome_of_a_call_survives_the_end_of_the_session(visit: Visit, full: Case) -> None:
    call = Delivery.objects.to_do().get(channel__kind="phone")
    page = visit(f"/admin/todo/{call.pk}/")
    page.click("text=I'll take it")
    page.check("input[name=outcome][value=not_reached]")
    page.fill("#note", "Nobody picked up, twice.")
    page.context.clear_cookies(name="onecase_staff")
    page.click(".desk-outcome .desk-button--primary")
    sign_in_again(page)
    page.wait_for_url(f"**/admin/todo/{call.pk}/")
    expect(page.locator("#note")).to_have_value("Nobody picked up, twice.")
    expect(page.locator("input[value=not_reached]")).to_be_checked()
    page.click(".desk-outcome .desk-button--primary")
    page.wait_for_selector(".desk-toast")
    assert page.evaluate("Object.keys(sessionStorage).length") == 0


def test_a_case_that_is_known_keeps_its_way(visit: Visit, full: Case) -> None:
    page = visit("/admin/record/")
    before = page.locator("input[name=kind][value=as_before]")
    page.fill("#q", full.reference)
    page.wait_for_selector(f"input[value='case:{full.reference}']:checked")
    expect(before).to_be_checked()
    page.click("text=A new customer")
    expect(before).not_to_be_checked()
    page.check("input[name=kind][value=email]")
    page.check(f"input[value='case:{full.reference}']")
    expect(page.locator("input[name=kind][value=email]")).to_be_checked()


def test_done_is_taken_back_in_one_click(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.click(".desk-head button:has-text('Done')")
    page.click(".desk-toast button:has-text('Undo')")
    page.wait_for_url(f"**/admin/cases/{full.reference}/")
    full.refresh_from_db()
    assert full.state == Case.State.OPEN
    assert User.objects.filter(username="anna").exists()


def test_the_card_says_what_is_new_since_one_looked(visit: Visit, full: Case) -> None:
    """It stands open for who never saw the case, and after a switch; else as it was left."""
    page = visit(f"/admin/cases/{full.reference}/")
    card, news = page.locator("#story"), page.locator("#story [data-news-seq]")
    expect(card).to_have_attribute("open", "")
    page.click("#story > summary")
    page.reload()
    expect(card).not_to_have_attribute("open", "")
    switching.switch(case=Case.objects.get(pk=full.pk), kind="account")
    page.reload()
    expect(card).to_have_attribute("open", "")
    expect(news).to_contain_text("Now on their own page instead of e-mail")
    expect(page.locator("#handed")).to_contain_text("Now on their own page")
    page.reload()
    expect(news).to_be_hidden()
    expect(page.locator("#handed")).to_be_hidden()

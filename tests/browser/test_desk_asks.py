"""The desk's pages that ask, explain or bring back, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Case
from tests.browser import test_desk_axe
from tests.browser.test_desk_axe import Visit, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
full, visit = test_desk_axe.full, test_desk_axe.visit


def at(page: Page, width: int, theme: str) -> None:
    """On a screen of that width, light or dark."""
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate("theme => localStorage.setItem('adminTheme', JSON.stringify(theme))", theme)


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_axe_finds_nothing_on_pages_that_ask(
    visit: Visit, full: Case, width: int, theme: str
) -> None:
    other = test_desk_axe.ask(full.organisation, "Of somebody else", address="eve@example.org")
    at(visit("/admin/"), width, theme)
    page = visit(f"/admin/cases/{full.reference}/")
    page.fill("[data-write=answer] textarea", "Half a thought")
    page.click(".desk-head .desk-menu summary")
    page.fill("#more-into", other.reference)
    page.press("#more-into", "Enter")
    page.wait_for_selector(".desk-ask")
    look(page, "join two customers")
    look(visit("/admin/cases/ZZZ-ZZZ/"), "not found")
    page = visit(f"/admin/cases/{full.reference}/")
    page.context.clear_cookies(name="csrftoken")
    page.click("[data-send]")
    page.wait_for_selector("#kept")
    look(page, "stale form")
    page.get_by_role("link", name="Load the page again").click()
    expect(page.locator("[data-write=answer] textarea")).to_have_value("Half a thought")
    page = visit("/admin/record/")
    page.fill("#text", "Half a call")
    page = visit("/admin/record/")
    expect(page.locator("[data-kept]")).to_be_visible()
    look(page, "a contact that was kept")


def test_a_line_that_was_pointed_at_goes_as_well(visit: Visit, full: Case) -> None:
    page = visit(f"/admin/cases/{full.reference}/")
    page.clock.install()
    page.fill("[data-write=answer] textarea", "It is blue.")
    page.click("[data-send]")
    told = page.locator(".desk-toast")
    expect(told).to_be_visible()
    button = page.locator("[data-send]").bounding_box()
    box = told.bounding_box()
    assert box and button and box["y"] + box["height"] < button["y"]  # not on what is pressed next
    told.hover()
    page.clock.fast_forward("00:30")
    expect(told).to_be_visible()
    page.mouse.move(5, 400)
    page.clock.fast_forward("00:30")
    expect(told).to_have_count(0)

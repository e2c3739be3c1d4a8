"""On a narrow screen the composer is folded until it is used, and no press on it is lost."""

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Case
from tests.browser import test_desk_axe
from tests.browser.test_desk_axe import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
full, visit = test_desk_axe.full, test_desk_axe.visit
TEXT, FOOT = "[data-write=answer] textarea", "[data-write=answer] .desk-write__foot"


def narrow(visit: Visit, case: Case) -> Page:
    """The case as the demo's frame, or a telephone, shows it."""
    page = visit(f"/admin/cases/{case.reference}/")
    page.set_viewport_size({"width": 480, "height": 760})
    page.reload()
    expect(page.locator(FOOT)).to_be_hidden()
    return page


def test_the_first_press_opens_the_menu(visit: Visit, full: Case) -> None:
    page = narrow(visit, full)
    page.click("#way summary")
    expect(page.locator("#way button[name=to][value=account]")).to_be_visible()
    page.click("#way button[name=to][value=account]")
    expect(page.locator("#why")).to_be_focused()


def test_the_first_press_changes_to_a_note(visit: Visit, full: Case) -> None:
    page = narrow(visit, full)
    page.click("[data-tab=note]")
    expect(page.locator("[data-write=note] textarea")).to_be_focused()


def test_a_file_can_come_before_the_words(visit: Visit, full: Case) -> None:
    page = narrow(visit, full)
    page.click(TEXT)
    expect(page.locator(FOOT)).to_be_visible()
    with page.expect_file_chooser() as asked:
        page.click("[data-write=answer] .desk-attach")
    asked.value.set_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"x"})
    page.click(".desk-head__title")
    expect(page.locator("[data-write=answer] [data-file-names]")).to_have_text("plan.txt")
    expect(page.locator(FOOT)).to_be_visible()


def test_it_folds_when_one_reads_on(visit: Visit, full: Case) -> None:
    page = narrow(visit, full)
    page.click(TEXT)
    expect(page.locator(FOOT)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("[data-write=answer] [data-files]")).to_be_focused()
    expect(page.locator(FOOT)).to_be_visible()
    page.click(".desk-head__title")
    expect(page.locator(FOOT)).to_be_hidden()

"""The preview below an answer follows what is written, the way and the files, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from channels_app.models import Channel
from contacts.models import Case
from tests.browser import test_desk_axe
from tests.browser.test_desk_axe import Visit, ask, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
full, visit = test_desk_axe.full, test_desk_axe.visit
TEXT, SHOWN = "[data-write=answer] textarea", "#preview"


def sms(full: Case) -> Case:
    """A case that is answered by SMS."""
    values = {"slug": "sms", "name": "SMS", "address": "+3197000000", "position": 9}
    Channel.objects.create(organisation=full.organisation, kind="sms", provider="twilio", **values)
    return ask(full.organisation, kind="sms", address="+31612345678")


def open_case(visit: Visit, case: Case) -> Page:
    return visit(f"/admin/cases/{case.reference}/")


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_it_follows(visit: Visit, full: Case, tmp_path: Path, width: int, theme: str) -> None:
    case = sms(full)
    page = open_case(visit, case)
    page.evaluate("theme => localStorage.setItem('adminTheme', JSON.stringify(theme))", theme)
    page.set_viewport_size({"width": width, "height": 844})
    page = open_case(visit, case)
    page.locator(TEXT).press_sequentially("Yes, it is.", delay=5)
    shown = page.locator(SHOWN)
    expect(shown).to_contain_text("1 SMS · 133 characters left")
    expect(page.locator(TEXT)).to_be_focused()
    picked = tmp_path / "photo.png"
    picked.write_bytes(b"\x89PNG")
    page.set_input_files("[data-write=answer] [data-files]", str(picked))
    expect(shown).to_contain_text("1 file becomes a link to their page.")
    expect(shown).to_contain_text("1 file is here: http")
    look(page, "a preview")
    page.screenshot(path=str(tmp_path / "preview.png"))
    page.fill(TEXT, "a" * 470)
    expect(shown).to_contain_text("Too long for SMS")
    page = open_case(visit, case)  # the draft is there again, and so is what it makes
    expect(page.locator(SHOWN)).to_contain_text("Too long for SMS")
    page.click(".desk-way__other summary")
    page.click(".desk-way__other button[value=account]")
    expect(page.locator("#why")).to_be_visible()
    expect(page.locator(SHOWN)).to_be_empty()


def test_each_way_is_looked_at_before_one_is_picked(visit: Visit, full: Case) -> None:
    case = sms(full)
    page = open_case(visit, case)
    page.fill(TEXT, "Yes, it is.")
    expect(page.locator(SHOWN)).to_contain_text("1 SMS")
    page.click("#way summary")
    page.click("#way button[name=look][value=account]")
    expect(page.locator(SHOWN)).to_contain_text("Goes on their own page")
    expect(page.locator(SHOWN)).to_contain_text("Yes, it is.")
    expect(page.locator(SHOWN)).not_to_contain_text("SMS ·")
    look(page, "a look at another way")
    expect(page.locator("#way summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.click("#way button[name=look][value=email]")
    expect(page.locator(f"{SHOWN} .desk-preview__way--refused")).to_be_visible()
    expect(page.locator("#way button[name=look][value=email]")).to_be_hidden()
    expect(page.locator("#way [name=kind]")).to_have_value("")
    page.locator(TEXT).press_sequentially(" Really.")  # back to the way that it goes
    expect(page.locator(SHOWN)).to_contain_text("1 SMS")


def test_a_look_right_after_the_last_word_stays(visit: Visit, full: Case) -> None:
    page = open_case(visit, full)
    page.click("#way summary")
    page.fill(TEXT, "Yes, it is.")
    page.click("#way button[name=look][value=account]")
    expect(page.locator(SHOWN)).to_contain_text("Yes, it is.")
    page.wait_for_timeout(600)
    expect(page.locator(SHOWN)).to_contain_text("Yes, it is.")


def test_nothing_is_asked_where_it_goes_as_it_was_written(visit: Visit, full: Case) -> None:
    page, asked = open_case(visit, full), []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(TEXT).press_sequentially("Yes, it is.", delay=5)
    page.wait_for_timeout(700)
    assert not [url for url in asked if url.endswith("/preview/")]

"""What is the same on every page: number, foot, language, brand, errors and stale forms."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from channels_app.models import Channel
from contacts.models import Case, Organisation
from portal import access, colours
from portal import urls as portal_urls
from portal.site import brand, errors
from tests.site.conftest import Ask, posted

STATIC = Path(__file__).resolve().parent.parent.parent / "portal" / "static" / "portal"


def fails(request: HttpRequest) -> HttpResponse:
    """A view with a fault."""
    raise ZeroDivisionError


def refuses(request: HttpRequest) -> HttpResponse:
    """A view that gets nonsense."""
    raise SuspiciousOperation("nonsense")


urlpatterns = [path("fails/", fails), path("refuses/", refuses), *portal_urls.urlpatterns]
handler400, handler403 = portal_urls.handler400, portal_urls.handler403
handler404, handler500 = portal_urls.handler404, portal_urls.handler500


def test_every_page_has_number_foot_and_all_ways(client: Client, ask: Ask) -> None:
    case = ask(client)
    pages = ["/", "/ways/", "/sign-in/", "/questions/", "/c/xx/", "/nowhere/", "/q/ZZZ-ZZZ/"]
    pages += [f"/q/{case.reference}/{name}" for name in ("", "switch/", "keep/")]
    for address in pages:
        page = client.get(address).content.decode()
        assert 'href="tel:+31201234567"' in page, address
        assert "All ways to reach us" in page and 'href="/ways/"' in page, address


def test_the_strict_policy_holds_and_no_page_has_inline_script_or_style(
    client: Client, ask: Ask
) -> None:
    case = ask(client)
    pages = ["/", "/ways/", "/sign-in/", "/questions/", "/c/xx/", "/nowhere/"]
    pages += [f"/q/{case.reference}/{name}" for name in ("", "switch/", "keep/", "news/")]
    for address in pages:
        response = client.get(address)
        policy, page = response["Content-Security-Policy"], response.content.decode()
        assert "script-src 'self'" in policy and "unsafe" not in policy, address
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page), address


def test_all_ways_to_reach_us(client: Client, organisation: Organisation) -> None:
    page = client.get("/ways/").content.decode()
    for words in ("020 123 4567", "help@mail.example.org", "North Street 1", "South Street 1"):
        assert words in page
    Channel.objects.filter(kind="phone").update(is_offered=False)
    assert page.count("reach__do") == client.get("/ways/").content.decode().count("reach__do")


def test_the_state_of_the_phone_is_told(client: Client, organisation: Organisation) -> None:
    def bar() -> str:
        return client.get("/").content.decode().split('class="callbar')[1].split("</a>")[0]

    Channel.objects.filter(kind="phone").update(weekly_hours={"mon": [["09:00", "09:01"]]})
    assert "opens" in bar() or "open until" in bar()
    Channel.objects.filter(kind="phone").update(weekly_hours={})
    assert "opens" not in bar()


def test_the_number_is_the_first_link_of_a_page(client: Client, organisation: Organisation) -> None:
    """R5; also for who goes by the keyboard, or hears the page."""
    _skip, first = re.findall(r'<a [^>]*href="([^"]+)"', client.get("/").content.decode())[:2]
    assert first == "tel:+31201234567"


def test_the_language_is_changed_by_a_button_and_no_case_changes(client: Client, ask: Ask) -> None:
    case = ask(client)
    here = f"/q/{case.reference}/"
    response = client.post("/language/", {"language": "nl", "next": here})
    assert response["Location"] == here
    assert '<html lang="nl">' in client.get(here).content.decode()
    case.refresh_from_db()
    assert case.language == "en"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_the_language_button_leads_nowhere_else(
    client: Client, organisation: Organisation, target: str
) -> None:
    assert client.post("/language/", {"language": "nl", "next": target})["Location"] == "/"
    assert client.post("/language/", {"language": "xx"}).cookies.get("django_language") is None


@pytest.mark.parametrize(
    "colour", ["#1d4ed8", "#ffff00", "#000000", "#ffffff", "#808080", "#ff0000", "#0f766e"]
)
def test_the_brand_is_readable_whatever_was_chosen(colour: str) -> None:
    for theme, ground in ((brand.light(colour), "#ffffff"), (brand.dark(colour), brand.DARK)):
        assert colours.contrast(theme["brand"], ground) >= 4.5
        assert colours.contrast(theme["brand"], theme["brand-tint"]) >= 4.5
        assert colours.contrast(theme["on-brand"], theme["brand"]) >= 4.5
        assert colours.contrast(theme["on-brand"], theme["brand-strong"]) >= 4.5


def test_the_colours_of_kinds_are_readable() -> None:
    """ux.md: light on white at least 4.5, dark on #13171f at least 7; each kind has both."""
    sheet = (STATIC / "site.css").read_text()
    found = re.findall(r"\.kind-(\w+) \{ --kind: (#[0-9a-f]{6}); \}", sheet)
    names = [name for name, _colour in found]
    assert len(names) == 24 and len(set(names)) == 12
    for name, colour in found[:12]:
        assert colours.contrast(colour, "#ffffff") >= 4.5, name
    for name, colour in found[12:]:
        assert colours.contrast(colour, "#13171f") >= 7, name


def test_the_brand_sheet_is_kept_under_its_version(
    client: Client, organisation: Organisation
) -> None:
    page = client.get("/").content.decode()
    address = page.split('href="/brand.css?')[1].split('"')[0]
    response = client.get(f"/brand.css?{address}")
    assert response["Content-Type"].startswith("text/css")
    assert "immutable" in response["Cache-Control"] and "#1d4ed8" in response.content.decode()
    assert "immutable" not in client.get("/brand.css")["Cache-Control"]
    same = client.get("/brand.css", headers={"If-None-Match": response["ETag"]})
    assert same.status_code == 304
    Organisation.objects.update(brand_colour="#0f766e")
    assert "#0f766e" in client.get("/brand.css").content.decode()
    assert address not in client.get("/").content.decode()


def test_the_mark_in_the_tab(client: Client, organisation: Organisation) -> None:
    Organisation.objects.update(name="<b>Shop")
    icon = client.get("/icon.svg")
    assert icon["Content-Type"] == "image/svg+xml" and ">B</text>" in icon.content.decode()
    assert client.get("/logo").status_code == 404


@override_settings(ROOT_URLCONF="tests.site.test_pages")
def test_errors_carry_the_number(client: Client, organisation: Organisation) -> None:
    client.raise_request_exception = False
    for address, status in (("/fails/", 500), ("/refuses/", 400), ("/nowhere/", 404)):
        response = client.get(address)
        assert response.status_code == status
        assert "020 123 4567" in response.content.decode()


def test_a_broken_database_still_gets_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(errors, "_page", down)
    response = errors.broken(RequestFactory().get("/"))
    assert response.status_code == 500 and "Something went wrong" in response.content.decode()


def strict() -> Client:
    return Client(enforce_csrf_checks=True)


def test_a_stale_start_page_keeps_everything_typed(organisation: Organisation) -> None:
    response = strict().post("/", posted(name="Sam Example", topic="repair"))
    page = response.content.decode()
    assert response.status_code == 403
    for words in ("Is the blue bicycle", "sam@example.org", "Sam Example", "open for a long time"):
        assert words in page
    assert 'value="repair" checked' in page and 'value="email" checked' in page
    assert not Case.objects.exists()


def test_a_stale_form_is_sent_by_pressing_the_button_once_more(
    organisation: Organisation,
) -> None:
    browser = strict()
    page = browser.post("/", posted()).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert browser.post("/", posted(csrfmiddlewaretoken=token)).status_code == 302


def test_a_stale_composer_keeps_the_draft(ask: Ask) -> None:
    browser = strict()
    page = browser.post("/", posted()).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    address = browser.post("/", posted(csrfmiddlewaretoken=token))["Location"]
    response = browser.post(address, {"text": "My long addition"})
    page = response.content.decode()
    assert response.status_code == 403 and "My long addition</textarea>" in page
    foreign = strict().post(address, {"text": "My long addition"})
    assert foreign.status_code == 403 and "bicycle" not in foreign.content.decode()
    assert "My long addition" in foreign.content.decode()


def test_a_stale_button_explains_itself(organisation: Organisation) -> None:
    response = strict().post("/sign-out/")
    assert response.status_code == 403 and "Please try once more" in response.content.decode()


def test_the_address_of_a_browser_behind_a_proxy(settings: object) -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.1, 203.0.113.2"})
    assert access.client_address(request) == "127.0.0.1"
    settings.TRUSTED_PROXIES = 1  # type: ignore[attr-defined]
    assert access.client_address(request) == "203.0.113.2"


def test_a_stale_switch_keeps_the_row_and_the_address(ask: Ask) -> None:
    browser = strict()
    page = browser.post("/", posted()).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    address = browser.post("/", posted(csrfmiddlewaretoken=token))["Location"]
    response = browser.post(f"{address}switch/", {"way": "phone", "address_phone": "0201234567"})
    page = response.content.decode()
    assert response.status_code == 403 and "open for a long time" in page
    assert 'value="phone" checked' in page and 'value="0201234567"' in page
    foreign = strict().post(f"{address}switch/", {"way": "phone"})
    assert foreign.status_code == 403 and "bicycle" not in foreign.content.decode()


def test_a_stale_form_of_one_field_shows_what_was_typed(organisation: Organisation) -> None:
    response = strict().post("/sign-in/", {"email": "sam@example.org"})
    assert response.status_code == 403 and "sam@example.org</textarea>" in response.content.decode()


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/q/K7Q-4MP/switch/undo/", "/q/K7Q-4MP/"),
        ("/q/K7Q-4MP/solved/", "/q/K7Q-4MP/"),
        ("/sign-out/", "/"),
        ("/preferences/addresses/7/remove/", "/preferences/"),
    ],
)
def test_the_address_of_a_button_leads_back_to_its_page(
    client: Client, organisation: Organisation, path: str, goes: str
) -> None:
    response = client.get(path)
    assert response.status_code == 405 and response["Allow"] == "POST"
    page = response.content.decode()
    assert "It belongs to a button" in page and f'class="button" href="{goes}"' in page

"""The site as an app: manifest, pictures, service worker and the page without a connection."""

import io
import json
import re
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from contacts.models import Organisation
from portal.site import home_icons, installed
from tests.site.conftest import Ask


def picture(client: Client, address: str) -> Image.Image:
    """What stands at an address, as a browser opens it."""
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    return Image.open(io.BytesIO(response.content))


def worker(client: Client) -> dict[str, Any]:
    """What the service worker was given."""
    script = client.get("/service-worker.js").content.decode()
    found = re.search(r"^const APP = (.*);$", script, re.MULTILINE)
    assert found
    answer: dict[str, Any] = json.loads(found[1])
    return answer


def test_the_manifest_says_how_it_stands_on_a_home_screen(
    client: Client, organisation: Organisation
) -> None:
    Organisation.objects.update(name="The Bicycle House", brand_colour="#0f766e")
    page = client.get("/").content.decode()
    found = re.search(r'<link rel="manifest" href="([^"]+)">', page)
    assert found
    response = client.get(found[1].replace("&amp;", "&"))
    assert response["Content-Type"] == "application/manifest+json"
    said = response.json()
    assert said["name"] == "The Bicycle House" and said["short_name"] == "The Bicycle"
    assert (said["display"], said["start_url"], said["scope"]) == ("standalone", "/", "/")
    assert said["theme_color"] == "#0f766e" and said["lang"] == "en"
    sizes = []
    for icon in said["icons"]:
        image = picture(client, icon["src"])
        assert icon["sizes"] == f"{image.width}x{image.height}"
        sizes.append((image.width, icon["purpose"]))
    assert sizes == [(192, "any"), (512, "any"), (512, "maskable")]


def test_the_manifest_speaks_the_language_of_its_link(
    client: Client, organisation: Organisation
) -> None:
    dutch = client.get("/manifest.webmanifest?lang=nl").json()
    assert dutch["lang"] == "nl"
    assert "Mijn vragen" in [one["name"] for one in dutch["shortcuts"]]
    assert client.get("/manifest.webmanifest?lang=zz").json()["lang"] == "en"


@pytest.mark.parametrize(
    ("name", "short"),
    [("Onecase", "Onecase"), ("Bicycle House of the North", "Bicycle"), ("A" * 40, "A" * 40)],
)
def test_the_name_below_an_icon(name: str, short: str) -> None:
    assert installed.short(name) == short


def test_the_letter_stands_on_the_colour(client: Client, organisation: Organisation) -> None:
    Organisation.objects.update(brand_colour="#0f766e")
    image = picture(client, "/icon-maskable.png").convert("RGB")
    assert image.getpixel((5, 5)) == (15, 118, 110)
    colours = {image.getpixel((x, 256)) for x in range(180, 330)}
    assert (255, 255, 255) in colours
    assert picture(client, "/icon-192.png").convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert client.get("/icon-999.png").status_code == 404


@pytest.mark.parametrize(
    ("name", "letter"), [("élan", "E"), ("2 Wheels", "2"), ("自転車", ""), ("…", "")]
)
def test_a_name_that_the_font_cannot_write(name: str, letter: str) -> None:
    organisation = Organisation(name=name)
    assert home_icons.letter(organisation) == letter
    assert home_icons.draw(organisation, home_icons.SHAPES["apple"])


def test_the_logo_is_the_picture_and_a_broken_one_is_not(
    client: Client, organisation: Organisation
) -> None:
    written = io.BytesIO()
    Image.new("RGB", (400, 100), "#ff0000").save(written, "PNG")
    organisation.logo.save("logo.png", ContentFile(written.getvalue()))
    image = picture(client, "/icon-apple.png").convert("RGB")
    assert image.getpixel((90, 90)) == (255, 0, 0) and image.getpixel((90, 20)) == (255, 255, 255)
    organisation.logo.save("other.png", ContentFile(b"no picture"))
    assert picture(client, "/icon-apple.png").convert("RGB").getpixel((5, 5)) == (29, 78, 216)


def test_pictures_are_kept_under_their_version(client: Client, organisation: Organisation) -> None:
    address = client.get("/manifest.webmanifest").json()["icons"][0]["src"]
    assert "max-age=31536000" in client.get(address)["Cache-Control"]
    assert "max-age=3600" in client.get("/icon-192.png?v=other")["Cache-Control"]
    before = client.get(address).content
    Organisation.objects.update(brand_colour="#7c3aed")
    after = client.get("/manifest.webmanifest").json()["icons"][0]["src"]
    assert after != address and client.get(after).content != before


def test_the_service_worker_stands_at_the_root_and_is_asked_for_anew(
    client: Client, organisation: Organisation
) -> None:
    response = client.get("/service-worker.js")
    assert response["Content-Type"].startswith("text/javascript")
    assert response["Service-Worker-Allowed"] == "/" and "no-cache" in response["Cache-Control"]
    same = client.get("/service-worker.js", headers={"If-None-Match": response["ETag"]})
    assert same.status_code == 304
    Organisation.objects.update(phone="+31207654321")  # it stands on the page without a connection
    other = client.get("/service-worker.js", headers={"If-None-Match": response["ETag"]})
    assert other.status_code == 200


def test_what_the_worker_keeps_is_public_and_the_same_for_everybody(
    client: Client, ask: Ask, organisation: Organisation
) -> None:
    ask(client)  # a browser with a session, a case and a name
    app, other = worker(client), Client()
    assert app == worker(other)
    assert sorted(app["pages"]) == ["en", "nl"]
    for address in [*app["pages"].values(), *app["kept"]]:
        if not address.startswith("/static/"):
            assert client.get(address).content == other.get(address).content, address
            assert not client.get(address).cookies, address


def test_the_page_without_a_connection_has_the_number_in_both_languages(
    client: Client, organisation: Organisation
) -> None:
    for language, words in (("en", "Try again"), ("nl", "Probeer opnieuw")):
        page = client.get(f"/offline/{language}/").content.decode()
        assert f'<html lang="{language}">' in page and words in page
        assert 'href="tel:+31201234567"' in page and "020 123 4567" in page
        assert "csrf" not in page
    assert client.get("/offline/zz/").status_code == 404

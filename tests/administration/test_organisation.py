"""The organisation's page: good input, bad input, the logo and the colour."""

import html
import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from contacts.models import Customer, Organisation
from portal.desk.organisation import MAX_LOGO_BYTES

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def form(**changes: Any) -> dict[str, Any]:
    """A good form, with changes."""
    return {
        "name": "Test Shop",
        "brand_colour": "#1d4ed8",
        "phone": "020 123 45 67",
        "address": "Street 1\n1000 AA Town",
        "languages": ["en", "nl"],
        "time_zone": "Europe/Amsterdam",
        "welcome_0": "Hello",
        "welcome_1": "Hallo",
        "privacy_url": "https://example.org/privacy",
        **changes,
    }


def send(desk: Client, **changes: Any) -> Any:
    """Save the form."""
    return desk.post(reverse("admin:organisation"), form(**changes))


def picture(form: str = "PNG", size: tuple[int, int] = (80, 40)) -> bytes:
    """A real picture."""
    target = io.BytesIO()
    Image.new("RGB", size, "#0f766e").save(target, format=form)
    return target.getvalue()


def upload(content: bytes, name: str = "logo.png", type_: str = "image/png") -> SimpleUploadedFile:
    """A file as a browser sends it."""
    return SimpleUploadedFile(name, content, content_type=type_)


def test_the_first_save_makes_the_organisation_and_a_log_line(desk: Client) -> None:
    assert send(desk).status_code == 302
    row = Organisation.objects.get()
    assert (row.name, row.phone, row.languages) == ("Test Shop", "+31201234567", ["en", "nl"])
    assert row.welcome.data == {"en": "Hello", "nl": "Hallo"}
    assert LogEntry.objects.get().action_flag == ADDITION
    send(desk, name="New Name")
    assert Organisation.objects.get().name == "New Name"
    newest = LogEntry.objects.first()
    assert newest is not None and newest.action_flag == CHANGE
    assert "New Name" not in newest.change_message  # which field, never the value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
        ({"phone": "call us"}, "A phone number has only digits"),
        ({"phone": "12"}, "This phone number is not complete."),
        ({"brand_colour": "red"}, "Write a colour like #1d4ed8."),
        ({"brand_colour": "#12345g"}, "Write a colour like #1d4ed8."),
        ({"brand_colour": ""}, "This field is required."),
        ({"languages": []}, "Choose at least one language."),
        ({"languages": ["xx"]}, "Select a valid choice."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice."),
        ({"privacy_url": "javascript:alert(1)"}, "Enter a valid URL."),
        ({"welcome_0": "x" * 501}, "at most 500 characters"),
    ],
)
def test_bad_input_is_said_and_nothing_is_saved(
    desk: Client, changes: dict[str, Any], words: str
) -> None:
    response = send(desk, **{"address": "Kept street 9", **changes})
    assert response.status_code == 422
    page = response.content.decode()
    assert words in page
    assert "Kept street 9" in page  # what was typed stays
    assert not Organisation.objects.exists()


def test_a_pale_colour_is_refused_with_the_darker_shade(desk: Client) -> None:
    page = send(desk, brand_colour="#FFCC00").content.decode()
    assert "the contrast is 1.5, it must be at least 4.5" in page
    assert 'data-take-colour="#8f7200"' in page
    assert send(desk, brand_colour="#8f7200").status_code == 302


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_a_picture_is_drawn_anew_under_a_name_of_ours(desk: Client, kind: str, ending: str) -> None:
    hidden = picture(kind) + b"<script>alert(1)</script>"
    assert send(desk, logo=upload(hidden, "../../x.html", "text/html")).status_code == 302
    logo = Organisation.objects.get().logo
    assert logo.name and logo.name.startswith("logo/") and logo.name.endswith(f".{ending}")
    assert b"script" not in logo.read()
    preview = desk.get(reverse("admin:organisation")).content.decode()
    assert f'src="{reverse("site:logo")}?v=' in preview
    shown = desk.get(reverse("site:logo"))
    assert shown["Content-Type"] == f"image/{'jpeg' if ending == 'jpg' else ending}"
    assert shown["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (SVG, "logo.svg", "Choose a PNG, JPEG or WebP picture."),
        (SVG, "logo.png", "Choose a PNG, JPEG or WebP picture."),
        (b"no picture", "logo.png", "Choose a PNG, JPEG or WebP picture."),
        (picture("GIF"), "logo.png", "Choose a PNG, JPEG or WebP picture."),
        (picture()[:60], "logo.png", "Choose a PNG, JPEG or WebP picture."),
        (picture(size=(2001, 10)), "logo.png", "at most 2000 pixels"),
        (b"\x89PNG" + b"x" * MAX_LOGO_BYTES, "logo.png", "The logo can be at most 1.0"),
        (b"", "logo.png", "The submitted file is empty."),
    ],
    ids=["svg", "svg as png", "text", "gif", "cut off", "wide", "large", "empty"],
)
def test_what_is_no_picture_is_refused(desk: Client, content: bytes, name: str, words: str) -> None:
    response = send(desk, logo=upload(content, name))
    assert words in response.content.decode().replace("\xa0", " ")
    assert not Organisation.objects.exists()


def test_the_old_logo_goes_with_the_new_and_the_name_comes_back(
    desk: Client, tmp_path: Path
) -> None:
    send(desk, logo=upload(picture()))
    send(desk, logo=upload(picture("JPEG")))
    assert [file.suffix for file in (tmp_path / "logo").iterdir()] == [".jpg"]
    send(desk)  # another save keeps it
    assert Organisation.objects.get().logo
    send(desk, remove_logo="on")
    assert not Organisation.objects.get().logo
    assert not list((tmp_path / "logo").iterdir())


def test_text_is_escaped(desk: Client) -> None:
    send(desk, name="<script>alert(1)</script>", welcome_0='"><img src=x onerror=alert(1)>')
    page = desk.get(reverse("admin:organisation")).content.decode()
    assert "<script>alert(1)" not in page and "<img src=x" not in page


def test_customers_are_asked_afterwards_or_not(shop: Organisation, desk: Client) -> None:
    for given, asks in (({"asks_outcome": "on"}, True), ({}, False)):
        assert send(desk, **given).status_code == 302
        shop.refresh_from_db()
        assert shop.asks_outcome is asks
    assert (
        "Ask customers afterwards how it was"
        in desk.get(reverse("admin:organisation")).content.decode()
    )


def test_age_groups_are_off_and_switching_them_off_erases_them(
    shop: Organisation, desk: Client
) -> None:
    assert not shop.uses_age_band
    page = html.unescape(desk.get(reverse("admin:organisation")).content.decode())
    assert "It is never guessed" in page and "what they told is erased at once" in page
    assert send(desk, uses_age_band="on").status_code == 302
    sam = Customer.objects.create(name="Sam", age_band="55+")
    assert send(desk, uses_age_band="on").status_code == 302
    sam.refresh_from_db()
    assert sam.age_band == "55+"
    assert send(desk).status_code == 302
    sam.refresh_from_db()
    shop.refresh_from_db()
    assert sam.age_band == "" and not shop.uses_age_band

"""The pages that may show the widget: what is taken, what is refused and why, what is copied."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from contacts.models import Organisation
from portal.desk.origins import MOST, origin_of
from tests.administration.test_organisation import send


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://www.example.org", "https://www.example.org"),
        (" HTTPS://WWW.Example.org/ ", "https://www.example.org"),
        ("https://www.example.org:443", "https://www.example.org"),
        ("https://www.example.org:8443", "https://www.example.org:8443"),
        ("https://müller.example", "https://xn--mller-kva.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(typed: str, kept: str) -> None:
    assert origin_of(typed) == kept


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("www.example.org", "no address like"),
        ("*", "no address like"),
        ("https://*.example.org", "no address like"),
        ("https://example.org'; script-src *", "no address like"),
        ("https://example.org;x", "no address like"),
        ("https://example.org https://evil.example", "no address like"),
        ("https://example", "no address like"),
        ("https://", "no address like"),
        ("https://www.example.org:port", "no address like"),
        ("https://[www.example.org", "no address like"),
        ("data:text/html,x", "no address like"),
        ("ftp://www.example.org", "no address like"),
        ("https://www.example.org/contact", "Only the beginning"),
        ("https://www.example.org?x=1", "Only the beginning"),
        ("https://sam:secret@www.example.org", "Only the beginning"),
        ("http://www.example.org", "must begin with https://"),
    ],
)
def test_what_is_no_origin_is_refused_with_the_reason(typed: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        origin_of(typed)
    assert why in refused.value.messages[0]
    assert "secret" not in refused.value.messages[0]


def test_outside_the_demo_this_machine_is_no_page_of_the_widget(settings: object) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    with pytest.raises(ValidationError):
        origin_of("http://localhost:8000")
    assert origin_of("https://www.example.org") == "https://www.example.org"


def test_an_administrator_says_which_pages_and_copies_the_tag(desk: Client) -> None:
    lines = (
        "https://www.example.org/\r\n\r\nhttps://shop.example.org:8443\r\nhttps://www.example.org"
    )
    assert send(desk, widget_origins=lines).status_code == 302
    row = Organisation.objects.get()
    assert row.widget_origins == ["https://www.example.org", "https://shop.example.org:8443"]
    page = desk.get(reverse("admin:organisation")).content.decode()
    assert "&lt;script src=&quot;http://testserver/widget.js&quot; async&gt;&lt;/script&gt;" in page
    assert "script-src http://testserver; frame-src http://testserver" in page
    assert "https://www.example.org\nhttps://shop.example.org:8443</textarea>" in page
    assert Client().get("/widget.js").status_code == 200
    # And off again.
    assert send(desk, widget_origins="").status_code == 302
    assert Client().get("/widget.js").status_code == 404
    assert "widget.js" not in desk.get(reverse("admin:organisation")).content.decode()


def test_each_wrong_line_is_said_and_what_was_typed_stays(desk: Client) -> None:
    response = send(desk, widget_origins="http://www.example.org\nhttps://good.example.org\nshop")
    page = response.content.decode()
    assert response.status_code == 422 and not Organisation.objects.exists()
    assert "http://www.example.org must begin with https://." in page
    assert "shop is no address like https://www.example.org." in page
    assert "https://good.example.org\nshop</textarea>" in page


def test_there_is_an_end_to_the_list(desk: Client) -> None:
    lines = "\n".join(f"https://s{number}.example.org" for number in range(MOST + 1))
    response = send(desk, widget_origins=lines)
    assert response.status_code == 422 and "At most 20 lines." in response.content.decode()

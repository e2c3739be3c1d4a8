"""The shop's own site of the demo: at another origin than the portal, with the widget on it."""

from typing import Any

import pytest
from django.test import Client

from contacts.models import Organisation
from portal.simulator import storefront
from tests import shop

HERE, THERE = "localhost:8000", "127.0.0.1:8000"


@pytest.fixture(autouse=True)
def organisation(db: None, settings: Any) -> Organisation:
    """A shop whose own site, of another day's port, may show the widget."""
    settings.PUBLIC_URL = f"http://{HERE}"
    made = shop.make_shop()
    made.widget_origins = ["https://www.example.org", "http://127.0.0.1:9999"]
    made.save()
    return made


def test_it_stands_at_the_machines_other_name_alone() -> None:
    moved = Client().get("/demo/shop/en/", headers={"Host": HERE})
    assert moved["Location"] == f"http://{THERE}/demo/shop/en/"
    page = Client().get("/demo/shop/en/", headers={"Host": THERE})
    assert f'<script src="http://{HERE}/widget.js" async></script>' in page.content.decode()
    assert page["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'self'; script-src http://{HERE}; frame-src http://{HERE}"
    )


def test_the_demo_page_leads_there() -> None:
    page = Client().get("/demo/", headers={"Host": HERE}).content.decode()
    assert f'href="http://{THERE}/demo/shop/en/"' in page


def test_a_ware_says_what_the_question_is_about() -> None:
    response = Client().get("/demo/shop/nl/small-van/", headers={"Host": THERE})
    page = response.content.decode()
    assert '<html lang="nl">' in page and 'data-topic="test-drive"' in page
    for address in ("/demo/shop/nl/nothing/", "/demo/shop/xx/"):
        assert Client().get(address, headers={"Host": THERE}).status_code == 404


def test_it_moves_along_with_the_port_and_comes_back_to_nobody(organisation: Organisation) -> None:
    Client().get("/demo/shop/en/", headers={"Host": THERE})
    organisation.refresh_from_db()
    assert organisation.widget_origins == ["https://www.example.org", f"http://{THERE}"]
    organisation.widget_origins = ["https://www.example.org"]  # an administrator tries it out
    organisation.save()
    Client().get("/demo/shop/en/", headers={"Host": THERE})
    organisation.refresh_from_db()
    assert organisation.widget_origins == ["https://www.example.org"]


def test_a_machine_of_one_name_has_no_such_site(settings: Any) -> None:
    settings.PUBLIC_URL = "https://demo.example.org"
    assert storefront.origin() == ""
    assert Client().get("/demo/shop/en/").status_code == 404
    assert "/demo/shop/" not in Client().get("/demo/").content.decode()

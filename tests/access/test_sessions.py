"""A browser keeps its cookies while pages of an older session still ask."""

import pytest
from django.conf import settings
from django.test import Client

from contacts.models import Organisation, User
from tests.site.conftest import sign_in

pytestmark = pytest.mark.django_db
OWN, STAFF = settings.CUSTOMER_COOKIE_NAME, settings.SESSION_COOKIE_NAME


def given(client: Client, path: str) -> set[str]:
    """The cookies that the answer sets or takes away."""
    return set(client.get(path).cookies) & {OWN, STAFF}


def test_a_key_that_ended_takes_no_cookie_away(organisation: Organisation, agent: User) -> None:
    late = Client()
    late.cookies[OWN], late.cookies[STAFF] = "a" * 32, "b" * 32
    for path in ("/", "/questions/", "/admin/cases/", "/live/poll/?want=bell"):
        assert given(late, path) == set(), path
    assert "Cookie" in late.get("/admin/cases/")["Vary"]


def test_who_signs_out_has_another_cookie_or_none(organisation: Organisation, agent: User) -> None:
    customer, desk = Client(), Client()
    sign_in(customer, "sam@example.org")
    before = customer.cookies[OWN].value
    assert customer.post("/sign-out/").cookies[OWN].value != before
    desk.force_login(agent)
    assert desk.post("/admin/logout/").cookies[STAFF]["max-age"] == 0

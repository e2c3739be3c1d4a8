"""Two people whose questions were joined: what each says is each one's own, also once they part."""

import pytest
from django.test import Client

from channels_app import switching
from contacts import merging
from contacts.models import Case, User
from tests.site.conftest import Ask


@pytest.fixture
def pair(ask: Ask, agent: User) -> tuple[tuple[Client, Case], tuple[Client, Case]]:
    """Sam's browser and question, joined to Kim's."""
    sam, kim = Client(), Client()
    one, two = ask(sam), ask(kim, address_email="kim@example.org")
    merging.join(case=Case.objects.get(pk=one.pk), into=Case.objects.get(pk=two.pk), by=agent)
    return (sam, one), (kim, two)


def now(case: Case) -> Case:
    return Case.objects.select_related("root").get(pk=case.pk)


def test_what_is_typed_on_a_page_goes_with_who_typed_it(
    pair: tuple[tuple[Client, Case], tuple[Client, Case]], agent: User
) -> None:
    (sam, one), (kim, two) = pair
    page = f"/q/{two.reference}/"  # they read one history
    sam.post(page, {"text": "I also need a child seat."})
    kim.post(page, {"text": "And a bell."})
    assert "child seat" in kim.get(page).content.decode()
    sam.post(f"{page}switch/", {"way": "account"})
    assert now(two).choice.kind == "account"  # type: ignore[union-attr]
    switching.part(case=now(one), by=agent)
    assert "child seat" not in kim.get(page).content.decode()
    assert "child seat" in sam.get(f"/q/{one.reference}/").content.decode()
    assert now(one).choice.kind == "account"  # type: ignore[union-attr]
    answered = now(two).choice
    assert answered and str(answered.identity) == "kim@example.org"
    assert sam.get(page).status_code == 404

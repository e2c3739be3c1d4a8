"""Topics: names in two languages, the order, and what cannot be removed."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from channels_app import opening
from contacts.models import Organisation, Topic
from portal.desk import counts
from tests.administration.conftest import said


def form(**changes: Any) -> dict[str, Any]:
    """A good form."""
    return {"name_0": "Test drive", "name_1": "Proefrit", "is_active": "on", **changes}


def test_add_and_change(shop: Organisation, desk: Client) -> None:
    assert desk.post(reverse("admin:topic_add"), form(is_complex="on")).status_code == 302
    row = Topic.objects.get(slug="test-drive")
    assert row.name.data == {"en": "Test drive", "nl": "Proefrit"}
    assert (row.is_complex, row.is_sensitive, row.is_active) == (True, False, True)
    assert list(Topic.objects.all())[-1] == row
    url = reverse("admin:topic", args=[row.pk])
    desk.post(url, form(slug="drive", is_sensitive="on"))
    row.refresh_from_db()
    assert (row.slug, row.is_complex, row.is_sensitive) == ("drive", False, True)
    assert LogEntry.objects.count() == 2


def test_an_address_part_is_made_once(shop: Organisation, desk: Client) -> None:
    desk.post(reverse("admin:topic_add"), form(name_0="Repair"))
    assert Topic.objects.filter(slug="repair-2").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name_0": "", "name_1": ""}, "Write the name in at least one language."),
        ({"name_0": "x" * 61}, "at most 60 characters"),
        ({"name_0": "a\x00"}, "Null characters are not allowed."),
        ({"slug": "two words"}, "Enter a valid"),
        ({"slug": "repair"}, "already exists"),
        ({"name_0": "\u4f60\u597d", "name_1": ""}, "Write a few plain letters"),
    ],
)
def test_bad_input(shop: Organisation, desk: Client, changes: dict[str, Any], words: str) -> None:
    response = desk.post(reverse("admin:topic_add"), form(**changes))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert Topic.objects.count() == 2


def test_order(shop: Organisation, desk: Client) -> None:
    first, second = Topic.objects.all()
    desk.post(reverse("admin:topic_move", args=[second.pk]), {"to": "up"})
    assert list(Topic.objects.all()) == [second, first]
    desk.post(reverse("admin:topic_move", args=[second.pk]), {"to": "up"})
    assert list(Topic.objects.all()) == [second, first]


def test_cases_are_counted_as_far_as_the_figure_goes(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "LIMIT", 1)
    for times, slug in ((1, "invoice"), (3, "repair")):
        for number in range(times):
            opening.open_case(
                organisation=shop,
                text=f"Question {number}",
                came_by="account",
                kind="account",
                topic=Topic.objects.get(slug=slug),
                language="en",
            )
    page = " ".join(desk.get(reverse("admin:topics")).content.decode().split())
    assert ">1 case<" in page and ">1+ cases<" in page


def test_a_topic_with_cases_stays(shop: Organisation, desk: Client) -> None:
    used, unused = Topic.objects.all()
    opening.open_case(
        organisation=shop,
        text="Hello",
        came_by="account",
        kind="account",
        language="en",
        topic=used,
    )
    answer = desk.post(reverse("admin:topic_remove", args=[used.pk]), follow=True)
    assert "stays on the cases" in said(answer)
    desk.post(reverse("admin:topic_remove", args=[unused.pk]))
    assert list(Topic.objects.all()) == [used]


def test_a_missing_language_is_marked_in_the_list(shop: Organisation, desk: Client) -> None:
    Topic.objects.filter(slug="repair").update(name={"en": "Repair"})
    page = desk.get(reverse("admin:topics")).content.decode()
    assert "The topic Repair has no name in: Nederlands." in page

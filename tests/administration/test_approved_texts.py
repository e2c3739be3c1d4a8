"""Approved texts of a messenger, on its channel's page."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from channels_app.models import Template
from contacts.models import Organisation
from tests.administration.conftest import channel, messenger


def form(**changes: Any) -> dict[str, Any]:
    """A good form."""
    body = "You have an answer to {{1}}. Read it: {{2}} ."
    return {"name": "an_answer", "body": body, "state": "approved", **changes}


def test_write_change_and_remove(shop: Organisation, desk: Client) -> None:
    row = messenger()
    url, page = (
        reverse("admin:channel_text", args=[row.pk, "nl"]),
        reverse("admin:channel", args=[row.pk]),
    )
    assert url in desk.get(page).content.decode()
    assert desk.post(url, form(state="draft")).status_code == 302
    assert not Template.objects.usable().exists()
    assert "not approved yet" in desk.get(page).content.decode()
    assert desk.post(url, form()).status_code == 302
    text = Template.objects.usable().get()
    assert (text.channel, text.language, text.name) == (row, "nl", "an_answer")
    assert LogEntry.objects.count() == 2
    desk.post(reverse("admin:channel_text_remove", args=[row.pk, "nl"]))
    assert not Template.objects.exists() and LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"body": "Hello"}, "It needs {{1}} for the reference and {{2}} for the link"),
        ({"body": "{{1}} {{2}}" + "x" * 1024}, "at most 1024"),
        ({"name": ""}, "This field is required."),
        ({"state": "perhaps"}, "Select a valid choice."),
    ],
)
def test_bad_input(shop: Organisation, desk: Client, changes: dict[str, Any], words: str) -> None:
    url = reverse("admin:channel_text", args=[messenger().pk, "en"])
    answer = desk.post(url, form(**changes))
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not Template.objects.exists()


def test_only_where_there_is_a_window(shop: Organisation, desk: Client) -> None:
    letter = channel("letter")
    assert desk.get(reverse("admin:channel_text", args=[letter.pk, "en"])).status_code == 404
    assert desk.get(reverse("admin:channel_text", args=[messenger().pk, "xx"])).status_code == 404
    page = desk.get(reverse("admin:channel", args=[letter.pk])).content.decode()
    assert "Approved texts" not in page

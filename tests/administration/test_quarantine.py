"""Quarantine: what is shown, the bytes as a download, and another try."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import inbound
from channels_app.adapters.base import Request
from channels_app.models import InboundEvent
from contacts.models import Case, Organisation
from tests.administration.conftest import channel
from tests.shop import MAILBOX, mail

State = InboundEvent.State
RAW = mail(sender="sue@example.org", to=MAILBOX, text="Is the red bicycle there?")


@pytest.fixture
def event(shop: Organisation) -> InboundEvent:
    """A good mail that a fault sent to quarantine an hour ago."""
    request = Request(body=RAW, envelope_from="sue@example.org", envelope_to=(MAILBOX,))
    found = inbound.receive(channel("email"), request)
    InboundEvent.objects.filter(pk=found.pk).update(
        state=State.QUARANTINED,
        reason="Fault: <b>ValueError</b>",
        tries=5,
        received_at=timezone.now() - timedelta(hours=1),
    )
    found.refresh_from_db()
    return found


def test_the_list_says_who_why_and_how_large(event: InboundEvent, desk: Client) -> None:
    page = desk.get(reverse("admin:quarantine"))
    text = page.content.decode()
    assert "sue@example.org" in text
    assert "Fault: &lt;b&gt;ValueError&lt;/b&gt;" in text
    assert "red bicycle" not in text
    row = page.context["page"].object_list[0]
    assert row.size == len(RAW)
    assert "raw" in row.get_deferred_fields()


def test_the_bytes_are_a_download_and_nothing_else(event: InboundEvent, desk: Client) -> None:
    answer = desk.get(reverse("admin:quarantine_raw", args=[event.pk]))
    assert answer.content == RAW
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in answer["Cache-Control"]


def test_try_again_files_it(
    event: InboundEvent, desk: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(reverse("admin:quarantine_again", args=[event.pk]))
    event.refresh_from_db()
    assert (event.state, event.tries) == (State.NEW, 0)
    inbound.process(event.pk)  # what a worker does when it is rung
    event.refresh_from_db()
    assert event.state == State.PROCESSED
    assert Case.objects.get().title == "Question"
    assert LogEntry.objects.get().change_message == "Tried again."


def test_only_what_is_in_quarantine_is_there(event: InboundEvent, desk: Client) -> None:
    InboundEvent.objects.filter(pk=event.pk).update(state=State.PROCESSED)
    assert "Nothing is in quarantine." in desk.get(reverse("admin:quarantine")).content.decode()
    raw = reverse("admin:quarantine_raw", args=[event.pk])
    again = reverse("admin:quarantine_again", args=[event.pk])
    assert desk.get(raw).status_code == 404
    assert desk.post(again).status_code == 404

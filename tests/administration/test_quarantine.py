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
from channels_app.management import imap
from channels_app.models import InboundEvent
from contacts.models import Case, Organisation, User
from tests import worker
from tests.administration.conftest import channel, said
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
    assert "reading it: &lt;b&gt;ValueError&lt;/b&gt;." in text
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


def test_of_a_mail_that_is_too_big_no_other_try_is_offered(
    shop: Organisation, desk: Client, django_capture_on_commit_callbacks: Any
) -> None:
    head = b"From: sue@example.org\r\nSubject: Photos\r\n\r\n"
    request = Request(body=head, envelope_from="sue@example.org")
    event = inbound.set_aside(channel("email"), request, imap.BIG, is_whole=False)
    page = desk.get(reverse("admin:quarantine")).content.decode()
    assert "folder Onecase-too-big. Only its header is here." in page
    again = reverse("admin:quarantine_again", args=[event.pk])
    assert again not in page and reverse("admin:quarantine_aside", args=[event.pk]) in page
    with django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(again, follow=True)
    assert "Read the mail where it lies." in answer.content.decode()
    event.refresh_from_db()
    assert event.state == State.QUARANTINED and not Case.objects.exists()
    desk.post(reverse("admin:quarantine_aside", args=[event.pk]))
    desk.post(reverse("admin:quarantine_back", args=[event.pk]))
    assert again not in desk.get(reverse("admin:quarantine")).content.decode()


def test_try_again_files_it(
    event: InboundEvent, desk: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(reverse("admin:quarantine_again", args=[event.pk]))
    event.refresh_from_db()
    assert (event.state, event.tries) == (State.NEW, 0)
    worker.file(event)  # what a worker does when it is rung
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


def test_spam_is_set_aside_and_put_back(event: InboundEvent, desk: Client) -> None:
    aside = reverse("admin:quarantine_aside", args=[event.pk])
    back = reverse("admin:quarantine_back", args=[event.pk])
    assert desk.get(aside).status_code == 405
    page = desk.post(aside, follow=True)
    text = page.content.decode()
    assert "It is set aside." in said(page) and f'action="{back}"' in text  # undo, in the toast
    assert "Nothing is in quarantine." in text and "sue@example.org" not in text
    event.refresh_from_db()
    assert event.state == State.SET_ASIDE and bytes(event.raw) == RAW
    kept = desk.get(reverse("admin:quarantine") + "?status=aside").content.decode()
    assert "sue@example.org" in kept and f'action="{back}"' in kept and aside not in kept
    assert desk.get(reverse("admin:quarantine_raw", args=[event.pk])).content == RAW
    assert desk.post(reverse("admin:quarantine_again", args=[event.pk])).status_code == 404
    # A second click changes nothing, and writes nothing down.
    desk.post(aside)
    assert "It is back in quarantine." in said(desk.post(back, follow=True))
    desk.post(back)
    event.refresh_from_db()
    assert event.state == State.QUARANTINED
    log = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(log) == ["Set aside.", "Put back."]
    InboundEvent.objects.filter(pk=event.pk).update(state=State.PROCESSED)
    assert desk.post(aside).status_code == desk.post(back).status_code == 404


def test_what_is_set_aside_stays_aside_when_it_comes_once_more(
    event: InboundEvent, desk: Client
) -> None:
    desk.post(reverse("admin:quarantine_aside", args=[event.pk]))
    request = Request(body=RAW, envelope_from="sue@example.org", envelope_to=(MAILBOX,))
    worker.file(inbound.receive(channel("email"), request))
    event.refresh_from_db()
    assert event.state == State.SET_ASIDE and not Case.objects.exists()


def test_every_reason_reads_in_the_language_of_who_reads(event: InboundEvent, desk: Client) -> None:
    User.objects.update(language="nl")
    deep = "x"
    for number in range(60):
        deep = f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n{deep}"
    for raw in (b"From: sue@example.org\n" + deep.encode(), b"From: <>\n\nHello"):
        worker.file(inbound.receive(channel("email"), Request(body=raw)))
    text = desk.get(reverse("admin:quarantine")).content.decode()
    assert InboundEvent.objects.filter(state=State.QUARANTINED).count() == 3
    for words in ("onderdelen zitten dieper genest dan 50", "geen afzender", "fout van ons"):
        assert words in text, words


def test_the_sidebar_counts_what_waits_in_quarantine(event: InboundEvent, desk: Client) -> None:
    def badges() -> list[str]:
        page = desk.get(reverse("admin:topics"))
        groups = page.context["sidebar_navigation"]
        return [
            i["badge"]
            for g in groups
            for i in g["items"]
            if "quarantine" in str(i["link"]) and i.get("badge")
        ]

    assert badges() == ["1"]
    desk.post(reverse("admin:quarantine_aside", args=[event.pk]))
    assert badges() == []
    desk.post(reverse("admin:quarantine_back", args=[event.pk]))
    assert badges() == ["1"]
    inbound.again(event)
    assert badges() == []

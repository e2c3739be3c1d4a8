"""What an administrator sees of a mailbox: the setting, the test, and what is wrong with it."""

import inspect
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import checks, reasons
from channels_app.adapters import imap as protocol
from channels_app.adapters.base import Reason
from channels_app.management import imap as management
from channels_app.models import Channel
from tests import shop as shops
from tests.imap.conftest import fresh
from tests.imap.dovecot import Account, Dovecot
from tests.imap.test_reading import mail

CODE = (protocol, management)


@pytest.fixture
def desk(client: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> Client:
    """An administrator's browser."""
    robin = shops.make_agent("robin", administrator=True)
    client.force_login(robin, backend="portal.access.StaffBackend")
    return client


def said_by_test(desk: Client, channel: Channel) -> str:
    """What the button says."""
    answer = desk.post(reverse("admin:channel_test", args=[channel.pk]), follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def problems(channel: Channel) -> list[str]:
    """The findings about reading."""
    return [f.text for f in checks.findings() if f.id == checks.NOT_READ]


def test_the_test_button_signs_in_to_the_mailbox_as_well(
    desk: Client,
    channel: Channel,
    mailbox: Account,
    server: Dovecot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox.put(mail())
    with shops.sink_server() as (_sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        said = said_by_test(desk, channel)
        assert "email works. Connected to 127.0.0.1. Mail is read at 127.0.0.1" in said
        assert "in the folder: 1." in said
        monkeypatch.setenv("IMAP_URL", server.url(mailbox.user, password="hush-hush"))
        said = said_by_test(desk, channel)
        assert "email does not work: The mailbox's server refuses the user name" in said
        assert "hush-hush" not in said
        monkeypatch.delenv("IMAP_URL")
        assert "IMAP_URL is not set in the environment" in said_by_test(desk, channel)
    assert mailbox.count() == 1  # the test moves nothing


def test_the_form_takes_the_name_of_the_variable(desk: Client, channel: Channel) -> None:
    url = reverse("admin:channel", args=[channel.pk])
    page = desk.get(url).content.decode()
    assert "Mailbox that mail is read from (IMAP)" in page and "IMAP_URL is set" in page
    form: dict[str, Any] = {
        "name": "Mail",
        "address": shops.MAILBOX,
        "weekly_hours_always": "1",
        "setting_url": "EMAIL_URL",
        "setting_imap": "IMAP_URL_HELP",
        "max_sending": "8",
    }
    assert desk.post(url, form).status_code == 302
    assert fresh(channel).config["imap"] == "env:IMAP_URL_HELP"
    assert desk.post(url, {**form, "setting_imap": ""}).status_code == 302
    assert not fresh(channel).reads_mailbox


def test_the_channels_page_says_what_is_wrong_and_when_mail_was_read(
    desk: Client, channel: Channel
) -> None:
    channel.note_reading(Reason("imap_unreachable"))
    page = desk.get(reverse("admin:channels")).content.decode()
    assert "The mailbox of email: The mailbox&#x27;s server cannot be reached." in page
    channel.note_reading()
    page = desk.get(reverse("admin:channels")).content.decode()
    assert "cannot be reached" not in page and "Mail read" in page


def test_a_mailbox_that_nobody_reads_is_found_offered_or_not(channel: Channel) -> None:
    assert problems(channel) == ["The mailbox of email is not being read."]
    channel.note_reading()
    assert problems(channel) == []
    Channel.objects.update(
        last_read_at=timezone.now() - checks.SILENT - timedelta(seconds=1), is_offered=False
    )
    assert problems(channel) == ["The mailbox of email is not being read."]
    Channel.objects.update(config={})
    assert problems(channel) == []


def test_what_is_stored_is_a_code_that_each_reads_in_own_words(channel: Channel) -> None:
    channel.note_reading(Reason("imap_password"))
    assert fresh(channel).read_fault == {"code": "imap_password"}
    assert "refuses the user name or password" in problems(channel)[0]


def test_every_code_of_the_reader_has_its_words() -> None:
    used = set(re.findall(r'Reason\(\s*"(imap_\w+)"', "".join(map(inspect.getsource, CODE))))
    assert len(used) > 15
    assert used <= set(reasons.WORDS)

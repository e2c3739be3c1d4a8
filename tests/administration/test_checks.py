"""The system checks: a good set-up is silent, and each fault triggers its own id once."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import OperationalError

from channels_app import checks
from channels_app.models import Channel
from contacts.models import Organisation, Topic

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:1")
    monkeypatch.setenv("TEST_TOKEN", "set")
    settings.PUBLIC_URL = "http://testserver"  # put back afterwards, whoever changes it


def ids() -> list[str]:
    """The ids of what is found."""
    return [found.id for found in checks.findings()]


def test_a_good_set_up_is_silent(shop: Organisation) -> None:
    assert ids() == []


@pytest.mark.django_db
def test_an_empty_database_is_silent() -> None:
    assert ids() == []


def no_number(shop: Organisation) -> None:
    Organisation.objects.update(phone="")


def no_phone_channel(shop: Organisation) -> None:
    Channel.objects.filter(kind="phone").update(is_offered=False)


def only_chat(shop: Organisation) -> None:
    Organisation.objects.update(phone="")
    Channel.objects.exclude(kind="account").update(is_offered=False)
    Channel.objects.filter(kind="account").update(kind="chat")


def no_mailbox(shop: Organisation) -> None:
    Channel.objects.filter(kind="email").update(address="")


def no_place(shop: Organisation) -> None:
    Channel.objects.filter(slug="south").update(address="")


def no_sender(shop: Organisation) -> None:
    Organisation.objects.update(address="")


def no_reference(shop: Organisation) -> None:
    Channel.objects.filter(kind="email").update(config={})


def no_variable(shop: Organisation) -> None:
    del os.environ["EMAIL_URL"]


def no_dutch(shop: Organisation) -> None:
    Channel.objects.filter(kind="letter").update(cannot={"en": "Fast"})


def half_a_title(shop: Organisation) -> None:
    Channel.objects.filter(kind="letter").update(title={"nl": "Brief"})


def no_name(shop: Organisation) -> None:
    Topic.objects.filter(slug="repair").update(name={"nl": "Reparatie"})


def half_a_welcome(shop: Organisation) -> None:
    Organisation.objects.update(welcome={"en": "Hello"})


def nothing_offered(shop: Organisation) -> None:
    Organisation.objects.update(phone="")
    Channel.objects.update(is_offered=False)


def by_twilio(shop: Organisation, address: str = "+3197010200000", **config: str) -> None:
    """SMS, with all that it needs."""
    text = {"en": "Good", "nl": "Goed"}
    secrets = {"account_sid": "env:TEST_TOKEN", "auth_token": "env:TEST_TOKEN"}
    Channel.objects.create(
        organisation=shop, kind="sms", provider="twilio", slug="sms", name="sms",
        address=address, config=secrets | config, good_for=text, cannot=text,
    )  # fmt: skip


def no_own_number(shop: Organisation) -> None:
    settings.PUBLIC_URL = "https://help.example.org"
    by_twilio(shop, address="")


def no_number_at_all(shop: Organisation) -> None:
    settings.PUBLIC_URL = "https://help.example.org"
    by_twilio(shop, address="our shop")


def nobody_can_call(shop: Organisation) -> None:
    by_twilio(shop)


def no_token(shop: Organisation) -> None:
    settings.PUBLIC_URL = "https://help.example.org"
    by_twilio(shop, auth_token="env:NOT_SET_ANYWHERE")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (no_number, "onecase.W001"),
        (no_phone_channel, "onecase.W002"),
        (only_chat, "onecase.W003"),
        (no_mailbox, "onecase.W004"),
        (no_place, "onecase.W004"),
        (no_sender, "onecase.W004"),
        (no_reference, "onecase.W005"),
        (no_variable, "onecase.W005"),
        (no_dutch, "onecase.W006"),
        (half_a_title, "onecase.W006"),
        (no_name, "onecase.W006"),
        (half_a_welcome, "onecase.W006"),
        (nothing_offered, "onecase.W007"),
        (no_own_number, "onecase.W009"),
        (no_number_at_all, "onecase.W009"),
        (nobody_can_call, "onecase.W010"),
        (no_token, "onecase.W005"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_fault_once(fault: Any, expected: str, shop: Organisation) -> None:
    fault(shop)
    assert ids() == [expected]
    messages = run_checks(databases=["default"])
    assert [m.id for m in messages if str(m.id).startswith("onecase.")] == [expected]


def test_a_provider_on_this_machine_needs_no_https(
    shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_twilio(shop, base_url="env:TEST_URL")
    monkeypatch.setenv("TEST_URL", "https://api.dublin.ie1.twilio.com")
    assert ids() == ["onecase.W010"]
    monkeypatch.setenv("TEST_URL", "http://127.0.0.1:8000/twilio")
    assert ids() == []


def test_it_says_which_words_are_missing_in_which_language(shop: Organisation) -> None:
    no_dutch(shop)
    half_a_title(shop)
    assert checks.findings()[0].text == (
        "The channel letter does not say: what it cannot do (Nederlands), its name (English)."
    )


def test_what_is_not_offered_may_be_unfinished(shop: Organisation) -> None:
    Channel.objects.filter(kind="letter").update(is_offered=False, cannot="", good_for="")
    assert ids() == []


def test_a_language_that_is_not_used_needs_no_text(shop: Organisation) -> None:
    no_dutch(shop)
    Organisation.objects.update(languages=["en"])
    assert ids() == []


def test_the_value_of_a_secret_is_in_no_finding(
    shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    Channel.objects.filter(kind="email").update(config={"url": "env:ONE", "authserv": "env:TWO"})
    monkeypatch.setenv("ONE", "very-secret")
    found = checks.findings()[0]
    assert "TWO" in found.text and "very-secret" not in found.text + found.hint


def test_other_commands_do_not_ask_the_database(shop: Organisation) -> None:
    no_number(shop)
    assert checks.check_configuration() == []


def test_a_database_that_does_not_answer_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[checks.Finding]:
        raise OperationalError("no such table")

    monkeypatch.setattr(checks, "findings", broken)
    assert checks.check_configuration(databases=["default"]) == []


@pytest.mark.processes
def test_check_deploy_is_clean_before_the_first_migration(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "ONECASE_DATA": str(tmp_path),
        "SECRET_KEY": "x1-" + "Kq7" * 20,
        "PUBLIC_URL": "https://help.example.org",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp://127.0.0.1:1",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(
        [*command, "--database", "default"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr

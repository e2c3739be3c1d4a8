"""Settings that are missing are said in one line, and nothing runs."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
REAL = {
    "SECRET_KEY": "s" * 60,
    "PUBLIC_URL": "https://help.example.org",
    "DATABASE_URL": "sqlite:////nowhere/db",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}


def manage(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """One management command with these settings and none of the tests'."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean | env,
        capture_output=True,
        text=True,
        timeout=60,
        input="From: a@example.org\n\nHello",
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "50 characters"),
        ({"PUBLIC_URL": "http://help.example.org"}, "https://"),
        ({"PUBLIC_URL": "help"}, "PUBLIC_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "what"}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"EMAIL_URL": ""}, "EMAIL_URL"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"ONECASE_DEMO": "perhaps"}, "ONECASE_DEMO"),
        ({"TRUSTED_PROXIES": "two"}, "TRUSTED_PROXIES"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES"),
        ({"PUBLIC_URL": "https://help.example.org:no"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://help.example.org/portal"}, "PUBLIC_URL"),
        ({"DATABASE_URL": "mysql://u:p@127.0.0.1/x"}, "DATABASE_URL"),
        ({"REDIS_URL": "127.0.0.1:6379"}, "REDIS_URL"),
        ({"EMAIL_URL": "mail.example.org"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://mail.example.org:no"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://mail.example.org?tls=yes"}, "EMAIL_URL"),
        ({"MAIL_DOMAIN": "help @example"}, "MAIL_DOMAIN"),
        ({"ONECASE_SMTP_LISTEN": "2526"}, "ONECASE_SMTP_LISTEN"),
        ({"TIME_ZONE": "Europe/Nowhere"}, "TIME_ZONE"),
        ({"PHONE_REGION": "Holland"}, "PHONE_REGION"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    change: dict[str, str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {*os.environ} - {"PATH", "HOME"}:
        monkeypatch.delenv(name)
    for name, value in (REAL | change).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=re.escape(word)) as said:
        runpy.run_path(str(ROOT / "portal" / "settings.py"))
    assert len(str(said.value).splitlines()) == 1


def test_a_command_says_it_and_no_more() -> None:
    run = manage("check", **(REAL | {"SECRET_KEY": ""}))
    assert run.returncode == 1 and "SECRET_KEY" in run.stderr, run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_a_mail_waits_until_the_settings_are_right() -> None:
    assert manage("receive_mail", **(REAL | {"SECRET_KEY": ""})).returncode == os.EX_TEMPFAIL
    assert manage("receive_mail", **REAL).returncode == os.EX_TEMPFAIL  # the database is away


def test_reading_one_mail_needs_no_settings() -> None:
    run = manage("parse_mail")
    assert run.returncode == 0 and '"from_email": "a@example.org"' in run.stdout


def test_a_wrong_line_of_the_mta_bounces_no_mail() -> None:
    run = manage("receive_mail", "--what", **REAL)
    assert run.returncode == os.EX_TEMPFAIL and "--what" in run.stderr
    assert manage("receive_mail", "--help", **REAL).returncode == 0

"""`manage.py read_imap` as it runs for real: killed in the middle, ended, and supervised."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from channels_app.models import Channel
from portal import supervisor
from portal.processes import Service
from tests import shop
from tests.imap.conftest import until
from tests.imap.dovecot import PASSWORD, Account, Dovecot
from tests.imap.test_reading import mail

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "imap.sqlite3"
SET_UP = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests import shop
from channels_app.models import Channel
shop.make_shop()
Channel.objects.filter(kind="email").update(
    config={"url": "env:EMAIL_URL", "imap": "env:IMAP_URL"}
)
"""
# The process dies without a word after the commit, just when it would move the mail.
KILLED = """
import os, signal, sys
from django.core.management import execute_from_command_line
from channels_app.adapters.imap import Mailbox
Mailbox.move = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
execute_from_command_line(["manage.py", "read_imap"])
"""
# Ended again and again at any moment of a loop that hardly waits.
HURRIED = """
import io, random, signal
import django; django.setup()
from django.core.management import call_command
from channels_app.management.commands import read_imap

class Nobody:
    armed = False

    def look(self):
        if not self.armed:
            signal.signal(signal.SIGALRM, signal.getsignal(signal.SIGTERM))
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0005, 0.001))
        self.armed = True

    def stop(self):
        pass

read_imap.LOOK_SECONDS = 1e-9
read_imap.Command.readers = lambda self: Nobody()
for _ in range(1500):
    call_command("read_imap", stdout=io.StringIO())
"""
FOUND = """
import django, json; django.setup()
from channels_app.models import Channel, InboundEvent
from contacts.models import Case, Message
from tests import worker
worker.file_all()
error = Channel.objects.get(kind="email").read_error
rows = InboundEvent.objects.count(), Message.objects.filter(direction="in").count()
print(json.dumps([*rows, Case.objects.count(), error]))
"""


class Portal:
    """A database of its own, and programs that use it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"sqlite:///{folder / DATABASE}",
            "ONECASE_DATA": str(folder),
            "IMAP_URL": url,
            "LOG_LEVEL": "DEBUG",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self.log = folder / "log"

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def found(self) -> list[Any]:
        """Mails stored, messages, cases, and what is wrong, once the worker was here."""
        done = self.python(FOUND)
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout.splitlines()[-1]))

    @contextmanager
    def reading(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The command, until the block ends."""
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "read_imap"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with nothing in it, made once for all tests of this file."""
    folder = tmp_path_factory.mktemp("imap")
    done = Portal(folder, "").python(SET_UP)
    assert done.returncode == 0, done.stderr
    return folder / DATABASE


@pytest.fixture
def portal(tmp_path: Path, database: Path, server: Dovecot, user: str) -> Portal:
    """A shop whose e-mail channel has that user's mailbox."""
    shutil.copy(database, tmp_path / DATABASE)
    return Portal(tmp_path, server.url(user))


@pytest.mark.processes
def test_killed_between_commit_and_move_it_is_one_message_and_moved(
    portal: Portal, mailbox: Account
) -> None:
    mailbox.put(mail())
    assert portal.python(KILLED).returncode == -signal.SIGKILL
    assert (mailbox.count(), mailbox.count("Onecase")) == (1, 0)
    assert portal.found() == [1, 1, 1, ""]
    with portal.reading():
        assert until(lambda: mailbox.count("Onecase") == 1, 20)
    assert portal.found() == [1, 1, 1, ""]
    assert mailbox.count() == 0


@pytest.mark.processes
def test_it_ends_within_two_seconds_and_says_no_secret(
    portal: Portal, mailbox: Account, server: Dovecot
) -> None:
    with portal.reading() as process:
        mailbox.put(mail())
        assert until(lambda: mailbox.count("Onecase") == 1, 20)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - begun < 2
    portal.env["IMAP_URL"] = server.url(mailbox.user, password="hush-hush")
    with portal.reading() as process:
        assert until(lambda: "refuses the user name" in portal.log.read_text(), 20)
        process.send_signal(signal.SIGTERM)  # while it waits for its next try
        begun = time.monotonic()
        assert process.wait(5) == 0
        assert time.monotonic() - begun < 2
    said = portal.log.read_text()
    assert "Traceback" not in said
    for secret in (PASSWORD, "hush-hush", "right%26wrong", "Is it still there"):
        assert secret not in said


@pytest.mark.processes
def test_it_ends_though_the_server_is_silent(portal: Portal, server: Dovecot) -> None:
    """It waits for a greeting that never comes: the end must not wait for it."""
    silent = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
            "print(s.getsockname()[1], flush=True); c = s.accept(); print('called', flush=True);"
            "time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert silent.stdout is not None
    try:
        port = silent.stdout.readline().strip()
        portal.env["IMAP_URL"] = f"imap://me:secret@127.0.0.1:{port}"
        with portal.reading() as process:
            assert silent.stdout.readline().strip() == "called"
            process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            assert process.wait(5) == 0
            assert time.monotonic() - begun < 2
    finally:
        silent.kill()
        silent.wait()


@pytest.mark.processes
def test_it_ends_whenever_the_signal_comes(portal: Portal) -> None:
    """Also while it is about to wait: with a lock of its own it would wait for itself for ever."""
    assert portal.python(HURRIED).returncode == 0


@pytest.mark.django_db
def test_the_supervisor_starts_it_where_a_channel_has_a_mailbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IMAP_URL", raising=False)
    monkeypatch.setattr(supervisor.connections, "close_all", lambda: None)  # the test's own
    shop.make_shop()
    boss = supervisor.Supervisor(host="127.0.0.1", port=8000)

    def names() -> list[str]:
        found: list[Service] = list(boss._others())
        return [service.name for service in found]

    assert "imap" not in names()
    Channel.objects.filter(kind="email").update(config={"imap": "env:IMAP_URL_HELP"})
    assert "imap" in names()
    Channel.objects.filter(kind="email").update(config={})
    monkeypatch.setenv("IMAP_URL", "imaps://a:b@mail.example.org")
    assert "imap" in names()

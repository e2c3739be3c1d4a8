"""The commands as an operator runs them: real processes, exit codes, and the end by SIGTERM."""

import json
import os
import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.processes
MAIL = (
    b"From: Tom <tom@example.org>\nTo: help@mail.example.org\nSubject: The blue bike\n"
    b"Message-ID: <one@example.org>\n\nIs it still there?\n"
)
COUNT = """
import django; django.setup()
from channels_app.models import InboundEvent
print(InboundEvent.objects.count())
"""
NO_DEMO = """
import django, json; django.setup()
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
paths = ["", "now/", "language/", "tour/again/", "be/staff/noor/", "be/customer/tom/"]
paths += ["pocket/", "pocket/now/", "pocket/letters/", "pocket/write/", "pocket/mail/x/body/"]
paths += ["telephone/", "telephone/sms/", "telephone/misbehave/", "telephone/sms/+441/+442/"]
paths += ["providers/twilio/2010-04-01/", "providers/whatsapp/v24.0/1/messages"]
paths += ["telephone/telegram/+441/OneBot/", "providers/telegram/bot1:x/getMe"]
found = []
for path in paths:
    try:
        found.append(str(resolve("/demo/" + path)))
    except Resolver404:
        pass
try:
    found.append(reverse("demo:page"))
except NoReverseMatch:
    pass
print(json.dumps([len(paths), found]))
"""


class Machine:
    """A data folder with the loaded demo, and how to run something there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ONECASE", "DJANGO"))}
        for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "PUBLIC_URL"):
            clean.pop(name, None)
        self.env = {
            **clean,
            "ONECASE_DEMO": "1",
            "ONECASE_DATA": str(folder),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def run(
        self, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            cwd=settings.BASE_DIR,
            env={**self.env, **(env or {})},
            timeout=60,
        )

    def python(self, code: str, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            cwd=settings.BASE_DIR,
            env={**self.env, **env},
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def stored(self) -> int:
        return int(self.python(COUNT))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
        """A server that says where it listens; its process and port."""
        process = subprocess.Popen(
            self.command(*arguments, "--listen", "127.0.0.1:0"),
            stdout=subprocess.PIPE,
            text=True,
            cwd=settings.BASE_DIR,
            env={**self.env, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+)\.$", process.stdout.readline().strip())
            assert found, "it did not say where it listens"
            yield process, int(found[1])
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A migrated data folder with the demo in it."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    for command in (("migrate", "-v0"), ("demo",)):
        done = made.run(*command)
        assert done.returncode == 0, done.stderr.decode()
    return made


def test_demo_names_the_staff_and_runs_twice(machine: Machine) -> None:
    assert b"already" in machine.run("demo").stdout


def test_a_mail_by_the_pipe_is_stored_once(machine: Machine) -> None:
    before = machine.stored()
    for channel in ((), ("--channel", "email"), ("--recipient", "help+x@mail.example.org")):
        done = machine.run("receive_mail", *channel, stdin=MAIL)
        assert done.returncode == 0, done.stderr.decode()
    assert machine.stored() == before + 1


@pytest.mark.parametrize(
    ("arguments", "stdin", "env", "code"),
    [
        ((), b"", {}, 65),
        ((), b"x" * (30 * 1024 * 1024 + 1), {}, 65),
        (("--channel", "unknown"), MAIL, {}, 75),
        ((), MAIL, {"DATABASE_URL": "sqlite:////nowhere/onecase.sqlite3"}, 75),
        ((), MAIL, {"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}, 75),
    ],
    ids=["empty", "too large", "no such channel", "no database file", "database away"],
)
def test_exit_codes(
    machine: Machine, arguments: tuple[str, ...], stdin: bytes, env: dict[str, str], code: int
) -> None:
    before = machine.stored()
    done = machine.run("receive_mail", *arguments, stdin=stdin, env=env)
    assert done.returncode == code
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert machine.stored() == before


def test_a_pipe_that_is_ended_asks_to_try_again(machine: Machine) -> None:
    waits = """
import os, signal, sys, threading, time
from django.core.management import execute_from_command_line
def end():
    while signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end, daemon=True).start()
execute_from_command_line(["manage.py", "receive_mail"])
"""
    read, write = os.pipe()  # never written to: the mail does not come
    done = subprocess.run(
        [sys.executable, "-c", waits],
        stdin=read,
        cwd=settings.BASE_DIR,
        env=machine.env,
        timeout=60,
    )
    os.close(read)
    os.close(write)
    assert done.returncode == 75


def test_the_door_stores_and_stops_cleanly(machine: Machine) -> None:
    before = machine.stored()
    with machine.running("listen_smtp") as (process, port):
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("a@example.org", ["help@mail.example.org"], MAIL + b"by SMTP\n")
        idle = smtplib.SMTP("127.0.0.1", port, timeout=10)  # somebody who stays connected
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        idle.close()
    assert machine.stored() == before + 1


def test_the_mailbox_keeps_and_stops_cleanly(machine: Machine) -> None:
    new = machine.folder / "pocket" / "new"
    before = len(list(new.iterdir()))
    with machine.running("demo_mailbox") as (process, port):
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("help@mail.example.org", ["a@example.org", "b@example.org"], MAIL)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                client.sendmail("help@mail.example.org", ["full@example.org"], MAIL)
            assert refused.value.recipients["full@example.org"][0] == 552
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert len(list(new.iterdir())) == before + 2


def test_a_taken_port_is_one_line(machine: Machine) -> None:
    with machine.running("listen_smtp") as (_process, port):
        done = machine.run("listen_smtp", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert b"cannot listen" in done.stderr
    assert b"Traceback" not in done.stderr
    assert machine.run("listen_smtp", "--listen", "nonsense").returncode == 1


def test_outside_demo_mode_there_is_no_demo(machine: Machine) -> None:
    real = {
        "ONECASE_DEMO": "0",
        "SECRET_KEY": "k" * 60,
        "PUBLIC_URL": "https://help.example.org",
        "DATABASE_URL": f"sqlite:///{machine.folder}/onecase.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp://127.0.0.1:1",
    }
    assert machine.run("check", env=real).returncode == 0
    assert json.loads(machine.python(NO_DEMO, **real)) == [19, []]
    assert json.loads(machine.python(NO_DEMO))[1] != []  # and in demo mode there is
    for command in ("demo", "demo_mailbox"):
        done = machine.run(command, env=real)
        assert done.returncode == 1
        assert b"ONECASE_DEMO=1" in done.stderr

"""`manage.py run` with all its real processes: start, return, end, and what it refuses."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from portal import supervisor, valkey
from tests.setup.test_processes import lives, until

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("valkey", "uvicorn", "celery -A portal -q worker", "beat", "demo_mailbox", "listen_smtp")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A supervisor as a person starts it, and what it printed."""

    def __init__(self, data: Path, port: int | str, **more: str) -> None:
        given = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL", "SECRET_KEY")
        env = {key: value for key, value in os.environ.items() if key not in given}
        env |= {"ONECASE_DEMO": "1", "ONECASE_DATA": str(data), **more}
        env["DJANGO_SETTINGS_MODULE"] = "portal.settings"
        self.data, self.port, self.begun = data, str(port), time.monotonic()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--port", str(port)],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(self.process.stdout)

    def ready(self, within: float) -> float:
        """Wait for the greeting; the seconds since the start."""
        ended = self.process.poll
        until(lambda: "Ctrl-C stops" in self.text or ended() is not None, within)
        assert "Ctrl-C stops" in self.text, self.text
        return time.monotonic() - self.begun

    @property
    def text(self) -> str:
        """All that was printed so far."""
        return "".join(self.lines)

    def processes(self) -> dict[str, int]:
        """Part to process id, of all living processes that use this data folder."""
        found = {}
        mark = f"ONECASE_DATA={self.data}".encode()
        # Valkey writes its title over its environment, but names its socket in it.
        place = str(valkey.runtime_path(self.data))
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or not lives(int(entry.name)):
                continue
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                ours = place in words or mark in (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if ours and int(entry.name) != self.process.pid:
                name = next((part for part in PARTS if part in words), words)
                found[name] = int(entry.name)
        return found

    def get(self, path: str) -> int:
        """The status of a page, 0 without an answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", int(self.port), timeout=10)) as web:
            try:
                web.request("GET", path)
                return web.getresponse().status
            except OSError:
                return 0

    def end(self, number: signal.Signals) -> float:
        """Send a signal; the seconds until the process was gone."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(10)
        return time.monotonic() - begun


def test_the_mail_doors_stay_where_they_were_and_never_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in supervisor.DOORS:
        monkeypatch.delenv(name, raising=False)
    memory, port = tmp_path / "ports.json", free_port()
    memory.write_text(json.dumps(dict.fromkeys(supervisor.DOORS, port)))
    doors = supervisor._mail_doors(memory)
    assert len(set(doors.values())) == 2 and f"127.0.0.1:{port}" in doors.values()
    assert supervisor._mail_doors(memory) == doors
    first = doors["ONECASE_SMTP_LISTEN"]
    with closing(socket.create_server(("127.0.0.1", int(first.rpartition(":")[2])))):
        assert first not in supervisor._mail_doors(memory).values()
    memory.write_text("broken")
    assert len(set(supervisor._mail_doors(memory).values())) == 2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all tests of this file: the database is made once."""
    folder = tmp_path_factory.mktemp("run") / "data"
    folder.mkdir()
    # Not the usual ports: a portal that runs on this machine may take and leave those meanwhile.
    ports = {name: free_port() for name in supervisor.DOORS}
    (folder / "ports.json").write_text(json.dumps(ports))
    return folder


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[Running]:
    """The portal, started for the first time."""
    run = Running(data, free_port())
    try:
        run.ready(90)
        yield run
    finally:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


def test_first_start_brings_everything_and_says_where(running: Running) -> None:
    parts = running.processes
    assert until(lambda: set(parts()) == set(PARTS), 5), parts()
    site = f"http://localhost:{running.port}"
    addresses = re.findall(r"http\S+", running.text)
    assert addresses[0] == f"{site}/demo/"
    assert f"{site}/" in addresses and f"{site}/admin/" in addresses
    assert str(running.data) in running.text
    assert [running.get(path) for path in ("/healthz", "/", "/demo/")] == [200, 200, 200]


def test_the_secret_key_and_the_folder_are_private(running: Running) -> None:
    assert (running.data / "secret_key").stat().st_mode & 0o077 == 0
    assert running.data.stat().st_mode & 0o077 == 0


def test_the_embedded_valkey_has_no_port(running: Running) -> None:
    pid = running.processes()["valkey"]
    inodes = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    listening = [line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert not [inode for inode in listening if f"socket:[{inode}]" in inodes]


def test_a_second_one_on_the_same_data_is_refused(running: Running) -> None:
    second = Running(running.data, free_port())
    assert second.process.wait(20) == 1
    assert until(lambda: f"already runs with the data in {running.data}" in second.text)
    assert len(second.lines) == 1


def test_a_taken_port_is_named_with_a_free_one(running: Running, tmp_path: Path) -> None:
    second = Running(tmp_path, running.port)
    assert second.process.wait(20) == 1
    assert until(lambda: f"port {running.port} is taken" in second.text)
    assert len(second.lines) == 1
    offered = re.search(r"make run PORT=(\d+)", second.text)
    assert offered and offered.group(1) != running.port


@pytest.mark.parametrize("port", ["abc", "0", "99999"])
def test_a_number_that_is_no_port_is_one_line(tmp_path: Path, port: str) -> None:
    second = Running(tmp_path, port)
    assert second.process.wait(20) == 1
    assert until(lambda: f"'{port}' is no port" in second.text)
    assert len(second.lines) == 1


def test_killed_children_come_back(running: Running) -> None:
    before = running.processes()
    victims = ("uvicorn", "celery -A portal -q worker", "valkey")
    for part in victims:
        os.kill(before[part], signal.SIGKILL)
    assert until(
        lambda: all(running.processes().get(p, before[p]) != before[p] for p in victims), 10
    )
    assert until(lambda: running.get("/healthz") == 200, 10)
    assert "web     | ended with -9" in running.text


def test_sigterm_ends_everything_in_five_seconds(running: Running) -> None:
    assert running.end(signal.SIGTERM) < 5
    assert running.process.returncode == 0
    assert running.processes() == {}
    assert not valkey.runtime_path(running.data).exists()


def test_a_later_start_is_quick_keeps_the_data_and_a_kill_leaves_nothing(data: Path) -> None:
    key, ports = (data / "secret_key").read_text(), (data / "ports.json").read_text()
    again = Running(data, free_port())
    try:
        seconds = again.ready(30)
        assert "loading the demo" not in again.text and "database" not in again.text
        assert (data / "secret_key").read_text() == key
        assert (data / "ports.json").read_text() == ports
        # The promise is six; two processors that run other tests as well get some air.
        assert seconds < 15
    finally:
        again.process.kill()
        again.process.wait()
    assert until(lambda: again.processes() == {}, 3), again.processes()

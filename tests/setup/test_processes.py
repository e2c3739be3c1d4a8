"""Children come back, are stopped in time, and never outlive their parent: with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portal import processes
from portal.processes import Group, Service

pytestmark = pytest.mark.processes
SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
# Ignores the polite signal, and so does what it started.
STUBBORN = [
    "/bin/sh",
    "-c",
    "trap '' TERM; (trap '' TERM; sleep 60) & echo $! > \"$GRANDCHILD\"; while :; do sleep 1; done",
]
PARENT = """
import sys, time
from pathlib import Path
from portal.processes import Group, Service
group = Group(Path(sys.argv[1]))
child = group.add(Service("child", [sys.executable, "-c", "import time; time.sleep(60)"]))
print(child.process.pid, flush=True)
time.sleep(60)
"""


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait for a condition; whether it came true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def lives(pid: int) -> bool:
    """True while that process runs (one that has ended but not been collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def group(tmp_path: Path) -> Group:
    """An empty group with its log folder."""
    return Group(tmp_path / "log")


def test_a_killed_child_comes_back_later_and_later(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_DELAY", 0.05)
    child = group.add(Service("sleeper", SLEEPS))
    child.delay = 0.05
    waits = []
    for _ in range(3):
        assert child.process
        pid = child.process.pid
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        while child.process.pid == pid:
            assert time.monotonic() < killed + 5
            group.look_after()
            time.sleep(0.01)
        waits.append(time.monotonic() - killed)
    assert child.starts == 4
    assert waits[2] > waits[0] and waits[2] >= 0.2
    assert child.delay == pytest.approx(0.4)
    group.stop()


def test_a_settled_child_starts_at_once_again(group: Group) -> None:
    child = group.add(Service("sleeper", SLEEPS))
    child.delay = processes.LONGEST_DELAY
    child.started_at -= processes.SETTLED + 1
    child.signal(signal.SIGKILL)
    assert until(lambda: not child.running)
    group.look_after()
    assert child.next_start - time.monotonic() <= processes.FIRST_DELAY
    group.stop()


def test_stop_ends_even_those_that_will_not(group: Group, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    stubborn = group.add(Service("stubborn", STUBBORN, env={"GRANDCHILD": str(note)}))
    polite = group.add(Service("polite", SLEEPS, last=True))
    assert until(lambda: note.exists() and note.read_text().strip() != "")
    begun = time.monotonic()
    group.stop(within=0.5)
    assert time.monotonic() - begun < 2
    assert stubborn.process and stubborn.process.returncode == -signal.SIGKILL
    assert polite.process and polite.process.returncode == -signal.SIGTERM
    assert until(lambda: not lives(int(note.read_text())))


def test_the_last_ones_are_stopped_after_the_others(group: Group) -> None:
    ended: list[str] = []
    for name, last in (("valkey", True), ("web", False)):
        child = group.add(Service(name, SLEEPS, last=last))
        waits = child.wait

        def noted(until: float, name: str = name, waits: Callable[[float], None] = waits) -> None:
            waits(until)
            ended.append(name)

        child.wait = noted  # type: ignore[method-assign]
    group.stop()
    assert ended == ["web", "valkey"]


def test_nothing_is_left_of_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert lives(pid)
    parent.kill()
    parent.wait()
    assert until(lambda: not lives(pid), 2)


def test_a_single_run_ends_when_it_is_no_longer_wanted(group: Group) -> None:
    begun = time.monotonic()
    child = group.run_once(Service("sleeper", SLEEPS), lambda: time.monotonic() < begun + 0.3)
    assert time.monotonic() - begun < 2
    assert child.process and child.process.returncode == -signal.SIGTERM


def test_the_terminal_gets_warnings_and_the_log_everything(
    group: Group, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = ["INFO all is well", "ERROR it broke", "  File x", "INFO again", "x.y.SomeError: why"]
    code = f"print({chr(10).join(lines)!r})"
    group.run_once(Service("loud", [sys.executable, "-c", code]), lambda: True)
    shown = [line.partition("| ")[2] for line in capfd.readouterr().out.splitlines()]
    assert shown == ["ERROR it broke", "  File x", "x.y.SomeError: why"]
    assert (tmp_path / "log" / "loud.log").read_text().splitlines() == lines


def test_each_start_begins_a_log_and_keeps_the_last_one(tmp_path: Path) -> None:
    for text in ("first", "second"):
        Group(tmp_path).run_once(
            Service("web", [sys.executable, "-c", f"print({text!r})"]), lambda: True
        )
    assert (tmp_path / "web.log").read_text() == "second\n"
    assert (tmp_path / "web.log.1").read_text() == "first\n"

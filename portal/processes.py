"""Child processes that come back when they die and never outlive their parent."""

import contextlib
import ctypes
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing should be
PR_SET_PDEATHSIG = 1
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a restart
SETTLED = 60.0  # seconds after which a child counts as healthy again
LOG_BYTES = 10 * 1024 * 1024
COLOURS = (36, 33, 35, 32, 34, 31)
# Lines worth a look: the level words of Python, uvicorn, celery and Valkey.
LOUD = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL)\b|^Traceback|^[\w.]*(Error|Exception)\b")
# Said by every browser, crawler and kernel; the log file has them.
DULL = re.compile(
    r"django\.request: (Not Found|Forbidden|Method Not Allowed|Bad Request)|Memory overcommit"
)


@dataclass(frozen=True)
class Service:
    """One process to keep running: its name, its command line and what happens at its end."""

    name: str
    command: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    death_signal: signal.Signals = signal.SIGKILL  # sent by the kernel when the parent dies
    last: bool = False  # stopped after the others, as they need it


class Child:
    """A service that runs, its log, and when it may be started again."""

    def __init__(self, service: Service, log_folder: Path, colour: int, verbose: bool) -> None:
        self.service = service
        self.process: subprocess.Popen[str] | None = None
        self.starts = 0
        self.started_at = 0.0
        self.next_start = 0.0
        self.delay = FIRST_DELAY
        self.tail: deque[str] = deque(maxlen=15)
        self._prefix = _painted(f"{service.name:<8}| ", colour)
        self._verbose = verbose
        self._log = _log_file(log_folder / f"{service.name}.log")
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the process. Main thread only: the death signal follows the starting thread."""
        service, parent = self.service, os.getpid()
        self.process = subprocess.Popen(
            service.command,
            env={**os.environ, **service.env, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # the terminal's Ctrl-C is ours alone to pass on
            preexec_fn=lambda: die_with(parent, service.death_signal),
        )
        self.starts += 1
        self.started_at = time.monotonic()
        assert self.process.stdout
        self._reader = threading.Thread(target=self._copy, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _copy(self, pipe: IO[str]) -> None:
        shown = False
        for raw in pipe:
            line = raw.rstrip()
            self._log.emit(logging.makeLogRecord({"msg": line}))
            self.tail.append(line)
            shown = _is_loud(line, shown)
            if shown or self._verbose:
                self.say(line)

    def say(self, line: str) -> None:
        """Print one line with the service's name before it."""
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
            print(f"{self._prefix}{line}", flush=True)

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self.process is not None and self.process.poll() is None

    def look_after(self, now: float) -> None:
        """Start the process again if it died, later and later while it keeps dying."""
        if self.running or self.process is None:
            return
        if not self.next_start:
            if now - self.started_at > SETTLED:
                self.delay = FIRST_DELAY
            self.next_start = now + self.delay
            self.say(f"ended with {self.process.returncode}; starts again in {self.delay:g} s")
            self.delay = min(self.delay * 2, LONGEST_DELAY)
        elif now >= self.next_start:
            self.next_start = 0.0
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to whatever it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def wait(self, until: float) -> None:
        """Wait for the end until that time on the monotonic clock, then kill."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.05, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.signal(signal.SIGKILL)  # what it may have left behind in its session

    def close(self) -> None:
        """Read the last lines and close the log."""
        if self._reader is not None:
            self._reader.join(0.5)
        self._log.close()


class Group:
    """The children of one supervisor, in the order of their start."""

    def __init__(self, log_folder: Path, *, verbose: bool = False) -> None:
        self.children: list[Child] = []
        self._log_folder = log_folder
        self._verbose = verbose
        log_folder.mkdir(parents=True, exist_ok=True)

    def add(self, service: Service) -> Child:
        """Start a service and keep it running from now on."""
        colour = COLOURS[len(self.children) % len(COLOURS)]
        child = Child(service, self._log_folder, colour, self._verbose)
        self.children.append(child)
        child.start()
        return child

    def run_once(self, service: Service, go_on: Callable[[], bool]) -> Child:
        """Run a service to its end, or until `go_on` says no; it is not started again."""
        child = Child(service, self._log_folder, 0, self._verbose)
        child.start()
        while child.running and go_on():
            time.sleep(0.02)
        child.signal(signal.SIGTERM)
        child.wait(time.monotonic() + 2)
        child.close()
        return child

    def look_after(self) -> None:
        """Restart whatever died, each after its own delay."""
        for child in self.children:
            child.look_after(time.monotonic())

    def stop(self, *, within: float = 4.0) -> None:
        """End all within so many seconds: first those that need the others."""
        until = time.monotonic() + within
        for last in (False, True):
            chosen = [c for c in self.children if c.service.last is last]
            for child in chosen:
                child.signal(signal.SIGTERM)
            for child in chosen:
                child.wait(until + (0.5 if last else 0.0))
        for child in self.children:
            child.close()


def die_with(parent: int, number: int) -> None:
    """In the child, before its program starts: end when the parent ends, however it ends."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died in between
            os._exit(1)


def _log_file(path: Path) -> RotatingFileHandler:
    """A log file that starts empty; the one of the last run stays beside it as `.1`."""
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    if path.stat().st_size:
        handler.doRollover()
    return handler


def _is_loud(line: str, before: bool) -> bool:
    """True for a warning, and for the lines of the traceback that belong to one."""
    if line[:1].isspace() and before:
        return True
    return bool(LOUD.search(line)) and not DULL.search(line)


def _painted(text: str, colour: int) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{colour}m{text}\033[0m"

"""A temporary PostgreSQL for the tests: made, used and removed; as root it runs as another user."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from portal.processes import die_with

# Speed instead of safety: nothing in it outlives the run.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")
DURABLE = ("shared_buffers=512MB", "listen_addresses=")


class PostgresMissing(RuntimeError):
    """No PostgreSQL server can be started here."""


def binaries() -> Path:
    """The folder with `initdb` and `postgres`: from PATH, or the newest of Debian's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    places = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(places, key=lambda path: int(path.parts[-3]), default=None)
    if newest is None:
        raise PostgresMissing("no PostgreSQL server: apt install postgresql")
    return newest.parent


def _other_user() -> dict[str, Any]:
    """How to start a process that PostgreSQL accepts: it refuses root."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise PostgresMissing("PostgreSQL refuses root, and there is no other user to run it")


@contextmanager
def temporary(*, durable: bool = False) -> Iterator[str]:
    """The DATABASE_URL of a fresh server on a unix socket; it ends with the block.

    `durable`: as it is set up for real, to be measured.
    """
    found, who = binaries(), _other_user()
    folder = Path(tempfile.mkdtemp(prefix="onecase-pg-", dir="/tmp"))
    if who:
        os.chown(folder, who["user"], who["group"])
    data = folder / "data"
    calm: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, **who}
    try:
        subprocess.run(
            [
                *(str(found / "initdb"), "-D", str(data), "-U", "onecase", "-A", "trust"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            **calm,
        )
        settings = DURABLE if durable else FAST
        options = [part for setting in settings for part in ("-c", setting)]
        parent = os.getpid()
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen(
                [str(found / "postgres"), "-D", str(data), "-k", str(folder), *options],
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with(parent, 3),  # SIGQUIT: at once, with its children
                **calm,
            )
        try:
            _wait(folder, server)
            yield f"postgres://onecase@{quote(str(folder), safe='')}/onecase"
        finally:
            server.send_signal(2)  # SIGINT: ends the sessions and stops
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    """Until it takes connections: the eighth line of its pid file says so."""
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        state = folder / "data" / "postmaster.pid"
        if state.exists() and state.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.05)
    raise PostgresMissing("PostgreSQL did not start:\n" + (folder / "log").read_text())

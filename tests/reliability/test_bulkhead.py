"""A provider that is dead, slow or talks nonsense delays no other channel: a real worker."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from channels_app.breaker import IN_A_ROW
from channels_app.seats import PER_CHANNEL
from tests import shop
from tests.adapters import test_telegram as bot
from tests.adapters import test_whatsapp as meta
from tests.reliability.crowd import ANSWERS, CHATS, MAILS
from tests.serving import serving

ROOT = Path(__file__).resolve().parents[2]
NOTICED = 10.0  # seconds: a call that hangs takes longer, and the sweep does not run here


class Doorway:
    """How many calls are inside at once, and how many came."""

    def __init__(self) -> None:
        self.lock, self.open = threading.Lock(), threading.Event()
        self.inside = {"GET": 0, "POST": 0}
        self.most, self.came = dict(self.inside), dict(self.inside)

    def step(self, method: str, by: int) -> None:
        """One goes in, or out."""
        with self.lock:
            self.inside[method] += by
            self.came[method] += by > 0
            self.most[method] = max(self.most[method], self.inside[method])


@contextmanager
def provider(how: str) -> Iterator[tuple[Doorway, str]]:
    """One that is "slow" (20 s), "garbled" or "dead", and its address."""
    doorway = Doorway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            doorway.step(self.command, 1)
            if how == "slow":
                doorway.open.wait(20)
            doorway.step(self.command, -1)
            with suppress(OSError):  # they may have gone
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    if how == "dead":
        yield doorway, f"http://127.0.0.1:{shop.free_port()}"
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        try:
            yield doorway, f"http://127.0.0.1:{server.server_port}"
        finally:
            doorway.open.set()


@pytest.mark.processes
@pytest.mark.parametrize("how", ["dead", "slow", "garbled"])
def test_the_other_channels_do_not_notice(how: str, tmp_path: Path, valkey_url: str) -> None:
    with shop.sink_server() as (sink, mail_url), provider(how) as (doorway, url):
        environment = {
            **os.environ,
            "ONECASE_DATA": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'crowd.sqlite3'}",
            "REDIS_URL": valkey_url,
            "EMAIL_URL": mail_url,
            "ONECASE_DEMO": "1",
            "PYTHONPATH": str(ROOT),
        }
        for kind, config in (
            ("WHATSAPP", meta.TestWhatsApp.config),
            ("TELEGRAM", bot.TestTelegram.config),
        ):
            for name, value in config.items():
                environment[f"{kind}_{name.upper()}"] = value.replace("{url}", url)
        begun = time.monotonic()
        command = [sys.executable, "-m", "tests.reliability.crowd"]
        run = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150
        )
        took = time.monotonic() - begun
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    print(f"{how}: {found}, {doorway.most} at once of {doorway.came}, {took:.0f} s")
    assert found["sent"] == MAILS + 1 and found["filed"] == CHATS  # the acknowledgement as well
    assert len(sink.raw) == MAILS + 1
    assert found["longest"]["mail"] < NOTICED and found["longest"]["chat"] < NOTICED
    waiting = found["whatsapp"]
    assert sum(waiting.values()) == ANSWERS + 1
    assert doorway.most["POST"] <= PER_CHANNEL and doorway.most["GET"] <= PER_CHANNEL
    if how == "slow":
        assert doorway.most["GET"] == PER_CHANNEL
        assert doorway.most["POST"] >= 2  # a full batch rings for one more; the bound is above
    else:  # the rest waits, and nobody wonders whether it went
        assert found["paused"]
        assert waiting.get("uncertain", 0) <= IN_A_ROW + PER_CHANNEL - 1
        assert waiting["queued"] >= ANSWERS - IN_A_ROW - PER_CHANNEL

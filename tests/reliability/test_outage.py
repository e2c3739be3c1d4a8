"""The broker is down: customers notice nothing, and the mail leaves when it is back."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from portal import valkey
from tests import shop

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.processes
def test_a_case_opens_without_a_broker_and_its_mail_leaves_later() -> None:
    with (
        shop.sink_server() as (sink, url),
        tempfile.TemporaryDirectory(prefix="onecase-", dir="/tmp") as folder,
    ):
        environment = {
            **os.environ,
            "ONECASE_DATA": folder,
            "DATABASE_URL": f"sqlite:///{folder}/outage.sqlite3",
            "REDIS_URL": valkey.url(Path(folder) / valkey.SOCKET_NAME),
            "EMAIL_URL": url,
            "PYTHONPATH": str(ROOT),
        }
        run = subprocess.run(
            [sys.executable, "-m", "tests.reliability.outage"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert run.returncode == 0, run.stderr[-3000:]
    result = json.loads(run.stdout.splitlines()[-1])
    assert (result["without"], result["after"]) == ("queued", "sent")
    assert result["took"] < 3.0  # with the client's own retries it was 6.1 s
    assert len(sink.raw) == 1

"""Promises 1 and 2 of the design, with real processes: nothing is lost, nothing goes twice."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import shop

ROOT = Path(__file__).resolve().parents[2]
REPLIES, KILLS = 1000, 20


def message_keys(sink: shop.Sink) -> Counter[str]:
    """How often each delivery arrived, by its Message-ID."""
    heads = (raw.split(b"\r\n\r\n", 1)[0].decode() for raw in sink.raw)
    found = (re.search(r"(?im)^Message-ID:\s*<([0-9a-f-]{36})@", head) for head in heads)
    return Counter(match[1] for match in found if match)


@pytest.mark.processes
def test_the_worker_dies_twenty_times_and_no_answer_is_lost_or_doubled(
    tmp_path: Path, valkey_url: str
) -> None:
    with shop.sink_server() as (sink, url):
        environment = {
            **os.environ,
            "ONECASE_DATA": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'shift.sqlite3'}",
            "REDIS_URL": valkey_url,
            "EMAIL_URL": url,
            "ONECASE_LEASE_SECONDS": "4",
            "ONECASE_DEMO": "1",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "tests.reliability.shift", str(REPLIES), str(KILLS)]
        run = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500
        )
    assert run.returncode == 0, run.stderr[-3000:]
    result = json.loads(run.stdout.splitlines()[-1])
    assert (result["killed"], result["flushed"]) == (KILLS, 1)
    arrived, status = message_keys(sink), result["status"]
    count = Counter(status.values())
    print(f"{REPLIES} replies, {KILLS} kills: {dict(count)}, {sum(arrived.values())} mails")
    assert len(status) == REPLIES and set(count) <= {"sent", "uncertain"}
    lost = [key for key, state in status.items() if state == "sent" and not arrived[key]]
    twice = [key for key in status if arrived[key] > 1 and status[key] != "uncertain"]
    assert (lost, twice) == ([], [])
    assert result["alerts"] >= count["uncertain"]
    assert count["uncertain"] <= 8 * KILLS  # no more than eight threads were sending at each kill

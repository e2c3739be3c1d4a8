"""A shift under fire, run as a process of its own: see test_kill.py.

Arguments: how many replies, how many kills. Prints one line of JSON.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import django
import redis

ROOT = Path(__file__).resolve().parents[2]
CUSTOMERS = 20
PATIENCE = 240.0  # seconds until what is left counts as lost


def start(*arguments: str) -> "subprocess.Popen[bytes]":
    """A real worker or beat, in a process group of its own."""
    command = [sys.executable, "-m", "celery", "-q", "-A", "portal", *arguments, "-l", "warning"]
    with open(Path(os.environ["ONECASE_DATA"]) / "celery.log", "ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Without a word of warning."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Fire:
    """Kills the worker at random moments, and flushes the broker half-way."""

    def __init__(self, kills: int) -> None:
        self.kills, self.killed, self.flushed = kills, 0, 0
        self.clock = random.Random(7)
        self.worker = self._start()
        self.next_at = time.monotonic() + 4

    def _start(self) -> "subprocess.Popen[bytes]":
        return start("worker", "-P", "threads", "-c", "8")

    def burn(self) -> None:
        """Kill the worker if it is time."""
        if self.killed == self.kills or time.monotonic() < self.next_at:
            return
        kill(self.worker)
        self.worker, self.killed = self._start(), self.killed + 1
        self.next_at = time.monotonic() + self.clock.uniform(2.0, 3.5)
        if self.killed == self.kills // 2:
            redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()
            self.flushed += 1


def main(replies: int, kills: int) -> dict[str, object]:
    """Write replies while the worker dies again and again; wait until nothing is on its way."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django.core.management import call_command

    from channels_app import dispatch, opening
    from channels_app.models import Delivery
    from contacts.models import Alert
    from tests import shop

    call_command("migrate", verbosity=0)
    organisation, agent = shop.make_shop(), shop.make_agent()
    cases = [
        opening.open_case(
            organisation=organisation,
            text="How late are you open?",
            came_by="account",
            kind="email",
            address=f"customer{number}@example.org",
            language="en",
        )
        for number in range(CUSTOMERS)
    ]
    schedule = os.environ["ONECASE_DATA"] + "/schedule"
    beat = start("beat", "-s", schedule, "--pidfile=")
    fire = Fire(kills)
    on_its_way = Delivery.objects.filter(status__in=("queued", "sending"))
    try:
        for number in range(replies):
            dispatch.reply(case=cases[number % CUSTOMERS], staff=agent, text=f"Until {number}.")
            fire.burn()
            time.sleep(0.04)  # so that the worker dies in the middle of the work, not before it
        end = time.monotonic() + PATIENCE
        while (on_its_way.exists() or fire.killed < kills) and time.monotonic() < end:
            fire.burn()
            time.sleep(0.2)
    finally:
        kill(fire.worker)
        kill(beat)
    rows = Delivery.objects.filter(message__template="").values_list("pk", "status")
    return {
        "killed": fire.killed,
        "flushed": fire.flushed,
        "status": {str(pk): status for pk, status in rows},
        "alerts": Alert.objects.filter(sort="uncertain").count(),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))

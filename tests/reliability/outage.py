"""The broker goes and comes back, run as a process of its own: see test_outage.py."""

import json
import os
import subprocess
import time
from pathlib import Path

import django

from portal import valkey
from tests.reliability.shift import kill, start

OUTAGE = 10.0  # seconds: both have to reconnect, with their growing waits
PATIENCE = 60.0  # seconds until the mail must have left


def broker(folder: Path) -> "subprocess.Popen[bytes]":
    """A real Valkey on the socket that REDIS_URL names, ready to answer."""
    place = folder / valkey.SOCKET_NAME
    silent = subprocess.DEVNULL
    server = subprocess.Popen(
        valkey.command(folder, place), stdout=silent, stderr=silent, start_new_session=True
    )
    end = time.monotonic() + 10
    while not valkey.answers(place, server.pid):
        assert time.monotonic() < end, "Valkey did not start"
        time.sleep(0.02)
    return server


def main(folder: Path) -> dict[str, object]:
    """Open a case without a broker, bring it back, and wait until the mail has left."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django.core.management import call_command

    from channels_app import opening
    from channels_app.models import Delivery
    from tests import shop

    call_command("migrate", verbosity=0)
    organisation = shop.make_shop()
    server = broker(folder)
    worker = start("worker", "-P", "threads", "-c", "2")
    beat = start("beat", "-s", os.environ["ONECASE_DATA"] + "/schedule", "--pidfile=")
    try:
        time.sleep(3)
        kill(server)
        began = time.monotonic()
        opening.open_case(
            organisation=organisation,
            text="Are you there?",
            came_by="account",
            kind="email",
            address="sam@example.org",
            language="en",
        )
        took = time.monotonic() - began
        time.sleep(OUTAGE)
        without = Delivery.objects.get().status
        server = broker(folder)
        end = time.monotonic() + PATIENCE
        while Delivery.objects.get().status != "sent" and time.monotonic() < end:
            time.sleep(0.2)
        return {"took": took, "without": without, "after": Delivery.objects.get().status}
    finally:
        for process in (worker, beat, server):
            kill(process)


if __name__ == "__main__":
    print(json.dumps(main(Path(os.environ["ONECASE_DATA"]))))

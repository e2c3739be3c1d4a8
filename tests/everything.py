"""`make test`: all tests on SQLite, then those that touch the database once more on PostgreSQL."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from tests import postgres
from tests.needs import is_required

COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|deselected|warnings?)")


@dataclass
class Run:
    """One run of pytest: which database, how it ended and its last line."""

    name: str
    code: int
    summary: str
    counts: Counter[str] = field(default_factory=Counter)


def pytest(name: str, arguments: list[str], **env: str) -> Run:
    """Run pytest with the output passed through; its last line is kept for the end."""
    print(f"\n--- tests on {name}", flush=True)
    inherited = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    # Importing the portal here has named its own settings in the environment.
    inherited["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    started = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-ra", *arguments],
        env=inherited | env,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    summary = "no summary"
    assert started.stdout
    for line in started.stdout:
        print(line, end="", flush=True)
        if COUNT.search(line) and " in " in line:
            summary = line.strip().strip("= ")
    counts = Counter({word.rstrip("s"): int(n) for n, word in COUNT.findall(summary)})
    return Run(name, started.wait(), summary, counts)


def on_postgres(arguments: list[str]) -> Run:
    """The second run: no browser, and nothing that starts the whole embedded portal."""
    chosen = [*arguments, "-m", "not browser and not processes"]
    if given := os.environ.get("TEST_DATABASE_URL"):
        return pytest("PostgreSQL", chosen, DATABASE_URL=given)
    try:
        with postgres.temporary() as url:
            return pytest("PostgreSQL", chosen, DATABASE_URL=url)
    except postgres.PostgresMissing as missing:
        required = is_required("postgres")
        return Run("PostgreSQL", int(required), f"{'FAILED' if required else 'skipped'}: {missing}")


def main(arguments: list[str]) -> int:
    """Both runs; the sum stands on the last line."""
    begun = time.monotonic()
    runs = [pytest("SQLite", arguments), on_postgres(arguments)]
    print()
    for run in runs:
        print(f"{run.name + ':':<12} {run.summary}")
    total = sum((run.counts for run in runs), Counter())
    words = ("failed", "error", "passed", "skipped")
    parts = [f"{total[word]} {word}" for word in words if total[word]]
    line = f" {', '.join(parts) or 'no tests ran'} in {time.monotonic() - begun:.2f}s "
    print(line.center(80, "="))
    # 5: none of the chosen tests is for that run (make test ARGS=tests/setup).
    return int(any(run.code not in (0, 5) for run in runs) or not total["passed"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

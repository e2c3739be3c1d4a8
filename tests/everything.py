"""`make test`: all tests on SQLite, and those that touch the database on PostgreSQL as well.

Four runs, three at a time: what starts processes and looks at pages waits more than it works.
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests import postgres
from tests.needs import is_required

WORDS = "passed|failed|errors?|skipped|rerun|xfailed|xpassed|deselected|warnings?"
COUNT = re.compile(rf"(\d+) ({WORDS})")


@dataclass
class Run:
    """One run of pytest: which database, how it ended and its last line."""

    name: str
    code: int
    summary: str
    counts: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)  # what was not printed while it ran


def pytest(name: str, arguments: list[str], *, aloud: bool = True, **env: str) -> Run:
    """Run pytest; `aloud` passes its output through, else it is kept for the end."""
    said = [f"\n--- tests on {name}\n"]
    if aloud:
        print(*said, end="", flush=True)
    inherited = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    # Importing the portal here has named its own settings in the environment.
    inherited["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    inherited["ONECASE_TWICE"] = "1"
    started = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-ra", "--rerun-show-tracebacks", *arguments],
        env=inherited | env,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    summary = "no summary"
    assert started.stdout
    for line in started.stdout:
        if aloud:
            print(line, end="", flush=True)
        said.append(line)
        if COUNT.search(line) and " in " in line:
            summary = line.strip().strip("= ")
    counts = Counter({word.rstrip("s"): int(n) for n, word in COUNT.findall(summary)})
    return Run(name, started.wait(), summary, counts, [] if aloud else said)


def on_postgres(arguments: list[str]) -> Run:
    """The second run: no browser, and nothing that starts the whole embedded portal."""
    chosen = [*arguments, "-m", "not browser and not processes and not once"]
    if given := os.environ.get("TEST_DATABASE_URL"):
        return pytest("PostgreSQL", chosen, aloud=False, DATABASE_URL=given)
    try:
        with postgres.temporary() as url:
            return pytest("PostgreSQL", chosen, aloud=False, DATABASE_URL=url)
    except postgres.PostgresMissing as missing:
        required = is_required("postgres")
        return Run("PostgreSQL", int(required), f"{'FAILED' if required else 'skipped'}: {missing}")


def on_sqlite(arguments: list[str], name: str, marked: str, **env: str) -> Run:
    """A part of the first run: nothing that is in another one."""
    return pytest(f"SQLite, {name}", [*arguments, "-m", marked], aloud=False, **env)


def main(arguments: list[str]) -> int:
    """All runs; the sum stands on the last line."""
    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        beside = [
            pool.submit(on_sqlite, arguments, "processes", "processes"),
            pool.submit(on_postgres, arguments),
            pool.submit(
                on_sqlite,
                arguments,
                "pages",
                "browser and not processes",
                ONECASE_LIGHT_BROWSER="1",
            ),
        ]
        here = pytest("SQLite", [*arguments, "-m", "not browser and not processes"])
        runs = [here, *(run.result() for run in beside)]
    for run in runs[1:]:
        print(*run.said, sep="", flush=True)
    print()
    for run in runs:
        print(f"{run.name + ':':<18} {run.summary}")
    total = sum((run.counts for run in runs), Counter())
    words = ("failed", "error", "rerun", "passed", "skipped")
    parts = [f"{total[word]} {word}" for word in words if total[word]]
    line = f" {', '.join(parts) or 'no tests ran'} in {time.monotonic() - begun:.2f}s "
    print(line.center(80, "="))
    # 5: none of the chosen tests is for that run (make test ARGS=tests/setup).
    return int(any(run.code not in (0, 5) for run in runs) or not total["passed"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make check`: everything that judges the tree without running the product."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests import catalogues, hygiene

PYTHON = sys.executable
CODE = ("portal", "channels_app", "contacts", "benchmarks", "tests", "manage.py")
# By its function: the script's first line would hold the path of another checkout.
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
DEMO = {"ONECASE_DEMO": "1"}
PRODUCTION = {
    "ONECASE_DEMO": "",
    "SECRET_KEY": "check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ-987654321",
    "PUBLIC_URL": "https://help.example.org",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "EMAIL_URL": "smtp://127.0.0.1:587?tls=1",
    "TRUSTED_PROXIES": "1",
}


@dataclass(frozen=True)
class Check:
    """A name and what to run: a command line, or a function that yields faults."""

    name: str
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    faults: Callable[[], Iterable[str]] | None = None

    def run(self) -> tuple[bool, str, float]:
        """Whether it is clean, what it said, and how many seconds it took."""
        begun = time.monotonic()
        if self.faults is not None:
            found = list(self.faults())
            return not found, "\n".join(found), time.monotonic() - begun
        done = subprocess.run(
            self.command,
            env={**os.environ, **dict(self.env)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=hygiene.ROOT,
        )
        return done.returncode == 0, done.stdout.strip(), time.monotonic() - begun


def checks(data: str) -> list[Check]:
    """All of them, the slowest first."""
    demo = tuple({**DEMO, "ONECASE_DATA": data}.items())
    database = f"sqlite:///{data}/check.sqlite3"
    real = tuple({**PRODUCTION, "ONECASE_DATA": data, "DATABASE_URL": database}.items())
    manage = (PYTHON, "manage.py")
    deploy = ("check", "--deploy", "--fail-level", "WARNING")
    return [
        Check("types (mypy)", (PYTHON, "-m", "mypy", *CODE)),
        Check("floors (import-linter)", (PYTHON, "-c", LINT_IMPORTS), demo),
        Check("catalogues", faults=catalogues.faults),
        Check("migrations", (*manage, "makemigrations", "--check", "--dry-run"), demo),
        Check("check --deploy", (*manage, *deploy), real),
        Check("check, demo", (*manage, "check", "--fail-level", "WARNING"), demo),
        Check("format (ruff)", (PYTHON, "-m", "ruff", "format", "--check", ".")),
        Check("lint (ruff)", (PYTHON, "-m", "ruff", "check", "--output-format=concise", ".")),
        Check("tree", faults=hygiene.faults),
    ]


def main() -> int:
    """Run all, two at a time; the output of those that failed comes last."""
    with (
        tempfile.TemporaryDirectory(prefix="onecase-check-") as data,
        ThreadPoolExecutor(2) as pool,
    ):
        chosen = checks(data)
        bad: list[tuple[Check, str]] = []
        for check, (clean, said, seconds) in zip(chosen, pool.map(Check.run, chosen), strict=True):
            print(
                f"{'ok    ' if clean else 'FAILED'} {check.name:<24} {seconds:5.1f} s", flush=True
            )
            if not clean:
                bad.append((check, said))
    for check, said in bad:
        print(f"\n--- {check.name}\n{said}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

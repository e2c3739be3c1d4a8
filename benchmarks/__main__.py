"""`make bench`: all figures on SQLite and on PostgreSQL, one table each.

python -m benchmarks [--database sqlite postgres] [--only open reply ...] [--cases 100000]
"""

import argparse
import subprocess
import sys

from benchmarks.house import ROOT


def main() -> int:
    """Each database in a process of its own: Django reads its settings once."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--database", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--cases", type=int, default=100_000)
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "benchmarks.run"]
    runs = [
        subprocess.run([*command, database, str(chosen.cases), *chosen.only], cwd=ROOT)
        for database in chosen.database
    ]
    return int(any(run.returncode for run in runs))


if __name__ == "__main__":
    sys.exit(main())

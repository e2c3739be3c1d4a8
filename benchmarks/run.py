"""One database: python -m benchmarks.run sqlite|postgres CASES [MEASURE ...]"""

import importlib
import os
import platform
import sys
from datetime import date

import django
from django.core.management import call_command

from benchmarks.house import house
from benchmarks.table import show


def main(database: str, cases: int, only: list[str]) -> int:
    """Build the house, load what every measure needs, print the table as it fills."""
    with house(database) as place:
        os.environ.update(place.env)
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        # Only now, as these know models.
        measures = importlib.import_module("benchmarks.measures")
        importlib.import_module("benchmarks.shop").open_shop()
        print(
            f"\n{database}, {date.today()}, Python {platform.python_version()},"
            f" {os.cpu_count()} processors, {cases:,} cases",
            flush=True,
        )
        return show(measures.all_of(place, cases, only))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))

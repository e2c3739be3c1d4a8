"""A figure with its yardstick, and the table that a run prints."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """What was measured. `ratio`: of the yardstick of the same run, where there is one."""

    name: str
    value: str
    yardstick: str = ""
    ratio: float | None = None
    at_least: str = ""
    held: bool | None = None


def quantile(values: Iterable[float], part: float) -> float:
    """The value below which `part` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def rates(values: Iterable[float]) -> str:
    """Median and range of a rate."""
    found = list(values)
    return f"{median(found):.0f}/s ({min(found):.0f}-{max(found):.0f})"


def milliseconds(values: Iterable[float]) -> str:
    """Median and 95th percentile of times in seconds."""
    found = list(values)
    return f"p50 {median(found) * 1000:.1f} ms, p95 {quantile(found, 0.95) * 1000:.1f} ms"


def show(figures: Iterable[Figure]) -> int:
    """Print the rows as they come; how many missed what they must hold."""
    print("| what | measured | yardstick | ratio | at least | held |\n|---|---|---|---|---|---|")
    missed = 0
    for row in figures:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        held = {None: "", True: "yes", False: "**no**"}[row.held]
        print(
            f"| {row.name} | {row.value} | {row.yardstick} | {ratio} | {row.at_least} | {held} |",
            flush=True,
        )
        missed += row.held is False
    return missed

"""The corpora that nobody on this project wrote, and how they are scored."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpora"

Case = dict[str, Any]


def cases(name: str) -> list[Case]:
    """The cases of a corpus; skips when it is not here, fails when some are missing."""
    index = FOLDER / name / "index.json"
    if not index.exists():
        pytest.skip(f"the corpus {name} is not at {FOLDER}")
    content = json.loads(index.read_text("utf-8"))
    found = [c for c in content["cases"] if "file" not in c or (index.parent / c["file"]).exists()]
    assert len(found) >= content["n_cases"], f"{name}: {len(found)} of {content['n_cases']} cases"
    return found


def raw(name: str, case: Case) -> bytes:
    """The bytes of a case's file."""
    return (FOLDER / name / case["file"]).read_bytes()


def fold(text: object) -> str:
    """White space folded."""
    return " ".join(str(text or "").split())


def words_present(expected: str, found: str) -> bool:
    """At least 95 % of the non-ASCII words of `expected` are in `found`.

    Words with a replacement character are left out: there the source did not read the mail.
    """
    plain = html.unescape(re.sub(r"<[^>]*>", " ", expected))
    words = [w for w in re.findall(r"\w+", plain) if not w.isascii() and "\ufffd" not in w]
    there = sum(word in found for word in words)
    return there >= 0.95 * len(words)


class Score:
    """Counts the checks of a corpus and remembers what failed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ran = self.good = self.cases = self.whole = 0
        self.failed: list[str] = []

    def case(self, label: str, checks: dict[str, bool]) -> None:
        """Add one case with its fields."""
        self.cases += 1
        self.ran += len(checks)
        self.good += sum(checks.values())
        self.whole += all(checks.values())
        wrong = [field for field, right in checks.items() if not right]
        if wrong:
            self.failed.append(f"{label}: {', '.join(wrong)}")

    @property
    def share(self) -> float:
        """Right fields of all fields."""
        return self.good / self.ran if self.ran else 0.0

    def report(self) -> Iterator[str]:
        """Lines to print."""
        yield (
            f"{self.name}: {self.cases} cases, {self.whole} without fault, "
            f"{self.good} of {self.ran} fields = {self.share:.1%}"
        )
        yield from (f"  {line}" for line in self.failed)

    def show(self) -> None:
        """Print them; pytest shows it with -s or -rA."""
        print("\n" + "\n".join(self.report()))

"""docs/advice.md is what the command writes, and it says the truth about the simple orders."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from channels_app.advice import population, report
from channels_app.advice.claims import Claim
from channels_app.advice.population import Result

pytestmark = pytest.mark.processes


def test_the_page_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = settings.BASE_DIR / "docs" / "advice.md"
    before = page.read_text()
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(settings, "BASE_DIR", tmp_path)
    call_command("advice_report")
    assert (tmp_path / "docs" / "advice.md").read_text() == before, "run: make advice"
    assert " are met." in before and "| NO |" not in before


def test_what_the_page_says_of_the_orders_is_so() -> None:
    found = {result.name: result for result in population.results()}
    _random, fixed, popular, topic, third, aged, learned = found.values()
    assert topic.first["shopping"] > fixed.first["shopping"] + 0.1
    assert third.first["shopping"] > topic.first["shopping"]
    assert popular.within_two["shopping"] > third.within_two["shopping"]
    assert fixed.first["financial"] > third.first["financial"] > topic.first["financial"]
    assert aged.first["shopping"] == third.first["shopping"]
    assert aged.first["financial"] > third.first["financial"] + 0.1
    assert learned.first["financial"] == pytest.approx(fixed.first["financial"], abs=0.01)
    assert popular.within_two["financial"] > learned.within_two["financial"]
    assert learned.within_two["shopping"] > third.within_two["shopping"]


def test_the_same_people_are_drawn_each_time() -> None:
    def shares(results: list[Result]) -> list[dict[str, float]]:
        return [result.first for result in results]

    assert shares(population.results()) == shares(population.results())


def test_a_claim_that_is_not_met_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Claim("R0", "x", population.SHOPPING, first=("letter",))
    monkeypatch.setattr(report, "claims", lambda: iter([bad]))
    table = "".join(report._claims())
    assert "0 of 1 are met." in table and "| NO |" in table

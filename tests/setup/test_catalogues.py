"""The catalogue check sees what is missing, fuzzy, stale or would break a page."""

from pathlib import Path

import polib
import pytest

from tests import catalogues

pytestmark = pytest.mark.processes


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete catalogue of two entries."""
    path = tmp_path / "portal" / "locale" / "nl" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    po = polib.POFile()
    po.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    po.append(polib.POEntry(msgid="Call %(name)s", msgstr="Bel %(name)s"))
    plural = {0: "één vraag", 1: "%(n)s vragen"}
    po.append(
        polib.POEntry(msgid="one question", msgid_plural="%(n)s questions", msgstr_plural=plural)
    )
    po.save(str(path))
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    monkeypatch.setattr(catalogues, "LOCALE", tmp_path / "portal" / "locale")
    monkeypatch.setattr(catalogues, "_forgotten", lambda: iter(()))
    catalogues.compile_all()
    return path


def test_a_complete_one_has_no_fault(catalogue: Path) -> None:
    assert list(catalogues.faults()) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Bel %(name)s", "", "not translated"),
        ("Bel %(name)s", "Bel %(naam)s", "other placeholders"),
        ("%(n)s vragen", "%(aantal)s vragen", "other placeholders"),
        ('msgid "Call', '#, fuzzy\nmsgid "Call', "marked fuzzy"),
        ("één vraag", "1 vraag", "not its compiled form"),
    ],
)
def test_a_fault_is_named(catalogue: Path, old: str, new: str, fault: str) -> None:
    text = catalogue.read_text()
    assert old in text
    catalogue.write_text(text.replace(old, new))
    assert any(fault in line for line in catalogues.faults())


def test_no_catalogue_at_all_is_a_fault(catalogue: Path) -> None:
    catalogue.unlink()
    assert any("no catalogue" in line for line in catalogues.faults())

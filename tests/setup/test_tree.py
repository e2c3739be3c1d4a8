"""The tree's own rules: the lists, the catalogues, and what must not be in a commit."""

from pathlib import Path

import pytest

from tests import hygiene

pytestmark = pytest.mark.processes


def test_the_tree_is_clean() -> None:
    assert list(hygiene.faults()) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("notes.md", "see /ro" + "ot/project/x", "a path of some machine"),
        ("notes.md", "in /ho" + "me/jan/portal", "a path of some machine"),
        ("key.pem", "-----BEGIN RSA PRIV" + "ATE KEY-----", "a secret"),
        ("uv.lock", "", "does not belong"),
        ("tool-1.0-py3-none-any.whl", "", "does not belong"),
    ],
)
def test_what_must_not_be_there_is_found(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text)
    assert any(fault in line for line in hygiene.faults(tmp_path, [tmp_path / name]))


def test_a_list_with_an_address_or_another_pin_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "runtime.txt").write_text("--index-url ht" + "tp://x/\ndjango==5.2.19 \\\n")
    (folder / "dev.txt").write_text("django==5.2.18 \\\n")
    found = list(hygiene.faults(tmp_path, []))
    assert any("runtime.txt: holds an address" in line for line in found)
    assert any("django is not 5.2.19" in line for line in found)

"""When the demo's data are loaded, and when not."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Case, Organisation, User
from portal.simulator import cases


@pytest.fixture
def empty(db: None, settings: Any, tmp_path: Path) -> None:
    """A database and a data folder with nothing in them."""
    settings.DATA_DIR = settings.MEDIA_ROOT = tmp_path


def test_it_leaves_a_database_in_use_alone(empty: None) -> None:
    Organisation.objects.create(name="A real one")
    with pytest.raises(CommandError, match="in use"):
        call_command("demo")
    assert not User.objects.exists()


def test_it_needs_demo_mode(db: None, settings: Any) -> None:
    settings.DEMO = False
    for name in ("demo", "demo_mailbox"):
        with pytest.raises(CommandError, match="ONECASE_DEMO"):
            call_command(name)


def test_a_load_that_breaks_leaves_nothing(empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(stage: object) -> None:
        raise RuntimeError("broken off")

    monkeypatch.setattr(cases, "STORIES", (cases.switch, breaks))
    with pytest.raises(RuntimeError):
        call_command("demo")
    assert not Organisation.objects.exists()
    assert not Case.objects.exists()

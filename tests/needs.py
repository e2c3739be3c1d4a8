"""What a test needs from the machine: absent it is skipped with a reason, or fails in CI."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

CORPORA = Path(__file__).resolve().parent.parent.parent / "shared" / "corpora"


def is_required(name: str) -> bool:
    """True if ONECASE_REQUIRE (a list with commas) says that this machine must have it."""
    return name in os.environ.get("ONECASE_REQUIRE", "").replace(" ", "").split(",")


def require(name: str, reason: str) -> NoReturn:
    """Give up the running test for want of `name`: skipped, or failed where it is required."""
    if is_required(name):
        pytest.fail(f"ONECASE_REQUIRE lists {name}: {reason}", pytrace=False)
    pytest.skip(reason)


def whole_chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def chromium() -> str | None:
    """The same, or its headless shell, if the whole run says so: half the work for each page.

    The shell has no push, and a frame's shared worker hears nothing there.
    """
    light = os.environ.get("ONECASE_LIGHT_BROWSER") and shutil.which("chromium-headless-shell")
    return light or whole_chromium()


def corpus(name: str) -> Path:
    """The folder of a corpus beside the checkout; without it the test is skipped."""
    folder = CORPORA / name
    if not folder.is_dir():
        require("corpora", f"no corpus {name} beside the checkout")
    return folder

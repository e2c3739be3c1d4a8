"""The installer says in one clear line why it cannot go on, and does nothing when all is there."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("sh", "cat", "cksum", "cut", "dirname", "sed", "awk", "rm", "id", "env")
OLD = '[ "$1" = -V ] && echo Python 3.9.2 && exit 0; exit 1'
NO_VENV = 'case "$2" in *ensurepip*) exit 1;; esac'
GOOD = "echo 3 11 7"
AT_HOME = 'case "$2" in *realpath*) cd .venv && pwd -P;; *) echo 3 11 7;; esac'
MAKES = 'case "$2" in *print*) echo 3 12 1;; venv) exit 1;; esac'
OTHER = 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3 12 1;; esac'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the installer and its lists, and a PATH with nothing but what it names."""
    folder = tmp_path / "checkout"
    (folder / "requirements").mkdir(parents=True)
    for name in ("install.sh", "runtime.txt", "dev.txt"):
        shutil.copy(ROOT / "requirements" / name, folder / "requirements")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return folder


def script(path: Path, body: str) -> None:
    """A small program at that path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def install(checkout: Path, python: str = "", **how: object) -> "subprocess.CompletedProcess[str]":
    """Run the installer there."""
    return subprocess.run(
        ["/bin/sh", "requirements/install.sh", "runtime"],
        cwd=checkout,
        env={"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent), "PYTHON": python},
        capture_output=True,
        text=True,
        timeout=20,
        **how,  # type: ignore[call-overload]
    )


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line of a refusal."""
    lines = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1 and len(lines) == 1, lines
    return lines[0]


def test_an_old_python_is_named(checkout: Path) -> None:
    script(checkout.parent / "bin" / "python3", OLD)
    assert "Python 3.11 or newer is needed, and Python 3.9.2 was found" in one_line(
        install(checkout)
    )


def test_no_python_is_said(checkout: Path) -> None:
    assert "no python3 was found" in one_line(install(checkout))


@pytest.mark.parametrize("named", ["/nope", "old"])
def test_a_python_that_was_named_is_used_or_nothing_is(checkout: Path, named: str) -> None:
    script(checkout.parent / "bin" / "python3", NO_VENV)  # a good one, which was not named
    script(checkout.parent / "bin" / "old", OLD)
    line = one_line(install(checkout, named))
    assert f"PYTHON={named} cannot be used" in line
    assert "venv module" in one_line(install(checkout, "python3"))


def test_another_python_that_was_named_makes_the_environment_anew(checkout: Path) -> None:
    script(checkout / ".venv" / "bin" / "python", AT_HOME)
    script(checkout.parent / "bin" / "other", OTHER)
    assert "other has no venv module" in one_line(install(checkout, "other"))
    assert (checkout / ".venv" / "bin" / "python").exists()  # what works is not taken away
    script(checkout.parent / "bin" / "other", MAKES)
    assert "making .venv" in install(checkout, "other").stdout


def test_a_missing_venv_module_names_the_package(checkout: Path) -> None:
    script(checkout.parent / "bin" / "python3", NO_VENV)
    assert one_line(install(checkout)).endswith("apt install python3-venv")


def test_an_unwritable_folder_is_named(checkout: Path) -> None:
    script(checkout.parent / "bin" / "python3", GOOD)
    how: dict[str, Any] = {}
    if os.geteuid() == 0:  # root may write everywhere: try as somebody else
        other = pwd.getpwnam("nobody")
        how = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        for folder in (checkout, *checkout.parents[:-2]):
            folder.chmod(folder.stat().st_mode | 0o055)
    checkout.chmod(0o555)
    line = one_line(install(checkout, **how))
    assert f"the folder {checkout} cannot be written to" in line


def test_nothing_is_done_when_the_stamp_fits(checkout: Path) -> None:
    script(checkout / ".venv" / "bin" / "python", GOOD)
    locked = (checkout / "requirements" / "runtime.txt").read_bytes()
    counted = subprocess.run(["cksum"], input=locked, capture_output=True).stdout.decode()
    stamp = f"{counted.strip()} {checkout} 3 11 7\n"
    (checkout / ".venv" / "onecase-runtime").write_text(stamp)
    done = install(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # A changed list is noticed: without a usable Python the installer then has to give up.
    with open(checkout / "requirements" / "runtime.txt", "a") as file:
        file.write("# changed\n")
    assert "Python 3.11 or newer is needed" in one_line(install(checkout))

"""What must never be in the tree: addresses in the lists, paths of a machine, lock files."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Written in parts, so that this file does not find itself.
MACHINE_PATH = re.compile(rb"(?<![\w/.])/(?:" + rb"root|work|Users|home/[a-z]+" + rb")/[\w.-]+")
SECRET = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY|" + rb"AKIA[0-9A-Z]{16}|" + rb"ghp_[A-Za-z0-9]{36}"
)
UNWANTED = ("uv.lock", "pylock.toml", "poetry.lock", "db.sqlite3", ".env")
PACKED = (".whl", ".gz", ".zip")  # a package that pip left behind
PIN = re.compile(r"^([A-Za-z0-9._-]+(?:\[[^\]]*\])?)==(\S+)", re.MULTILINE)


def tracked() -> list[Path]:
    """Every file that git knows, or every file of an exported tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else []
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def pins(path: Path) -> dict[str, str]:
    """Name to version of a locked list."""
    return {name.lower(): version for name, version in PIN.findall(path.read_text())}


def faults(root: Path = ROOT, files: list[Path] | None = None) -> Iterator[str]:
    """Each thing that should not be there, one line each."""
    for path in tracked() if files is None else files:
        name = path.relative_to(root)
        if path.name in UNWANTED or path.suffix in PACKED:
            yield f"{name}: does not belong into the tree"
        content = path.read_bytes()
        for pattern, what in ((MACHINE_PATH, "a path of some machine"), (SECRET, "a secret")):
            if path.suffix not in (".eml", ".mo") and (found := pattern.search(content)):
                yield f"{name}: {what}: {found.group()[:60].decode(errors='replace')}"
    yield from _list_faults(root / "requirements")


def _list_faults(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.txt")):
        if re.search(r"https?:|--(extra-)?index-url|--find-links", path.read_text()):
            yield f"requirements/{path.name}: holds an address"
        if not pins(path):
            yield f"requirements/{path.name}: pins nothing"
    runtime, dev = pins(folder / "runtime.txt"), pins(folder / "dev.txt")
    for name, version in runtime.items():
        if dev.get(name) != version:
            yield f"requirements/dev.txt: {name} is not {version} as in runtime.txt"

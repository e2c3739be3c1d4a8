"""Translations: `make messages` extracts and compiles; `faults()` says what is not complete."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "portal" / "locale"
PACKAGES = ("portal", "channels_app", "contacts", "templates")
HOLE = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w+\}")
CATALOGUES = ("django.po", "djangojs.po")


def files() -> list[Path]:
    """Every catalogue that the portal has."""
    return sorted(path for name in CATALOGUES for path in LOCALE.glob(f"*/LC_MESSAGES/{name}"))


def extract(root: Path) -> None:
    """Write every string of the checkout at `root` into its Dutch catalogue (needs gettext)."""
    (root / "portal" / "locale").mkdir(exist_ok=True)
    command = [sys.executable, str(root / "manage.py"), "makemessages", "-l", "nl"]
    # No line numbers: they would change with every edit and hide the real changes.
    options = ["--no-location", "--no-wrap", "--no-obsolete", "-v", "0"]
    for folder in (".venv", "var", "tests", "benchmarks", "docs"):
        options += ["--ignore", folder]
    env = {"ONECASE_DEMO": "1", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    env["ONECASE_DATA"] = str(root / "var")
    subprocess.run([*command, *options], check=True, cwd=root, env=env)
    for path in sorted((root / "portal" / "locale").glob("*/LC_MESSAGES/django.po")):
        catalogue = polib.pofile(str(path), wrapwidth=0)
        for name in (
            "POT-Creation-Date",
            "PO-Revision-Date",
            "Last-Translator",
            "Report-Msgid-Bugs-To",
        ):
            catalogue.metadata.pop(name, None)
        catalogue.header = "The portal's words."
        catalogue.metadata |= {
            "Project-Id-Version": "onecase",
            "Language": path.parent.parent.name,
            "Language-Team": "",
            "Plural-Forms": "nplurals=2; plural=(n != 1);",
        }
        catalogue.metadata_is_fuzzy = False
        catalogue.save()


def compile_all() -> None:
    """Write the .mo beside each .po."""
    for path in files():
        path.with_suffix(".mo").write_bytes(polib.pofile(str(path)).to_binary())


def faults() -> Iterator[str]:
    """What is missing, fuzzy, or compiled from another state of the catalogue."""
    if not files():
        yield "there is no catalogue in portal/locale: make messages"
    for path in files():
        name = path.relative_to(ROOT)
        catalogue = polib.pofile(str(path))
        for entry in catalogue.untranslated_entries():
            yield f"{name}: not translated: {entry.msgid!r}"
        for entry in catalogue.fuzzy_entries():
            yield f"{name}: marked fuzzy: {entry.msgid!r}"
        for entry in catalogue.translated_entries():
            if not _fits(entry):
                yield f"{name}: other placeholders than in the original: {entry.msgid!r}"
        compiled = path.with_suffix(".mo")
        if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
            yield f"{name}: the .mo is not its compiled form: make messages"
    yield from _forgotten()


def _fits(entry: polib.POEntry) -> bool:
    """A translation that names another placeholder is an error only when somebody reads it."""
    texts = list(entry.msgstr_plural.values()) or [entry.msgstr]
    known = set(HOLE.findall(entry.msgid + entry.msgid_plural))
    if entry.msgid_plural:  # "one question" may leave the number out
        return all(set(HOLE.findall(text)) <= known for text in texts)
    return all(set(HOLE.findall(text)) == known for text in texts)


def _forgotten() -> Iterator[str]:
    """Strings of code and templates that the catalogue lacks, found in a copy of the checkout."""
    if not shutil.which("xgettext"):
        return
    with tempfile.TemporaryDirectory(prefix="onecase-words-") as name:
        copy = Path(name)
        for package in PACKAGES:
            if (ROOT / package).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.mo", "node_modules")
                shutil.copytree(ROOT / package, copy / package, ignore=ignored)
        shutil.copy(ROOT / "manage.py", copy)
        extract(copy)
        for path in sorted((copy / "portal" / "locale").glob("*/LC_MESSAGES/django.po")):
            ours = ROOT / path.relative_to(copy)
            known = _words(ours) if ours.exists() else set()
            for context, text in sorted(_words(path) ^ known):
                where = "in the catalogue only" if (context, text) in known else "not extracted"
                yield f"{ours.relative_to(ROOT)}: {where}: {text!r}: make messages"


def _words(path: Path) -> set[tuple[str, str]]:
    return {(e.msgctxt or "", e.msgid) for e in polib.pofile(str(path)) if not e.obsolete}


def main() -> int:
    """Extract, compile, and say what has no translation yet."""
    if not shutil.which("xgettext"):
        print("onecase: xgettext is missing: apt install gettext", file=sys.stderr)
        return 1
    extract(ROOT)
    compile_all()
    print("\n".join(faults()) or "every string is translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The table in docs/channels.md, from what the adapters say of themselves: `make channels`."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import django
from django.utils.translation import override

from channels_app.adapters.base import Adapter, Capabilities
from channels_app.adapters.registry import PROVIDERS
from contacts.kinds import CHAT, KINDS

FOLDER = Path(__file__).resolve().parent.parent / "docs"
PAGE = FOLDER / "channels.md"
HEAD = (
    "Kind", "Provider", "Out", "In", "Receipts", "Proves its sender", "We may write first",
    "Reply window", "Text", "Files", "Confidential",
)  # fmt: skip
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
NONE = "-"
SORTS = {
    "*": "all",
    "image": "pictures",
    "audio": "sound",
    "video": "video",
    "text": "documents",
    "application": "documents",
}


def rows() -> Iterator[tuple[str, ...]]:
    """A row for each kind and each provider that serves it."""
    with override("en"):
        for kind in KINDS.values():
            for name, adapter in PROVIDERS.items():
                if kind.name in adapter.kinds:
                    able = _row(adapter, kind.name)
                    yield (str(kind.staff_label), _provider(name, adapter), *able)


def page_of(provider: str) -> Path | None:
    """The page that says how a provider is set up: its name stands in the file's name."""
    pages = sorted((FOLDER / "channels").glob("*.md"))
    return next((page for page in pages if provider in page.stem.split("-")), None)


def text() -> str:
    """The whole page: its words as they stand there, the table anew."""
    lines = [HEAD, tuple("---" for _name in HEAD), *rows()]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return TABLE.sub(lambda _old: table, PAGE.read_text(), count=1)


def _provider(name: str, adapter: type[Adapter]) -> str:
    page = page_of(name)
    label = adapter.label or {"manual": "by hand", "in_house": "the portal"}.get(name, name)
    return f"[{label}](channels/{page.name})" if page else label


def _row(adapter: type[Adapter], kind: str) -> tuple[str, ...]:
    able = adapter.capabilities(kind)
    return (
        "at once" if able.immediate else "yes" if able.automatic else "a to-do",
        _in(adapter, able),
        _yes(able.receipts),
        _yes(able.authenticates_sender),
        _yes(able.can_start),
        _window(able),
        f"{able.max_text:,} signs" if able.max_text else "any length",
        _files(able),
        "asked first" if kind == CHAT else _yes(able.private),
    )


def _in(adapter: type[Adapter], able: Capabilities) -> str:
    if adapter.webhooks:
        return "webhook"
    if "imap" in adapter.settings_optional:
        return "SMTP, a pipe, IMAP"
    return "its page" if able.immediate else "a person writes it down"


def _window(able: Capabilities) -> str:
    if able.reply_window is None:
        return NONE
    hours = able.reply_window // timedelta(hours=1)
    return f"{hours} h, then approved texts" if able.templates else f"{hours} h"


def _files(able: Capabilities) -> str:
    if able.immediate or not able.automatic:
        return NONE
    if not able.media:
        return "as links"
    found = {SORTS[one.partition("/")[0]] for one in able.media}
    return ", ".join(sorted(found)) + (
        f" to {able.max_file / 1024 / 1024:g} MB" if able.max_file else ""
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(text())

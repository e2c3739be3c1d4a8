"""What a customer typed in a row that was switched off meanwhile is kept, and said."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.kinds import KINDS
from portal.site.forms import Typed
from portal.site.ways import Way


@dataclass(frozen=True)
class Carried:
    """The fields of rows that are gone: they go along, unseen, until the form is sent."""

    fields: dict[str, str]
    name: str = ""
    notice: str = ""


def carry(typed: Typed, rows: Sequence[Way]) -> Carried:
    """Find what was typed in no row of these; the name suits any other row."""
    offered = {way.kind.name for way in rows}
    fields: dict[str, str] = {}
    name, notices = "", []
    for kind in (kind for kind in KINDS.values() if kind.name not in offered):
        own_name, address = typed.get(f"name_{kind.name}"), typed.get(f"address_{kind.name}")
        words = {f"name_{kind.name}": own_name, f"address_{kind.name}": address}
        if not any(words.values()):
            continue
        fields |= {field: value for field, value in words.items() if value}
        name = name or own_name
        kept = ", ".join([line for value in words.values() for line in value.splitlines() if line])
        text = _("%(kind)s is not offered any more. What you typed there is kept: %(words)s")
        notices.append(text % {"kind": kind.label, "words": kept})
    return Carried(fields, name, " ".join(notices))

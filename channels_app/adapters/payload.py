"""What a provider says: anything at all, taken piece by piece."""

import hmac
import json
from typing import Any, TypeGuard

from channels_app.adapters.base import BadPayload


def read_json(body: bytes) -> Any:
    """Any JSON. Raises BadPayload."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayload("It is no JSON.") from None


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises BadPayload."""
    said = read_json(body)
    if not isinstance(said, dict):
        raise BadPayload("It is no object.")
    return said


def piece(value: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within it; empty where it is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def is_number(value: object) -> TypeGuard[int]:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_same(ours: str, given: str) -> bool:
    """Whether a secret is ours; how long it takes tells nothing of where it is another."""
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "replace"))


def clean(value: object) -> str:
    """Text that every database keeps: no NUL, no half of a sign."""
    text = "" if value is None else str(value)
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def one_line(value: object) -> str:
    """The same without line breaks, and with single blanks."""
    return " ".join(clean(value).split())


def lines(*values: object) -> str:
    """Each value that says something on a line of its own."""
    return "\n".join(filter(None, map(one_line, values)))


def map_link(place: dict[str, Any]) -> str:
    """Where a place with `latitude` and `longitude` is on a map."""
    where = f"{place.get('latitude')}&mlon={place.get('longitude')}"
    return f"https://www.openstreetmap.org/?mlat={where}"


def media_type(content_type: object) -> str:
    """A content type without its parameters, in small letters."""
    return clean(content_type).partition(";")[0].strip().lower()

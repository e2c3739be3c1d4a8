"""Telegram's own description of its Bot API: whether a call or an update is one that it knows."""

import functools
import json
from email.message import Message
from email.parser import BytesParser
from typing import Any

from tests import needs

PLAIN: dict[str, type | tuple[type, ...]] = {
    "Integer": int,
    "String": str,
    "Boolean": bool,
    "Float": (int, float),
}


@functools.cache
def described() -> dict[str, Any]:
    """All of its methods and types."""
    return dict(json.loads((needs.corpus("telegram_spec") / "api.json").read_text()))


def fits(kind: str, value: object) -> bool:
    """Whether a value is of a type of theirs."""
    if kind in PLAIN:
        return isinstance(value, PLAIN[kind]) and (kind == "Boolean" or value is not True)
    if kind == "InputFile":
        return isinstance(value, bytes)
    if kind.startswith("Array of "):
        rest = kind.removeprefix("Array of ")
        return isinstance(value, list) and all(fits(rest, one) for one in value)
    row = described()["types"][kind]
    if "subtypes" in row:
        return any(fits(one, value) for one in row["subtypes"])
    return isinstance(value, dict) and has(row["fields"], value)


def has(fields: list[dict[str, Any]], value: dict[str, Any]) -> bool:
    """Whether all that is there is known, and all that must be there is."""
    types = {field["name"]: field["types"] for field in fields}
    needed = {field["name"] for field in fields if field["required"]}
    fitting = (any(fits(kind, one) for kind in types.get(name, ())) for name, one in value.items())
    return needed <= set(value) and all(fitting)


def method_of(call: Any) -> str:
    """Which method a call asked for."""
    return str(call[0].rpartition("/")[2])


def told(call: Any) -> dict[str, Any]:
    """What a method was told, by JSON or by a form, in which all but text stands as JSON."""
    _path, headers, body = call
    if headers["Content-Type"] == "application/json":
        return dict(json.loads(body))
    types = {f["name"]: f["types"] for f in described()["methods"][method_of(call)]["fields"]}
    form = BytesParser().parsebytes(
        b"Content-Type: " + headers["Content-Type"].encode() + b"\n\n" + body
    )
    return {name: _value(part, types[name]) for part in form.get_payload() if (name := _name(part))}  # type: ignore[arg-type]


def is_known(call: Any) -> bool:
    """Whether Telegram would understand it."""
    return has(described()["methods"][method_of(call)]["fields"], told(call))


def _name(part: Message) -> str:
    return str(part.get_param("name", header="content-disposition"))


def _value(part: Message, types: list[str]) -> object:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if part.get_filename():
        return content
    return content.decode() if types == ["String"] else json.loads(content)

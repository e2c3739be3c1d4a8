"""The OpenAPI document in the order that a person reads it: addresses, fields, answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Node = Mapping[str, Any]
FORM = "multipart/form-data"


@dataclass(frozen=True)
class Field:
    """One line of a table."""

    name: str
    sort: str
    about: str
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    name: str
    method: str
    path: str
    title: str
    about: str
    scopes: list[str]
    query: list[Field]
    body: list[Field]
    takes_form: bool
    status: str
    shape: str  # "" for a file


@dataclass(frozen=True)
class Group:
    """The operations of one noun."""

    name: str
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True)
class Shape:
    """What an answer is made of."""

    name: str
    about: str
    fields: list[Field]


def groups(document: Node) -> list[Group]:
    """Every operation, under its noun, in the order of the addresses."""
    found: dict[str, Group] = {}
    for path, methods in document["paths"].items():
        for method, node in methods.items():
            group = found.setdefault(node["tags"][0], Group(node["tags"][0]))
            group.operations.append(_operation(document, path, method, node))
    return list(found.values())


def shapes(document: Node, groups: list[Group]) -> list[Shape]:
    """What the answers are made of, each after the first that it stands in."""
    schemas, names = document["components"]["schemas"], []
    queue = [operation.shape for group in groups for operation in group.operations]
    while queue:
        name = queue.pop(0)
        if name and name not in names:
            names.append(name)
            queue = list(_names_in(schemas[name])) + queue
    return [
        Shape(name, schemas[name].get("description", ""), _fields(schemas[name])) for name in names
    ]


def _operation(document: Node, path: str, method: str, node: Node) -> Operation:
    status, answer = next((s, a) for s, a in node["responses"].items() if s.startswith("20"))
    contents = node.get("requestBody", {}).get("content", {})
    body = contents.get(FORM) or contents.get("application/json")
    kinds: list[Node] = list(answer.get("content", {}).values())
    shape = kinds[0].get("schema", {}) if kinds else {}
    query = [
        Field(p["name"], _sort(p["schema"]), p.get("description", ""), bool(p.get("required")))
        for p in node.get("parameters", [])
        if p["in"] == "query"
    ]
    return Operation(
        name=node["operationId"],
        method=method.upper(),
        path=path,
        title=node["summary"],
        about=" ".join(node.get("description", "").split()),
        scopes=node.get("x-scope", "").split(", "),
        query=query,
        body=_fields(_found(document, body["schema"])) if body else [],
        takes_form=FORM in contents,
        status=f"{status} {HTTPStatus(int(status)).phrase}",
        shape=_name(shape),
    )


def _name(node: Node) -> str:
    return str(node.get("$ref", "")).rpartition("/")[2]


def _found(document: Node, node: Node) -> Node:
    name = _name(node)
    return document["components"]["schemas"][name] if name else node


def _names_in(node: Any) -> Iterator[str]:
    """The shapes that a shape refers to."""
    if isinstance(node, Mapping):
        if name := _name(node):
            yield name
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _names_in(inner)


def _fields(node: Node) -> list[Field]:
    required = set(node.get("required", []))
    return [
        Field(name, _sort(inner), _about(inner), name in required)
        for name, inner in node.get("properties", {}).items()
    ]


def _about(node: Node) -> str:
    """The help text, without the list of values that stands below it."""
    lines = [line for line in node.get("description", "").splitlines() if not line.startswith("* ")]
    values = " | ".join(str(value) for value in node.get("enum", []) if value not in ("", None))
    text = " ".join(line.strip() for line in lines if line.strip())
    return " ".join(part for part in (text, values) if part)


def _sort(node: Node) -> str:
    """Its type in a few words: text of at most 200, list of Message, time."""
    if name := _name(node) or next((_name(part) for part in node.get("allOf", [])), ""):
        return name
    kind = str(node.get("format") or node.get("type", ""))
    words = {"string": "text", "integer": "number", "boolean": "true or false"}
    words |= {"date-time": "time", "uri": "address", "binary": "file", "uuid": "UUID"}
    words |= {"int64": "number", "object": "object"}
    text = words.get(kind, kind)
    if kind == "array":
        return f"list of {_sort(node['items'])}"
    if "maxLength" in node:
        text += f", at most {node['maxLength']}"
    return f"{text}, or null" if node.get("nullable") else text

"""format=flowed (RFC 3676): lines that end in a blank go on in the next one."""

from __future__ import annotations


def unflow(text: str, delete_space: bool = False) -> str:
    """Join flowed lines of the same quote depth; signature lines stay alone."""
    out: list[str] = []
    pieces: list[str] = []
    depth = -1
    for line in text.split("\n"):
        level, content = _split(line)
        if pieces and (level != depth or content == "-- "):
            out.append(_written(depth, pieces))
            pieces = []
        depth = level
        flowing = content.endswith(" ") and content != "-- "
        pieces.append(content[:-1] if flowing and delete_space else content)
        if not flowing:
            out.append(_written(depth, pieces))
            pieces = []
    if pieces:
        out.append(_written(depth, pieces))
    return "\n".join(out)


def _split(line: str) -> tuple[int, str]:
    content = line.lstrip(">")
    level = len(line) - len(content)
    return level, content[1:] if content.startswith(" ") else content


def _written(depth: int, pieces: list[str]) -> str:
    mark = ">" * depth + (" " if depth else "")
    return mark + "".join(pieces)

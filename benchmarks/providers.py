"""Messengers that take what we send: python -m benchmarks.providers PORT FILE.

The first part of the path says how it goes: /well, /slow (20 s before each word), /garbled (200,
and a page of somebody else's). FILE gets a line `time kind` for every message.
"""

import asyncio
import contextlib
import json
import re
import sys
import time
from typing import IO

SLOW = 20.0
GARBAGE = b"<!doctype html><title>It works!</title>"
LENGTH = re.compile(rb"^content-length: *([0-9]+)", re.MULTILINE | re.IGNORECASE)
TAKEN = {
    "whatsapp": {"messages": [{"id": "wamid.bench"}]},
    "sms": {"sid": "SM00000000000000000000000000000000"},
    "telegram": {"ok": True, "result": {"message_id": 7}},
}


def _kind(path: str) -> str:
    if "/bot" in path:
        return "telegram"
    return "sms" if "/Accounts/" in path else "whatsapp"


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrivals: IO[str]
) -> None:
    """One connection, kept open."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            path = head.split(b" ", 2)[1].decode("ascii")
            body = json.dumps(TAKEN[_kind(path)]).encode()
            if path.startswith("/slow/"):
                await asyncio.sleep(SLOW)
            if path.startswith("/garbled/"):
                body = GARBAGE
            arrivals.write(f"{time.time():.6f} {_kind(path)}\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
    writer.close()


async def main(port: int, path: str) -> None:
    """Serve until somebody ends it."""
    with open(path, "a", buffering=1) as arrivals:
        server = await asyncio.start_server(
            lambda reader, writer: _serve(reader, writer, arrivals), "127.0.0.1", port
        )
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))

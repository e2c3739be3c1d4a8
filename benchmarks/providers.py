"""Messengers that take what we send, and keep pictures: python -m benchmarks.providers PORT.

The first part of the path says how it goes: /well, /slow (20 s before each word), /garbled (200,
and a page of somebody else's).
"""

import asyncio
import contextlib
import json
import re
import sys

SLOW = 20.0
GARBAGE = b"<!doctype html><title>It works!</title>"
LENGTH = re.compile(rb"^content-length: *([0-9]+)", re.MULTILINE | re.IGNORECASE)
TAKEN = {
    "whatsapp": {"messages": [{"id": "wamid.bench"}]},
    "sms": {"sid": "SM00000000000000000000000000000000"},
    "telegram": {"ok": True, "result": {"message_id": 7}},
}
PICTURE = b"\xff\xd8\xff\xe0 a picture"


def _said(path: str, host: str) -> bytes:
    """What the provider whose address that is says to a call, when it is well."""
    if path.endswith("/picture"):
        return PICTURE
    if "/bot" in path:
        return json.dumps(TAKEN["telegram"]).encode()
    if "/Accounts/" in path:
        return json.dumps(TAKEN["sms"]).encode()
    if path.endswith("/messages"):
        return json.dumps(TAKEN["whatsapp"]).encode()
    return json.dumps({"url": f"http://{host}/{path.split('/')[1]}/picture"}).encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
    """One connection, kept open."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            path = head.split(b" ", 2)[1].decode("ascii")
            body = _said(path, host)
            if path.startswith("/slow/"):
                await asyncio.sleep(SLOW)
            if path.startswith("/garbled/"):
                body = GARBAGE
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
    writer.close()


async def main(port: int) -> None:
    """Serve until somebody ends it."""
    host = f"127.0.0.1:{port}"
    server = await asyncio.start_server(
        lambda reader, writer: _serve(reader, writer, host), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

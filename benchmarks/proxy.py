"""The proxy of docs/running.md: TLS, one address, streams to uvicorn and the rest to gunicorn.

python -m benchmarks.proxy PORT WEB_PORT LIVE_PORT ECHO_PORT CERTIFICATE KEY
"""

import asyncio
import contextlib
import ssl
import sys

LIVE, ECHOED = b"/live/", b"/yardstick/stream/"
DROPPED = (b"connection:", b"x-forwarded-proto:", b"x-forwarded-for:")
BLOCK = 65536


class Proxy:
    """Browsers keep their connections; the servers behind get one for each request."""

    def __init__(self, web_port: int, live_port: int, echo_port: int) -> None:
        self.web_port = web_port
        self.ports = {LIVE: live_port, ECHOED: echo_port, b"/yardstick/echo/": echo_port}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a browser."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._pass_on(reader, writer):
                pass
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        port = self.ports.get(path, self.web_port)
        body = await reader.readexactly(_length(head))
        answers, server = await asyncio.open_connection("127.0.0.1", port)
        ours = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close"
        server.write(_with(head, ours) + body)
        try:
            writer.write(_with(await answers.readuntil(b"\r\n\r\n"), b"Connection: keep-alive"))
            is_stream = path in (LIVE, ECHOED)
            gone = asyncio.create_task(_hang_up(reader, server)) if is_stream else None
            while block := await answers.read(BLOCK):
                writer.write(block)
                await writer.drain()
        finally:
            server.close()
        return gone is None


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _with(head: bytes, ours: bytes) -> bytes:
    """A head with these lines instead of those that say the same."""
    lines = head[:-4].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(DROPPED)]
    return b"\r\n".join([*kept, ours, b"", b""])


async def _hang_up(reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
    """Once the browser is gone: a stream has no other end."""
    await reader.read()
    server.close()


async def main(
    port: str, web_port: str, live_port: str, echo_port: str, certificate: str, key: str
) -> None:
    """Until the process is told to stop."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    proxy = Proxy(int(web_port), int(live_port), int(echo_port))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:7]))

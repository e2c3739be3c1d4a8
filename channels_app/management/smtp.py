"""Runs an SMTP server until SIGTERM, for the shop's door and for the mailbox of the demo."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from django.core.management.base import CommandError
from django.db import connections

logger = logging.getLogger(__name__)
MAX_BYTES = 30 * 1024 * 1024  # of one mail; the parser has the same bound
MAX_CONNECTIONS = 50
IDLE_SECONDS = 120.0
TRY_AGAIN = "451 4.3.0 Please try again later"


class Server(SMTP):
    """One SMTP conversation, within our bounds."""

    # Some programs write a paragraph as one line; behind an MTA lines are short anyway.
    line_length_limit = 256 * 1024
    talking = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count who talks, and turn away the fifty-first."""
        Server.talking += 1
        if Server.talking > MAX_CONNECTIONS and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Somebody left."""
        Server.talking -= 1
        if self.transport is not None:
            super().connection_lost(error)


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:2526" or "[::1]:2526". Raises CommandError."""
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise CommandError(f"{text!r} is no address to listen on: write 127.0.0.1:2526.")
    return host.strip("[]"), int(port)


def sender_of(envelope: Envelope) -> str:
    """The envelope's sender; "" for a report, which aiosmtpd gives as <>."""
    return (envelope.mail_from or "").strip("<>")


def factory(handler: object, hostname: str) -> Callable[[], Server]:
    """Makes the server's side of each connection. To be called inside a running loop."""
    return lambda: Server(
        handler,
        data_size_limit=MAX_BYTES,
        enable_SMTPUTF8=True,
        hostname=hostname,
        ident="Onecase",
        timeout=IDLE_SECONDS,
        loop=asyncio.get_running_loop(),
    )


def run(handler: object, listen: str, hostname: str, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; what is being stored is finished. Raises CommandError."""
    host, port = parse_listen(listen)
    try:
        asyncio.run(_serve(handler, host, port, hostname, ready))
    except OSError as error:
        raise CommandError(f"cannot listen on {listen}: {error.strerror or error}") from None


async def _serve(
    handler: object, host: str, port: int, hostname: str, ready: Callable[[str], None]
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(factory(handler, hostname), host, port)
    ready(f"{host}:{server.sockets[0].getsockname()[1]}")
    await stop.wait()
    server.close()


@contextmanager
def in_background(handler: object, hostname: str) -> Iterator[int]:
    """Serve on a free loopback port beside the caller, who gets the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncio.Server:
        return await loop.create_server(factory(handler, hostname), "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    """Stop listening, and hang up on whoever still talks."""
    server.close()
    talks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run blocking work beside the loop, on a database connection of its own."""

    def work() -> Any:
        try:
            return function(*args)
        finally:
            connections.close_all()  # a door that waits for hours keeps none open

    return await asyncio.to_thread(work)

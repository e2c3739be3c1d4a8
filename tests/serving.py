"""Small servers of the tests' own, each in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

LOOK = 0.02  # seconds until it sees that it is to stop; half a second is the library's


@contextmanager
def serving(*servers: BaseServer) -> Iterator[None]:
    """They answer; in the end they stop and are closed."""
    threads = [
        threading.Thread(target=server.serve_forever, args=[LOOK], daemon=True)
        for server in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join(10)

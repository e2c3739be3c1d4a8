"""Where the providers stand: /demo/providers/<place>/ of the web process, or a server of a test."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from portal.simulator import accounts
from portal.simulator.providers import courier, moods
from portal.simulator.providers.base import Answer, Call, Hook

MAX_BYTES = 20 * 1024 * 1024
Outlet = Callable[[Sequence[Hook]], None]


@csrf_exempt
def view(request: HttpRequest, place: str, rest: str) -> HttpResponse:
    """A provider within the portal's own web process. No database is asked for it."""
    body = request.read(MAX_BYTES + 1)
    call = Call(
        method=request.method or "",
        path=f"/{rest}",
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: request.GET[name] for name in request.GET},
        body=body[:MAX_BYTES],
        base=f"{accounts.value(accounts.WEB)}/demo/providers/{place}",
    )
    answer = ask(place, call, courier.take)
    if answer is None:
        raise Http404
    return HttpResponse(
        answer.body, status=answer.status, content_type=answer.content_type, headers=answer.headers
    )


def ask(place: str, call: Call, outlet: Outlet) -> Answer | None:
    """The answer of the provider of that place; what it posts goes to `outlet`."""
    provider = next((p for p in moods.PROVIDERS.values() if p.place == place), None)
    if provider is None:
        return None
    answer = moods.answer(provider, call)
    if answer.hooks:
        outlet(moods.moody(provider, answer.hooks))
    return answer


@contextmanager
def in_background(outlet: Outlet) -> Iterator[str]:
    """The same providers on a port of their own, for as long as no web process runs; its address.

    Its threads ask no database, so that they may serve somebody who holds a transaction.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            _empty, _demo, _providers, place, rest = [*parts.path.split("/", 4), "", "", "", ""][:5]
            call = Call(
                method=self.command,
                path=f"/{rest}",
                headers={name.lower(): value for name, value in self.headers.items()},
                query=dict(parse_qsl(parts.query)),
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                base=f"http://{self.headers['Host']}/demo/providers/{place}",
            )
            answer = ask(place, call, outlet) or Answer(404, b"")
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: a load has one line."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

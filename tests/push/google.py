"""What Chromium talks to when it subscribes, on this machine: check-in, registration, its line.

The browser's own code does the rest: it makes the keys, opens what was sealed for it, and wakes the
service worker. The shapes of the messages are those of Chromium's `google_apis/gcm/protocol`.
"""

import socketserver
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from channels_app.adapters.outside import Outside
from tests.push.service import Push, Service
from tests.serving import serving

VERSION, PING, PONG, WELCOME, MESSAGE = 41, 0, 1, 3, 8  # of the line's protocol
FIRST = "AAA"  # how our tokens begin


def number(value: int) -> bytes:
    """A protobuf varint."""
    out = b""
    while True:
        value, last = value >> 7, value & 0x7F
        out += bytes([last | (0x80 if value else 0)])
        if not value:
            return out


def text(field: int, value: str | bytes) -> bytes:
    """A protobuf field of text or bytes."""
    raw = value.encode() if isinstance(value, str) else value
    return number(field << 3 | 2) + number(len(raw)) + raw


def whole(field: int, value: int) -> bytes:
    """A protobuf field of a number."""
    return number(field << 3) + number(value)


def fixed(field: int, value: int) -> bytes:
    """A protobuf field of eight octets."""
    return number(field << 3 | 1) + struct.pack("<Q", value)


def framed(tag: int, body: bytes) -> bytes:
    """One message on the line."""
    return bytes([tag]) + number(len(body)) + body


class Google(Service):
    """Knows which browser has which token, and passes on what is posted, unopened."""

    def __init__(self) -> None:
        super().__init__("")
        self.tokens: dict[str, dict[str, str]] = {}
        self.lines: list[ssl.SSLSocket] = []
        self.here = ""  # where we are; `url` is where the browser says we are

    def register(self, form: dict[str, str]) -> str:
        """A token for a subscription; none any more where it is given back."""
        if form.get("delete") == "true":
            own = {k: v for k, v in self.tokens.items() if v["X-subtype"] == form["X-subtype"]}
            for token in own:
                del self.tokens[token]
            return "deleted=ok"
        token = f"{FIRST}-{len(self.tokens)}-{time.monotonic_ns()}"
        if "X-subtype" in form:
            self.tokens[token] = form
            self.public_key = form["sender"]
        return f"token={token}"

    def take(self, push: Push) -> int:
        """Pass one on to its browser; 410 where that gave its token back."""
        form = self.tokens.get(push.path.rpartition("/")[2])
        if form is None:
            return 410
        status = super().take(push)
        if status == 201:
            self.pass_on(form, push)
        return status

    def pass_on(self, form: dict[str, str], push: Push) -> None:
        """By the browser's own line."""
        said = {"subtype": form["X-subtype"], "content-encoding": push.headers["content-encoding"]}
        body = text(2, f"m{len(self.came)}") + text(3, form["sender"]) + text(5, form["app"])
        body += b"".join(text(7, text(1, key) + text(2, value)) for key, value in said.items())
        body += text(9, f"0:{len(self.came)}") + whole(17, int(push.headers["ttl"]))
        body += whole(18, int(time.time() * 1000)) + text(21, push.body)
        self.lines[-1].sendall(framed(MESSAGE, body))


class ToGoogle(Outside):
    """Our door, for which the name of the push service leads here."""

    def __init__(self, google: Google) -> None:
        super().__init__(near=True)
        self._google = google

    def _ask(self, url: str, method: str = "GET", **content: Any) -> Any:
        path = url.removeprefix(self._google.url)
        return super()._ask(self._google.here + path, method, **content)


def _web(google: Google) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = 200, b""
            if self.path == "/checkin":
                answer = whole(1, 1) + fixed(7, 1234567890) + fixed(8, 9876543210)
            elif self.path == "/register":
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                answer = google.register(form).encode()
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = google.take(Push(self.path, headers, body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _line(google: Google, secure: ssl.SSLContext) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), secure.wrap_socket(self.request, server_side=True) as line:
                line.recv(65536)  # who it is
                welcome = text(1, "login") + whole(8, int(time.time() * 1000))
                line.sendall(bytes([VERSION]) + framed(WELCOME, welcome))
                google.lines.append(line)
                while said := line.recv(65536):
                    if said[0] == PING:
                        line.sendall(framed(PONG, b""))

    return Handler


def _certificate(folder: Path) -> ssl.SSLContext:
    """One that nobody signed; the browser is told to believe it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path, pem = folder / "line.pem", serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, *form) + built.public_bytes(pem))
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(path)
    return secure


@contextmanager
def running(folder: Path) -> Iterator[tuple[Google, list[str]]]:
    """Google on this machine, and the switches that lead Chromium there."""
    google = Google()
    web = ThreadingHTTPServer(("127.0.0.1", 0), _web(google))
    handler = _line(google, _certificate(folder))
    line = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    line.daemon_threads = True
    google.here = f"http://127.0.0.1:{web.server_address[1]}"
    switches = [
        f"--gcm-checkin-url={google.here}/checkin",
        f"--gcm-registration-url={google.here}/register",
        f"--gcm-mcs-endpoint=https://127.0.0.1:{line.server_address[1]}",
        "--ignore-certificate-errors",
    ]
    with serving(web, line):
        yield google, switches


def wait(for_: Callable[[], Any], seconds: float = 30) -> Any:
    """What is true at last; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := for_()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    return found

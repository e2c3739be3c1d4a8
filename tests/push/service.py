"""A push service of our own (RFC 8030) on this machine, and the keys of a browser that uses it.

It takes what is posted, looks at our signature (RFC 8292), opens what was sealed (RFC 8291) with
the browser's own keys, and answers as it is told to: written from the RFCs, without a line of what
it tests.
"""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.serving import serving

CURVE = ec.SECP256R1()


def encoded(content: bytes) -> str:
    """Base64url as browsers write it."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """And as it is read."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256."""
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(content)
    return made.finalize()


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key in 65 octets."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Browser:
    """The keys that a browser makes for a subscription, and what it opens with them."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(CURVE)
    )
    auth: bytes = field(default_factory=lambda: uuid.uuid4().bytes)

    @property
    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` gives it."""
        keys = {"p256dh": encoded(point(self.private.public_key())), "auth": encoded(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def open(self, sealed: bytes) -> dict[str, Any]:
        """What was sealed for it, as RFC 8291 says it, section 3.4."""
        salt, length = sealed[:16], sealed[20]
        sender, body = sealed[21 : 21 + length], sealed[21 + length :]
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender)
        own = point(self.private.public_key())
        prk = mac(self.auth, self.private.exchange(ec.ECDH(), theirs))
        secret = mac(prk, b"WebPush: info\0" + own + sender + b"\1")
        key = mac(mac(salt, secret), b"Content-Encoding: aes128gcm\0\1")[:16]
        nonce = mac(mac(salt, secret), b"Content-Encoding: nonce\0\1")[:12]
        plain = AESGCM(key).decrypt(nonce, body, None).rstrip(b"\0")
        assert plain.endswith(b"\2")
        said: dict[str, Any] = json.loads(plain[:-1])
        return said


@dataclass
class Push:
    """One that came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Service:
    """What came, the browsers that it knows, and what it answers to the next ones."""

    def __init__(self, public_key: str) -> None:
        self.public_key = public_key
        self.came: list[Push] = []
        self.browsers: dict[str, Browser] = {}
        self.status, self.headers = 201, dict[str, str]()
        self.faults: list[str] = []
        self.url = ""

    def browser(self) -> Browser:
        """A new browser that subscribes."""
        path = f"/push/{uuid.uuid4().hex}"
        made = self.browsers[path] = Browser(self.url + path)
        return made

    def opened(self, number: int = -1) -> dict[str, Any]:
        """What its browser reads in one that came."""
        push = self.came[number]
        return self.browsers[push.path].open(push.body)

    def take(self, push: Push) -> int:
        """Look at one; its status."""
        if fault := self.fault_of(push.headers):
            self.faults.append(fault)
            return 403
        self.came.append(push)
        return self.status

    def fault_of(self, headers: dict[str, str]) -> str:
        """What is wrong with its signature; "" where it is ours and still good."""
        scheme, _blank, rest = headers["authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or parts["k"] != self.public_key:
            return "another key"
        head, claims, signature = parts["t"].split(".")
        raw = decoded(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decoded(parts["k"]))
        key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        said = json.loads(decoded(claims))
        if json.loads(decoded(head))["alg"] != "ES256" or said["aud"] != self.url:
            return f"for somebody else: {said}"
        if not time.time() < said["exp"] <= time.time() + 86400:
            return "too old, or good for too long"
        return "" if said["sub"].startswith(("mailto:", "https://")) else "nobody to write to"


@contextmanager
def running(public_key: str) -> Iterator[Service]:
    """The service on a port of its own."""
    service = Service(public_key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = service.take(Push(self.path, headers, body))
            self.send_response(status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield service

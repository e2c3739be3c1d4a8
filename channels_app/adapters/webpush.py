"""Web Push: sealed for one browser (RFC 8291), signed as ours (RFC 8292), handed over (RFC 8030).

What a browser's push service says -> ours:
  404, 410       -> RecipientGone: that browser wants nothing any more
  401, 403       -> Misconfigured: it does not take our key
  429, 5xx       -> Unavailable, with retry_after
  other 4xx      -> Rejected: an endpoint that is none (400), too large (413)
"""

import base64
import json
import os
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from channels_app.adapters.base import Misconfigured, RecipientGone, Rejected, Unavailable
from channels_app.adapters.outside import Answer, Outside

CURVE = ec.SECP256R1()
RECORD = 4096  # octets of the one record; every push service takes that much
SECRET, SALT = 16, 16  # octets of a browser's secret, of a salt
SIGNED_FOR = 12 * 3600  # seconds; RFC 8292 allows a day
BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def encoded(content: bytes) -> str:
    """As base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Octets of base64url, padded or not. Raises ValueError."""
    bare = text.rstrip("=")
    if not BASE64URL.fullmatch(bare):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


@dataclass(frozen=True)
class Subscription:
    """Where a browser is rung, and its keys: those of its `PushSubscription`, base64url."""

    endpoint: str
    p256dh: str
    auth: str

    def check(self) -> None:
        """Raises ValueError where nothing can be sealed with its keys."""
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decoded(self.p256dh))
        if len(decoded(self.auth)) != SECRET:
            raise ValueError("not a browser's secret")


class Key:
    """Our own key: browsers are told its public half, push services see what it signed."""

    def __init__(self, written: str) -> None:
        """PEM (also with \\n for its line ends), or 32 octets as base64url. Raises ValueError."""
        try:
            self._private = _private_key(written)
        except Exception:  # its own words could quote the key
            raise ValueError("This is no private key of the curve P-256.") from None
        self.public = encoded(_point(self._private.public_key()))

    def signed(self, endpoint: str, contact: str) -> str:
        """The Authorization header for a push service. `contact`: mailto: or https:."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time()) + SIGNED_FOR,
            "sub": contact,
        }
        head = {"typ": "JWT", "alg": "ES256"}
        said = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        der = self._private.sign(said.encode(), ec.ECDSA(hashes.SHA256()))
        raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
        return f"vapid t={said}.{encoded(raw)}, k={self.public}"


def _private_key(written: str) -> ec.EllipticCurvePrivateKey:
    if "-----BEGIN" in written:
        pem = written.replace("\\n", "\n").encode()
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE.name:
            raise ValueError
        return key
    octets = decoded(written)
    if len(octets) != 32:
        raise ValueError
    return ec.derive_private_key(int.from_bytes(octets, "big"), CURVE)


def new_key() -> str:
    """A new private key, as one word of base64url."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return encoded(number.to_bytes(32, "big"))


def seal(
    content: bytes,
    to: Subscription,
    *,
    salt: bytes | None = None,
    own: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """RFC 8291: what only that browser can open. `salt` and `own` are new for each message."""
    salt, own = salt or os.urandom(SALT), own or ec.generate_private_key(CURVE)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decoded(to.p256dh))
    ours, point = _point(own.public_key()), _point(theirs)
    shared = own.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, decoded(to.auth), b"WebPush: info\0" + point + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    last = content + b"\x02"  # RFC 8188: the delimiter of the last record
    head = salt + RECORD.to_bytes(4, "big") + len(ours).to_bytes(1, "big") + ours
    return head + AESGCM(key).encrypt(nonce, last, None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    form = serialization.PublicFormat.UncompressedPoint
    return key.public_bytes(serialization.Encoding.X962, form)


def send(
    content: bytes,
    to: Subscription,
    *,
    key: Key,
    contact: str,
    topic: str,
    keep: timedelta,
    by: Outside,
) -> None:
    """Hand one message over; the service keeps the newest of a `topic`, for `keep` at most.

    Raises RecipientGone, Misconfigured, Unavailable, Rejected.
    """
    headers = {
        "Authorization": key.signed(to.endpoint, contact),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(keep.total_seconds())),
        "Topic": topic,
        "Urgency": "normal",
    }
    _judge(by.post(to.endpoint, seal(content, to), headers))


def _judge(answer: Answer) -> None:
    """Raise what an answer means; nothing where it is well."""
    said, after = str(answer.status), answer.retry_after
    if answer.ok:
        return
    if answer.status in (404, 410):
        raise RecipientGone(said)
    if answer.status in (401, 403):
        raise Misconfigured(said)
    if answer.status == 429 or answer.status >= 500:
        raise Unavailable(said, retry_after=after)
    raise Rejected(said)

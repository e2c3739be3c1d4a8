"""Video calls in rooms of a Jitsi server: an address to enter by, signed where it knows our secret.

The token is what Prosody's token authentication and token_verification look at (doc/tokens.md of
lib-jitsi-meet): iss and aud are the application's id, sub the server's name, room the name of the
room in small letters, and nbf and exp bound it. Of `context.user` clients show the name. One of
ours leads the room where the server has a plugin for it: token_affiliation reads
`context.user.affiliation`, token_moderation `moderator`, 8x8 `context.user.moderator`.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from channels_app.adapters.base import Capabilities, Guest, Misconfigured, Reason
from channels_app.adapters.http import Door, HttpAdapter, check_base

SKEW = timedelta(minutes=1)  # that the server's clock may be behind ours
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
SIGNED_BY = ("app_id", "app_secret")


class JitsiAdapter(HttpAdapter):
    """One Jitsi server. Nothing is sent there: both sides go to a room at its time."""

    kinds: ClassVar[frozenset[str]] = frozenset({"video"})
    label: ClassVar[str] = "Jitsi"
    home: ClassVar[str] = ""  # which server it is must be said
    settings_needed: ClassVar[tuple[str, ...]] = ("base_url",)
    settings_optional: ClassVar[tuple[str, ...]] = SIGNED_BY
    settings_seen: ClassVar[Mapping[str, str]] = {"base_url": "JITSI_URL", "app_id": "APP_ID"}

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """A person talks, and nothing of it is kept."""
        return Capabilities(automatic=False, live=True, written=False, private=True, has_rooms=True)

    def check(self) -> Reason:
        """Ask the server for its page; and whether rooms are signed, or only hard to guess."""
        is_signed = self._is_signed()
        if is_signed:
            self._signature()
        self.rooms_at()
        answer = self.door.call("GET", "/")
        if not answer.ok:
            raise self.door.refusal(answer)
        return Reason("rooms_signed" if is_signed else "rooms_open", {"host": self._host})

    def entrance(self, guest: Guest) -> str:
        """The room, with a token for this guest where the server asks for one."""
        self.rooms_at()
        address = f"{self.base_url}/{quote(guest.room, safe='')}"
        return f"{address}?jwt={self._token(guest)}" if self._is_signed() else address

    def rooms_at(self) -> str:
        """The server itself."""
        check_base(self.base_url)
        parts = urlsplit(self.base_url)
        if not HOST.fullmatch(parts.netloc):
            raise Misconfigured(Reason("provider_url_wrong", {"fault": "host"}))
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def base_url(self) -> str:
        """The address of the server, of a variable that is named for it."""
        return self._seen("base_url").rstrip("/")

    def _seen(self, name: str) -> str:
        """A setting that browsers get: never of a variable that is for something else."""
        ending, reference = self.settings_seen[name], dict(self.account.config).get(name, "")
        if reference and not reference.endswith(ending):
            raise Misconfigured(Reason("setting_misnamed", {"name": name, "ending": ending}))
        return self.account.setting(name)

    def _signature(self) -> tuple[str, str]:
        """The application's id and its secret."""
        return self._seen("app_id"), self.account.setting("app_secret")

    @property
    def _host(self) -> str:
        return (urlsplit(self.base_url).hostname or "").lower()

    def _open(self) -> Door:
        return Door(self.base_url)

    def _is_signed(self) -> bool:
        """Whether the server knows a secret of ours; the half of it is a mistake."""
        given = [name for name in SIGNED_BY if name in dict(self.account.config)]
        if len(given) == 1:
            (missing,) = {*SIGNED_BY} - {*given}
            raise Misconfigured(Reason("setting_missing", {"name": missing}))
        return bool(given)

    def _token(self, guest: Guest) -> str:
        """A JSON Web Token (RFC 7519), signed with HMAC-SHA256."""
        app, secret = self._signature()
        role = "owner" if guest.is_host else "member"
        user: dict[str, Any] = {"affiliation": role, "moderator": guest.is_host}
        if guest.name:
            user["name"] = guest.name
        claims = {
            "aud": app,
            "iss": app,
            "sub": self._host,
            "room": guest.room.lower(),
            "nbf": int((guest.now - SKEW).timestamp()),
            "exp": int(guest.until.timestamp()),
            "moderator": guest.is_host,
            "context": {"user": user},
        }
        signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        proof = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_sixty_four(proof)}"


def _part(words: dict[str, Any]) -> str:
    return _sixty_four(json.dumps(words, separators=(",", ":")).encode())


def _sixty_four(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

"""The demo's Jitsi server: it lets into a room whom its token lets in, and shows who is there.

It knows the portal by the secret alone, as a server of one's own does; nobody needs a camera.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.simulator import accounts

ROOM = re.compile(r"[0-9a-f]{32}")
STAYS = 30.0  # seconds that somebody is in a room whose page asked nothing any more
AGAIN = 5  # seconds after which the page asks again who is there


class Refused(Exception):
    """Nobody enters with this token; `why` is what the server says."""

    def __init__(self, why: str | Promise) -> None:
        super().__init__()
        self.why = why


@dataclass(frozen=True)
class Person:
    """Somebody in a room."""

    name: str
    leads: bool


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The server's own page, which tells that it is there."""
    return render(request, "demo/meet.html", {"title": "Jitsi Meet (demo)"})


@never_cache
@require_safe
def room(request: HttpRequest, room: str) -> HttpResponse:
    """A room with who is in it; or why nobody enters."""
    try:
        claims = judged(request.GET.get("jwt", ""), room, request.get_host())
    except Refused as refused:
        return render(request, "demo/meet.html", {"refused": refused.why}, status=403)
    user = claims["context"]["user"]
    person = Person(str(user.get("name", ""))[:80], claims.get("moderator") is True)
    present = _enter(room, person)
    return render(
        request, "demo/meet.html", {"room": room, "me": person, "present": present, "again": AGAIN}
    )


def judged(token: str, room: str, host: str) -> dict[str, Any]:
    """The claims of a token, as Prosody's plugins look at them. Raises Refused."""
    head, claims = _read(token)
    if head.get("alg") != "HS256":
        raise Refused(_("The token is not signed as it should be."))
    app, now = accounts.value("DEMO_JITSI_APP_ID"), time.time()
    if claims.get("iss") != app or claims.get("aud") != app:
        raise Refused(_("The token is of another application."))
    if claims.get("sub") != host.partition(":")[0].lower():
        raise Refused(_("The token is for another server."))
    if not ROOM.fullmatch(room) or claims.get("room") != room:
        raise Refused(_("The token is for another room."))
    if not claims.get("nbf", now + 1) <= now:
        raise Refused(_("The token is not valid yet."))
    if not claims.get("exp", 0) > now:
        raise Refused(_("The token has expired."))
    return claims


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Head and claims of a token that carries our signature. Raises Refused."""
    if not token:
        raise Refused(_("A token is needed."))
    signed, _dot, proof = token.rpartition(".")
    secret = accounts.value("DEMO_JITSI_APP_SECRET").encode()
    mine = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    try:
        parts = [_decoded(part) for part in (*signed.split("."), proof)]
        if len(parts) != 3 or not secret or not hmac.compare_digest(mine, parts[2]):
            raise Refused(_("The signature of the token is wrong."))
        head, claims = (json.loads(part) for part in parts[:2])
    except ValueError:
        raise Refused(_("This is no token.")) from None
    return head, claims


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError from error


def _enter(room: str, person: Person) -> list[Person]:
    """Who is there, this one with them; in a file, as there is no database behind that server."""
    path, now = Path(settings.DATA_DIR) / "meet" / f"{room}.json", time.time()
    known: dict[str, list[Any]] = {}
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text())
    known[f"{person.leads:d}{person.name}"] = [person.name, person.leads, now]
    here = {key: row for key, row in known.items() if now - row[2] < STAYS}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(here))
    return [Person(name, leads) for name, leads, _at in here.values()]

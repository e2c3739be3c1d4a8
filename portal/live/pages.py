"""What is new on an open page, asked of the page itself: its own view, rights and templates.

A stream brings it along with its hint, so that the page need not come back for it.
"""

import io
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.urls import reverse

from portal import access, framed
from portal.live import stay
from portal.live.wants import Want


@dataclass(frozen=True)
class Part:
    """What `address` answered: the page's next mark, and what it puts in ("" for nothing new)."""

    address: str
    mark: str
    html: str


class Pages:
    """Django as a browser reaches it, with all its middleware, without a request over the line."""

    def __init__(self) -> None:
        self.django = BaseHandler()
        self.django.load_middleware()

    def fresh(
        self, scope: MutableMapping[str, Any], keys: access.SessionKeys, want: Want, had: str
    ) -> Part | None:
        """What is new for a page with the mark `had`; None where the page answers otherwise."""
        address = _address(want)
        if scope["path"].startswith(framed.PATH):  # of a page in a frame: by that one's session
            address = framed.PATH + address.removeprefix("/")
        path, _mark, query = address.partition("?")
        query = "&".join(filter(None, [query, urlencode({"have": had})]))
        inside = {
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [*scope["headers"], (b"x-requested-with", b"fetch")],
        }
        request = ASGIRequest({**scope, **inside}, io.BytesIO())
        # Else Django might move a session on to a new key, of which no stream can tell its browser.
        user = access.staff_by_key(keys.staff) if want.is_staffs else None
        request._cached_user = user or AnonymousUser()  # type: ignore[attr-defined]
        response = self.django.get_response(request)
        mark = response.headers.get(stay.MARK, "")
        if response.status_code == 204 or (response.status_code == 200 and mark == had):
            return Part(address, had, "")
        if response.status_code != 200 or not mark:
            return None
        assert isinstance(response, HttpResponse)
        return Part(address, mark, response.content.decode())


def _address(want: Want) -> str:
    """Where the history of such a page comes from, as its data-live-from says."""
    if want.is_staffs:
        return f"{reverse('admin:case', args=[want.reference])}?part=live"
    return reverse("site:refresh", args=[want.reference])

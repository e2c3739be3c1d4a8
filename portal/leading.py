"""The way out of a page to a server that is not ours: the room of a video call.

Chromium holds a form's redirect to the page's form-action: a page with such a form names the
server, and no other page does.
"""

import logging
from collections.abc import Iterable

from django.http import HttpResponse, HttpResponseRedirect

from channels_app import reasons
from channels_app.adapters.base import SendError
from channels_app.models import Channel

logger = logging.getLogger(__name__)


def to_rooms(response: HttpResponse, channels: Iterable[Channel]) -> HttpResponse:
    """Let the forms of this page lead to the servers of those of these channels that have rooms."""
    found = set()
    for channel in channels:
        if not channel.capabilities.has_rooms:
            continue
        try:
            found.add(channel.adapter().rooms_at())
        except SendError as error:
            warn(channel, error)
    if found:
        response._csp_update = {"form-action": sorted(found)}  # type: ignore[attr-defined]
    return response


def away(address: str) -> HttpResponse:
    """To that address, which is for this moment and this person."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def warn(channel: Channel, error: SendError) -> None:
    """Its rooms do not open: for the log, with no word of a secret."""
    logger.warning("The rooms of %s do not open: %s", channel.slug, reasons.words(error.why))

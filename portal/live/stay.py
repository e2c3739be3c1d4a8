"""A form that is sent without leaving its page (live-send.js): the answer is what is new there."""

import uuid

from django.http import HttpRequest, HttpResponse


def is_asked(request: HttpRequest) -> bool:
    """Whether the page stays open: else it is loaded anew, as without a script."""
    return request.headers.get("X-Requested-With") == "fetch"


def created(parts: HttpResponse) -> HttpResponse:
    """It was taken; `parts` come with it, and the key for the next one."""
    parts.status_code = 201
    parts.headers["X-Next-Key"] = str(uuid.uuid4())
    return parts

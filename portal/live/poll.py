"""For browsers whose stream fails: the same question, asked every five seconds."""

import json

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET

from portal import access
from portal.framed import is_framed
from portal.live import wants
from portal.live.sight import look


@require_GET
def poll(request: HttpRequest) -> HttpResponse:
    """The versions of what may be seen; 304 while they are what the browser has."""
    if len(request.META.get("QUERY_STRING", "")) > wants.MAX_QUERY:
        return HttpResponse("too long", status=400, content_type="text/plain")
    try:
        wanted = wants.read(request.GET.getlist("want"))
    except wants.BadWant:
        return HttpResponse("bad request", status=400, content_type="text/plain")
    keys = access.SessionKeys.of(request.COOKIES, is_framed=is_framed(request))
    sight = look(keys, wanted, steps=True)
    found: dict[str, str | int] = {key: seen.version for key, seen in sight.cases.items()}
    if sight.queue is not None:
        found[wants.QUEUE] = sight.queue
    if sight.bell is not None:
        found[wants.BELL] = sight.bell
    return _answer(request, json.dumps(found, sort_keys=True, separators=(",", ":")))


def _answer(request: HttpRequest, text: str) -> HttpResponse:
    tag = f'"{access.session_digest(text)[:24]}"'
    full = HttpResponse(text, content_type="application/json", headers={"ETag": tag})
    response = get_conditional_response(request, etag=tag, response=full)
    assert isinstance(response, HttpResponse)
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Cookie"
    return response


def no_stream(request: HttpRequest) -> HttpResponse:
    """This server cannot stream (gunicorn, say): 204 is how a browser is told to stop trying."""
    return HttpResponse(status=204)

"""The description of the API for programs (OpenAPI) and for people (a page)."""

import hashlib
import json
from collections.abc import Callable
from functools import cache, wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import etag

from portal.api import problems, reading, scopes
from portal.api.described import document

View = Callable[[HttpRequest], HttpResponse]


def to_be_read(view: View) -> View:
    """Takes nothing but GET; says so as the API says what is wrong."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        return problems.outside("method", Allow="GET, HEAD")

    return guarded


@cache
def _text() -> str:
    return json.dumps(document(), ensure_ascii=False)


def _mark(_request: HttpRequest) -> str:
    return f'"{hashlib.sha256(_text().encode()).hexdigest()[:32]}"'


@to_be_read
@etag(_mark)
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3, as JSON; everybody may read it."""
    return HttpResponse(_text(), content_type="application/vnd.oai.openapi+json")


@to_be_read
def page(request: HttpRequest) -> HttpResponse:
    """The same for people; everybody may read it."""
    groups = reading.groups(document())
    context = {
        "groups": groups,
        "shapes": reading.shapes(document(), groups),
        "problems": list(problems.SORTS.items()),
        "scopes": scopes.SCOPES.items(),
        "base": f"{settings.PUBLIC_URL}/api/v1/",
    }
    return render(request, "api/page.html", context)

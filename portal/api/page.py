"""The description of the API for programs (OpenAPI) and for people (a page)."""

import hashlib
import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.api.described import document


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3, as JSON; everybody may read it."""
    text = json.dumps(document(), ensure_ascii=False)
    response = HttpResponse(text, content_type="application/vnd.oai.openapi+json")
    response["ETag"] = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """For people."""
    return HttpResponse("")

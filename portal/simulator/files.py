"""Files that customers send from the demo's pages, and look at there."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from contacts.files import File, check, clean_name, uploaded

SAFE_TO_SHOW = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})


def sent(request: HttpRequest) -> list[File]:
    """The files of a form. Raises FileRefused."""
    files = [uploaded(f) for f in request.FILES.getlist("files")[: settings.MAX_FILES + 1]]
    check(files)
    return [replace(file, name=clean_name(file.name)) for file in files]


def shown(content: bytes, content_type: str, name: str) -> HttpResponse:
    """A file to be saved; pictures and PDF may be looked at."""
    safe = content_type in SAFE_TO_SHOW
    kind = content_type if safe else "application/octet-stream"
    response = HttpResponse(content, content_type=kind)
    named = content_disposition_header(not safe, clean_name(name)) or "attachment"
    response["Content-Disposition"] = named
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response

"""Answers to a page that stays open: live.js asks what is new, live-send.js sends a form."""

import uuid
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, JsonResponse

MARK = "X-Mark"  # what the page has once it put the answer in: its next `have`


def is_asked(request: HttpRequest) -> bool:
    """Whether the page stays open: else it is loaded anew, as without a script."""
    return request.headers.get("X-Requested-With") == "fetch"


def has_all(request: HttpRequest, mark: str) -> bool:
    """Whether it asks for what is new, and shows that already (`have`, the mark of what it has)."""
    return is_asked(request) and request.GET.get("have") == mark


def nothing_new() -> HttpResponse:
    """It has everything."""
    return HttpResponse(status=204)


def refused(problems: Iterable[str], status: int) -> HttpResponse:
    """It was not taken, and why: a page that stays open says it beside what was sent."""
    return JsonResponse({"problems": list(problems)}, status=status)


def marked(parts: HttpResponse, mark: object) -> HttpResponse:
    """What is new, for a stream to bring along as well."""
    parts.headers[MARK] = str(mark)
    return parts


def created(parts: HttpResponse) -> HttpResponse:
    """It was taken; `parts` come with it, and the key for the next one."""
    parts.status_code = 201
    parts.headers["X-Next-Key"] = str(uuid.uuid4())
    return parts

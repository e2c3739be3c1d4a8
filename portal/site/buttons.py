"""Addresses that only a button may reach: who opens one is led back to the button's page."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

View = Callable[..., HttpResponse]


def button(view: View) -> View:
    """Take a POST only; a reload, or a link that was kept, gets a page and no blank one."""
    only_post = require_POST(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = only_post(request, *args, **kwargs)
        if answer.status_code != 405:
            return answer
        page = render(request, "site/button.html", {"before": _page_of(request, kwargs)})
        page.status_code = 405
        page.headers["Allow"] = "POST"
        return page

    return guarded


def _page_of(request: HttpRequest, kwargs: dict[str, Any]) -> str:
    if "reference" in kwargs:
        return reverse("site:question", args=[kwargs["reference"]])
    page = reverse("site:preferences")
    return page if request.path.startswith(page) else reverse("site:start")

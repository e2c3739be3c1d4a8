"""All ways to reach us: no dead end (R4), and the number on top (R5)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.context import site_of
from portal.site import strips, ways


@require_safe
def reach(request: HttpRequest) -> HttpResponse:
    """Every offered way with its hours, its promise and what to do."""
    rows = ways.make(site_of(request).board, timezone.now())
    context = {"ways": rows, "strips": strips.take(request)}
    return render(request, "site/reach.html", context)

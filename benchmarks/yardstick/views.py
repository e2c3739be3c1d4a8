"""The yardstick of a page that writes, and an empty page."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt

from benchmarks.yardstick.models import Line


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """A minimal view on the same server, behind the same middleware."""
    if request.method != "POST":
        return HttpResponse("ok")
    with transaction.atomic():
        for number in range(3):
            Line._default_manager.create(text=f"{number} {request.POST.get('text', '')}")
    return redirect("/yardstick/")

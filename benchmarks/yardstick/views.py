"""The yardsticks of a page that writes, and of one that tells another browser."""

import redis
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt

from benchmarks.yardstick.models import Line
from benchmarks.yardstick.stream import TOPIC


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """A minimal view on the same server, behind the same middleware."""
    if request.method != "POST":
        return HttpResponse("ok")
    with transaction.atomic():
        for number in range(3):
            Line._default_manager.create(text=f"{number} {request.POST.get('text', '')}")
    return redirect("/yardstick/")


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    """Publish what was posted: the least that reaches another browser."""
    with redis.Redis.from_url(settings.REDIS_URL) as line:
        line.publish(TOPIC, request.POST["text"])
    return HttpResponse("ok")

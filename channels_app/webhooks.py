"""The HTTP door of every provider: /webhooks/<channel key>/. It stores and answers, no more."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from channels_app import inbound
from channels_app.adapters.base import BadPayload, BadSignature, Misconfigured, Request
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel

logger = logging.getLogger(__name__)
# Postmark posts up to 35 MB, Mailgun 25 MB of mail as a form; the parser bounds the mail itself.
MAX_BYTES = 40 * 1024 * 1024
PLAIN = "text/plain; charset=utf-8"


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, key: str) -> HttpResponse:
    """200 once the raw bytes are committed; a fault of ours is 500, and they try again."""
    channel = Channel.objects.select_related("organisation").filter(slug=key).first()
    if channel is None or channel.provider not in PROVIDERS:
        return _say(404, "There is no such address.")
    provider = PROVIDERS[channel.provider]
    if not provider.webhooks:
        return _say(404, "There is no such address.")
    body = request.read(MAX_BYTES + 1) if request.method == "POST" else b""
    if len(body) > MAX_BYTES:
        return _say(413, "That is too large.")
    wanted = _plain(request, body)
    try:
        if request.method == "GET":
            # The answer and nothing else: a provider compares it.
            return HttpResponse(channel.adapter().challenge(wanted), content_type=PLAIN)
        inbound.receive(channel, wanted)
    except BadSignature as error:
        return _refuse(channel, 403, error)
    except BadPayload as error:
        return _refuse(channel, 400, error)
    except Misconfigured as error:
        return _refuse(channel, 503, error)  # once the secret is set, their next try is taken
    return HttpResponse(provider.stored[0], content_type=provider.stored[1])


def _plain(request: HttpRequest, body: bytes) -> Request:
    """The request as adapters know one. PostgreSQL keeps no NUL, and no header needs one."""
    headers = ((name.lower(), value) for name, value in request.headers.items())
    return Request(
        body=body,
        method=request.method or "",
        headers=tuple((name, value) for name, value in headers if "\x00" not in value),
        url=settings.PUBLIC_URL + request.get_full_path(),
        query=tuple((name, value) for name, values in request.GET.lists() for value in values),
        remote_address=request.META.get("REMOTE_ADDR", ""),
        received_at=timezone.now(),
    )


def _refuse(channel: Channel, status: int, error: Exception) -> HttpResponse:
    """The reason goes to our log; a stranger learns only that it was refused."""
    logger.warning("A webhook of %s was refused with %s: %s", channel.slug, status, error)
    words = {400: "That cannot be read.", 403: "Refused.", 503: "Try again later."}
    return _say(status, words[status])


def _say(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type=PLAIN)


urlpatterns = [path("<slug:key>/", receive, name="webhook")]

"""The yardstick of a live page: whatever is published goes to the browser as it comes."""

from typing import Any

import redis.asyncio as redis
from django.conf import settings

TOPIC = "yardstick"
HEADERS = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]


class Echo:
    """A bare stream at one address; everything else goes on."""

    def __init__(self, portal: Any) -> None:
        self.portal = portal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != "/yardstick/stream/":
            await self.portal(scope, receive, send)
            return
        client = redis.Redis.from_url(settings.REDIS_URL)
        async with client, client.pubsub(ignore_subscribe_messages=True) as line:
            await line.subscribe(TOPIC)
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await _say(send, b"ready")
            async for heard in line.listen():
                await _say(send, heard["data"])


async def _say(send: Any, text: bytes) -> None:
    body = b"data: " + text + b"\n\n"
    await send({"type": "http.response.body", "body": body, "more_body": True})

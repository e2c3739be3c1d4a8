"""The yardstick of a live page, without any framework: what is posted goes to every open stream.

uvicorn benchmarks.yardstick.stream:echo
"""

import asyncio
from typing import Any

HEADERS = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]
heard: "set[asyncio.Queue[bytes]]" = set()


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["method"] == "POST":
        text = (await receive())["body"]
        for one in heard:
            one.put_nowait(text)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    mine: asyncio.Queue[bytes] = asyncio.Queue()
    mine.put_nowait(b"ready")
    heard.add(mine)
    gone = asyncio.create_task(_gone(receive))
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    while not gone.done():
        new = asyncio.create_task(mine.get())
        await asyncio.wait({new, gone}, return_when=asyncio.FIRST_COMPLETED)
        if new.done():
            body = b"data: " + new.result() + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
    heard.discard(mine)


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

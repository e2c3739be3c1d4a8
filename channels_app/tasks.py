"""The workers' doors. Nothing below imports this; rows are rung by task name."""

import uuid

from celery import shared_task

from channels_app import inbound, sending


@shared_task(name="channels_app.deliver")
def deliver(delivery_id: str, channel_id: int | None = None) -> None:
    """Send one delivery and what else is due on its channel."""
    sending.deliver(uuid.UUID(delivery_id), channel_id)


@shared_task(name="channels_app.process")
def process(event_id: str, channel_id: int | None = None) -> None:
    """Parse and file one thing that came in."""
    inbound.process(int(event_id), channel_id)


@shared_task(name="channels_app.sweep")
def sweep() -> None:
    """Find what was never rung, and what a dead worker left behind."""
    sending.recover()
    inbound.recover()

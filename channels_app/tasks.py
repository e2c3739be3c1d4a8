"""The workers' doors. Nothing below imports this; rows are rung by task name."""

from celery import shared_task

from channels_app import inbound, sending, which


@shared_task(name="channels_app.deliver")
def deliver(channel_id: int) -> None:
    """Send what is due on a channel."""
    sending.deliver(channel_id)


@shared_task(name="channels_app.process")
def process(event_id: int, channel_id: int) -> None:
    """Parse and file one thing that came in."""
    inbound.process(event_id, channel_id)


@shared_task(name="channels_app.sweep")
def sweep() -> None:
    """Find what was never rung, and what a dead worker left behind."""
    sending.recover()
    which.recover()
    inbound.recover()

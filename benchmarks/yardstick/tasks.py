"""An empty task that says when it ran."""

from celery import shared_task


@shared_task(name="yardstick.empty")
def empty() -> None:
    """Nothing: what a task costs by itself."""

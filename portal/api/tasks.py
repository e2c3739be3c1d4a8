"""What happens without a request: answers whose day is over are removed."""

from celery import shared_task

from portal.api.models import IdempotencyKey


@shared_task(name="portal.api.forget")
def forget() -> None:
    """They hold what customers wrote; nobody asks for them again."""
    IdempotencyKey.objects.old().delete()

"""What a worker does when it is rung, done here and now."""

from django.utils import timezone

from channels_app import inbound, sending
from channels_app.models import Delivery, InboundEvent


def send_due() -> None:
    """Send what is due, channel by channel."""
    due = Delivery.objects.due(timezone.now()).order_by("channel")
    for channel in list(due.values_list("channel", flat=True).distinct()):
        sending.deliver(channel)


def file(event: InboundEvent) -> None:
    """Parse and file what came in."""
    inbound.process(event.pk, event.channel_id)


def file_all() -> None:
    """Parse and file whatever came in and was not filed yet."""
    for event in InboundEvent.objects.filter(state=InboundEvent.State.NEW).order_by("pk"):
        file(event)

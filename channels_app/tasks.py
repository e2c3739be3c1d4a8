"""The workers' doors. Nothing below imports this; rows are rung by task name."""

from celery import shared_task
from django.utils import timezone

from channels_app import (
    appointments,
    assigning,
    away,
    inbound,
    leaving,
    push,
    reckoning,
    sending,
    tallying,
    which,
)
from channels_app.models import Pace, SpecialDay
from contacts.models import Organisation


@shared_task(name="channels_app.deliver")
def deliver(channel_id: int) -> None:
    """Send what is due on a channel."""
    sending.deliver(channel_id)


@shared_task(name="channels_app.process")
def process(event_id: int, channel_id: int) -> None:
    """Parse and file one thing that came in."""
    inbound.process(event_id, channel_id)


@shared_task(name="channels_app.ask_again")
def ask_again(leaving_id: int) -> None:
    """Ask some customers of a channel that went to choose again."""
    leaving.go_on(leaving_id)


@shared_task(name="channels_app.follow_unread")
def follow_unread() -> None:
    """Send what nobody read in a chat after its customer."""
    away.look()


@shared_task(name="channels_app.assign")
def assign(case_id: int) -> None:
    """Give a case to whom the rules choose."""
    assigning.assign(case_id)


@shared_task(name="channels_app.tell_devices")
def tell_devices(case_id: int) -> None:
    """Tell the browsers of a case that an answer stands on its page."""
    push.tell(case_id)


@shared_task(name="channels_app.tally")
def tally() -> int:
    """Count what customers chose and found, for the advice; how many rows there are."""
    return tallying.tally()


@shared_task(name="channels_app.remind")
def remind() -> None:
    """Remind customers of the calls and visits that are near."""
    appointments.remind()


@shared_task(name="channels_app.renew_holidays")
def renew_holidays() -> None:
    """Write down next year's public holidays before anybody asks for them.

    What is due is counted anew: every night days come near that were too far away.
    """
    for organisation in Organisation.objects.exclude(holidays=""):
        SpecialDay.objects.renew_public(organisation)
    Organisation.change_due()


@shared_task(name="channels_app.count_pace")
def count_pace() -> None:
    """Count how fast customers were answered in the last four weeks."""
    for organisation in Organisation.objects.all():
        Pace.objects.renew(organisation, timezone.now())


@shared_task(name="channels_app.sweep")
def sweep() -> None:
    """Find what was never rung, and what a dead worker left behind."""
    sending.recover()
    which.recover()
    inbound.recover()
    leaving.recover()
    assigning.recover()
    push.recover()
    reckoning.recover()

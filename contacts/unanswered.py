"""Since when a customer waits for us, read from the history."""

from datetime import datetime

from django.db.models import Max, Min

from contacts.models import Case, Event, Message


def since(case: Case, *, after: datetime | None = None) -> datetime | None:
    """When they first said or asked what has no answer yet; None where nothing is open.

    `after`: what lies before counts no more, as where the case was resolved then.
    """
    said = Message.objects.of(case)
    answered = said.filter(Message.SAID).aggregate(at=Max("created_at"))["at"]
    asked = said.filter(Message.TO_ANSWER)
    again = Event.objects.filter(
        case__in=case.family_ids(), sort=Event.Sort.REOPENED, data__asked=True
    )
    for over in (answered, after):
        if over is not None:
            asked, again = asked.filter(created_at__gt=over), again.filter(created_at__gt=over)
    found = [rows.aggregate(at=Min("created_at"))["at"] for rows in (asked, again)]
    return min(filter(None, found), default=None)

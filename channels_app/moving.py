"""What an address that is somebody's no more means for the cases that were answered there."""

from django.db import transaction

from channels_app import dispatch
from contacts import whose
from contacts.models import Alert, Case, Customer, Event, Identity, User

MOST = 50  # open cases that are told


def end(
    customer: Customer, identity: Identity, *, by: User | None, case: Case | None = None
) -> bool:
    """Nothing goes there any more, and who writes from there is somebody else.

    Each open case that was answered there says so, its agent is told, and what waits for it is
    refused with that reason. `case`: where it was said. False where it was so already.
    """
    with transaction.atomic():
        if not whose.end(customer, identity):
            return False
        for one in _answered_there(customer, identity, case):
            _tell(one, identity, by, gone=True)
            waiting = dispatch.open_in(one).filter(identity=identity)
            for delivery in waiting.select_related("message__case__root", "channel"):
                dispatch.reroute(delivery)
    return True


def give_back(
    customer: Customer, identity: Identity, *, by: User | None, case: Case | None = None
) -> bool:
    """It is theirs after all: what was chosen counts again."""
    with transaction.atomic():
        if not whose.give_back(customer, identity):
            return False
        for one in _answered_there(customer, identity, case):
            _tell(one, identity, by, gone=False)
    return True


def _answered_there(customer: Customer, identity: Identity, case: Case | None) -> list[Case]:
    """In one order, as whoever joins cases locks them."""
    family = Customer.objects.family({customer.top_id})
    rows = Case.objects.open().filter(customer__in=family, choice__identity=identity)
    found = {row.pk: row for row in rows.order_by("-pk")[:MOST]}
    if case is not None:
        found.setdefault(case.pk, case)
    return [found[key] for key in sorted(found)]


def _tell(case: Case, identity: Identity, by: User | None, *, gone: bool) -> None:
    data = {"identity": identity.pk, "gone": gone}
    agent = case.assignee if gone and case.assignee != by else None
    alerts = [Alert(user=agent, sort=Alert.Sort.ANSWERED)] if agent else []
    case.append(Event(sort=Event.Sort.ADDRESS, staff=by, data=data), alerts=alerts)

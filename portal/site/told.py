"""The lines of a history that its customer alone reads whole.

Whoever types a stranger's address has a case of theirs open: nothing there tells what we know.
"""

from copy import copy
from dataclasses import replace

from channels_app.dispatch import ACKNOWLEDGEMENT
from contacts.models import Case, Customer, Event, Holder, Message
from contacts.viewers import Viewer
from portal import access
from portal.past import for_customers
from portal.timeline import Entry

UNNAMED = {
    Event.Sort.FELL_BACK: for_customers.fell_back_unnamed,
    Event.Sort.LEFT: for_customers.left_unnamed,
}


def to(viewer: Viewer, case: Case, entries: list[Entry]) -> list[Entry]:
    """As this viewer may read them."""
    entries = _without_acknowledgements(viewer, entries)
    if access.owns(viewer, case):
        return entries
    others = [_another(entry) for entry in entries]
    if not any(others):
        return entries
    rows = case.stem.choices.values_list("identity", "fallback_identity")
    used = {pk for row in rows for pk in row}
    return [
        _unnamed(entry) if pk and pk not in used else entry
        for entry, pk in zip(entries, others, strict=True)
    ]


def _another(entry: Entry) -> int | None:
    """The address of another way than was chosen, where a line is about one."""
    if entry.message is not None:
        by_second = entry.message.why == Message.Why.FALLBACK
        return entry.message.identity_id if by_second else None
    return entry.event.data.get("identity") if entry.event and entry.event.sort in UNNAMED else None


def _unnamed(entry: Entry) -> Entry:
    """Without that way: it is its customer's, and this case never used it."""
    if entry.message is not None:
        message = copy(entry.message)
        message.kind = ""
        return replace(entry, message=message, state="")
    assert entry.event is not None
    return replace(entry, words=UNNAMED[Event.Sort(entry.event.sort)](entry.event))


def _without_acknowledgements(viewer: Viewer, entries: list[Entry]) -> list[Entry]:
    """Without those to an address that the viewer did not prove.

    A proved address gets more of them (`dispatch.acknowledge`), so that the line would tell
    anybody who types an address whether we know it.
    """
    sent = {
        entry.message.identity_id
        for entry in entries
        if entry.message and entry.message.template == ACKNOWLEDGEMENT and not entry.failed
    }
    if not sent:
        return entries
    people = Customer.objects.person(viewer.customer_id or 0)
    proved = Holder.objects.proved().filter(customer__in=people, identity__in=sent)
    own = set(proved.values_list("identity_id", flat=True)) if viewer.customer_id else set()
    return [
        entry
        for entry in entries
        if not entry.message
        or entry.message.template != ACKNOWLEDGEMENT
        or entry.failed
        or entry.message.identity_id in own
    ]

"""Whether what went to the customer last arrived."""

from collections.abc import Sequence

from contacts.models import Case, Event, Message
from portal.timeline import Entry


def last(entries: Sequence[Entry]) -> Entry | None:
    """What went to the customer last, or the line that nobody picked up."""
    for entry in reversed(entries):
        if entry.message and entry.message.direction == Message.Direction.OUT:
            return entry
        if entry.event and entry.event.sort == Event.Sort.FELL_BACK:
            return entry
    return None


def failed(case: Case, sent: Entry | None) -> str:
    """What failed last: "answer", "both" (its ways), "call" (nobody picked up), or "".

    Nothing once the customer chose another way: that is what they were asked for.
    """
    if sent is None:
        return ""
    if said := sent.message:
        if not sent.failed or case.went_on(sent.at, said.kind, said.identity_id):
            return ""
        return "both" if said.why == Message.Why.FALLBACK else "answer"
    is_second = sent.event is not None and sent.event.data.get("kind")
    return "" if is_second or case.went_on(sent.at) else "call"

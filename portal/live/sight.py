"""What a browser may see of its wants at this moment. Asked anew for every hint: rights end.

All of it is blocking and asks the database: the door calls it in a few threads of its own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Count, Subquery

from channels_app.models import Delivery
from contacts.models import Alert, Case, Event, Message
from contacts.viewers import NOBODY, Viewer
from portal import access
from portal.live.wants import BELL, DESK, QUEUE, SITE, Want

MOST_ALERTS = 100  # the bell shows 99+


@dataclass(frozen=True)
class Seen:
    """One case: the stem that it is read by, its number, and a mark of its deliveries' steps."""

    case_id: int
    seq: int
    steps: str = ""

    @property
    def version(self) -> str:
        """Changes with everything that its page shows."""
        return f"{self.seq}.{self.steps}" if self.steps else str(self.seq)


@dataclass(frozen=True)
class Sight:
    """What may be seen, by the keys of the wants; what is not there may not be seen."""

    cases: dict[str, Seen] = field(default_factory=dict)
    queue: str | None = None
    bell: int | None = None

    @property
    def keys(self) -> set[str]:
        """The wants that are served."""
        own = {QUEUE: self.queue, BELL: self.bell}
        return {*self.cases, *(key for key, value in own.items() if value is not None)}


def look(
    keys: access.SessionKeys, wants: Mapping[str, Want], *, steps: bool = False, desk: bool = True
) -> Sight:
    """What these sessions may see now. `steps`: of deliveries too; `desk`: queue and bell too.

    Without `desk` the figures of queue and bell are left at 0, which says only that they may be.
    """
    staff = _staff(keys, wants)
    customer = _customer(keys, wants)
    cases = {
        **_cases([want for want in wants.values() if want.door == SITE], customer),
        **_cases([want for want in wants.values() if want.door == DESK], staff),
    }
    if steps and cases:
        cases = _with_steps(cases)
    queue = bell = None
    if staff.is_staff and QUEUE in wants:
        queue = newest() if desk else ""
    if staff.is_staff and BELL in wants:
        bell = _alerts(staff) if desk else 0
    return Sight(cases, queue, bell)


def _staff(keys: access.SessionKeys, wants: Mapping[str, Want]) -> Viewer:
    if not any(want.is_staffs for want in wants.values()):
        return NOBODY
    return access.staff_viewer_by_key(keys.staff)


def _customer(keys: access.SessionKeys, wants: Mapping[str, Want]) -> Viewer:
    if all(want.is_staffs for want in wants.values()):
        return NOBODY
    return access.customer_viewer_by_key(keys.customer)


def _cases(wants: list[Want], viewer: Viewer) -> dict[str, Seen]:
    """By `visible_to`, the one rule; foreign and missing cases are the same: not there."""
    if not wants or viewer == NOBODY:
        return {}
    keys = {want.reference: want.key for want in wants}
    rows = Case.objects.visible_to(viewer).filter(reference__in=keys)
    values = rows.values_list("reference", "pk", "seq", "root", "root__seq")
    return {
        keys[reference]: Seen(root or pk, root_seq if root else seq)
        for reference, pk, seq, root, root_seq in values
    }


def _with_steps(cases: dict[str, Seen]) -> dict[str, Seen]:
    """With a mark of how far the deliveries are: their steps take no number of the case.

    EXPLAIN at 100,000 cases, of one with 1,000 messages: message_once, then the deliveries by their
    foreign key, 1.0 ms; of the joined ones by the root before that, 0.5 ms.
    """
    stems = {seen.case_id for seen in cases.values()}
    counted: dict[int, list[str]] = {}
    for path in ("message__case", "message__case__root"):
        rows = Delivery.objects.filter(**{f"{path}__in": stems}).order_by(path, "status")
        for stem, status, count in rows.values_list(path, "status").annotate(Count("pk")):
            counted.setdefault(stem, []).append(f"{path}{status}{count}")
    return {
        key: Seen(seen.case_id, seen.seq, _digest(counted.get(seen.case_id, [])))
        for key, seen in cases.items()
    }


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(",".join(parts).encode()).hexdigest()[:8]


def newest() -> str:
    """The newest rows of all histories, each by its primary key: the queue's mark. One query."""
    message = Message.objects.order_by("-pk").values("pk")[:1]
    newest = Event.objects.order_by("-pk").values_list("pk", Subquery(message)).first()
    return ".".join(map(str, newest or ()))  # no case is without an event


def _alerts(staff: Viewer) -> int:
    rows = Alert.objects.filter(user=staff.staff_id, seen_at=None)
    return rows.order_by()[:MOST_ALERTS].count()

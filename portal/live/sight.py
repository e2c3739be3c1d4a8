"""What a browser may see of its wants at this moment. Asked anew for every hint: rights end.

All of it is blocking and asks the database: the door calls it in a few threads of its own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.db.models import Count, Subquery
from django.utils import timezone

from channels_app.models import Channel, Delivery
from contacts.models import Alert, Case, Event, Message, User
from contacts.viewers import NOBODY, Viewer
from portal import access, lately
from portal.live.wants import BELL, DESK, LISTED, QUEUE, SITE, Want

MOST_ALERTS = 100  # the bell shows 99+
GOING = ("is_offered", "paused_until", "paused_for", "gone_at")  # what tells whether one is gone


@dataclass(frozen=True)
class Seen:
    """One case: the stem that it is read by, its number, and a mark of its deliveries' steps.

    `way`: organisation and kind that it is answered by; `assignee`: whose case it is.
    """

    case_id: int
    seq: int
    way: tuple[int, str] = (0, "")
    assignee: int | None = None
    steps: str = ""

    @property
    def version(self) -> str:
        """Changes with everything that its page shows."""
        return f"{self.seq}.{self.steps}" if self.steps else str(self.seq)


@dataclass(frozen=True)
class Sight:
    """What may be seen, by the keys of the wants; what is not there may not be seen.

    `staff`: who looks, with the name that customers read; None where it is a customer alone.
    """

    cases: dict[str, Seen] = field(default_factory=dict)
    queue: str | None = None
    bell: int | None = None
    staff: tuple[int, str] | None = None

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
    user = _staff(keys, wants)
    staff = access.staff_viewer(user) if user else NOBODY
    customer = _customer(keys, wants)
    cases = {
        **_cases([want for want in wants.values() if want.door == SITE], customer),
        **_cases([want for want in wants.values() if want.door == DESK], staff),
        **_cases([want for want in wants.values() if want.door == LISTED], staff),
    }
    if steps and cases:
        cases = _with_steps(cases)
    queue = bell = None
    if staff.is_staff and QUEUE in wants:
        queue = newest() if desk else ""
    if staff.is_staff and BELL in wants:
        bell = _alerts(staff) if desk else 0
    return Sight(cases, queue, bell, (user.pk, user.public_name) if user else None)


def _staff(keys: access.SessionKeys, wants: Mapping[str, Want]) -> User | None:
    """Who has a page of the desk open, which is noted."""
    if not any(want.is_staffs for want in wants.values()):
        return None
    user = access.staff_by_key(keys.staff)
    if user is not None:
        user.was_seen(timezone.now())
    return user


def _customer(keys: access.SessionKeys, wants: Mapping[str, Want]) -> Viewer:
    if all(want.is_staffs for want in wants.values()):
        return NOBODY
    return access.customer_viewer_by_key(keys)


def _cases(wants: list[Want], viewer: Viewer) -> dict[str, Seen]:
    """By `visible_to`, the one rule; foreign and missing cases are the same: not there."""
    if not wants or viewer == NOBODY:
        return {}
    keys = {want.reference: want.key for want in wants}
    rows = Case.objects.filter(reference__in=keys)
    own = ("pk", "seq", "organisation", "choice__kind", "assignee")
    names = ("reference", "customer", *own, *(f"root__{name}" for name in own))
    values = rows.values_list(*names)
    found = [row for row in values if viewer.holds(row[2], row[1])]
    if len(found) < len(keys):  # of the others the search tells
        found = list(rows.visible_to(viewer).values_list(*names))
    return {
        keys[reference]: _seen(*(stem if stem[0] else case))
        for reference, _customer, *both in found
        for case, stem in [(both[:5], both[5:])]
    }


def _seen(pk: int, seq: int, organisation: int, kind: str | None, assignee: int | None) -> Seen:
    return Seen(pk, seq, (organisation, kind or ""), assignee)


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
    answered = lately.read("ways that answer", _answering)
    return {
        key: replace(
            seen,
            steps=_digest([*counted.get(seen.case_id, []), str(seen.way in answered)]),
        )
        for key, seen in cases.items()
    }


def _answering() -> set[tuple[int, str]]:
    """Organisation and kind of what is there to answer by: an open page says when it goes."""
    now = timezone.now()
    rows = Channel.objects.offered().only("organisation", "kind", *GOING)
    return {(row.organisation_id, row.kind) for row in rows if not row.is_gone(now)}


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

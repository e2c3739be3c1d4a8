"""Cases that belong together, and messages that lie in the wrong one.

Merging moves no rows: `merged_into` is the truth, `root` a cache that pages read by.
"""

from copy import copy
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from contacts import hints, search, unanswered
from contacts.models import Case, Choice, Customer, Event, Message, User
from contacts.models.case import NEVER

Row = TypeVar("Row", Case, Customer)


@transaction.atomic
def join(*, case: Case, into: Case, by: User | None) -> None:
    """Join a case to another: no row moves, `undo_join` clears one pointer.

    Raises ValueError for a case with itself, or one that is joined already.
    """
    if case.pk == into.stem.pk:
        raise ValueError("A case cannot be joined to itself.")
    rows = tops(Case.objects.select_for_update(), case.pk, into.stem.pk)
    source, target = rows[case.pk], rows[into.stem.pk]
    waiting = [t for t in (source.waiting_since, target.waiting_since) if t]
    Case.objects.filter(Q(pk=source.pk) | Q(root=source)).update(root=target)
    Case.objects.filter(pk=source.pk).update(merged_into=target)
    changes: dict[str, Any] = {"waiting_since": min(waiting, default=None)}
    if source.state == Case.State.OPEN:
        # Work that is left is work of the whole: in a resolved case nobody would see it.
        changes |= {"state": Case.State.OPEN, "resolved_at": None}
        if target.state == Case.State.RESOLVED:
            changes["reopened_at"] = source.reopened_at or source.opened_at
    Case.objects.filter(pk=target.pk).update(seq=max(source.seq, target.seq), **changes)
    data = {"reference": source.reference}
    target.append(Event(sort=Event.Sort.MERGED, staff=by, data=data), changed_at=timezone.now())
    # Its own open pages follow it from here on.
    transaction.on_commit(partial(hints.publish, source.pk, target.seq), robust=True)
    case.refresh_from_db()


def undo_join(*, case: Case, by: User | None) -> None:
    """Take a joined case out again, with all that was ever addressed to it.

    Raises ValueError for one that is not joined.
    """
    with transaction.atomic():
        target = case.locked()  # the family changes under its lock alone
        case.refresh_from_db()
        if case.merged_into_id is None:
            raise ValueError("This case is not joined to another one.")
        Case.objects.filter(pk__in=members(case) - {case.pk}).update(root=case)
        Case.objects.filter(pk=case.pk).update(
            merged_into=None, root=None, seq=target.seq, due_as_of=NEVER
        )
        _part_choices(case, target)
        data = {"reference": case.reference}
        target.append(Event(sort=Event.Sort.UNMERGED, staff=by, data=data))
        case.refresh_from_db()
        for part in (case, Case.objects.get(pk=target.pk)):
            _recount(part)
        case.refresh_from_db()


def _part_choices(part: Case, target: Case) -> None:
    """What was chosen in the part goes with it; each is answered by its own newest choice again."""
    if not target.choices.filter(said_in__in=members(part)).update(case=part):
        return
    part.choices.filter(said_in=part).update(said_in=None)
    rows = list(Choice.objects.filter(case__in=(part, target)).order_by("pk"))
    was = {row.pk: copy(row) for row in rows}
    for case in (part, target):
        own = [row for row in rows if row.case_id == case.pk]
        _own_choices(own, was)
        case.choice = own[-1] if own else None
        Case.objects.filter(pk=case.pk).update(choice=case.choice)
    Choice.objects.bulk_update(rows, ["replaces", *Choice.ADDED])


def _own_choices(own: list[Choice], was: dict[int, Choice]) -> None:
    """Each follows one of the same case, and keeps nothing that came along from the other one."""
    keys = {row.pk for row in own}
    for last, row in zip([None, *own], own, strict=False):
        base = was.get(row.replaces_id or 0)
        before = base
        while before is not None and before.pk not in keys:
            before = was.get(before.replaces_id or 0)
        if base is None:
            continue
        follows = before.pk if before else None
        if before is None and last is not None:  # changed once more: they follow the same one
            follows = last.replaces_id if was[last.pk].replaces_id == base.pk else last.pk
        row.replaces_id = follows
        mine = next((one for one in own if one.pk == follows), Choice())
        for name in Choice.ADDED:
            if getattr(row, name) == getattr(base, name):
                setattr(row, name, getattr(mine, name))


def tops(rows: QuerySet[Row], *keys: int) -> dict[int, Row]:
    """These rows, locked by `rows` in one order; a concurrent join then sees what this one did.

    Who changes a family holds the lock of its top, and takes those of others below it: so that
    two wait for each other never, one that is no top is let go before the next is waited for.
    Raises ValueError for it.
    """
    found: dict[int, Row] = {}
    for key in sorted(keys):
        row = rows.filter(pk=key, root=None).first()
        if row is None:
            raise ValueError("It is joined to another one already.")
        found[key] = row
    return found


def members(row: Case | Customer) -> set[int]:
    """The ids of a case or a customer and of those merged into it, directly or on the way."""
    rows = type(row)._default_manager
    found, edge = {row.pk}, {row.pk}
    while edge:
        edge = set(rows.filter(merged_into__in=edge).values_list("pk", flat=True)) - found
        found |= edge
    return found


@transaction.atomic
def move_message(*, message: Message, to: Case, by: User) -> None:
    """Put a wrongly filed message into another case; both histories say so.

    Raises ValueError for a message without a case, or one that is there already.
    """
    source, target = message.case, Case.objects.get(pk=to.stem.pk)
    if source is None or source.stem == target:
        raise ValueError("The message is in that case already.")
    _lock(source.stem, target)
    came = message.direction == Message.Direction.IN
    now = timezone.now()
    source.append(
        Event(sort=Event.Sort.MOVED, staff=by, data={"reference": target.reference, "out": True})
    )
    changes: dict[str, Any] = {}
    # What `undo_move` needs: where it lay, and whether and since when the other case was settled.
    data = {"reference": source.reference, "message": message.pk, "place": message.seq}
    data |= {"settled": _written(target.resolved_at), "reopened": _written(target.reopened_at)}
    if came:
        changes = {"state": Case.State.OPEN, "resolved_at": None}
        changes["waiting_since"] = min(
            target.waiting_since or message.created_at, message.created_at
        )
    target.append(
        Event(sort=Event.Sort.MOVED, staff=by, data=data),
        changed_at=now,
        **changes,
    )
    Case.objects.filter(pk=target.pk).update(seq=F("seq") + 1)
    target.refresh_from_db(fields=["seq"])
    _put(message, target, target.seq)
    _recount(source.stem)


def _lock(*stems: Case) -> None:
    """Two that move messages between the same cases go one after the other."""
    keys = {case.pk for case in stems}
    list(Case.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


def _put(message: Message, case: Case, seq: int) -> None:
    """Into that place of that case, where the search then finds it."""
    if message.case is not None:
        search.forget(message.text, case=message.case.stem)
    Message.objects.filter(pk=message.pk).update(case=case, seq=seq)
    message.case, message.seq = case, seq
    search.index(message.text, case=case.stem)


@transaction.atomic
def undo_move(*, message: Message, by: User) -> Case:
    """Put a moved message back into its place; the case that it lies in again.

    A case that was settled is settled again where nothing else has happened in it since.
    Raises ValueError for a message that was not moved here.
    """
    moved = _move_of(message)
    here = message.case
    if here is None or moved is None:
        raise ValueError("The message was not moved here.")
    home = Case.objects.select_related("root").get(reference=moved.data["reference"])
    _lock(here.stem, home.stem)
    stem = here.locked()
    untouched = stem.pk == here.pk and stem.seq == message.seq
    _put(message, home, moved.data["place"])
    back = {"reference": home.reference, "back": True, "out": True}
    stem.append(Event(sort=Event.Sort.MOVED, staff=by, data=back))
    home.append(
        Event(sort=Event.Sort.MOVED, staff=by, data={"reference": here.reference, "back": True})
    )
    _recount(Case.objects.get(pk=stem.pk))
    _recount(Case.objects.get(pk=home.stem.pk))
    if untouched and (settled := moved.data["settled"]):
        Case.objects.filter(pk=stem.pk).update(
            state=Case.State.RESOLVED,
            waiting_since=None,
            resolved_at=_read(settled),
            reopened_at=_read(moved.data.get("reopened", "")),  # from then its time counts again
        )
    return home


def _written(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _read(moment: str) -> datetime | None:
    return datetime.fromisoformat(moment) if moment else None


def _move_of(message: Message) -> Event | None:
    """The line of the history that says how a message came to where it lies now."""
    rows = Event.objects.filter(case=message.case, sort=Event.Sort.MOVED, seq=message.seq - 1)
    return next((row for row in rows if row.data.get("message") == message.pk), None)


def _recount(case: Case) -> None:
    """Since when the customer waits, after messages left the case or came back to it.

    A resolved case where the customer wrote since is open again.
    """
    first = unanswered.since(case, after=case.resolved_at)
    rows = Case.objects.filter(pk=case.pk)
    if case.state == Case.State.OPEN:
        rows.update(waiting_since=first)
    elif first is not None:
        again = {"state": Case.State.OPEN, "resolved_at": None, "reopened_at": first}
        rows.update(waiting_since=first, **again)

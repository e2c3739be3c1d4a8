"""The customer goes on by another way: a new Choice, and what waits follows it."""

from django.db import transaction
from django.utils import timezone

from channels_app import dispatch, todos
from channels_app.models import Channel
from contacts import calls, services
from contacts.kinds import get
from contacts.models import Case, Choice, Event, Identity, Message, User

FOLLOWS = (Message.Why.CHOSEN, Message.Why.ONCE, Message.Why.DEFAULT)


class CannotSwitch(Exception):
    """The kind is not offered, or has no address."""


def switch(
    *,
    case: Case,
    kind: str,
    identity: Identity | None = None,
    wish: str = "",
    once: bool = False,
    by: str = Choice.By.CUSTOMER,
    staff: User | None = None,
) -> Choice:
    """From now on (or for the next answer only) answer by `kind`.

    The address must have been proved, or chosen by staff, before this is called. What is queued
    follows, once; what is being sent cannot. Raises CannotSwitch.
    """
    stem = case.stem
    if not Channel.objects.offered().filter(organisation=stem.organisation_id, kind=kind).exists():
        raise CannotSwitch
    if get(kind).scheme and identity is None:
        raise CannotSwitch
    with transaction.atomic():
        stem = stem.locked()
        before = stem.choice
        if before is not None and _same(before, kind, identity, wish, once):
            return before
        base = before or Choice(kind=kind)
        if once and base.once and base.replaces is not None:
            base = base.replaces  # "only once" twice in a row comes back to the usual way
        choice = services.copy_choice(
            base,
            kind=kind,
            identity=identity,
            wish=wish,
            once=once,
            by=by,
            by_staff=staff,
            replaces=base if base.pk else None,
        )
        is_first = before is None or before.by == Choice.By.MEANWHILE
        return _record(stem, choice, None if is_first else before, staff)


def undo(*, case: Case, choice: Choice) -> Choice | None:
    """Take the newest switch back; None if another came after it or there is none to go back to."""
    with transaction.atomic():
        stem = case.locked()
        if stem.choice_id != choice.pk or choice.replaces is None:
            return None
        old = choice.replaces
        back = services.copy_choice(old, once=old.once, replaces=old.replaces)
        return _record(stem, back, choice, None)


def _same(choice: Choice, kind: str, identity: Identity | None, wish: str, once: bool) -> bool:
    if choice.by == Choice.By.MEANWHILE:
        return False  # nobody chose it yet
    return (choice.kind, choice.identity, choice.wish, choice.once) == (kind, identity, wish, once)


def _record(case: Case, choice: Choice, before: Choice | None, staff: User | None) -> Choice:
    data = services.choice_data(choice, before=before)
    sort = Event.Sort.SWITCHED if before is not None else Event.Sort.CHOSEN
    case.append(choice, Event(sort=sort, staff=staff, data=data), changed_at=timezone.now())
    waiting = dispatch.open_in(case).filter(message__why__in=FOLLOWS)
    for delivery in waiting.select_related("message__case__root", "channel"):
        dispatch.reroute(delivery)
    if get(choice.kind).rings and choice.wish in todos.WISHES:
        _ask_for_call(case, choice)
    elif not todos.calls_to_come([case]):
        calls.taken_back(case, dispatch.CALLBACK)
    return choice


def _ask_for_call(case: Case, choice: Choice) -> None:
    """They said when to call: without an answer that now goes by phone, the call is a to-do."""
    if not dispatch.open_in(case).filter(channel__kind=choice.kind).exists():
        todos.call_back(case, choice.wish)

"""The customer goes on by another way: a new Choice, and what waits follows it."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels_app import dispatch, leaving, outbox, routing, todos
from channels_app.models import Channel, Delivery
from contacts import calls, merging, services
from contacts.kinds import CHAT, get
from contacts.models import Case, Choice, Event, Identity, Message, User

W = Message.Why
SLIP = timedelta(minutes=10)  # so soon taken back, a switch was one
FOLLOWS = (W.CHOSEN, W.ONCE, W.DEFAULT, W.FALLBACK)


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
        stem = case.locked()
        before = stem.choice
        if before is not None and _same(before, kind, identity, wish, once):
            return _meant(_in(case, stem), before, by)
        base = before or Choice(kind=kind)
        added = services.added_to(base)
        if once and base.once and base.replaces is not None:
            base = base.replaces  # "only once" twice in a row comes back to the usual way
        choice = services.copy_choice(
            base,
            **added,
            kind=kind,
            identity=identity,
            wish=wish,
            once=once,
            by=by,
            by_staff=staff,
            said_in=None,
            replaces=base if base.pk else None,
        )
        is_first = before is None or before.by == Choice.By.MEANWHILE
        return _record(_in(case, stem), choice, None if is_first else before, staff)


def undo(*, case: Case, choice: Choice) -> Choice | None:
    """Take the newest switch back; None if another came after it or there is none to go back to."""
    with transaction.atomic():
        stem = case.locked()
        if stem.choice_id != choice.pk or choice.replaces is None:
            return None
        old = choice.replaces
        if not Channel.objects.offered().filter(organisation=stem.organisation_id, kind=old.kind):
            return None  # it is switched off meanwhile
        added = services.added_to(choice)
        back = services.copy_choice(old, once=old.once, replaces=old.replaces, **added)
        is_slip = timezone.now() - choice.created_at < SLIP
        return _record(stem, back, choice, None, undone=choice.kind, keeps_place=is_slip)


@transaction.atomic
def part(*, case: Case, by: User | None) -> None:
    """Take a joined case out again; what waits in both goes as each wants it. Raises ValueError."""
    stem = case.stem
    merging.undo_join(case=case, by=by)
    for one in (case, stem):
        follow(one.locked())


def _same(choice: Choice, kind: str, identity: Identity | None, wish: str, once: bool) -> bool:
    if choice.by == Choice.By.MEANWHILE:
        return False  # nobody chose it yet
    return (choice.kind, choice.identity, choice.wish, choice.once) == (kind, identity, wish, once)


def _meant(home: Case, choice: Choice, by: str) -> Choice:
    """They are answered so already. Who only wrote there, and now chooses it, stays with it."""
    if choice.by != Choice.By.WRITING or by == choice.by:
        return choice
    chosen = services.copy_choice(choice, by=by, replaces=choice.replaces)
    home.append(chosen)
    return chosen


def _in(case: Case, stem: Case) -> Case:
    """The case that it is said in: the stem itself, or one that was joined to it."""
    if case.pk == stem.pk:
        return stem
    case.root = stem
    return case


def _record(
    home: Case,
    choice: Choice,
    before: Choice | None,
    staff: User | None,
    *,
    undone: str = "",
    keeps_place: bool = False,
) -> Choice:
    case = home.stem
    data = services.choice_data(choice, before=before) | ({"undone": undone} if undone else {})
    sort = Event.Sort.SWITCHED if before is not None else Event.Sort.CHOSEN
    home.append(choice, Event(sort=sort, staff=staff, data=data), changed_at=timezone.now())
    follow(case)
    leaving.chosen(case, before)
    if choice.kind == CHAT:
        outbox.begin_chat(case, anew=not keeps_place)
    if get(choice.kind).rings and choice.wish in todos.WISHES:
        _ask_for_call(case, choice)
    elif not todos.calls_to_come([case]):
        calls.taken_back(case, dispatch.CALLBACK)
    return choice


def follow(case: Case) -> None:
    """What waits in a stem goes by the choice of now, in the order in which it was written.

    An appointment stands: it is when they meet us, and not how they are answered.
    """
    held = Q(channel__is_offered=False) & ~Q(role=Delivery.Role.NOTICE)
    waiting = (
        dispatch.open_in(case).filter(appointment=None).filter(Q(message__why__in=FOLLOWS) | held)
    )
    rows = list(waiting.select_related("message__case", "channel").order_by("message__created_at"))
    among = routing.held_by(case) if rows else ()
    for delivery in rows:
        home = delivery.message.case
        assert home is not None
        if home.pk == case.pk:
            delivery.message.case = case  # as it was read, with its choice
        else:
            home.root = case
        dispatch.reroute(delivery, among)


def _ask_for_call(case: Case, choice: Choice) -> None:
    """They said when to call: without an answer that now goes by phone, the call is a to-do."""
    waiting = dispatch.open_in(case).filter(channel__kind=choice.kind, appointment=None)
    if not waiting.exists():
        todos.call_back(case, choice.wish)

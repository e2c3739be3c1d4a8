"""What can be done to a case: the only way a Message enters one.

Each use case writes through `Case.append`, in one transaction.
"""

import re
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts import calls, codes, search, unanswered
from contacts.files import File, clean_name
from contacts.models import (
    Alert,
    Attachment,
    Case,
    Choice,
    Code,
    Customer,
    Event,
    Identity,
    Message,
    Outcome,
    Topic,
    User,
)
from contacts.texts import clean_line, clean_text, title_of

MAX_TEXT = 20_000  # characters that a person may type


def new_case(
    *,
    customer: Customer,
    choice: Choice,
    text: str,
    title: str = "",
    about: str = "",
    **fields: Any,
) -> Case:
    """A case that is not stored yet, as `open_case` stores it; `choice`: an unsaved Choice.

    `fields`: more of the Case (organisation, language, topic, how_soon, client_key ...).
    """
    now = timezone.now()
    return Case(
        customer=customer,
        choice=choice,
        title=clean_line(title)[:200] or title_of(text),
        about=clean_line(about)[:200],
        opened_at=now,
        changed_at=now,
        waiting_since=now,
        **fields,
    )


@transaction.atomic(savepoint=False)
def open_case(
    case: Case,
    *,
    text: str,
    kind: str,
    identity: Identity | None = None,
    files: Sequence[File] = (),
    staff: User | None = None,
    also: Sequence[Message] = (),
    to_prove: str = "",
    **message_fields: Any,
) -> Message:
    """Store a new case with its first message. A used `client_key` raises IntegrityError.

    `kind`: how the question came; `identity`: the address it came from, if any; `also`: what we
    say to it at once; `to_prove`: the kind that was chosen, and stands open until it is proved;
    `message_fields`: more of the Message (subject, whole_text, html).
    """
    now, choice = case.opened_at, case.choice
    assert choice is not None
    message = Message(
        direction=Message.Direction.IN,
        kind=kind,
        identity=identity,
        text=clean_text(text),
        staff=staff,
        created_at=now,
        language=case.language,
        **message_fields,
    )
    opened = Event(sort=Event.Sort.OPENED, staff=staff, data={"kind": kind}, created_at=now)
    data = choice_data(choice) | ({"to_prove": to_prove} if to_prove else {})
    chosen = Event(sort=Event.Sort.CHOSEN, staff=staff, data=data, created_at=now)
    case.append(opened, message, choice, chosen, *also)
    attach(message, files)
    search.index(f"{case.reference} {case.title} {case.about}\n{message.text}", case=case)
    return message


def choice_data(choice: Choice, before: Choice | None = None) -> dict[str, Any]:
    """What an Event keeps of a choice: the words are made when it is read."""
    data: dict[str, Any] = {"kind": choice.kind, "by": choice.by}
    if choice.identity:
        data["identity"] = choice.identity.pk
    if choice.wish:
        data["wish"] = choice.wish
    if choice.once:
        data["once"] = True
    if before is not None:
        data["before"] = before.kind
    return data


@transaction.atomic
def file_message(
    *,
    case: Case,
    kind: str,
    text: str,
    identity: Identity | None = None,
    staff: User | None = None,
    files: Sequence[File] = (),
    client_key: uuid.UUID | None = None,
    **message_fields: Any,
) -> Message:
    """File what the customer said or wrote. A resolved case opens again, its agent is told."""
    now = timezone.now()
    stem = case.stem
    message = Message(
        direction=Message.Direction.IN,
        kind=kind,
        text=clean_text(text),
        identity=identity,
        staff=staff,
        client_key=client_key,
        created_at=now,
        language=stem.language,
        **message_fields,
    )
    rows: list[Message | Event | Choice] = [message]
    was_over = stem.state == Case.State.RESOLVED
    if was_over:
        rows.append(Event(sort=Event.Sort.REOPENED, created_at=now))
    case.append(
        *rows,
        alerts=_told(stem, staff, message=message),
        state=Case.State.OPEN,
        resolved_at=None,
        changed_at=now,
        waiting_since=Coalesce("waiting_since", Value(now)),
    )
    if was_over:
        Outcome.objects.take_back(stem)
    attach(message, files)
    search.index(message.text, case=stem)
    return message


def _told(stem: Case, by: User | None, **about: Any) -> list[Alert]:
    """Its agent learns that the customer said something; not who took it down.

    Who wrote a note that is corrected learns it as well.
    """
    note = about["message"].regards if "message" in about else None
    people = {stem.assignee_id, note.staff_id if note else None} - {None, by.pk if by else None}
    return [Alert(user_id=pk, sort=Alert.Sort.ANSWERED, **about) for pk in people if pk]


def write_answer(case: Case, message: Message, *, files: Sequence[File] = ()) -> None:
    """Enter an outgoing message; called by channels_app.dispatch, which writes its Delivery."""
    now = message.created_at
    events: list[Message | Event | Choice] = [message]
    if message.why == Message.Why.OVERRIDE:
        data = {"chosen": message.chosen_kind, "used": message.kind, "why": message.why_text}
        events.append(
            Event(sort=Event.Sort.OVERRIDDEN, staff=message.staff, data=data, created_at=now)
        )
    changes: dict[str, Any] = {"changed_at": now}
    if message.is_answer:
        changes["waiting_since"] = None
        if case.stem.assignee_id is None and message.staff is not None:
            events.insert(0, _assigned(message.staff, by=message.staff, created_at=now))
            changes["assignee"] = message.staff
    case.append(*events, **changes)
    attach(message, files)
    if message.text:
        search.index(message.text, case=case.stem)


def attach(message: Message, files: Sequence[File]) -> None:
    """Store the files of a message."""
    for file in files:
        row = Attachment(
            message=message,
            name=clean_name(file.name),
            content_type=clean_text(file.content_type)[:127],
            content_id=clean_text(file.content_id)[:255],
        )
        row.store(file.content)


@transaction.atomic
def add_note(
    *, case: Case, staff: User, text: str, files: Sequence[File] = (), key: uuid.UUID | None = None
) -> Message:
    """A note that only staff see; `@name` tells a colleague."""
    note = Message(
        direction=Message.Direction.NOTE, staff=staff, text=clean_text(text), client_key=key
    )
    names = {name.lower() for name in re.findall(r"@([\w.+-]+)", text)}
    colleagues = [
        user
        for user in User.objects.filter(is_active=True, is_staff=True).exclude(pk=staff.pk)
        if names & {user.username.lower(), user.first_name.lower()}
    ]
    alerts = [Alert(user=user, message=note, sort=Alert.Sort.MENTIONED) for user in colleagues]
    case.append(note, alerts=alerts, changed_at=note.created_at)
    attach(note, files)
    search.index(note.text, case=case.stem)
    return note


class Faster(Exception):
    """A colleague was faster; `owner`: who has the case now, if anybody."""

    def __init__(self, owner: User | None) -> None:
        super().__init__(owner.pk if owner else None)
        self.owner = owner


@transaction.atomic
def assign(*, case: Case, to: User | None, by: User, line: str = "") -> None:
    """Give a case to a colleague, or to nobody; the colleague is told. Nothing happens twice.

    `line`: what they should know.
    """
    if case.locked().assignee_id != (to.pk if to else None):
        give(case, to=to, by=by, **({"line": line} if to and line else {}))


@transaction.atomic
def claim(*, case: Case, by: User, instead_of: int | None = None) -> None:
    """Take a case that nobody has, or knowingly over from `instead_of`; raises Faster."""
    stem = case.locked()
    if stem.assignee_id not in (instead_of, by.pk):
        raise Faster(stem.assignee)
    if stem.assignee_id != by.pk:
        give(case, to=by, by=by)


def give(case: Case, *, to: User | None, by: User | None = None, **data: Any) -> None:
    """Write down who has a case from now on. Needs its lock; `data`: more of the Event."""
    if before := User.objects.filter(cases=case.stem).first():
        data["before"] = before.display_name
    event = _assigned(to, by=by, data=data)
    alerts = [Alert(user=to, sort=Alert.Sort.ASSIGNED)] if to and to != by else []
    case.append(event, alerts=alerts, assignee=to, changed_at=event.created_at)


def _assigned(
    to: User | None, *, by: User | None, data: dict[str, Any] | None = None, **fields: Any
) -> Event:
    """The line of the history that says who has a case."""
    who = {"to": to.pk if to else None, "name": to.display_name if to else ""}
    return Event(sort=Event.Sort.ASSIGNED, staff=by, data=(data or {}) | who, **fields)


@transaction.atomic
def resolve(*, case: Case, by: User | None = None) -> None:
    """The matter is settled; by the customer where `by` is None. Nothing happens twice."""
    if case.locked().state == Case.State.RESOLVED:
        return
    now = timezone.now()
    case.append(
        Event(sort=Event.Sort.RESOLVED, staff=by, created_at=now),
        state=Case.State.RESOLVED,
        resolved_at=now,
        waiting_since=None,
        changed_at=now,
    )


@transaction.atomic
def reopen(*, case: Case, by: User | None = None) -> None:
    """Open a resolved case again; a customer who does so waits for us, and its agent is told.

    Where staff do, the customer waits for what was never answered.
    """
    stem = case.locked()
    if stem.state == Case.State.OPEN:
        return
    now, data = timezone.now(), {} if by else {"asked": True}
    since = unanswered.since(stem) if by else now
    case.append(
        Event(sort=Event.Sort.REOPENED, staff=by, data=data, created_at=now),
        alerts=[] if by else _told(stem, None),
        state=Case.State.OPEN,
        resolved_at=None,
        waiting_since=since,
        changed_at=now,
    )
    Outcome.objects.take_back(stem)


def set_topic(*, case: Case, topic: Topic | None, by: User) -> None:
    """Say what a case is about."""
    data = {"slug": topic.slug if topic else ""}
    event = Event(sort=Event.Sort.TOPIC, staff=by, data=data)
    case.append(event, topic=topic, changed_at=event.created_at)


@transaction.atomic
def allow_calls(*, case: Case, allowed: bool, by: User | None = None) -> None:
    """The customer asks to be called in this case, or takes that back (R12).

    Who asks it themselves waits for us from then on, and their agent is told.
    """
    stem = case.locked()
    before = stem.choice
    if before is None or before.calls_allowed == allowed:
        return
    choice = amended_choice(before, calls_allowed=allowed)
    event = Event(sort=Event.Sort.CALLS, staff=by, data={"allowed": allowed})
    alerts: list[Alert] = []
    changes: dict[str, Any] = {"changed_at": event.created_at}
    if allowed and by is None:
        more, alerts = calls.waits(stem, event.created_at)
        changes |= more
    case.append(choice, event, alerts=alerts, **changes)


def copy_choice(choice: Choice, **changes: Any) -> Choice:
    """A new, unsaved Choice like another one (choices are append-only)."""
    fields = ("kind", "identity", "wish", "said_in", *Choice.ADDED)
    values = {name: getattr(choice, name) for name in fields}
    return Choice(**{**values, "replaces": choice, **changes})


def amended_choice(choice: Choice, **changes: Any) -> Choice:
    """The same: who chose it, for how long and instead of what stay; only something is added."""
    kept = {name: getattr(choice, name) for name in ("once", "by", "by_staff", "replaces")}
    return copy_choice(choice, **kept, **changes)


def added_to(choice: Choice) -> dict[str, Any]:
    """What stays as it was said last, also on the way back to an older choice."""
    return {name: getattr(choice, name) for name in Choice.ADDED}


def case_link(case: Case, identity: Identity | None = None) -> Code:
    """A new link to a case, for 30 days."""
    return Code.objects.issue(codes.CASE_LINK, case=case, identity=identity)


def reply_code(case: Case) -> Code:
    """The one reply code of a case, which its mail addresses carry."""
    found = Code.objects.live().filter(purpose=codes.REPLY, case=case).first()
    return found or Code.objects.issue(codes.REPLY, case=case)

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

from contacts import calls, codes, search
from contacts.files import File, clean_name
from contacts.kinds import EMAIL
from contacts.models import (
    Alert,
    Attachment,
    Case,
    Choice,
    Code,
    Consent,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Topic,
    User,
)
from contacts.texts import clean_line, clean_text, title_of

MAX_TEXT = 20_000  # characters that a person may type


def holders_of(identity: Identity) -> list[Customer]:
    """The customers that an address may mean: who proved it, else who staff say, else who typed it.

    Anybody can type a stranger's address. So somebody who proved another address and only typed
    this one is left out: or the stranger's questions would come to lie in that person's list.
    """
    rows = Holder.objects.current().filter(identity=identity).select_related("customer__root")
    holders = list(rows.order_by("pk")[:20])
    sure = [h for h in holders if h.proved_at] or [h for h in holders if h.how == Holder.How.STAFF]
    tops = list(dict.fromkeys(holder.customer.top for holder in sure or holders))
    if sure or not tops:
        return tops
    family = Customer.objects.family({customer.pk for customer in tops})
    others = Holder.objects.proved().filter(customer__in=family).select_related("customer__root")
    proved = {holder.customer.top for holder in others}
    return [customer for customer in tops if customer not in proved]


def known_customer(identity: Identity) -> Customer | None:
    """The customer that holds an address; None if nobody or several do (then ask)."""
    found = [] if identity.is_new else holders_of(identity)
    return found[0] if len(found) == 1 else None


def customer_for(
    identity: Identity | None, *, name: str = "", language: str, how: str = Holder.How.TYPED
) -> Customer:
    """The known customer of an address, or a new one that holds it, unproved."""
    known = known_customer(identity) if identity else None
    return known or new_customer(identity, name=name, language=language, how=how)


def new_customer(
    identity: Identity | None, *, name: str = "", language: str, how: str = Holder.How.TYPED
) -> Customer:
    """A customer who holds an address, unproved, if there is one."""
    name = clean_line(name)[:200]
    customer = Customer.objects.create(name=name, language=language)
    if identity is None:
        search.index(name, customer=customer)
    else:
        _first_held(Holder.objects.create(customer=customer, identity=identity, how=how), name)
    return customer


def hold(customer: Customer, identity: Identity, *, how: str, proved: bool = False) -> Holder:
    """Note that a customer holds an address; who e-mails is called only if asked (R12)."""
    holder, made = Holder.objects.get_or_create(
        customer=customer,
        identity=identity,
        ended_at=None,
        defaults={"how": how, "proved_at": timezone.now() if proved else None},
    )
    if proved and not made:
        holder.prove(how)
    if made:
        _first_held(holder)
    return holder


def _first_held(holder: Holder, name: str = "") -> None:
    identity, customer = holder.identity, holder.customer
    identity.is_new = False
    # people look for a part of it
    search.index(search.spelled(identity), name, customer=customer)
    if identity.scheme == EMAIL:
        Consent.objects.create(customer=customer, kind="phone", level=Consent.Level.ON_REQUEST)


def holders_in(case: Case, identity: Identity) -> list[Holder]:
    """The holders of an address who are the customer of a case, also by a merge."""
    family = Customer.objects.family({case.customer.top_id, case.stem.customer.top_id})
    rows = Holder.objects.current().filter(identity=identity, customer__in=family)
    return list(rows.select_related("customer"))


def prove_by_answer(holders: Sequence[Holder], how: str = Holder.How.ANSWERED) -> None:
    """Who answers a mail of ours reads that mailbox: it proves the holders that are there already.

    It makes no holder: an address that was only chosen in a case belongs to that case alone, or
    whoever typed a stranger's address could answer from an own one and become that stranger. For
    the same reason nothing is proved where the customer proved another address and typed this one.
    """
    for holder in holders:
        if holder.proved_at:
            continue
        own = Customer.objects.family({holder.customer.top_id})
        others = Holder.objects.proved().filter(customer__in=own)
        is_typed = holder.how == Holder.How.TYPED
        if not (is_typed and others.exclude(identity=holder.identity_id).exists()):
            holder.prove(how)


def rename(customer: Customer, name: str) -> None:
    """Give a customer a name, and make it findable."""
    search.forget(customer.name, customer=customer)
    customer.name = clean_line(name)[:200]
    customer.save(update_fields=["name"])
    search.index(customer.name, customer=customer)


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
    if stem.state == Case.State.RESOLVED:
        rows.append(Event(sort=Event.Sort.REOPENED, created_at=now))
    alerts = []
    if stem.assignee_id and stem.assignee_id != (staff.pk if staff else None):
        alerts = [Alert(user_id=stem.assignee_id, message=message, sort=Alert.Sort.ANSWERED)]
    case.append(
        *rows,
        alerts=alerts,
        state=Case.State.OPEN,
        resolved_at=None,
        changed_at=now,
        waiting_since=Coalesce("waiting_since", Value(now)),
    )
    attach(message, files)
    search.index(message.text, case=stem)
    return message


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


def assign(*, case: Case, to: User | None, by: User) -> None:
    """Give a case to a colleague, or to nobody; the colleague is told."""
    event = Event(sort=Event.Sort.ASSIGNED, staff=by, data={"to": to.pk if to else None})
    event.data["name"] = to.display_name if to else ""
    alerts = [Alert(user=to, sort=Alert.Sort.ASSIGNED)] if to and to != by else []
    case.append(event, alerts=alerts, assignee=to, changed_at=event.created_at)


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
    """Open a resolved case again; a customer who does so waits for us."""
    if case.locked().state == Case.State.OPEN:
        return
    now = timezone.now()
    case.append(
        Event(sort=Event.Sort.REOPENED, staff=by, created_at=now),
        state=Case.State.OPEN,
        resolved_at=None,
        waiting_since=None if by else now,
        changed_at=now,
    )


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
    choice = copy_choice(before, calls_allowed=allowed)
    event = Event(sort=Event.Sort.CALLS, staff=by, data={"allowed": allowed})
    alerts: list[Alert] = []
    changes: dict[str, Any] = {"changed_at": event.created_at}
    if allowed and by is None:
        more, alerts = calls.waits(stem, event.created_at)
        changes |= more
    case.append(choice, event, alerts=alerts, **changes)


def copy_choice(choice: Choice, **changes: Any) -> Choice:
    """A new, unsaved Choice like another one (choices are append-only)."""
    fields = ("kind", "identity", "fallback_kind", "fallback_identity", "calls_allowed", "wish")
    values = {name: getattr(choice, name) for name in fields}
    return Choice(**{**values, "replaces": choice, **changes})


def case_link(case: Case, identity: Identity | None = None) -> Code:
    """A new link to a case, for 30 days."""
    return Code.objects.issue(codes.CASE_LINK, case=case, identity=identity)


def reply_code(case: Case) -> Code:
    """The one reply code of a case, which its mail addresses carry."""
    found = Code.objects.live().filter(purpose=codes.REPLY, case=case).first()
    return found or Code.objects.issue(codes.REPLY, case=case)

"""A customer opens a case: by the start page, a mail, or a contact that staff record."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from channels_app import dispatch, outbox, routing
from channels_app.models import Channel
from channels_app.todos import WISHES, call_back
from contacts import holding, search, services
from contacts.files import File
from contacts.kinds import ACCOUNT, CHAT, KINDS, get
from contacts.models import (
    Case,
    Choice,
    Customer,
    Holder,
    Identity,
    Message,
    Organisation,
    Topic,
    User,
)

MAX_TRIES = 3


class NotOffered(Exception):
    """That way to answer is not offered (any more)."""


def open_case(
    *,
    organisation: Organisation,
    text: str,
    came_by: str,
    kind: str,
    language: str,
    address: str = "",
    name: str = "",
    wish: str = "",
    topic: Topic | None = None,
    title: str = "",
    about: str = "",
    how_soon: str = "",
    files: Sequence[File] = (),
    client_key: uuid.UUID | None = None,
    customer: Customer | None = None,
    staff: User | None = None,
    calls_allowed: bool = False,
    among: Sequence[Channel] | None = None,
    to_prove: bool = False,
) -> Case:
    """Open a case. `came_by`: how the question came; `kind`: how to answer it.

    `to_prove`: nobody showed yet that the address is theirs. It only says who asks; until then
    the answer stands on the own page. `among`: the offered channels of that kind, where they were
    read a moment ago. The same
    `client_key` again returns the case that is there, which is not `is_new`. Raises NotOffered
    and contacts.addresses.InvalidAddress.
    """
    channels = routing.offered(organisation.pk, kind) if among is None else among
    if not channels:
        raise NotOffered
    scheme = KINDS[kind].scheme
    needs_address = bool(scheme) and (bool(address) or not to_prove)

    @transaction.atomic
    def write() -> Case:
        with search.together():
            identity = Identity.of(scheme, address) if needs_address else None
            case = services.new_case(
                customer=_asker(customer, identity, name, language, staff),
                choice=Choice(
                    kind=ACCOUNT if to_prove else kind,
                    identity=None if to_prove else identity,
                    wish=wish,
                    calls_allowed=calls_allowed,
                    by=_chooser(staff, to_prove),
                    by_staff=staff,
                ),
                text=text,
                title=title,
                about=about,
                organisation=organisation,
                language=language,
                topic=topic,
                how_soon=how_soon,
                client_key=client_key,
            )
            first = {"text": text, "kind": came_by, "files": files, "staff": staff}
            store(case, among=channels, to_prove=kind if to_prove else "", **first)
            return case

    return _once(write, client_key)


def _chooser(staff: User | None, to_prove: bool) -> str:
    if staff:
        return Choice.By.STAFF
    return Choice.By.MEANWHILE if to_prove else Choice.By.CUSTOMER


def _asker(
    known: Customer | None, identity: Identity | None, name: str, language: str, staff: User | None
) -> Customer:
    """Who asks: the customer that is known already, else the one of the address, or a new one."""
    how = Holder.How.STAFF if staff else Holder.How.TYPED
    if known is None:
        return holding.customer_for(identity, name=name, language=language, how=how)
    if identity is not None:
        holding.hold(known, identity, how=how)
    return known


def _once(write: Callable[[], Case], client_key: uuid.UUID | None) -> Case:
    """Write the case, or find the one that the same form has opened."""
    tries = 0
    while True:
        tries += 1
        try:
            return write()
        except IntegrityError:
            # A double click: the other one was first.
            if client_key and (found := Case.objects.filter(client_key=client_key).first()):
                return found
            # Else the reference is taken, at a million cases one draw in 700: drawn again.
            if tries == MAX_TRIES:
                raise


def store(case: Case, *, among: Sequence[Channel] | None = None, **message: Any) -> Message:
    """Open a new case, and what it sets going: "we have your question", a call that was asked for.

    `message`: the first one, as `contacts.services.open_case` takes it; `among`: as in routing.
    Needs a transaction.
    """
    said = dispatch.acknowledgement(case, among=among)
    first = services.open_case(case, also=[said[0]] if said else [], **message)
    if said:
        dispatch.deliver(*said)
    choice = case.choice
    if choice is not None and choice.kind == CHAT:
        outbox.begin_chat(case)
    if choice is not None and get(choice.kind).rings and choice.wish in WISHES:
        call_back(case, choice.wish)
    return first

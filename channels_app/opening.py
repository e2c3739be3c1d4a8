"""A customer opens a case: by the start page, a mail, or a contact that staff record."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from channels_app import dispatch, routing
from channels_app.models import Channel
from channels_app.todos import WISHES, call_back
from contacts import services
from contacts.files import File
from contacts.kinds import ACCOUNT, KINDS, get
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
    to_prove: bool = False,
) -> Case:
    """Open a case. `came_by`: how the question came; `kind`: how to answer it.

    `to_prove`: nobody showed yet that the address is theirs. It only says who asks; until then
    the answer stands on the own page.

    The same `client_key` again returns the case that is there. Raises NotOffered and
    contacts.addresses.InvalidAddress.
    """
    channels = routing.offered(organisation.pk, kind)
    if not channels:
        raise NotOffered
    scheme = KINDS[kind].scheme
    needs_address = bool(scheme) and (bool(address) or not to_prove)
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            with transaction.atomic():
                identity = Identity.of(scheme, address) if needs_address else None
                how = Holder.How.STAFF if staff else Holder.How.TYPED
                holder = customer
                if holder is None:
                    holder = services.customer_for(identity, name=name, language=language, how=how)
                elif identity is not None:
                    services.hold(holder, identity, how=how)
                choice = Choice(
                    kind=ACCOUNT if to_prove else kind,
                    identity=None if to_prove else identity,
                    wish=wish,
                    calls_allowed=calls_allowed,
                    by=Choice.By.STAFF if staff else Choice.By.CUSTOMER,
                    by_staff=staff,
                )
                case = services.new_case(
                    customer=holder,
                    choice=choice,
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
        except IntegrityError:
            # Two clicks at once: the other one was first.
            if client_key and (found := Case.objects.filter(client_key=client_key).first()):
                return found
            # Else the reference is taken, at a million cases one draw in 700: drawn again.
            if not tries_left:
                raise
    raise AssertionError("unreachable")


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
    if choice is not None and get(choice.kind).rings and choice.wish in WISHES:
        call_back(case, choice.wish)
    return first

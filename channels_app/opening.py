"""A customer opens a case: by the start page, a mail, or a contact that staff record."""

import uuid
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from channels_app import dispatch
from channels_app.models import Channel
from channels_app.todos import WISHES, call_back
from contacts import services
from contacts.files import File
from contacts.kinds import KINDS, get
from contacts.models import (
    Case,
    Choice,
    Customer,
    Holder,
    Identity,
    Organisation,
    Topic,
    User,
)


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
) -> Case:
    """Open a case. `came_by`: how the question came; `kind`: how to answer it.

    The same `client_key` again returns the case that is there. Raises NotOffered and
    contacts.addresses.InvalidAddress.
    """
    if client_key and (found := Case.objects.filter(client_key=client_key).first()):
        return found
    if not Channel.objects.offered().filter(organisation=organisation, kind=kind).exists():
        raise NotOffered
    scheme = KINDS[kind].scheme
    try:
        with transaction.atomic():
            identity = Identity.of(scheme, address) if scheme else None
            how = Holder.How.STAFF if staff else Holder.How.TYPED
            if customer is None:
                customer = services.customer_for(identity, name=name, language=language, how=how)
            elif identity is not None:
                services.hold(customer, identity, how=how)
            choice = Choice(
                kind=kind,
                identity=identity,
                wish=wish,
                calls_allowed=calls_allowed,
                by=Choice.By.STAFF if staff else Choice.By.CUSTOMER,
                by_staff=staff,
            )
            case, _message = services.open_case(
                customer=customer,
                text=text,
                kind=came_by,
                choice=choice,
                organisation=organisation,
                language=language,
                topic=topic,
                title=title,
                about=about,
                how_soon=how_soon,
                files=files,
                staff=staff,
                client_key=client_key,
            )
            follow_up(case)
            return case
    except IntegrityError:
        # Two clicks at once: the other one was first.
        if client_key and (found := Case.objects.filter(client_key=client_key).first()):
            return found
        raise


def follow_up(case: Case) -> None:
    """What a new case sets going: a call that was asked for, and "we have your question"."""
    choice = case.choice
    if choice is None:
        return
    if get(choice.kind).rings and choice.wish in WISHES:
        call_back(case, choice.wish)
    dispatch.acknowledge(case)

"""A customer opens a case: by the start page, a mail, or a contact that staff record."""

import uuid
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from channels_app import dispatch, hours, routing
from channels_app.models import Channel
from contacts import services
from contacts.files import File
from contacts.kinds import KINDS, get
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

WISHES = ("soon", "morning", "afternoon", "tomorrow")
STARTS = {"morning": time(9), "afternoon": time(13), "tomorrow": time(9)}
ENDS = {"morning": time(12), "afternoon": time(17)}


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


def call_back(case: Case, wish: str) -> Message:
    """A call that the customer asked for, as a to-do at its time."""
    message = Message(case=case, direction=Message.Direction.OUT)
    route = routing.route(message, timezone.now())
    at = None
    if isinstance(route, routing.Route):
        at = call_time(route.channel, wish, timezone.now())
    return dispatch.reply(case=case, staff=None, text="", template=dispatch.CALLBACK, at=at)


def call_time(channel: Channel, wish: str, now: datetime) -> datetime:
    """When a wished call is due: now or at the next opening; mornings, afternoons, tomorrow."""
    zone = channel.organisation.time_zone
    weekly = channel.weekly_hours
    local = now.astimezone(ZoneInfo(zone))
    moment = local
    if wish in STARTS:
        moment = datetime.combine(local.date(), STARTS[wish], tzinfo=local.tzinfo)
        over = wish in ENDS and local.time() >= ENDS[wish]
        if wish == "tomorrow" or over:
            moment += timedelta(days=1)
    moment = max(moment, local)
    if hours.is_open(weekly, moment, zone):
        return moment
    return hours.opens_at(weekly, moment, zone) or moment

"""A channel that goes: what its tests have in common."""

import pytest

from channels_app import dispatch, leaving, opening, outbox, switching
from channels_app.models import Channel, Delivery, Stranded
from contacts import holding
from contacts.models import (
    Case,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Organisation,
    User,
)

S = Delivery.Status
NUMBER = "+31612345678"


@pytest.fixture
def whatsapp(organisation: Organisation) -> Channel:
    """A messenger beside the other channels of the shop."""
    return messenger(organisation)


def messenger(organisation: Organisation, slug: str = "whatsapp") -> Channel:
    """One account there."""
    fields = {"provider": "whatsapp", "slug": slug, "name": slug, "position": 20}
    return Channel.objects.create(organisation=organisation, kind="whatsapp", **fields)


def channel(slug: str = "email") -> Channel:
    """As it is now."""
    return Channel.objects.get(slug=slug)


def a_case(*proved: str, customer: Customer | None = None, kind: str = "whatsapp") -> Case:
    """A case that is answered by WhatsApp, of a customer who proved these mail addresses."""
    customer = customer or holding.new_customer(None, language="en")
    for address in proved:
        holding.hold(customer, Identity.of("email", address), how=Holder.How.CODE, proved=True)
    case = opening.open_case(
        organisation=Organisation.objects.get(),
        text="Is the bicycle still there?",
        came_by="account",
        kind="account",
        language="en",
        customer=customer,
    )
    identity = Identity.of("phone", NUMBER) if kind == "whatsapp" else None
    switching.switch(case=case, kind=kind, identity=identity)
    return fresh(case)


def by_mail(agent: User, text: str = "It is here.") -> tuple[Case, Message]:
    """A case that is answered by mail, and an answer that waits for a worker."""
    case = opening.open_case(
        organisation=Organisation.objects.get(),
        text="Is the bicycle still there?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    Delivery.objects.all().delete()  # "we have your question"
    return case, dispatch.reply(case=case, staff=agent, text=text)


def fresh(case: Case) -> Case:
    """The row as a page reads it."""
    return Case.objects.select_related("root", "choice", "customer__root").get(pk=case.pk)


def asked(case: Case) -> Stranded | None:
    """Ask one customer."""
    gone = leaving.gone_of(fresh(case))
    going = leaving.of(gone) if gone else None
    return leaving.ask(fresh(case), going, None) if going else None


def notices() -> list[Delivery]:
    """The messages that ask to choose again, as they are to be sent."""
    rows = Delivery.objects.filter(message__template=outbox.CHOOSE_AGAIN).order_by("created_at")
    return list(rows.select_related("message", "identity", "channel"))


def lines(case: Case) -> list[Event]:
    """What the history says of it."""
    return list(case.events.filter(sort=Event.Sort.LEFT))

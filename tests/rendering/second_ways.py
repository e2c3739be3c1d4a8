"""What the tests of the second way have in common."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.utils import timezone

from channels_app import dispatch, fallback, receipts, routing
from channels_app.adapters.base import (
    Outbound,
    Receipt,
    Sent,
)
from channels_app.models import Channel, Delivery
from contacts import holding, whose
from contacts.models import (
    Case,
    Consent,
    Holder,
    Identity,
    Message,
    User,
)
from tests import shop
from tests.rendering.conftest import MakeCase, Telephone, wrote

S, DAY = Delivery.Status, timedelta(hours=24)
MAIL = "sam@example.org"
Fails = Callable[[Exception], None]


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Fails:
    """Telephones are answered so."""

    def set_up(error: Exception) -> None:
        def send(_self: Telephone, _outbound: Outbound) -> Sent:
            raise error

        monkeypatch.setattr(Telephone, "send", send)

    return set_up


@pytest.fixture
def case(make_case: MakeCase) -> Case:
    """By WhatsApp, whose day is not over; the second way is e-mail."""
    case = make_case("whatsapp")
    wrote("whatsapp")
    return with_second(case)


def with_second(case: Case, kind: str = "email", address: str = MAIL) -> Case:
    identity = Identity.of(kind, address) if address else None
    fallback.approve(case=case, kind=kind, identity=identity)
    return now(case)


def now(case: Case) -> Case:
    """As it is now."""
    return Case.objects.get(pk=case.pk)


def the_day_is_over() -> None:
    wrote("whatsapp", DAY).__class__.objects.update(created_at=timezone.now() - DAY)


def routed(case: Case, **values: Any) -> routing.Route | routing.Refused:
    message = Message(case=now(case), direction="out", language="en", **values)
    return routing.route(message, timezone.now())


def answer(case: Case, **values: Any) -> Message:
    found = dispatch.reply(
        case=now(case), staff=User.objects.first() or shop.make_agent(), text="Come.", **values
    )
    return Message.objects.get(pk=found.pk)


def history(case: Case) -> list[str]:
    """The sorts of what happened since the second way was approved, but who took the case."""
    events = now(case).events.exclude(sort="assigned").order_by("seq")
    sorts = list(events.values_list("sort", flat=True))
    return sorts[sorts.index("second") + 1 :] if "second" in sorts else sorts


def number() -> Identity:
    return Identity.objects.get(scheme="phone")


def report(key: str, status: str, **more: Any) -> None:
    """What the provider says afterwards."""
    told = Receipt(external_id=f"{key}{status}", key=key, status=status, signed=True, **more)
    receipts.settle(Channel.objects.get(kind="whatsapp"), told)


def words_of(mail: EmailMessage, sort: str = "plain") -> str:
    """What one reads."""
    part = mail.get_body((sort,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def closed_too(case: Case) -> None:
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)


def unwanted_too(case: Case) -> None:
    Consent.objects.create(customer=case.customer, kind="email", level="never")


def switched_off_too(case: Case) -> None:
    Channel.objects.filter(kind="email").update(is_offered=False)


def moved_on(case: Case) -> None:
    mailbox = Identity.of("email", MAIL)
    holding.hold(case.customer, mailbox, how=Holder.How.CODE)
    whose.end(case.customer, mailbox)

"""Playing the demo: a customer asks, an agent answers, the worker works."""

from collections.abc import Callable
from typing import Any

import pytest

from channels_app import dispatch, opening
from channels_app.models import Delivery
from contacts.models import Case, Organisation, User
from portal.simulator.providers import door
from portal.simulator.providers.base import Call
from tests import worker
from tests.setup.test_processes import until

QUESTION = "Is the blue bike still there?"
TOM = "+442079460102"


def ask(shop: Organisation, kind: str = "sms", address: str = TOM) -> Case:
    """A customer asks on the site, and says how to answer."""
    return opening.open_case(
        organisation=shop,
        text=QUESTION,
        came_by="account",
        kind=kind,
        language="en",
        address=address,
    )


def work() -> None:
    """What the worker does."""
    worker.file_all()
    worker.send_due()


def becomes(condition: Callable[[], bool]) -> None:
    """What comes by HTTP from another thread."""

    def worked() -> bool:
        work()
        return condition()

    assert until(worked, 10)


def answer(case: Case, text: str = "Yes, it is here.") -> Delivery:
    """An agent answers, and the worker sends."""
    noor = User.objects.get(username="noor")
    message = dispatch.reply(case=case, staff=noor, text=text)
    work()
    return Delivery.objects.get(message=message)


def status(delivery: Delivery) -> str:
    """How it stands by now."""
    return str(Delivery.objects.values_list("status", flat=True).get(pk=delivery.pk))


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls that the demo's providers get from now on."""
    calls: list[Call] = []
    asked = door.ask

    def ask(place: str, call: Call, outlet: door.Outlet) -> Any:
        calls.append(call)
        return asked(place, call, outlet)

    monkeypatch.setattr(door, "ask", ask)
    return calls

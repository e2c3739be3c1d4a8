"""A messenger brings several things at the same moment: each is filed where it belongs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial

import pytest
from django.db import connection, connections

from channels_app import dispatch, inbound, joining
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, InboundEvent
from contacts.models import Case, Customer, Identity, Message
from tests import shop
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM, own_page
from tests.messengers.pocket import Pocket

pytestmark = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time anyway"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def whatsapp(monkeypatch: pytest.MonkeyPatch) -> Channel:
    """A messenger that says who writes, and several workers that file what it brings."""
    monkeypatch.setattr(inbound, "TURN", nullcontext())  # that of one process; locks are for all
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    return pocket.channel(shop.make_shop())


def at_once(*calls: Callable[[], object]) -> None:
    """All of them, each in a thread and a connection of its own; a fault of one is a fault."""

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(run, calls))


def test_an_album_of_somebody_new_is_one_case(whatsapp: Channel) -> None:
    """A messenger posts each picture by itself, all in the same moment."""
    for sender in (SAM, VICTIM):
        at_once(*(partial(pocket.write, whatsapp, sender, f"Picture {n}") for n in range(6)))
    assert Message.objects.filter(direction="in").count() == 12
    assert Case.objects.count() == 2 and Customer.objects.count() == 2


def test_an_album_of_somebody_known_is_one_case(whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "First")
    Case.objects.update(state=Case.State.RESOLVED)
    at_once(*(partial(pocket.write, whatsapp, SAM, f"Picture {n}") for n in range(6)))
    assert Case.objects.open().count() == 1


def test_a_planted_code_beside_a_first_word_is_asked_about(whatsapp: Channel) -> None:
    """Whether somebody is new is known once both are in the database, not before."""
    for number in range(8):
        case = own_page(whatsapp.organisation, f"Planted {number}")
        sender, text = f"+3161111000{number}", joining.invite(case, whatsapp).text
        at_once(
            partial(pocket.write, whatsapp, sender, "My private matter"),
            partial(pocket.write, whatsapp, sender, text),
        )
        own = Case.objects.filter(title="My private matter", choice__identity__value=sender)
        joined = case.choices.filter(identity__value=sender).exists()
        # The code first: it joins, and the word follows. The word first: its owner is asked.
        assert own.exists() != joined


def test_an_answer_and_a_closing_address_do_not_wait_for_each_other(whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "My kettle leaks")
    case, agent = Case.objects.get(), shop.make_agent()

    def answer() -> None:
        for number in range(15):
            with suppress(dispatch.Refusal):  # it is closed at that moment
                dispatch.reply(case=Case.objects.get(), staff=agent, text=f"Answer {number}")

    def news() -> None:
        for number in range(15):
            key = str(Message.objects.filter(direction="out").latest("pk").deliveries.get().pk)
            receipt = {"sort": "receipt", "key": key, "status": "failed", "signed": True}
            pocket.post(whatsapp, {**receipt, "external_id": f"r{number}", "gone": True})
            Identity.objects.get(value=SAM).open_again("whatsapp", Identity.BOUNCED)

    dispatch.reply(case=case, staff=agent, text="Answer")
    at_once(news, answer)
    assert Message.objects.filter(direction="out", template="").count() > 1


def test_a_word_and_news_that_closes_its_address_do_not_wait_for_each_other(
    whatsapp: Channel,
) -> None:
    pocket.write(whatsapp, SAM, "My kettle leaks")
    case, agent = Case.objects.get(), shop.make_agent()
    answers = [dispatch.reply(case=case, staff=agent, text=f"Answer {n}") for n in range(15)]

    def news() -> None:
        for answer in answers:
            key = str(answer.deliveries.get().pk)
            receipt = {"sort": "receipt", "key": key, "status": "failed", "signed": True}
            pocket.post(whatsapp, {**receipt, "external_id": key, "gone": True})

    def words() -> None:
        for number in range(30):
            pocket.write(whatsapp, SAM, f"Word {number}")

    at_once(news, words)
    assert not InboundEvent.objects.exclude(state="processed", tries=1).exists()

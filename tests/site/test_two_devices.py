"""One question open on two devices, or being answered just now: what each of them reads."""

import re

import pytest
from django.test import Client

from channels_app import dispatch
from channels_app.models import Delivery
from contacts import services
from contacts.models import Case, User
from tests.site.conftest import Ask


@pytest.fixture
def pair(ask: Ask) -> tuple[Client, Client, Case]:
    """The browser that asked, and another one that opened its link."""
    one, other = Client(), Client(REMOTE_ADDR="192.0.2.2")
    case = ask(one)
    other.post(f"/c/{services.case_link(case).plain}/")
    return one, other, case


def page(browser: Client, case: Case) -> str:
    return browser.get(f"/q/{case.reference}/").content.decode()


def go(browser: Client, case: Case, **words: str) -> None:
    browser.post(f"/q/{case.reference}/switch/", words)


def test_both_choose_and_the_later_one_holds(pair: tuple[Client, Client, Case]) -> None:
    one, other, case = pair
    go(one, case, way="account")
    go(other, case, way="phone", address_phone="020 765 4321", wish_phone="soon")
    case.refresh_from_db()
    assert case.choice is not None and case.choice.kind == "phone"
    assert "From now on we answer on your own page." in page(one, case)  # what it did itself
    shown = page(one, case)
    assert "You chose a phone call instead of your own page." in shown
    assert "We call you on" in shown


def test_undo_on_the_slower_device_takes_nothing_back(pair: tuple[Client, Client, Case]) -> None:
    one, other, case = pair
    go(one, case, way="account")
    undo = re.search(r'name="choice" value="(\d+)"', page(one, case))
    assert undo
    go(other, case, way="phone", address_phone="020 765 4321", wish_phone="soon")
    one.post(f"/q/{case.reference}/switch/undo/", {"choice": undo[1]})
    assert "This cannot be undone any more." in page(one, case)
    case.refresh_from_db()
    assert case.choice is not None and case.choice.kind == "phone"


def test_the_same_way_from_both_is_one_switch(pair: tuple[Client, Client, Case]) -> None:
    one, other, case = pair
    go(one, case, way="account")
    count = case.choices.count()
    go(other, case, way="account")
    assert "Nothing changes: we answer that way already." in page(other, case)
    assert case.choices.count() == count


def test_what_is_being_sent_still_comes_there_and_they_are_told(
    pair: tuple[Client, Client, Case], agent: User
) -> None:
    one, _other, case = pair
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    message.deliveries.update(status=Delivery.Status.SENDING)
    go(one, case, way="account")
    shown = page(one, case)
    assert "From now on we answer on your own page." in shown
    assert "One answer is on its way by e-mail at this moment, and still comes there." in shown
    assert list(message.deliveries.values_list("channel__kind", "status")) == [("email", "sending")]


def test_nothing_is_said_of_what_was_only_waiting(
    pair: tuple[Client, Client, Case], agent: User
) -> None:
    one, _other, case = pair
    dispatch.reply(case=case, staff=agent, text="Yes.")
    go(one, case, way="account")
    assert "One answer is on its way" not in page(one, case)

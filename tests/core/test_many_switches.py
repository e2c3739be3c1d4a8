"""Many switches and replies on one case at once: nothing is lost, nothing goes twice."""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import dispatch, switching
from channels_app.adapters.base import Outbound, Sent
from channels_app.adapters.email import EmailAdapter
from channels_app.models import Delivery
from contacts import services
from contacts.models import Case, Choice, Identity, Message
from tests import shop, worker
from tests.core.test_at_once import a_case, faults, fresh
from tests.core.test_rules import in_threads

S = Delivery.Status
SWITCHES, REPLIES, WORKERS = 25, 25, 2
ANSWER = re.compile(r"Answer number \d+\.")
pytestmark = pytest.mark.django_db(transaction=True)


def ways() -> list[tuple[str, Identity | None]]:
    """What can be chosen."""
    return [
        ("email", Identity.of("email", "sam@example.org")),
        ("email", Identity.of("email", "work@example.org")),
        ("account", None),
        ("letter", Identity.of("post", "Main Street 1\n1000 AA Town")),
        ("phone", Identity.of("phone", "020 123 45 67")),
        ("in_person", None),
    ]


def numbers_are_whole(case: Case) -> None:
    """Every line of the history has a number of its own."""
    lines = [*case.messages.values_list("seq", flat=True)]
    lines += case.events.values_list("seq", flat=True)
    assert len(set(lines)) == len(lines) and max(lines) <= fresh(case).seq


def one_chain(case: Case) -> list[Choice]:
    """The newest choice is the case's, and each stands on the one before it."""
    choices = list(case.choices.order_by("pk"))
    assert fresh(case).choice == choices[-1]
    assert [choice.replaces for choice in choices] == [None, *choices[:-1]]
    return choices


def each_goes_once(case: Case, sink: shop.Sink) -> None:
    """One live delivery an answer; what was mailed was mailed once; what waits goes by the choice.

    A call that was asked for is no answer.
    """
    live = Delivery.objects.exclude(status=S.CANCELLED).select_related("message", "channel")
    rows = list(live.filter(message__case=case, message__template=""))
    answers = case.messages.filter(direction=Message.Direction.OUT, template="")
    assert Counter(row.message_id for row in rows) == Counter(answers.values_list("pk", flat=True))
    mailed = Counter(found for mail in sink.mails for found in ANSWER.findall(str(mail.get_body())))
    sent = [
        row.message.text for row in rows if row.status == S.SENT and row.channel.kind == "email"
    ]
    assert mailed == Counter(sent), (mailed, sent)
    choice = fresh(case).choice
    assert choice
    for row in rows:
        assert row.message.kind == row.channel.kind and row.status in (S.SENT, S.TODO), row.status
        if row.status == S.TODO:
            assert (row.channel.kind, row.identity) == (choice.kind, choice.identity)


@contextmanager
def workers() -> Iterator[list[object]]:
    """They send all the time; what went wrong with them."""
    over, wrong = threading.Event(), list[object]()

    def work() -> None:
        try:
            while not over.wait(0.005):
                worker.send_due()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    crew = [threading.Thread(target=work) for _n in range(WORKERS)]
    for one in crew:
        one.start()
    try:
        yield wrong
    finally:
        over.set()
        for one in crew:
            one.join()


def test_fifty_switches_and_replies_at_once(sink: shop.Sink) -> None:
    shop.make_shop()
    agent, case = shop.make_agent(), a_case("email", "sam@example.org")
    worker.send_due()
    draw, found = random.Random(5), ways()
    chosen = [(*draw.choice(found), draw.choice(("", "soon"))) for _n in range(SWITCHES)]

    def go(number: int) -> object:
        if number >= SWITCHES:
            text = f"Answer number {number}."
            return dispatch.reply(case=fresh(case), staff=agent, text=text, client_key=shop.key())
        kind, identity, wish = chosen[number]
        return switching.switch(case=fresh(case), kind=kind, identity=identity, wish=wish)

    with workers() as wrong:
        assert not faults(in_threads(SWITCHES + REPLIES, go))
    assert wrong == []
    worker.send_due()
    assert case.messages.filter(template="", direction="out").count() == REPLIES
    one_chain(case)
    numbers_are_whole(case)
    each_goes_once(case, sink)


def test_two_devices_that_switch_at_once(sink: shop.Sink) -> None:
    shop.make_shop()
    case = a_case()
    devices = []
    for _device in range(2):
        devices.append(client := Client())
        client.post(reverse("site:case_link", args=[services.case_link(case).plain]))
    forms = [
        {"way": "letter", "name_letter": "Sam", "address_letter": "Main Street 1, 1000 AA Town"},
        {"way": "in_person", "wish_in_person": "south"},
    ]
    address = reverse("site:switch", args=[case.reference])
    results = in_threads(2, lambda n: devices[n].post(address, forms[n]).status_code)
    assert results == [302, 302]
    choices = one_chain(case)
    assert {choice.kind for choice in choices[1:]} == {"letter", "in_person"}
    shown = [client.get(reverse("site:question", args=[case.reference])) for client in devices]
    now = f"answerline kind-{choices[-1].kind}"
    assert all(now in page.content.decode() for page in shown)  # both read what holds


def test_what_is_being_sent_goes_and_the_next_one_follows(
    sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.make_shop()
    agent, case = shop.make_agent(), a_case("email", "sam@example.org")
    worker.send_due()
    first = dispatch.reply(case=case, staff=agent, text="Answer number 1.")
    held, free, send = threading.Event(), threading.Event(), EmailAdapter.send

    def slow(adapter: EmailAdapter, outbound: Outbound) -> Sent:
        held.set()
        assert free.wait(10)
        return send(adapter, outbound)

    monkeypatch.setattr(EmailAdapter, "send", slow)

    def switch() -> object:
        assert held.wait(10)
        assert first.deliveries.get().status == S.SENDING
        second = dispatch.reply(case=fresh(case), staff=agent, text="Answer number 2.")
        choice = switching.switch(case=fresh(case), kind="account")
        free.set()
        return second, choice

    assert not faults(in_threads(2, lambda n: (worker.send_due, switch)[n]()))
    assert first.deliveries.get().status == S.SENT
    worker.send_due()
    each_goes_once(case, sink)
    second = case.messages.get(text="Answer number 2.")
    assert second.kind == "account"
    assert [S(row.status) for row in second.deliveries.order_by("created_at")] == [
        S.CANCELLED,
        S.SENT,
    ]


@pytest.mark.parametrize("delay", [0, 0.01, 0.03])
def test_undo_against_a_second_switch(delay: float) -> None:
    shop.make_shop()
    case = a_case()
    letter, phone = ways()[3], ways()[4]
    first = switching.switch(case=case, kind=letter[0], identity=letter[1])

    def go(number: int) -> object:
        time.sleep(delay * number)
        if number % 2:
            return switching.switch(case=fresh(case), kind=phone[0], identity=phone[1])
        return switching.undo(case=fresh(case), choice=first)

    assert not faults(in_threads(4, go))
    choices = list(case.choices.order_by("pk"))
    assert fresh(case).choice == choices[-1] and choices[-1].kind == "phone"  # the later wish
    kinds = [choice.kind for choice in choices]
    assert kinds in (
        ["account", "letter", "phone"],
        ["account", "letter", "account", "phone"],
    )
    numbers_are_whole(case)


def test_giving_rows_back_waits_for_nobody_who_switches() -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("who writes on SQLite is alone")
    shop.make_shop()
    agent, case = shop.make_agent(), a_case("email", "sam@example.org")
    for text in ("Answer number 1.", "Answer number 2."):
        dispatch.reply(case=case, staff=agent, text=text)
    rows = Delivery.objects.order_by("pk")
    channel = rows[0].channel
    lease, keys = Delivery.objects.claim(channel, timezone.now(), 5)
    held, over = threading.Event(), threading.Event()

    def switch() -> None:
        with transaction.atomic():
            Delivery.objects.filter(pk=keys[0]).update(reason={})
            held.set()
            assert over.wait(5)  # longer than whoever gives back may take

    def give_back() -> None:
        assert held.wait(5)
        Delivery.objects.let_go(lease)
        over.set()

    assert not faults(in_threads(2, lambda n: (switch, give_back)[n]()))
    free = Delivery.objects.filter(lease=None).values_list("pk", flat=True)
    assert set(free) == set(keys[1:])

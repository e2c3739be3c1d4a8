"""Failures, switches and approvals at once: an answer goes one way, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connections, transaction
from django.utils import timezone

from channels_app import dispatch, fallback, opening, receipts, sending, switching, todos
from channels_app.adapters.base import Reason, Receipt
from channels_app.models import Channel, Delivery
from contacts.models import Case, Event, Identity, Message, User
from tests import shop

pytestmark = pytest.mark.django_db(transaction=True)
S = Delivery.Status


def at_once(*calls: Callable[[], object]) -> None:
    """All of them, each in a thread and a connection of its own; a fault of one is a fault."""

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(run, calls))


@pytest.fixture
def case() -> Case:
    """By e-mail, and else on paper."""
    found = opening.open_case(
        organisation=shop.make_shop(),
        text="Is it there?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    Delivery.objects.all().delete()
    fallback.approve(case=found, kind="letter", identity=Identity.of("post", "Kade 1\n1000 AA X"))
    return Case.objects.get(pk=found.pk)


@pytest.fixture
def first(case: Case) -> Delivery:
    """An answer that is being sent."""
    message = dispatch.reply(case=case, staff=shop.make_agent(), text="It is.")
    message.deliveries.update(status=S.SENDING, attempt_count=1, sent_at=timezone.now())
    return message.deliveries.get()


def as_read(delivery: Delivery) -> Delivery:
    """As a worker read it, a moment ago."""
    rows = Delivery.objects.select_related("channel", *sending.RELATED)
    return rows.get(pk=delivery.pk)


@transaction.atomic  # as whoever files it
def report(key: str, status: str) -> None:
    told = Receipt(external_id=status, key=key, status=status, signed=True, gone=True)
    receipts.settle(Channel.objects.get(kind="email"), told)


def left(case: Case) -> list[tuple[str, str]]:
    """What still goes: by which kind, and where it stands."""
    rows = Delivery.objects.filter(message__case=case).exclude(
        status__in=(S.FAILED, S.RETURNED, S.CANCELLED)
    )
    return list(rows.values_list("channel__kind", "status"))


def history(case: Case, sort: str) -> int:
    return Event.objects.filter(case=case, sort=sort).count()


def test_a_failure_that_all_tell_at_once_falls_back_once(case: Case, first: Delivery) -> None:
    failed = Reason.said("550 no")
    at_once(
        *(partial(sending._fail, as_read(first), failed) for _n in range(3)),
        *(partial(report, str(first.pk), status) for status in ("failed", "returned") * 2),
    )
    assert left(case) == [("letter", S.TODO)]
    assert history(case, "failed") == history(case, "fell_back") == 1


def test_a_switch_and_a_failure_at_once_end_where_the_customer_chose(
    case: Case, first: Delivery
) -> None:
    """Whichever was first: the answer goes by the new choice, by no other, and once."""
    read = as_read(first)
    at_once(
        partial(sending._fail, read, Reason.said("550 no")),
        partial(switching.switch, case=case, kind="account"),
    )
    assert left(case) == [("account", S.SENT)]
    message = Message.objects.get(pk=first.message_id)
    assert (message.kind, message.why) == ("account", "chosen")


def test_an_approval_that_is_taken_back_and_a_failure_at_once(case: Case, first: Delivery) -> None:
    """Whichever was first: no letter, and the agent knows."""
    read = as_read(first)
    at_once(
        partial(sending._fail, read, Reason.said("550 no")),
        partial(fallback.approve, case=case, kind=""),
    )
    assert left(case) == []
    assert Case.objects.waiting().filter(pk=case.pk).exists()


def test_two_say_at_once_that_a_letter_came_back(case: Case) -> None:
    agent = User.objects.create(username="bo", is_staff=True)
    switching.switch(case=case, kind="letter", identity=Identity.objects.get(scheme="post"))
    mail = Identity.objects.get(scheme="email")
    fallback.approve(case=Case.objects.get(pk=case.pk), kind="email", identity=mail)
    message = dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="It is.")
    message.deliveries.update(status=S.DONE)
    told = []

    def say() -> None:
        try:
            todos.came_back(as_read(message.deliveries.get(channel__kind="letter")), agent)
        except todos.Gone:
            told.append("late")

    at_once(say, say, say)
    assert len(told) == 2 and left(case) == [("email", S.QUEUED)]

"""Two things at once: nobody who waits drops out of the queue, and nothing is lost."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundEvent
from contacts import merging, services
from contacts.models import Attachment, Case, Message, Organisation, User
from tests import shop, worker
from tests.security.test_strangers import EVIL, VICTIM, ask


@pytest.fixture
def pair(organisation: Organisation) -> tuple[Case, Case]:
    """Two open cases."""
    return ask(Client(), VICTIM, "One"), ask(Client(), EVIL, "Other")


def fresh(case: Case) -> Case:
    """The row as a page reads it."""
    return Case.objects.select_related("root").get(pk=case.pk)


def test_what_is_written_while_a_colleague_joins_waits_in_the_stem(
    pair: tuple[Case, Case], agent: User
) -> None:
    one, other = pair
    services.resolve(case=one, by=agent)
    stale = fresh(other)
    merging.join(case=fresh(other), into=one, by=agent)
    services.resolve(case=fresh(one), by=agent)
    services.file_message(case=stale, kind="account", text="And this?")
    assert fresh(one).state == Case.State.OPEN and fresh(one).waiting_since
    assert list(Case.objects.waiting()) == [one]
    numbers = list(Message.objects.of(one).order_by("pk").values_list("seq", flat=True))
    assert numbers[-1] == fresh(one).seq > max(numbers[:-1])


def test_what_is_written_while_a_colleague_parts_waits_in_its_own_case(
    pair: tuple[Case, Case], agent: User
) -> None:
    one, other = pair
    merging.join(case=other, into=one, by=agent)
    stale = fresh(other)
    assert stale.stem == one
    merging.undo_join(case=fresh(other), by=agent)
    for case in pair:
        services.resolve(case=fresh(case), by=agent)
    services.file_message(case=stale, kind="account", text="And this?")
    assert list(Case.objects.waiting()) == [other]


def test_an_open_question_joined_to_a_resolved_case_opens_it(
    pair: tuple[Case, Case], agent: User
) -> None:
    one, other = pair
    services.resolve(case=one, by=agent)
    merging.join(case=other, into=fresh(one), by=agent)
    assert list(Case.objects.waiting()) == [one]


def test_taken_apart_each_case_waits_for_its_own(pair: tuple[Case, Case], agent: User) -> None:
    one, other = pair
    for case in pair:
        dispatch.reply(case=case, staff=agent, text="Yes")
        services.resolve(case=fresh(case), by=agent)
    merging.join(case=fresh(other), into=fresh(one), by=agent)
    services.file_message(case=fresh(other), kind="account", text="And this?")
    assert list(Case.objects.waiting()) == [one]
    merging.undo_join(case=fresh(other), by=agent)
    assert list(Case.objects.waiting()) == [other]


def receive(**values: str) -> InboundEvent:
    """A mail at the door, not read yet."""
    raw = shop.mail(sender=VICTIM, to=shop.MAILBOX, **values)
    return inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))


def test_a_mail_that_kills_its_readers_ends_in_quarantine(organisation: Organisation) -> None:
    event = receive()
    with mock.patch("channels_app.adapters.mail.parse", side_effect=SystemExit):
        for _try in range(inbound.MAX_TRIES):
            with pytest.raises(SystemExit):
                worker.file(event)
            InboundEvent.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        worker.file(event)
    event.refresh_from_db()
    assert event.state == InboundEvent.State.QUARANTINED and event.reason
    inbound.again(event)
    worker.file(event)
    assert Case.objects.get().messages.filter(direction="in").count() == 1


def test_a_fault_half_way_files_nothing_and_the_next_try_files_it_once(
    organisation: Organisation,
) -> None:
    event = receive()
    with mock.patch.object(dispatch, "deliver", side_effect=OperationalError("disk full")):
        worker.file(event)
    event.refresh_from_db()
    assert event.state == InboundEvent.State.NEW and bytes(event.raw)
    assert not Case.objects.exists() and not Delivery.objects.exists()
    InboundEvent.objects.update(leased_until=None)
    worker.file(event)
    worker.file(event)
    assert Case.objects.count() == 1 and Message.objects.filter(direction="in").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_fault_after_the_delivery_sends_nothing(
    organisation: Organisation, agent: User, settings: object
) -> None:
    case = ask(Client(), VICTIM)
    before = Delivery.objects.count()
    with (
        mock.patch("channels_app.outbox.ring_to_send") as ring,
        mock.patch.object(dispatch, "_settle", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        dispatch.reply(case=case, staff=agent, text="Yes")
    assert Delivery.objects.count() == before and not ring.called
    assert not case.messages.filter(text="Yes").exists()


def test_a_refused_form_stores_no_file(organisation: Organisation) -> None:
    client = Client()
    client.post("/", {"text": "", "way": "account"})
    assert not Attachment.objects.exists() and not Case.objects.exists()

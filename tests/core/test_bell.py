"""One bell of a channel speaks for all that is due there, until a worker heard it."""

import pytest
from django.core.cache import cache

from channels_app import dispatch, outbox, sending
from channels_app.models import Channel, Delivery
from contacts.models import Organisation
from tests import shop
from tests.core.test_batches import a_case

Bells = list[list[object]]


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> Bells:
    """What was rung, each with what and with its channel."""
    rung: Bells = []
    monkeypatch.setattr(outbox, "UNHEARD_SECONDS", 60)
    cache.clear()
    monkeypatch.setattr(outbox.settings, "CELERY_BROKER_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr(outbox._Bell, "quiet_until", 0.0)
    monkeypatch.setattr(
        outbox.current_app, "send_task", lambda task, args, **more: rung.append([task, *args])
    )
    return rung


def answer(count: int) -> list[Delivery]:
    """Answers by e-mail, each committed."""
    agent, case = shop.make_agent(), a_case(0)
    return [
        dispatch.reply(case=case, staff=agent, text=f"Answer {number}.").deliveries.get()
        for number in range(count)
    ]


@pytest.mark.django_db(transaction=True)
def test_it_is_rung_once_until_it_is_heard(sink: shop.Sink, bells: Bells) -> None:
    shop.make_shop()
    rows = answer(3)
    assert [bell[0] for bell in bells] == [outbox.DELIVER]
    assert bells[0][1] == rows[0].channel_id
    assert sending.deliver(rows[0].channel_id) == len(sink.raw) >= 3
    again = dispatch.reply(case=a_case(1), staff=None, text="One more.").deliveries.get()
    assert len(bells) == 2
    # What is written while a worker looks is rung for, and found by the next one.
    assert sending.deliver(again.channel_id) == 1


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_a_worker_looks_rings(
    sink: shop.Sink, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.make_shop()
    (row,) = answer(1)
    late = list[Delivery]()
    has_room = sending._has_room

    def meanwhile(found: Channel) -> bool:
        if not late:
            late.extend(answer_again())
        return has_room(found)

    def answer_again() -> list[Delivery]:
        return [dispatch.reply(case=a_case(2), staff=None, text="Late.").deliveries.get()]

    monkeypatch.setattr(sending, "_has_room", meanwhile)
    sending.deliver(row.channel_id)
    assert len(bells) == 2 and late


def test_another_channel_and_another_thing_ring_for_themselves(bells: Bells) -> None:
    for channel in (1, 2, 1):
        outbox.ring_to_send(channel)
    for event in (1, 2):
        outbox.ring_to_file(event, 1)
    assert [bell[1:] for bell in bells] == [[1], [2], [1, 1], [2, 1]]


def test_a_full_batch_rings_for_whoever_is_free(
    organisation: Organisation, sink: shop.Sink, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH", 2)
    rows = answer(5)
    bells.clear()
    assert sending.deliver(rows[0].channel_id) == 5
    assert [bell[0] for bell in bells] == [outbox.DELIVER]  # nobody heard it: the second rings not


def test_without_a_cache_all_ring_or_none_fails(
    bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise OSError

    monkeypatch.setattr(outbox.cache, "add", broken)
    monkeypatch.setattr(outbox.cache, "delete", broken)
    outbox.ring_to_send(1)
    outbox.heard(1)
    assert bells == [] and outbox._Bell.quiet_until > 0

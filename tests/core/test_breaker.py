"""A provider that does not do its work is left alone for a while, and then tried once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import sending
from channels_app.adapters.base import (
    Outbound,
    Reason,
    Rejected,
    SendError,
    Sent,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.email import EmailAdapter
from channels_app.models import Channel, Delivery
from contacts.models import Organisation
from tests import shop
from tests.core.test_batches import address_of, answers, state
from tests.core.test_rules import in_threads

S = Delivery.Status
NONSENSE = Uncertain(Reason("provider_nonsense"))


class Provider:
    """What it says next, and how often it was asked."""

    def __init__(self) -> None:
        self.says: Callable[[], SendError | None] = lambda: None
        self.calls: list[str] = []

    def send(self, outbound: Outbound) -> Sent:
        """Take it, or say why not."""
        self.calls.append(outbound.key)
        error = self.says()
        if error is not None:
            raise error
        return Sent()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider of the shop's mail."""
    provider = Provider()
    monkeypatch.setattr(EmailAdapter, "send", lambda self, outbound: provider.send(outbound))
    return provider


def channel() -> Channel:
    """As it is now."""
    return Channel.objects.get(slug="email")


def the_pause_is_over() -> None:
    """It lies a second back; rows that were tried are due again."""
    ago = timezone.now() - timedelta(seconds=1)
    Channel.objects.filter(slug="email").update(paused_until=ago)
    Delivery.objects.filter(status=S.QUEUED).update(next_attempt_at=ago)


@pytest.mark.parametrize("error", [NONSENSE, Unavailable("500")])
def test_three_faults_in_a_row_stop_the_rest(
    organisation: Organisation, provider: Provider, error: SendError
) -> None:
    rows = answers(6)
    provider.says = lambda: error
    assert sending.deliver(rows[0].channel_id) == 3
    after = S.UNCERTAIN if error is NONSENSE else S.QUEUED
    assert state(rows) == [after] * 3 + [S.QUEUED] * 3
    assert channel().is_paused(timezone.now())
    assert channel().paused_for == error.why.stored
    assert sending.deliver(rows[5].channel_id) == 0 and len(provider.calls) == 3


def test_single_faults_among_others_stop_nothing(
    organisation: Organisation, provider: Provider
) -> None:
    rows = answers(9)
    provider.says = lambda: NONSENSE if len(provider.calls) % 3 else None
    assert sending.deliver(rows[0].channel_id) == 9
    assert channel().paused_until is None


def test_a_refusal_in_words_is_an_answer(organisation: Organisation, provider: Provider) -> None:
    rows = answers(9)
    provider.says = lambda: NONSENSE if len(provider.calls) % 3 else Rejected("550 no")
    assert sending.deliver(rows[0].channel_id) == 9
    assert channel().paused_until is None


def test_one_is_tried_before_the_others(organisation: Organisation, provider: Provider) -> None:
    rows = answers(8)
    provider.says = lambda: Unavailable("421", everyone=True)
    sending.deliver(rows[0].channel_id)
    assert len(provider.calls) == 1 and channel().is_paused(timezone.now())
    the_pause_is_over()
    provider.says = lambda: Unavailable("451")  # another fault, of one message: one is enough now
    assert sending.deliver(rows[0].channel_id) == 1
    assert len(provider.calls) == 2 and channel().is_paused(timezone.now())
    the_pause_is_over()
    provider.says = lambda: None
    assert sending.deliver(rows[0].channel_id) == 8
    assert state(rows) == [S.SENT] * 8
    assert (channel().paused_until, channel().paused_for) == (None, {})


def test_who_answers_no_is_there_again(organisation: Organisation, provider: Provider) -> None:
    rows = answers(3)
    Channel.objects.update(paused_for={"code": "typed"})
    the_pause_is_over()
    provider.says = lambda: Rejected("550 no") if len(provider.calls) == 1 else None
    assert sending.deliver(rows[0].channel_id) == 3
    assert sorted(state(rows)) == [S.FAILED, S.SENT, S.SENT]
    assert (channel().paused_until, channel().paused_for) == (None, {})


def test_where_the_first_does_not_go_at_all_the_next_one_tells(
    organisation: Organisation, provider: Provider
) -> None:
    rows = answers(3)
    the_pause_is_over()
    first = Delivery.objects.order_by("next_attempt_at").values_list("pk", flat=True)[0]
    stopped = next(row for row in rows if row.pk == first)
    address_of(stopped).update(blocked_at=timezone.now())
    assert sending.deliver(rows[0].channel_id) == 3
    assert Delivery.objects.get(pk=first).status == S.FAILED and len(provider.calls) == 2
    assert channel().paused_until is None


def test_where_none_goes_the_trial_is_over_all_the_same(
    organisation: Organisation, provider: Provider
) -> None:
    rows = answers(1)
    the_pause_is_over()
    address_of(rows[0]).update(blocked_at=timezone.now())
    assert sending.deliver(rows[0].channel_id) == 1 and not provider.calls
    found = channel()
    assert found.paused_until is not None and not found.is_paused(timezone.now())


def test_a_limit_of_the_account_is_kept_as_long_as_the_provider_says(
    organisation: Organisation, provider: Provider
) -> None:
    rows, now = answers(3), timezone.now()
    limit = Unavailable("429", retry_after=timedelta(hours=2), everyone=True)
    provider.says = lambda: limit
    sending.deliver(rows[0].channel_id)
    until = channel().paused_until
    assert until is not None and until - now >= timedelta(hours=2)
    assert len(provider.calls) == 1


def test_a_worker_that_died_says_nothing_about_the_provider(
    organisation: Organisation, provider: Provider
) -> None:
    rows = answers(5)
    ago = timezone.now() - timedelta(seconds=1)
    Delivery.objects.update(status=S.SENDING, leased_until=ago)
    sending.recover()
    assert state(rows) == [S.UNCERTAIN] * 5
    assert channel().paused_until is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_tries(provider: Provider) -> None:
    shop.make_shop()
    rows = answers(8)
    the_pause_is_over()

    def fails() -> SendError:
        in_the_call.append(sending._send_due(channel().pk))  # another worker, at this moment
        return Unavailable("500")

    in_the_call: list[int] = []
    provider.says = fails
    in_threads(4, lambda number: sending._send_due(channel().pk))
    assert len(provider.calls) == 1 and in_the_call == [0]
    assert state(rows) == [S.QUEUED] * 8
    assert not Delivery.objects.exclude(leased_until=None).exists()
    assert channel().is_paused(timezone.now())


def test_who_comes_second_to_a_trial_gives_its_rows_back(
    organisation: Organisation, provider: Provider
) -> None:
    rows = answers(30)
    the_pause_is_over()
    provider.says = lambda: Unavailable("500")
    (mine, theirs), now = (channel(), channel()), timezone.now()
    claimed, others = (Delivery.objects.claim(one, now, 15) for one in (mine, theirs))
    assert mine.begin_trial(now) and not theirs.begin_trial(now)
    assert sending._send(theirs, *others) == 0 and not provider.calls
    assert Delivery.objects.filter(lease=others[0]).count() == 0
    assert Delivery.objects.filter(lease=claimed[0]).count() == 15
    assert state(rows) == [S.QUEUED] * 30

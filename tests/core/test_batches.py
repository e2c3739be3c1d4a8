"""Rows are read many at a time and sent one by one: what comes in between holds for the rest."""

import smtplib
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, opening, rendering, sending, switching
from channels_app.adapters.base import Misconfigured, Outbound, Rejected, Sent, Unavailable
from channels_app.adapters.email import EmailAdapter
from channels_app.adapters.mail import build
from channels_app.models import Attempt, Channel, Delivery
from contacts import merging, services
from contacts.models import Alert, Case, Consent, Identity, Message, Organisation, Topic, User
from tests import shop
from tests.core.test_rules import in_threads

S = Delivery.Status


def a_case(number: int) -> Case:
    """An open case of a customer of its own, without the acknowledgement."""
    case = opening.open_case(
        organisation=Organisation.objects.get(),
        text=f"Is number {number} in stock?",
        came_by="account",
        kind="email",
        address=f"customer{number}@example.org",
        language=("en", "nl")[number % 2],
    )
    Delivery.objects.filter(message__case=case).delete()
    return case


def answers(count: int, agent: User | None = None) -> list[Delivery]:
    """Waiting answers, oldest first, each in a case of its own."""
    agent = agent or shop.make_agent()
    found = []
    for number in range(count):
        message = dispatch.reply(case=a_case(number), staff=agent, text=f"Answer {number}.")
        found.append(message.deliveries.get())
    return found


def state(rows: list[Delivery]) -> list[str]:
    """Where they are now."""
    found = Delivery.objects.in_bulk([row.pk for row in rows])
    return [found[row.pk].status for row in rows]


def case_of(row: Delivery) -> Case:
    """Its case as it is now."""
    assert row.message.case_id is not None
    return Case.objects.get(pk=row.message.case_id)


def address_of(row: Delivery) -> QuerySet[Identity]:
    """Its address, to be changed behind its back."""
    return Identity.objects.filter(deliveries=row)


def after_the_first(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens while the first mail of a batch is on the wire."""
    real, waiting = EmailAdapter.send, [happens]

    def send(self: EmailAdapter, outbound: Outbound) -> Sent:
        sent = real(self, outbound)
        if waiting:
            waiting.pop()()
        return sent

    monkeypatch.setattr(EmailAdapter, "send", send)


def test_a_switch_in_mid_batch_takes_the_answer_along(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answers(3)
    case = case_of(rows[1])
    after_the_first(monkeypatch, lambda: switching.switch(case=case, kind="account"))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT, S.CANCELLED, S.SENT] and len(sink.raw) == 2
    assert rows[1].replaced_by.get().channel.kind == "account"


def test_a_topic_that_becomes_sensitive_in_mid_batch_leaves_a_notice(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, rows = Topic.objects.get(slug="repair"), answers(3)
    for row in rows:
        Case.objects.filter(pk=case_of(row).pk).update(topic=topic)
    mark = Topic.objects.filter(pk=topic.pk)
    after_the_first(monkeypatch, lambda: mark.update(is_sensitive=True))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT] * 3
    told = [f"Answer {number}." in mail.as_string() for number, mail in enumerate(sink.mails)]
    assert told == [True, False, False]


def test_a_case_that_gets_a_sensitive_topic_in_mid_batch_too(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, agent = answers(2), User.objects.get()
    case, topic = case_of(rows[1]), Topic.objects.get(slug="invoice")
    after_the_first(monkeypatch, lambda: services.set_topic(case=case, topic=topic, by=agent))
    sending.deliver(rows[0].channel_id)
    assert "Answer 1." not in sink.mails[1].as_string()


STOPPED = {"email": {"why": Identity.STOPPED, "at": "2026-11-22T08:00:00+00:00"}}


@pytest.mark.parametrize("mark", [{"closed": STOPPED}, {"blocked_at": timezone.now()}])
def test_an_address_that_says_stop_in_mid_batch_gets_nothing(
    organisation: Organisation,
    sink: shop.Sink,
    monkeypatch: pytest.MonkeyPatch,
    mark: dict[str, Any],
) -> None:
    rows = answers(3)
    address = address_of(rows[1])
    after_the_first(monkeypatch, lambda: address.update(**mark))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT, S.FAILED, S.SENT] and len(sink.raw) == 2


def test_an_address_that_works_again_in_mid_batch_gets_its_answer(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answers(2)
    address = address_of(rows[1])
    address.update(closed=STOPPED)
    after_the_first(monkeypatch, lambda: address.update(closed={}))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT, S.SENT] and len(sink.raw) == 2


def test_a_second_channel_is_not_used_for_an_address_that_said_stop(
    organisation: Organisation, sink: shop.Sink
) -> None:
    rows = answers(1)
    Delivery.objects.update(role=Delivery.Role.FALLBACK)
    address_of(rows[0]).update(closed=STOPPED)
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.FAILED] and not sink.raw


def test_a_no_to_all_mail_in_mid_batch_holds_for_an_override(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answers(2)
    case = case_of(rows[1])
    switching.switch(case=case, kind="account")
    over = dispatch.reply(case=case, staff=None, text="By mail.", kind="email", why_text="a file")
    no = Consent(customer=case.customer, kind="email", level=Consent.Level.NEVER)
    after_the_first(monkeypatch, no.save)
    sending.deliver(rows[0].channel_id)
    assert over.deliveries.get().status == S.FAILED and len(sink.raw) == 1


def test_a_customer_whose_usual_way_changes_in_mid_batch_is_followed(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answers(2)
    case = case_of(rows[1])
    Case.objects.filter(pk=case.pk).update(choice=None)
    Message.objects.filter(case=case).update(why=Message.Why.DEFAULT)
    customer = type(case.customer).objects.filter(pk=case.customer_id)
    customer.update(preferred_kind="email")
    after_the_first(monkeypatch, lambda: customer.update(preferred_kind="account"))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT, S.CANCELLED] and len(sink.raw) == 1


def test_a_case_that_is_joined_in_mid_batch_goes_by_the_choice_of_the_other(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, agent = answers(2), User.objects.get()
    source = case_of(rows[1])
    target = a_case(7)
    switching.switch(case=target, kind="account")
    after_the_first(monkeypatch, lambda: merging.join(case=source, into=target, by=agent))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT, S.CANCELLED] and len(sink.raw) == 1


def test_a_pause_in_mid_batch_holds_at_once(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answers(3)
    channel = Channel.objects.get(kind="email")
    until = timezone.now() + timedelta(hours=1)
    after_the_first(monkeypatch, lambda: channel.pause(until, "Wrong sender"))
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT, S.QUEUED, S.QUEUED]
    assert not Delivery.objects.exclude(lease=None).filter(status=S.QUEUED).exists()


@pytest.mark.parametrize(
    "fault", [Unavailable("no answer", everyone=True), Misconfigured("wrong password")]
)
def test_what_the_next_row_would_meet_too_stops_the_batch(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    tried = []

    def send(self: EmailAdapter, outbound: Outbound) -> Sent:
        tried.append(outbound.key)
        raise fault

    monkeypatch.setattr(EmailAdapter, "send", send)
    rows = answers(3)
    assert sending.deliver(rows[0].channel_id) == 1
    assert tried == [str(rows[0].pk)]
    assert not Delivery.objects.exclude(leased_until=None).exists()
    assert Channel.objects.get(kind="email").is_paused(timezone.now())
    assert state(rows)[1:] == [S.QUEUED, S.QUEUED]
    assert Attempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_share_the_rows_and_send_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.make_shop()
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        monkeypatch.setattr(sending, "BATCH", 3)
        rows = answers(24)
        done = in_threads(4, lambda number: sending.deliver(rows[number].channel_id))
    assert not [result for result in done if isinstance(result, Exception)], done
    arrived = Counter(mail["Message-ID"].strip("<>").partition("@")[0] for mail in sink.mails)
    assert arrived == Counter(str(row.pk) for row in rows)
    assert state(rows) == [S.SENT] * 24 and Attempt.objects.count() == 24


@pytest.mark.django_db(transaction=True)
def test_a_switch_at_the_same_moment_sends_an_answer_one_way_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.make_shop()
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        rows = answers(12)
        cases = [case_of(row) for row in rows]

        def work(number: int) -> object:
            if number:
                return [switching.switch(case=case, kind="account") for case in cases[::-1]]
            return sending.deliver(rows[0].channel_id)

        done = in_threads(2, work)
    assert not [result for result in done if isinstance(result, Exception)], done
    ways = state(rows)
    assert set(ways) <= {S.SENT, S.CANCELLED} and ways.count(S.SENT) == len(sink.raw)
    followed = Delivery.objects.filter(
        channel__kind="account", message__in=[r.message for r in rows]
    )
    assert followed.count() == ways.count(S.CANCELLED)


class Killed(BaseException):
    """Nothing of ours runs after it."""


def test_what_a_killed_worker_leased_is_claimed_when_the_lease_is_over(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        raise Killed

    rows = answers(4)
    after_the_first(monkeypatch, kill)
    with pytest.raises(Killed):
        sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENDING, S.QUEUED, S.QUEUED, S.QUEUED]
    assert sending.deliver(rows[1].channel_id) == 0  # somebody may still hold them
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    sending.recover()
    sending.deliver(rows[1].channel_id)
    assert state(rows) == [S.UNCERTAIN, S.SENT, S.SENT, S.SENT] and len(sink.raw) == 4


@pytest.mark.parametrize(
    "fault", [Rejected("554 no"), ZeroDivisionError()], ids=["failed", "doubt"]
)
def test_a_worker_killed_before_it_tells_its_colleagues_leaves_that_to_the_sweep(
    organisation: Organisation,
    sink: shop.Sink,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    def broken(*_args: object) -> None:
        raise fault

    def kill(*_args: object) -> None:
        raise Killed

    row = answers(1)[0]
    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "tell", kill)
        patch.setattr(EmailAdapter, "send", broken)
        with pytest.raises(Killed):
            sending.deliver(row.channel_id)
    assert state([row]) == [S.SENDING] and not Attempt.objects.exists()
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    sending.recover()
    assert state([row]) == [S.UNCERTAIN] and Attempt.objects.count() == 1
    assert Alert.objects.filter(sort="uncertain").count() == 1


def test_a_row_that_another_worker_took_over_is_left_to_it(
    organisation: Organisation, sink: shop.Sink
) -> None:
    row, channel = answers(1)[0], Channel.objects.get(kind="email")
    lease, keys = Delivery.objects.claim(channel, timezone.now(), 5)
    batch = sending.Batch(channel, lease, keys)
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert Delivery.objects.claim(channel, timezone.now(), 5)[1] == [row.pk]
    assert not sending.attempt(batch.deliveries[0], batch)
    assert not sink.raw


def test_a_batch_that_never_begins_is_left_to_the_sweep(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = answers(2)
    monkeypatch.setattr(sending, "_grounds", lambda _row: {"channel__version": -1})
    assert sending.deliver(rows[0].channel_id) == 0
    assert state(rows) == [S.QUEUED, S.QUEUED] and not sink.raw
    assert not Delivery.objects.exclude(lease=None).exists()


def test_a_batch_is_worded_as_each_of_its_mails_alone(
    organisation: Organisation, sink: shop.Sink
) -> None:
    agent, first = shop.make_agent(), a_case(0)
    sensitive = a_case(1)
    Case.objects.filter(pk=sensitive.pk).update(topic=Topic.objects.get(slug="invoice"))
    sensitive = Case.objects.get(pk=sensitive.pk)
    joined, spoken = a_case(2), a_case(3)
    merging.join(case=joined, into=a_case(4), by=agent)
    Message.objects.filter(case=spoken).update(staff=agent, kind="phone")
    for turn in range(13):  # more than a mail refers to
        dispatch.reply(case=first, staff=agent, text=f"Earlier {turn}.")
    sending.deliver(Delivery.objects.filter(status=S.QUEUED).latest("created_at").channel_id)
    for case in (first, sensitive, Case.objects.get(pk=joined.pk), spoken, first):
        dispatch.reply(case=case, staff=agent, text="Now.")
    rows = list(Delivery.objects.filter(status=S.QUEUED).order_by("created_at"))
    assert len(rows) == 5 and len(sink.raw) == 13
    alone = [raw(rendering.render(Delivery.objects.get(pk=row.pk))) for row in rows]
    background = rendering.Background(rows)
    assert [raw(rendering.render(row, background)) for row in rows] == alone
    assert alone[0].count(b"@mail.example.org>") >= 10


def raw(outbound: Outbound) -> bytes:
    """The bytes of a mail, with fixed boundaries and date."""
    mail = build(outbound).message()
    mail.set_boundary("b")
    mail.replace_header("Date", "Sun, 22 Nov 2026 10:00:00 +0000")
    return mail.as_bytes()


def test_a_mail_refers_to_the_one_before_it_in_the_same_batch(
    organisation: Organisation, sink: shop.Sink
) -> None:
    agent, case = shop.make_agent(), a_case(0)
    sent = [
        dispatch.reply(case=case, staff=agent, text=text) for text in ("One.", "Two.", "Three.")
    ]
    sending.deliver(sent[0].deliveries.get().channel_id)
    one, two, three = sink.mails
    assert one["In-Reply-To"] is None and two["In-Reply-To"] == one["Message-ID"]
    assert three["References"] == f"{one['Message-ID']} {two['Message-ID']}"


def test_five_statements_send_a_mail_however_many_there_are(
    organisation: Organisation, sink: shop.Sink
) -> None:
    agent, counts = shop.make_agent(), []
    for count in (2, 12):
        rows = answers(count, agent)
        Channel.objects.update(last_success_at=timezone.now())
        for row in rows:  # so that the codes are there, as they are after the first answer
            rendering.render(row)
        with CaptureQueriesContext(connection) as statements:
            assert sending.deliver(rows[0].channel_id) == count
        counts.append(len(statements))
    assert counts[1] - counts[0] == 5 * 10, counts


@pytest.mark.parametrize("word", [None, 421])
def test_a_connection_that_the_server_closed_is_opened_anew(
    organisation: Organisation, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch, word: int | None
) -> None:
    rows = answers(3)
    rows[0].channel.adapter().close()  # what another test left open in this thread
    real, told = smtplib.SMTP.mail, []

    def mail(self: smtplib.SMTP, sender: str, options: tuple[str, ...] = ()) -> tuple[int, bytes]:
        told.append(sender)
        if len(told) == 2:
            self.close()
            if word is not None:
                return word, b"I am closing."
        return real(self, sender, options)

    monkeypatch.setattr(smtplib.SMTP, "mail", mail)
    sending.deliver(rows[0].channel_id)
    assert state(rows) == [S.SENT] * 3 and (len(told), len(sink.raw)) == (4, 3)

"""A channel goes: what waits there is held, and goes once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import dispatch, leaving, opening, sending, switching
from channels_app.adapters.base import Reason
from channels_app.models import Channel, Delivery
from channels_app.models.channel import LONG
from contacts import codes
from contacts.models import (
    Choice,
    Code,
    Event,
    Identity,
    Organisation,
    User,
)
from tests import shop, worker
from tests.core.going import NUMBER, S, a_case, by_mail, channel, fresh, messenger
from tests.core.going import whatsapp as whatsapp

# ---------- What waits


@pytest.mark.parametrize("way", ["off", "paused"])
def test_what_waits_is_held_and_goes_once(
    organisation: Organisation, agent: User, sink: shop.Sink, way: str
) -> None:
    _case, message = by_mail(agent)
    if way == "off":
        channel().offer(False)
    else:
        channel().pause(timezone.now() + timedelta(days=9), "The server moves.")
    worker.send_due()
    assert sending.deliver(channel().pk) == 0 and not sink.mails
    assert message.deliveries.get().status == S.QUEUED
    if way == "off":
        channel().offer(True)
    else:
        channel().resume()
    for _time in range(2):
        worker.send_due()
    assert len(sink.mails) == 1 and message.deliveries.get().status == S.SENT


def test_calls_and_letters_stay_to_do(organisation: Organisation, agent: User) -> None:
    case = opening.open_case(
        organisation=organisation,
        text="Please call",
        came_by="account",
        kind="phone",
        address="0201234567",
        wish="soon",
        language="en",
    )
    channel("phone").offer(False)
    worker.send_due()
    assert dispatch.open_in(case).get().status == S.TODO


def test_codes_go_by_a_channel_that_is_off(organisation: Organisation, sink: shop.Sink) -> None:
    channel().offer(False)
    identity = Identity.of("email", "sam@example.org")
    code = Code.objects.issue(codes.SIGN_IN, identity=identity)
    dispatch.notice(
        template="sign_in", identity=identity, code=code, language="en", organisation=organisation
    )
    worker.send_due()
    assert len(sink.mails) == 1


def test_what_was_read_before_it_went_does_not_go(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    _case, message = by_mail(agent)
    now = channel()
    lease, keys = Delivery.objects.claim(now, timezone.now(), 5)
    batch = sending.Batch(now, lease, keys)
    channel().offer(False)
    assert not sending.attempt(batch.deliveries[0], batch) and not sink.mails
    assert message.deliveries.get().status == S.QUEUED


def test_it_follows_who_chooses_again_and_never_goes_twice(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case, message = by_mail(agent)
    channel().offer(False)
    switching.switch(case=case, kind="account")
    assert [d.channel.slug for d in message.deliveries.exclude(status=S.CANCELLED)] == ["account"]
    channel().offer(True)
    worker.send_due()
    assert not sink.mails and fresh(case).choice.kind == "account"  # type: ignore[union-attr]


def test_an_answer_that_an_agent_sent_another_way_follows_as_well(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = a_case("sam@example.org", kind="account")
    message = dispatch.reply(
        case=case, staff=agent, text="Here.", kind="email", why_text="It has a file."
    )
    channel().offer(False)
    switching.switch(case=case, kind="phone", identity=Identity.of("phone", NUMBER))
    assert message.deliveries.exclude(status=S.CANCELLED).get().channel.slug == "phone"


def test_another_channel_of_the_kind_brings_it(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    _case, message = by_mail(agent)
    old = channel()
    new = Channel.objects.create(
        organisation=organisation,
        kind="email",
        provider="email",
        slug="second",
        name="second",
        address="second@mail.example.org",
        config=old.config,
    )
    old.offer(False)
    worker.send_due()
    worker.send_due()
    assert [str(mail["From"]).partition("<")[2] for mail in sink.mails] == [f"{new.address}>"]
    assert sorted(message.deliveries.values_list("status", flat=True)) == [S.CANCELLED, S.SENT]


def test_nobody_goes_back_to_a_way_that_is_off(organisation: Organisation, agent: User) -> None:
    case, _message = by_mail(agent)
    choice = switching.switch(case=case, kind="account")
    channel().offer(False)
    assert switching.undo(case=fresh(case), choice=choice) is None
    assert fresh(case).choice == choice
    channel().offer(True)
    assert switching.undo(case=fresh(case), choice=choice) is not None


def test_only_the_next_answer_leads_back_to_no_way_that_is_off(
    organisation: Organisation, agent: User
) -> None:
    case, _message = by_mail(agent)
    channel().offer(False)
    switching.switch(case=case, kind="account", once=True)
    dispatch.reply(case=fresh(case), staff=agent, text="One more thing.")
    assert fresh(case).choice.kind == "account"  # type: ignore[union-attr]


def test_it_waits_where_the_newest_choice_went_off_a_moment_later(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case, message = by_mail(agent)
    messenger(organisation)
    phone = Identity.of("phone", NUMBER)
    stem = fresh(case)
    choice = Choice(kind="phone", identity=phone)
    stem.append(choice, Event(sort=Event.Sort.SWITCHED, data={"kind": "phone"}))
    channel("phone").offer(False)
    worker.send_due()
    waits = message.deliveries.exclude(status=S.CANCELLED).get()
    assert (waits.channel.slug, waits.status) == ("phone", S.TODO) and not sink.mails


# ---------- When it counts as gone


def test_a_short_fault_is_no_going_and_a_long_one_is(organisation: Organisation) -> None:
    now, down = timezone.now(), Reason("mail_unreachable", {"fault": "TimeoutError"})
    channel().pause(now + timedelta(seconds=30), down)
    row = channel()
    assert row.gone_at is not None and not row.is_gone(now)
    row.pause(now + timedelta(seconds=60), down)
    assert channel().gone_at == row.gone_at  # the same fault goes on
    Channel.objects.filter(pk=row.pk).update(gone_at=now - LONG)
    assert channel().is_gone(now)
    assert not channel().is_gone(now + timedelta(hours=3))  # nothing was tried since: who knows
    row = channel()
    assert row.begin_trial(now)
    row.end_trial(None)
    assert channel().gone_at is None and not channel().is_gone(now)


def test_a_pause_that_ended_and_a_new_one_are_two_goings(organisation: Organisation) -> None:
    channel().pause(timezone.now() - timedelta(hours=1), "Lunch.")
    first = channel()
    assert first.gone_at and not first.is_gone(timezone.now())
    first.pause(timezone.now() + timedelta(hours=1), "It moves.")
    assert channel().is_gone(timezone.now()) and channel().gone_at != first.gone_at


def test_off_and_paused_is_back_only_when_both_are_over(organisation: Organisation) -> None:
    row = channel()
    row.offer(False)
    row.pause(timezone.now() + timedelta(hours=1), "It moves.")
    since = channel().gone_at
    channel().resume()
    assert channel().gone_at == since and channel().is_gone(timezone.now())
    channel().offer(True)
    assert channel().gone_at is None


# ---------- Whom it concerns


def test_cases_stay_with_another_channel_of_the_kind(
    organisation: Organisation, whatsapp: Channel
) -> None:
    case = a_case("sam@example.org")
    other = messenger(organisation, "second")
    whatsapp.offer(False)
    assert leaving.gone_of(case) is None
    assert not leaving.cases_on(channel("whatsapp")).exists()
    other.offer(False)
    assert leaving.gone_of(case) == other
    assert list(leaving.cases_on(channel("second"))) == [case]
    assert not leaving.cases_on(channel("whatsapp")).exists()  # that one went before


def test_a_branch_stands_for_itself(organisation: Organisation) -> None:
    cases = [a_case(kind="account") for _n in range(2)]
    for case, wish in zip(cases, ("north", "south"), strict=True):
        switching.switch(case=case, kind="in_person", wish=wish)
    channel("south").offer(False)
    assert leaving.gone_of(fresh(cases[0])) is None
    assert leaving.gone_of(fresh(cases[1])) == channel("south")
    assert list(leaving.cases_on(channel("south"))) == [cases[1]]

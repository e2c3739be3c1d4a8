"""A channel goes: its customers are asked to choose again, once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from channels_app import leaving, outbox, switching, tasks
from channels_app.filing import _follow
from channels_app.models import Channel, Leaving, Stranded
from contacts import holding, services
from contacts.models import (
    Case,
    Consent,
    Event,
    Holder,
    Identity,
    Message,
    Organisation,
    User,
)
from tests import shop, worker
from tests.core.going import S, a_case, asked, channel, fresh, lines, messenger, notices
from tests.core.going import whatsapp as whatsapp
from tests.core.test_rules import in_threads


def test_who_proved_an_address_is_asked_there_once(
    organisation: Organisation, whatsapp: Channel, sink: shop.Sink
) -> None:
    case = a_case("sam@example.org")
    whatsapp.offer(False)
    assert asked(case) is not None and asked(case) is None
    [line], sam = lines(case), Identity.objects.get(value="sam@example.org")
    assert line.data == {"kind": "whatsapp", "off": True, "by": "email", "identity": sam.pk}
    worker.send_due()
    [mail] = sink.mails
    said = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["To"] == "sam@example.org" and case.reference in str(mail["Subject"])
    assert "We no longer answer by WhatsApp." in said and "/c/" in said
    assert fresh(case).choice.kind == "whatsapp"  # type: ignore[union-attr]


def test_a_pause_is_said_as_one(
    organisation: Organisation, whatsapp: Channel, sink: shop.Sink
) -> None:
    case = a_case("sam@example.org")
    whatsapp.pause(timezone.now() + timedelta(hours=4), "It moves.")
    assert asked(case) is not None
    worker.send_due()
    said = sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "At the moment we cannot answer by WhatsApp." in said


def typed_only(case: Case) -> None:
    Holder.objects.update(proved_at=None)


def bounced(case: Case) -> None:
    Identity.of("email", "sam@example.org").close("email", Identity.BOUNCED)


def blocked(case: Case) -> None:
    Identity.objects.filter(scheme="email").update(blocked_at=timezone.now())


def unwanted(case: Case) -> None:
    Consent.objects.create(customer=case.customer, kind="email", level=Consent.Level.ON_REQUEST)


def ended(case: Case) -> None:
    Holder.objects.update(ended_at=timezone.now())


def mail_is_off(case: Case) -> None:
    channel().offer(False)


def mail_is_paused(case: Case) -> None:
    channel().pause(timezone.now() + timedelta(days=1), "It moves.")


@pytest.mark.parametrize(
    "make", [typed_only, bounced, blocked, unwanted, ended, mail_is_off, mail_is_paused]
)
def test_who_has_no_such_address_is_asked_on_their_page_alone(
    organisation: Organisation, whatsapp: Channel, make: Callable[[Case], None]
) -> None:
    case = a_case("sam@example.org")
    make(case)
    whatsapp.offer(False)
    row = asked(case)
    assert row is not None and row.to_call and row.message is None and not notices()
    assert lines(case)[0].data == {"kind": "whatsapp", "off": True}
    assert asked(case) is None


def test_never_by_the_channel_that_goes(organisation: Organisation, agent: User) -> None:
    customer = holding.new_customer(None, language="en")
    case = a_case("sam@example.org", customer=customer, kind="account")
    switching.switch(case=case, kind="email", identity=Identity.of("email", "sam@example.org"))
    Channel.objects.create(  # a second mailbox is no way round it
        organisation=organisation, kind="email", provider="email", slug="b", is_offered=False
    )
    channel().offer(False)
    row = asked(case)
    assert row is not None and row.to_call and not notices()


def test_an_address_that_the_case_alone_proved_will_do_for_it(
    organisation: Organisation, whatsapp: Channel
) -> None:
    customer = holding.new_customer(None, language="en")
    cases = [a_case(customer=customer) for _n in range(2)]
    identity = Identity.of("email", "kim@example.org")
    cases[0].append(Event(sort=Event.Sort.PROVED, data={"identity": identity.pk}))
    whatsapp.offer(False)
    rows = [asked(case) for case in cases]
    assert [row and row.to_call for row in rows] == [False, True]
    assert [row.identity for row in notices()] == [identity]


def test_several_cases_of_one_customer_are_one_message(
    organisation: Organisation, whatsapp: Channel, sink: shop.Sink
) -> None:
    customer = holding.new_customer(None, language="en")
    cases = [a_case("sam@example.org", customer=customer) for _n in range(3)]
    elsewhere = a_case(customer=customer, kind="account")
    whatsapp.offer(False)
    for case in cases:
        asked(case)
    worker.send_due()
    [mail] = sink.mails
    said = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert all(f"{case.reference}: " in said for case in cases[1:]) and said.count("/c/") == 3
    assert elsewhere.reference not in said
    assert [len(lines(case)) for case in [*cases, elsewhere]] == [1, 1, 1, 0]


def test_another_going_asks_again(organisation: Organisation, whatsapp: Channel) -> None:
    case = a_case("sam@example.org")
    for _time in range(2):
        whatsapp.offer(False)
        assert asked(case) is not None and asked(case) is None
        whatsapp.offer(True)
        assert asked(case) is None
    assert len(notices()) == 2


def test_a_worker_of_an_earlier_going_asks_nobody(
    organisation: Organisation, whatsapp: Channel
) -> None:
    case = a_case("sam@example.org")
    whatsapp.offer(False)
    before = leaving.of(channel("whatsapp"))
    whatsapp.offer(True)
    whatsapp.offer(False)
    assert before is not None and leaving.ask(case, before, None) is None and not notices()
    assert asked(case) is not None


@pytest.mark.parametrize("over", ["chose", "back", "resolved"])
def test_what_is_over_is_not_asked_any_more(
    organisation: Organisation, whatsapp: Channel, sink: shop.Sink, over: str
) -> None:
    case = a_case("sam@example.org")
    whatsapp.offer(False)
    asked(case)
    if over == "chose":
        switching.switch(case=fresh(case), kind="account")
    elif over == "back":
        whatsapp.offer(True)
    else:
        services.resolve(case=case)
    worker.send_due()
    assert not sink.mails and [row.status for row in notices()] == [S.CANCELLED]


def test_it_still_asks_for_the_others_where_one_case_chose(
    organisation: Organisation, whatsapp: Channel, sink: shop.Sink
) -> None:
    customer = holding.new_customer(None, language="en")
    cases = [a_case("sam@example.org", customer=customer) for _n in range(2)]
    whatsapp.offer(False)
    asked(cases[0])
    switching.switch(case=fresh(cases[0]), kind="account")
    worker.send_due()
    said = sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"{cases[1].reference}: " in said


def test_who_was_not_reached_is_to_be_called(
    organisation: Organisation, whatsapp: Channel, sink: shop.Sink
) -> None:
    case = a_case("sam@example.org")
    whatsapp.offer(False)
    asked(case)
    sink.refuse_recipient = "550 No such user"
    worker.send_due()
    row = Stranded.objects.get(case=case)
    assert row.to_call and row.asked_at and notices()[0].status == S.FAILED


def test_who_chooses_without_being_asked_is_written_down(
    organisation: Organisation, whatsapp: Channel
) -> None:
    case, other = a_case(), a_case()
    switching.switch(case=other, kind="account")
    whatsapp.offer(False)
    switching.switch(case=case, kind="account")
    row = Stranded.objects.get()
    assert row.case == case and row.chose_at and row.asked_at is None
    assert asked(case) is None


# ---------- In the background


def many(count: int) -> list[Case]:
    """Cases of as many customers."""
    return [a_case(f"customer{number}@example.org") for number in range(count)]


def test_all_are_asked_in_steps_and_pressing_twice_asks_nobody_twice(
    organisation: Organisation, agent: User, whatsapp: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(leaving, "STEP", 2)
    monkeypatch.setattr(outbox, "ring_to_ask", rung.append)
    cases, late = many(5), a_case("late@example.org")
    services.resolve(case=late)
    whatsapp.offer(False)
    going = leaving.begin(channel("whatsapp"), agent)
    assert going is not None
    tasks.ask_again(going.pk)
    going.refresh_from_db()
    assert (going.looked_at, going.total, going.is_asking) == (2, 5, True)
    leaving.begin(channel("whatsapp"), agent)  # while it goes on: nothing begins anew
    going.refresh_from_db()
    assert going.looked_at == 2 and rung == [going.pk]
    for _step in range(3):
        tasks.ask_again(going.pk)
    going.refresh_from_db()
    assert going.looked_at == 5 and not going.is_asking and len(notices()) == 5
    services.reopen(case=late)
    leaving.begin(channel("whatsapp"), agent)
    for _step in range(4):
        tasks.ask_again(going.pk)
    assert [len(lines(case)) for case in [*cases, late]] == [1] * 6 and len(notices()) == 6


def test_a_worker_that_is_killed_in_between_loses_and_doubles_nothing(
    organisation: Organisation, agent: User, whatsapp: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = many(4)
    whatsapp.offer(False)
    going = leaving.begin(channel("whatsapp"), agent)
    assert going is not None
    ask, rung = leaving.ask, list[int]()

    def dies(case: Case, *more: object) -> object:
        if case == cases[2]:
            raise SystemExit  # as a process that is gone: nothing after it happens
        return ask(case, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(leaving, "ask", dies)
    with pytest.raises(SystemExit):
        tasks.ask_again(going.pk)
    monkeypatch.setattr(leaving, "ask", ask)
    monkeypatch.setattr(outbox, "ring_to_ask", rung.append)
    assert len(notices()) == 2
    tasks.ask_again(going.pk)  # its lease holds: perhaps it lives
    assert len(notices()) == 2
    Leaving.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert rung == [going.pk]
    tasks.ask_again(going.pk)
    assert [len(lines(case)) for case in cases] == [1] * 4 and len(notices()) == 4


def test_a_case_that_cannot_be_asked_stops_nobody(
    organisation: Organisation, agent: User, whatsapp: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = many(3)
    whatsapp.offer(False)
    going, ask = leaving.begin(channel("whatsapp"), agent), leaving.ask

    def breaks(case: Case, *more: object) -> object:
        assert case != cases[1], "broken"
        return ask(case, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(leaving, "ask", breaks)
    assert going is not None
    tasks.ask_again(going.pk)
    assert [len(lines(case)) for case in cases] == [1, 0, 1]


def test_it_stops_when_the_channel_is_back(
    organisation: Organisation, agent: User, whatsapp: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "STEP", 2)
    many(4)
    whatsapp.offer(False)
    going = leaving.begin(channel("whatsapp"), agent)
    assert going is not None
    tasks.ask_again(going.pk)
    channel("whatsapp").offer(True)
    tasks.ask_again(going.pk)
    going.refresh_from_db()
    assert len(notices()) == 2 and not going.is_asking
    assert leaving.begin(channel("whatsapp"), agent) is None


# ---------- At once


@pytest.mark.django_db(transaction=True)
def test_asking_from_all_sides_at_once_asks_once() -> None:
    organisation = shop.make_shop()
    row = messenger(organisation)
    customer = holding.new_customer(None, language="en")
    cases = [a_case("sam@example.org", customer=customer) for _n in range(3)]
    row.offer(False)
    results = in_threads(6, lambda n: asked(cases[n % 3]))
    assert not [r for r in results if isinstance(r, Exception)], results
    assert len(notices()) == 1 and [len(lines(case)) for case in cases] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_choosing_while_one_is_asked_leaves_one_truth() -> None:
    organisation = shop.make_shop()
    row = messenger(organisation)
    for _round in range(3):
        case = a_case("sam@example.org")
        row.offer(False)

        def go(number: int, case: Case = case) -> object:
            if number:
                return asked(case)
            return switching.switch(case=fresh(case), kind="account")

        assert not [r for r in in_threads(4, go) if isinstance(r, Exception)]
        assert fresh(case).choice.kind == "account"  # type: ignore[union-attr]
        stranded = Stranded.objects.get(case=case)
        assert stranded.chose_at is not None and len(lines(case)) <= 1
        waits = [n for n in notices() if n.message.case_id == case.pk]
        assert all(leaving.is_over(notice.message) for notice in waits)
        row.offer(True)


@pytest.mark.django_db(transaction=True)
def test_switching_on_while_all_are_asked_sends_no_stale_word() -> None:
    organisation, agent = shop.make_shop(), shop.make_agent()
    row = messenger(organisation)
    many(6)
    row.offer(False)
    going = leaving.begin(channel("whatsapp"), agent)
    assert going is not None

    def go(number: int) -> object:
        work = partial(tasks.ask_again, going.pk) if number else partial(row.offer, True)
        return work()

    assert not [r for r in in_threads(3, go) if isinstance(r, Exception)]
    assert all(leaving.is_over(notice.message) for notice in notices())
    assert Message.objects.filter(template=outbox.CHOOSE_AGAIN).count() == len(notices())
    assert connection.in_atomic_block is False


def test_who_writes_there_is_filed_and_stays_where_they_chose(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = a_case("sam@example.org", kind="account")
    row = channel()
    row.offer(False)
    for _again in range(2):  # and hears once that nobody answers there
        _follow(case, channel(), Identity.of("email", "sam@example.org"))
        worker.send_due()
    assert fresh(case).choice.kind == "account"  # type: ignore[union-attr]
    [mail] = sink.mails
    said = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "we no longer answer by e-mail" in said and "/c/" in said
    row.offer(True)
    _follow(case, channel(), Identity.of("email", "sam@example.org"))
    assert fresh(case).choice.kind == "email"  # type: ignore[union-attr]

"""What is told of an appointment: reminders, and how often an address hears of one."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from channels_app import (
    appointments,
    dispatch,
)
from channels_app.models import Appointment, Channel, Delivery
from contacts.models import Event, Identity, Organisation
from tests import shop
from tests.core import booking
from tests.core.booking import workday
from tests.core.test_appointments import a_proved, book
from tests.core.test_appointments import house as house
from tests.core.test_at_once import a_case, faults, fresh
from tests.core.test_rules import in_threads


def test_a_reminder_that_fails_stops_no_other_and_is_tried_again(
    house: Organisation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = book(a_proved("sam@example.org"), "10:00")
    book(a_proved("kim@example.org"), "10:30")
    now = timezone.now()
    Appointment.objects.update(remind_at=now)
    Appointment.objects.filter(pk=bad.pk).update(remind_at=now - timedelta(minutes=1))
    told = appointments.said

    def said(agreed: Appointment, what: str) -> str:
        if agreed.pk == bad.pk:
            raise RuntimeError("no words")
        return told(agreed, what)

    monkeypatch.setattr(appointments, "said", said)
    assert appointments.remind() == 1 and str(bad.pk) in caplog.text
    bad.refresh_from_db()
    assert bad.remind_at is not None and bad.remind_at > now
    monkeypatch.undo()
    Appointment.objects.filter(pk=bad.pk).update(remind_at=now)
    assert [appointments.remind(), appointments.remind()] == [1, 0]


def test_where_a_limit_keeps_it_back_a_reminder_waits_until_its_time(
    house: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed, alone = book(a_proved("sam@example.org")), book(a_case(), "10:30")
    monkeypatch.setattr(dispatch, "LINES_A_DAY", 0)
    for _n in range(2):
        Appointment.objects.exclude(remind_at=None).update(remind_at=timezone.now())
        assert appointments.remind() == 0
        agreed.refresh_from_db()
        alone.refresh_from_db()
        assert agreed.remind_at is not None and agreed.remind_at > timezone.now()
        assert alone.remind_at is None  # nobody knows how to tell them
    monkeypatch.undo()
    past = timezone.now() - timedelta(minutes=1)
    Appointment.objects.filter(pk=agreed.pk).update(remind_at=past, starts_at=past)
    assert appointments.remind() == 0  # nobody is told at eleven of a call at ten
    agreed.refresh_from_db()
    assert agreed.remind_at is None


@pytest.mark.django_db(transaction=True)
def test_who_moves_it_while_they_are_reminded_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    booking.make_shop()
    agreed = book(a_proved("sam@example.org"))
    Appointment.objects.update(remind_at=timezone.now())
    begun, say = threading.Event(), appointments.said

    def said(row: Appointment, what: str) -> str:
        if what == "near":
            begun.set()
            time.sleep(0.3)  # the other one comes as far as it can
        return say(row, what)

    monkeypatch.setattr(appointments, "said", said)

    def go(number: int) -> object:
        if number == 0:
            return appointments.remind()
        begun.wait(5)
        row = Appointment.objects.select_related("channel__organisation", "case__root")
        later = workday("11:00")
        return appointments.move(appointment=row.get(pk=agreed.pk), starts_at=later)

    results = in_threads(2, go)
    assert not faults(results), faults(results)
    agreed.refresh_from_db()
    assert 1 in results and agreed.starts_at == workday("11:00")
    assert agreed.remind_at == workday("11:00") - timedelta(hours=1)


def notices(box: str) -> int:
    """How often a mailbox was told of an appointment."""
    rows = Delivery.objects.filter(message__template="appointment")
    return rows.filter(identity__value__in=box.split()).count()


def test_an_address_that_nobody_proved_hears_once_a_day(house: Organisation) -> None:
    spellings = "sam@example.org", "sam+a@example.org", "sam+b@example.org"
    for clock, spelled in zip(("10:00", "11:00", "13:00"), spellings, strict=True):
        agreed = book(a_case("email", spelled), clock)
        appointments.move(appointment=agreed, starts_at=workday("15:00"))
        appointments.cancel(appointment=agreed)
    assert notices(" ".join(spellings)) == 1
    # What staff do for them is said, and so is what comes a day later.
    appointments.cancel(
        appointment=book(a_case("email", "sam@example.org")), staff=shop.make_agent()
    )
    assert notices("sam@example.org") == 2
    Identity.objects.update(told_at=timezone.now() - dispatch.UNPROVED_EVERY)
    later = book(a_case("email", "sam@example.org"), "11:00")
    assert notices("sam@example.org") == 3
    Appointment.objects.update(remind_at=timezone.now())
    assert appointments.remind() == 0
    Identity.objects.update(told_at=timezone.now() - dispatch.UNPROVED_EVERY)
    Appointment.objects.filter(pk=later.pk).update(remind_at=timezone.now())
    assert appointments.remind() == 1


def test_a_code_that_came_back_in_the_case_proves_it_there_alone(house: Organisation) -> None:
    case, other = a_case("email", "sam@example.org"), a_case("email", "sam@example.org")
    assert case.choice and case.choice.identity
    proof = {"identity": case.choice.identity.pk}
    case.append(Event(sort=Event.Sort.PROVED, data=proof))
    for agreed in (book(case), book(other, "10:30")):
        appointments.move(appointment=agreed, starts_at=workday("15:00"))
        appointments.cancel(appointment=agreed)
    assert notices("sam@example.org") == 3 + 1


def test_who_proved_an_address_hears_each_time_and_lines_besides(house: Organisation) -> None:
    case = a_proved("sam@example.org")
    agreed = book(case, "10:00")
    for number in range(dispatch.LINES_A_DAY):
        clock = ("11:00", "11:30")[number % 2]
        appointments.move(appointment=agreed, starts_at=workday(clock))
    assert notices("sam@example.org") == dispatch.LINES_A_DAY
    sam, mail = Identity.objects.get(value="sam@example.org"), Channel.objects.get(kind="email")
    assert dispatch.say("This is a word for help.", to=sam, by=mail, language="en")


@pytest.mark.django_db(transaction=True)
def test_whoever_holds_the_address_is_not_waited_for() -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite has one writer at a time")
    booking.make_shop()
    case = a_case("email", "sam@example.org")
    held, over = threading.Event(), threading.Event()

    def go(number: int) -> object:
        with transaction.atomic():
            if number == 0:  # as a mail from there does, which then waits for the case
                Identity.locked("email", "sam@example.org")
                held.set()
                return over.wait(2)
            held.wait(5)
            book(fresh(case))
            over.set()
            return True

    results = in_threads(2, go)
    assert results == [True, True]

"""Times to call and to come: the grid, one place for one, and what a case and its to-do hear."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from icalendar import Calendar

from channels_app import (
    appointments,
    assigning,
    checks,
    dispatch,
    due,
    passing,
    promises,
    slots,
    switching,
    todos,
)
from channels_app.models import Appointment, Channel, Delivery
from channels_app.rendering import calendar_file
from contacts import merging
from contacts.models import Case, Choice, Code, Event, Holder, Identity, Organisation
from portal.context import promises_kept
from portal.desk import queue
from portal.site import expected
from tests import shop
from tests.core import booking
from tests.core.booking import branch, phone, workday
from tests.core.test_at_once import a_case, faults, fresh
from tests.core.test_rules import in_threads

NUMBER = "020 123 45 67"
S = Delivery.Status
State = Appointment.State


@pytest.fixture
def house(db: None) -> Organisation:
    """The shop."""
    return booking.make_shop()


def number() -> Identity:
    """Whom to call."""
    return Identity.of("phone", NUMBER)


def book(case: Case, clock: str = "10:00", **more: object) -> Appointment:
    """A call in a week."""
    given = {"channel": phone(), "starts_at": workday(clock), "identity": number(), **more}
    return appointments.book(case=case, **given)  # type: ignore[arg-type]


def a_proved(address: str) -> Case:
    """A case that is answered at an address that is theirs for certain."""
    case = a_case("email", address)
    Holder.objects.get(identity__value=address).prove(Holder.How.CODE)
    return case


def to_do(agreed: Appointment) -> Delivery:
    """What a person is to carry out."""
    rows = Delivery.objects.filter(appointment=agreed, role=Delivery.Role.MAIN)
    return rows.select_related("message__case__root", "channel", "appointment__channel").get()


def test_times_lie_on_a_grid_within_the_hours_and_after_the_lead(house: Organisation) -> None:
    now = workday("09:40")
    found = [at.strftime("%H:%M") for at in islice(slots.free(phone(), now), 11)]
    # An hour ahead; a call that would end after the hours is none.
    assert found[:3] == ["11:00", "11:30", "13:00"]
    assert found[-1] == "09:00" and found[-2] == "16:30"
    every = list(slots.free(phone(), now))
    assert max(every) <= now + timedelta(days=30) and len(every) == len(set(every)) > 250
    assert {at.weekday() for at in every} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("day", "spans", "count"),
    [
        ("2027-03-28", [["01:00", "05:00"]], 6),  # the hour from 2 to 3 is none
        ("2026-10-25", [["01:00", "05:00"]], 10),  # and comes twice
        ("2026-10-26", [["01:00", "05:00"]], 8),
    ],
)
def test_an_hour_is_an_hour_when_the_clocks_change(
    house: Organisation, day: str, spans: list[list[str]], count: int
) -> None:
    channel = phone()
    date = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=booking.AMSTERDAM)
    channel.weekly_hours = {("mon", "sun")[date.weekday() == 6]: spans}
    found = list(slots.free(channel, date - timedelta(hours=2), days=1))
    moments = [at.astimezone(UTC) for at in found]
    steps = {b - a for a, b in pairwise(moments)}
    assert len(found) == count and steps == {timedelta(minutes=30)}


@pytest.mark.parametrize(
    "change",
    [{"takes_appointments": False}, {"is_offered": False}, {"weekly_hours": {}}],
)
def test_no_times_where_none_are_given(house: Organisation, change: dict[str, object]) -> None:
    Channel.objects.filter(slug="phone").update(**change)
    assert list(slots.free(phone(), timezone.now())) == []
    with pytest.raises((appointments.NotPossible, appointments.Taken)):
        book(a_case())


def test_what_is_booked_is_free_no_more_and_as_often_as_there_are_places(
    house: Organisation,
) -> None:
    Channel.objects.update(slot_places=2)
    seats = {book(a_case(), "10:00").seat for _n in range(2)}
    assert seats == {0, 1}
    with pytest.raises(appointments.Taken) as taken:
        book(a_case(), "10:00")
    assert workday("10:00") not in list(slots.free(phone(), timezone.now()))
    assert taken.value.free == list(islice(slots.free(phone(), timezone.now()), 3))


def test_a_new_length_leaves_what_was_booked_alone(house: Organisation) -> None:
    book(a_case(), "10:00")  # until 10:30
    Channel.objects.update(slot_minutes=20)
    found = {at for at in slots.free(phone(), timezone.now())}
    clocks = {at.strftime("%H:%M") for at in found if at.date() == workday("10:00").date()}
    assert not {"10:00", "10:20"} & clocks and {"09:40", "10:40"} <= clocks


@pytest.mark.parametrize("clock", ["10:10", "12:00", "08:00", "16:45"])
def test_only_a_time_of_ours_can_be_booked(house: Organisation, clock: str) -> None:
    with pytest.raises(appointments.Taken):
        book(a_case(), clock)
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("ahead", [-7, 60])
def test_neither_the_past_nor_too_far_ahead(house: Organisation, ahead: int) -> None:
    with pytest.raises(appointments.Taken):
        book(a_case(), starts_at=workday("10:00", ahead=ahead))


def test_a_booked_call_chooses_the_phone_and_is_to_do_at_its_time(house: Organisation) -> None:
    case = a_case("email", "sam@example.org")
    agreed = book(case)
    assert fresh(case).answer_kind == "phone"
    row = to_do(agreed)
    assert (row.status, row.next_attempt_at) == (S.TODO, workday("10:00"))
    assert row.identity == number() and row.message.template == dispatch.CALLBACK
    lines = case.events.filter(sort=Event.Sort.APPOINTMENT)
    assert [line.data["what"] for line in lines] == ["booked"]


def test_a_visit_leaves_the_way_to_answer_as_it_is(house: Organisation) -> None:
    case = a_case("email", "sam@example.org")
    agreed = appointments.book(case=case, channel=branch(), starts_at=workday("10:00"))
    assert fresh(case).answer_kind == "email"
    assert to_do(agreed).message.template == dispatch.VISIT


def test_an_appointment_outlasts_a_switch_but_not_a_lost_number(house: Organisation) -> None:
    case = a_case()
    agreed = book(case)
    mail = Identity.of("email", "sam@example.org")
    switching.switch(case=fresh(case), kind="email", identity=mail)
    assert to_do(agreed).status == S.TODO
    dispatch.reroute(to_do(agreed))  # as where the number is somebody else's now
    agreed.refresh_from_db()
    assert (agreed.state, to_do(agreed).status) == (State.CANCELLED, S.CANCELLED)


def test_as_soon_as_possible_is_a_call_beside_the_one_that_is_booked(house: Organisation) -> None:
    case = a_case()
    agreed = book(case)
    switching.switch(case=fresh(case), kind="phone", identity=number(), wish="soon")
    asked = Delivery.objects.to_do().filter(message__template=dispatch.CALLBACK)
    assert asked.count() == 2 and asked.filter(appointment=agreed).count() == 1


def test_a_second_time_moves_the_first(house: Organisation) -> None:
    case = a_case()
    agreed = book(case, "10:00")
    again = book(fresh(case), "11:30", if_missed="email")
    assert again.pk == agreed.pk and Appointment.objects.count() == 1
    assert (again.starts_at, again.sequence) == (workday("11:30"), 1)
    assert to_do(agreed).next_attempt_at == workday("11:30")
    assert again.kind_if_missed == "email"
    line = case.events.filter(sort=Event.Sort.APPOINTMENT).last()
    assert line is not None and line.data["what"] == "moved"
    assert datetime.fromisoformat(line.data["before"]) == workday("10:00")
    book(a_case(), "10:00")  # its old place is free


def test_moved_onto_a_taken_time_it_stays(house: Organisation) -> None:
    agreed = book(a_case(), "10:00")
    book(a_case(), "10:30")
    with pytest.raises(appointments.Taken):
        appointments.move(appointment=agreed, starts_at=workday("10:30"))
    agreed.refresh_from_db()
    assert (agreed.starts_at, agreed.sequence) == (workday("10:00"), 0)


def test_where_none_are_taken_any_more_it_stays_and_may_be_cancelled(house: Organisation) -> None:
    agreed = book(a_case(), "10:00")
    Channel.objects.update(takes_appointments=False)
    agreed.channel.refresh_from_db()
    with pytest.raises(appointments.NotPossible):
        appointments.move(appointment=agreed, starts_at=workday("11:00"))
    appointments.move(appointment=agreed, starts_at=workday("10:00"), if_missed="email")
    agreed.refresh_from_db()
    assert (agreed.starts_at, agreed.if_missed) == (workday("10:00"), "email")
    appointments.cancel(appointment=agreed)


def test_cancelled_its_place_is_free_and_nobody_waits(house: Organisation) -> None:
    case = a_case()
    Case.objects.update(waiting_since=None)
    agreed = book(fresh(case))
    assert fresh(case).waiting_since
    appointments.cancel(appointment=agreed)
    assert to_do(agreed).status == S.CANCELLED and fresh(case).waiting_since is None
    for act in (
        lambda: appointments.cancel(appointment=agreed),
        lambda: appointments.move(appointment=agreed, starts_at=workday("11:00")),
    ):
        with pytest.raises(appointments.Over):
            act()
    assert book(a_case()).seat == 0


def test_the_database_itself_refuses_a_place_twice_and_two_of_one_case(
    house: Organisation,
) -> None:
    one = book(a_case(), "10:00")
    twice = Appointment(
        case=a_case(), channel=one.channel, starts_at=one.starts_at, minutes=30, zone="UTC"
    )
    for row in (
        twice,
        Appointment(
            case=one.case, channel=one.channel, starts_at=workday("11:00"), minutes=30, zone="UTC"
        ),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_fifty_who_ask_for_one_time_at_once_are_one_winner() -> None:
    booking.make_shop()
    cases = [a_case() for _n in range(50)]
    identity, at = number(), workday("10:00")

    def go(number: int) -> object:
        try:
            return appointments.book(
                case=fresh(cases[number]), channel=phone(), starts_at=at, identity=identity
            )
        except appointments.Taken as taken:
            return taken.free

    results = in_threads(len(cases), go)
    assert not faults(results), faults(results)
    won = [result for result in results if isinstance(result, Appointment)]
    told = [result for result in results if isinstance(result, list)]
    assert len(won) == Appointment.objects.count() == 1 and len(told) == 49
    assert all(len(free) == 3 and at not in free for free in told)
    # Who lost has nothing of it: neither a call nor another way to be answered.
    assert Delivery.objects.to_do().count() == 1
    assert Case.objects.filter(choice__kind="phone").count() == 1


@pytest.mark.django_db(transaction=True)
def test_three_places_are_three_winners_who_then_move_to_one_time() -> None:
    booking.make_shop(slot_places=3)
    cases, identity = [a_case() for _n in range(12)], number()

    def take(clock: str, number: int) -> object:
        try:
            return book(fresh(cases[number]), clock, identity=identity)
        except appointments.Taken:
            return None

    results = in_threads(len(cases), lambda each: take("10:00", each))
    assert not faults(results), faults(results)
    won = [result for result in results if isinstance(result, Appointment)]
    assert sorted(row.seat for row in won) == [0, 1, 2]
    Channel.objects.update(slot_places=2)
    mine = [cases.index(row.case) for row in won]
    results = in_threads(len(mine), lambda each: take("11:00", mine[each]))
    assert not faults(results), faults(results)
    later = Appointment.objects.filter(starts_at=workday("11:00"))
    assert sorted(later.values_list("seat", flat=True)) == [0, 1]
    assert Appointment.objects.booked().count() == 3


def test_reached_is_done_and_who_does_not_come_is_missed_at_once(house: Organisation) -> None:
    agent = shop.make_agent()
    call = book(a_case())
    todos.finish(to_do(call), agent, "reached", note="Said when it is ready.")
    visit = appointments.book(case=a_case(), channel=branch(), starts_at=workday("10:00"))
    todos.finish(to_do(visit), agent, "not_reached")
    for row in (call, visit):
        row.refresh_from_db()
    assert (call.state, visit.state) == (State.DONE, State.MISSED)
    what = visit.case.events.filter(sort=Event.Sort.APPOINTMENT).last()
    assert what is not None and what.data["what"] == "missed"


def test_who_is_called_is_told_where_they_were_answered_before(
    house: Organisation,
) -> None:
    case = a_proved("sam@example.org")
    agreed = book(case, zone="Asia/Tokyo")
    told = Delivery.objects.get(message__template="appointment")
    assert told.identity is not None and told.identity.value == "sam@example.org"
    assert told.appointment == agreed and "(time of Tokyo)" in told.message.text
    assert "18:00" in told.message.text or "17:00" in told.message.text
    appointments.cancel(appointment=agreed)
    assert Delivery.objects.filter(message__template="appointment").count() == 2
    alone = book(a_case(), "10:30")  # nothing is known but a number
    assert not alone.deliveries.exclude(role=Delivery.Role.MAIN).exists()


def test_its_link_works_until_it_is_over(house: Organisation) -> None:
    agreed = book(a_case())
    code = Code.objects.get(purpose="appointment")
    assert agreed.code == code
    assert abs(code.expires_at - agreed.ends_at - timedelta(days=1)) < timedelta(seconds=1)
    appointments.move(appointment=agreed, starts_at=workday("11:00", ahead=14))
    code.refresh_from_db()
    assert code.expires_at == agreed.ends_at + timedelta(days=1)


def test_a_reminder_goes_once_and_moves_along(house: Organisation) -> None:
    agreed = book(a_proved("sam@example.org"))
    assert agreed.remind_at == workday("10:00") - timedelta(hours=1)
    assert appointments.remind() == 0
    Appointment.objects.update(remind_at=timezone.now())
    assert [appointments.remind(), appointments.remind()] == [1, 0]
    appointments.move(appointment=agreed, starts_at=workday("11:00"))
    assert agreed.remind_at == workday("11:00") - timedelta(hours=1)
    appointments.cancel(appointment=agreed)
    assert agreed.remind_at is None


def test_a_calendar_knows_it_again_when_it_moves_and_goes(house: Organisation) -> None:
    case = a_case("email", "sam@example.org")
    agreed = book(case)
    seen = [entry(agreed)]
    appointments.move(appointment=agreed, starts_at=workday("11:00"))
    seen.append(entry(agreed))
    appointments.cancel(appointment=agreed)
    seen.append(entry(agreed))
    assert len({one["uid"] for one in seen}) == 1
    assert [one["sequence"] for one in seen] == [0, 1, 2]
    assert [str(one["status"]) for one in seen] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert seen[1].start == workday("11:00")
    assert Calendar.from_ical(calendar_file(agreed))["method"] == "CANCEL"
    assert case.title not in calendar_file(agreed).decode()  # calendars are shared


def entry(agreed: Appointment) -> Any:
    """The one event of its file."""
    return Calendar.from_ical(calendar_file(agreed)).events[0]


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../etc", "x" * 500, "Asia/Tokyo"])
def test_a_zone_is_one_or_the_shops(house: Organisation, zone: str) -> None:
    wanted = zone if zone == "Asia/Tokyo" else "Europe/Amsterdam"
    assert book(a_case(), zone=zone).zone == wanted
    assert ZoneInfo(wanted)


def test_booked_in_a_joined_case_it_stands_in_both_and_moves_from_either(
    house: Organisation,
) -> None:
    agent = shop.make_agent()
    stem, part = a_case("email", "sam@example.org"), a_case("email", "sam@example.org")
    merging.join(case=part, into=stem, by=agent)
    agreed = book(Case.objects.select_related("root").get(pk=part.pk))
    assert agreed.case_id == part.pk and fresh(stem).answer_kind == "phone"
    again = book(fresh(stem), "11:00")
    assert again.pk == agreed.pk and to_do(agreed).next_attempt_at == workday("11:00")
    appointments.cancel(appointment=Appointment.objects.get())
    assert not Appointment.objects.booked().exists()


@pytest.mark.parametrize("joined", [False, True])
def test_who_agreed_on_a_time_is_late_for_nobody_until_then(
    house: Organisation, joined: bool
) -> None:
    shop.make_agent()
    case = a_case("phone", NUMBER)
    agreed = book(case)
    if joined:
        stem = a_case("phone", NUMBER)
        merging.join(case=fresh(case), into=fresh(stem), by=None)
        case = stem
    Case.objects.update(waiting_since=timezone.now() - timedelta(days=30))
    Channel.objects.filter(slug="phone").update(weekly_hours={}, promise_minutes=30)
    Organisation.objects.update(owner_within_minutes=30)
    Case.objects.update(assignee=None)
    house.refresh_from_db()

    def late() -> list[bool]:
        now, one, channel = timezone.now(), fresh(case), phone()
        board = promises.board(house, now, figures=promises_kept(house))
        offer = next(offer for offer in board if offer.kind.name == "phone")
        return [
            expected.is_late(one, offer),
            (owed := due.promised(one, channel, now)) is not None and owed.level(now) == due.BROKEN,
            any(row.level == "broken" for row in queue.rows_of([one], now)),
            any(found.id == passing.LATE for found in checks.findings()),
            offer.waiting > 0,
            assigning.overdue(house, now).filter(pk=one.pk).exists(),
        ]

    assert late() == [False] * 6
    past = timezone.now() - timedelta(hours=1)
    Appointment.objects.filter(pk=agreed.pk).update(starts_at=past)
    Delivery.objects.to_do().update(next_attempt_at=past)
    Choice.objects.filter(case=case).update(created_at=past - timedelta(days=1))
    assert late() == [True] * 6


def test_where_midnight_comes_twice_each_time_is_listed_once(house: Organisation) -> None:
    house.time_zone = "America/Havana"
    house.save()
    channel = phone()
    channel.weekly_hours = {"sat": [["22:00", "00:00"]], "sun": [["00:00", "02:00"]]}
    # On Sunday 1 November the clocks go from 1:00 back to 0:00.
    eve = datetime(2026, 10, 31, 20, tzinfo=ZoneInfo("America/Havana"))
    found = [at.astimezone(UTC) for at in slots.free(channel, eve, days=1)]
    assert {b - a for a, b in pairwise(found)} == {timedelta(minutes=30)}
    assert len(found) == 4 + 2 + 4

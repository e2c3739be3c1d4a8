"""My day, and what was agreed beside a case: held, missed, moved and called off by staff."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import appointments, todos
from channels_app.models import Appointment, Channel, Delivery
from contacts import merging, services
from contacts.models import Case, Identity, Organisation, User
from portal import times
from tests.core import booking
from tests.core.booking import branch, phone, workday
from tests.desk.conftest import MakeCase

DAY = "/admin/day/"


@pytest.fixture
def organisation(db: None) -> Organisation:
    """A shop that takes appointments."""
    return booking.make_shop()


def booked(case: Case, channel: Channel | None = None, at: str = "10:00") -> Appointment:
    """A call, or a visit, in a week."""
    return appointments.book(
        case=case,
        channel=channel or phone(),
        starts_at=workday(at),
        identity=None if channel else Identity.of("phone", "020 765 43 21"),
    )


def due(agreed: Appointment, at: datetime) -> Delivery:
    """Its to-do, as if its time were that."""
    Appointment.objects.filter(pk=agreed.pk).update(starts_at=at)
    rows = Delivery.objects.to_do().filter(appointment=agreed)
    rows.update(next_attempt_at=at)
    return rows.get()


def groups(desk: Client) -> dict[str, list[str]]:
    """The names on the page, by group."""
    context = desk.get(DAY).context
    found = {str(title): [card["name"] for card in cards] for title, cards in context["groups"]}
    return found | {"missed": [row["name"] for row in context["missed"]]}


def test_my_day_has_what_is_mine_and_what_nobody_has(
    desk: Client, agent: User, colleague: User, make_case: MakeCase
) -> None:
    now = timezone.now()
    names = ("Late", "Visit", "Bo's", "Later")
    cases = {
        name: make_case(name=name, address=f"c{at}@example.org") for at, name in enumerate(names)
    }
    services.assign(case=cases["Late"], to=agent, by=agent)
    services.assign(case=cases["Bo's"], to=colleague, by=agent)
    due(booked(cases["Late"]), now - timedelta(hours=2))
    due(booked(cases["Visit"], branch()), now - timedelta(minutes=1))
    due(booked(cases["Bo's"], at="10:30"), now - timedelta(minutes=1))
    booked(cases["Later"], at="11:00")  # in a week
    assert groups(desk) == {"Now": ["Late", "Visit"], "missed": []}
    html = desk.get(DAY).content.decode()
    assert "020 765 4321" in html and "desk-todo--late" in html


def test_what_was_missed_stays_for_a_week(desk: Client, agent: User, make_case: MakeCase) -> None:
    visit = booked(make_case(name="Sam"), branch())
    todos.finish(due(visit, timezone.now()), agent, "not_reached")
    assert groups(desk) == {"missed": ["Sam"]}
    Appointment.objects.update(closed_at=timezone.now() - timedelta(days=8))
    assert groups(desk) == {"missed": []}


def test_a_booked_call_is_not_due_before_its_time(desk: Client, make_case: MakeCase) -> None:
    booked(make_case(name="Sam"))
    context = desk.get("/admin/todo/").context
    assert [str(title) for title, _cards in context["groups"]] == ["Later"]
    assert "Booked:" in desk.get("/admin/todo/").content.decode()


@pytest.mark.parametrize(
    ("if_missed", "line"),
    [("again", "This is try 1 of 3."), ("email", "they hear by e-mail that you tried")],
)
def test_who_calls_reads_what_follows(
    desk: Client, agent: User, make_case: MakeCase, if_missed: str, line: str
) -> None:
    agreed = booked(make_case())
    agreed.agree(if_missed)
    row = Delivery.objects.get(appointment=agreed, role="main")
    todos.take(row, agent)
    assert line in desk.get(f"/admin/todo/{row.pk}/").content.decode()


def path_of(case: Case, channel: str = "phone") -> str:
    """The page of an appointment."""
    return f"/admin/cases/{case.reference}/appointment/{channel}/"


def test_staff_agree_move_and_call_off(desk: Client, case: Case) -> None:
    at = times.value_of(workday("10:00"))
    assert desk.get(path_of(case, "north")).status_code == 200
    assert desk.post(path_of(case, "north"), {"at": at}).status_code == 302
    agreed = Appointment.objects.get()
    page = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert path_of(case, "north") in page and "How did it go?" in page
    desk.post(path_of(case, "north"), {"at": times.value_of(workday("10:30"))})
    agreed.refresh_from_db()
    assert agreed.starts_at == workday("10:30")
    desk.post(path_of(case, "north"), {"cancel": "1"})
    agreed.refresh_from_db()
    assert agreed.state == "cancelled"
    lines = case.events.filter(sort="appointment").order_by("seq")
    assert [line.data["what"] for line in lines] == ["booked", "moved", "cancelled"]
    assert all(line.staff for line in lines)
    page = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "Anna: The visit of" in page


def test_without_a_number_no_call_can_be_agreed(desk: Client, case: Case) -> None:
    assert "No number is known." in desk.get(path_of(case)).content.decode()
    at = times.value_of(workday("10:00"))
    desk.post(path_of(case), {"at": at})
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("given", "status"), [({}, 422), ({"at": "at-20200101T1000Z"}, 422), ({"cancel": "1"}, 302)]
)
def test_only_a_free_time_is_taken(
    desk: Client, case: Case, given: dict[str, str], status: int
) -> None:
    assert desk.post(path_of(case, "north"), given).status_code == status
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("channel", ["south", "email", "nowhere"])
def test_what_takes_none_has_no_page(desk: Client, case: Case, channel: str) -> None:
    assert desk.get(path_of(case, channel)).status_code == 404


def test_my_day_asks_as_much_for_many_as_for_one(desk: Client, make_case: MakeCase) -> None:
    Channel.objects.update(slot_places=20)

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            desk.get(DAY)
        return len(seen)

    counts = []
    for count in (1, 5):
        for number in range(count):
            address: dict[str, Any] = {"address": f"sam{count}{number}@example.org"}
            due(booked(make_case(**address)), timezone.now())
            missed = booked(make_case(**address), branch())
            missed.close(Appointment.State.MISSED)
        counts.append(asked())
    assert counts[0] == counts[1]


def test_of_two_joined_cases_staff_change_the_one_that_they_mean(
    desk: Client, make_case: MakeCase
) -> None:
    stem, part = make_case(), make_case()
    first, second = booked(stem), booked(part, at="11:00")
    merging.join(case=part, into=stem, by=User.objects.first())
    html = desk.get(f"/admin/cases/{stem.reference}/").content.decode()
    for row in (first, second):
        assert f"appointment/phone/?agreed={row.pk}" in html
        page = desk.get(path_of(stem), {"agreed": str(row.pk)}).content.decode()
        assert page.count(f'name="agreed" value="{row.pk}"') == 2
    for meant in ({}, {"agreed": "x"}):
        response = desk.post(path_of(stem), {"cancel": "1", **meant}, follow=True)
        assert "look at the case again" in response.content.decode()
    assert Appointment.objects.booked().count() == 2
    desk.post(path_of(stem), {"agreed": str(second.pk), "cancel": "1"})
    assert Appointment.objects.booked().get() == first

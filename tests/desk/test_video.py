"""A video call at the desk: agreed on, entered from the day and the to-do, and what came of it."""

import re
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from channels_app import appointments, dispatch, rooms, slots
from channels_app.models import Appointment, Channel, Delivery
from contacts.models import Case, Code, Event, Message, Organisation, User
from portal import times
from tests.core import booking
from tests.core.booking import video, workday
from tests.desk.conftest import MakeCase

START = "Start the video call"


@pytest.fixture
def organisation(db: None, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """A shop with video calls."""
    made = booking.make_shop()
    booking.offer_video(made)
    booking.signed(monkeypatch)
    return made


def booked(case: Case, minutes: int) -> Delivery:
    """A video call that begins in so many minutes; its to-do."""
    agreed = appointments.book(case=case, channel=video(), starts_at=workday("10:00"))
    at = timezone.now() + timedelta(minutes=minutes)
    Appointment.objects.filter(pk=agreed.pk).update(starts_at=at)
    Delivery.objects.filter(appointment=agreed, role="main").update(next_attempt_at=at)
    return Delivery.objects.get(appointment=agreed, role="main")


def page_of(row: Delivery) -> str:
    return f"/admin/todo/{row.pk}/"


def get(desk: Client, path: str) -> str:
    return desk.get(path).content.decode()


def policy(response: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _space, value in parts}


def test_staff_agree_on_one_beside_the_case(desk: Client, case: Case) -> None:
    page = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "Agree on a video call" in page
    path = f"/admin/cases/{case.reference}/appointment/video/"
    assert desk.post(path, {"at": times.value_of(workday("10:00"))}).status_code == 302
    page = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "To the video call" in page and "Video call on " in page
    assert "A video call is agreed." in page


@pytest.mark.parametrize("place", ["/admin/day/", "todo"])
def test_the_door_stands_on_my_day_and_at_the_to_do(desk: Client, case: Case, place: str) -> None:
    row = booked(case, 5)
    response = desk.get(page_of(row) if place == "todo" else place)
    assert START in response.content.decode()
    assert policy(response)["form-action"] == f"'self' {booking.JITSI}"
    assert "'unsafe-eval'" in policy(response)["script-src"]  # what the admin frame needs as well
    assert "form-action 'self';" in desk.get("/admin/todo/")["Content-Security-Policy"] + ";"


def test_who_enters_leads_by_name_and_takes_it(desk: Client, agent: User, case: Case) -> None:
    row = booked(case, 5)
    response = desk.post(page_of(row) + "enter/")
    assert response.status_code == 303 and response["Location"].startswith(booking.JITSI)
    claims = jwt.decode(
        response["Location"].partition("jwt=")[2],
        booking.SECRET,
        algorithms=["HS256"],
        audience=booking.APP,
    )
    assert claims["context"]["user"]["name"] == "Anna" and claims["moderator"] is True
    row.refresh_from_db()
    assert (row.status, row.taken_by) == ("taken", agent)


def test_a_colleague_may_come_along_and_it_stays_theirs(
    desk: Client, colleague: User, case: Case
) -> None:
    row = booked(case, 5)
    Delivery.objects.filter(pk=row.pk).update(status="taken", taken_by=colleague)
    assert desk.post(page_of(row) + "enter/").status_code == 303
    row.refresh_from_db()
    assert row.taken_by == colleague


@pytest.mark.parametrize(
    ("minutes", "line"), [(15, "The room is open from "), (-70, "The room is closed")]
)
def test_out_of_its_time_nothing_opens(desk: Client, case: Case, minutes: int, line: str) -> None:
    row = booked(case, minutes)
    page = desk.get(page_of(row)).content.decode()
    assert line in page and START not in page
    response = desk.post(page_of(row) + "enter/")
    assert response.status_code == 302 and response["Location"] == page_of(row)
    row.refresh_from_db()
    assert row.status == "todo"


@pytest.mark.parametrize("place", ["/admin/day/", "todo"])
def test_a_page_that_stays_open_looks_again_when_it_opens(
    desk: Client, case: Case, place: str
) -> None:
    row = booked(case, 15)
    path = page_of(row) if place == "todo" else place
    at = (row.next_attempt_at - rooms.EARLY).isoformat()
    shown = re.search(rf'<(li|p) id="([^"]+)"[^>]* data-opens="{re.escape(at)}"', get(desk, path))
    assert shown
    Appointment.objects.update(starts_at=timezone.now())
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    page = get(desk, path)
    assert f'id="{shown[2]}"' in page and "data-opens" not in page and START in page


def test_nobody_but_staff_enters_there(desk: Client, case: Case, agent: User) -> None:
    path = page_of(booked(case, 5)) + "enter/"
    assert "/login/" in Client().post(path)["Location"]
    User.objects.filter(pk=agent.pk).update(is_staff=False)
    assert "/login/" in desk.post(path)["Location"]
    User.objects.filter(pk=agent.pk).update(is_staff=True)
    assert desk.get(path).status_code == 405


def test_called_off_it_opens_nothing(desk: Client, case: Case) -> None:
    row = booked(case, 5)
    appointments.cancel(appointment=Appointment.objects.get())
    assert desk.post(page_of(row) + "enter/")["Location"] == page_of(row)


@pytest.mark.parametrize(("outcome", "state"), [("reached", "done"), ("not_reached", "missed")])
def test_what_came_of_it_is_said_as_of_a_call(
    desk: Client, agent: User, case: Case, outcome: str, state: str
) -> None:
    row = booked(case, -5)
    desk.post(page_of(row) + "take/")
    page = desk.get(page_of(row)).content.decode()
    assert re.search(r"Reached</span>", page) and "Not reached" in page
    desk.post(page_of(row) + "finish/", {"outcome": outcome, "note": "She showed the brake."})
    assert Appointment.objects.get().state == state
    row.refresh_from_db()
    assert not row.is_open


def test_later_is_another_free_time_that_the_customer_hears_of(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    case = make_case(kind="email", address="sam@example.org")
    row = booked(case, -5)
    agreed = Appointment.objects.get()
    assert agreed.code_id is not None
    Code.objects.filter(pk=agreed.code_id).update(expires_at=agreed.ends_at)
    desk.post(page_of(row) + "take/")
    later = {"outcome": "later", "later": "hour", "note": "Her camera is broken."}
    refused = desk.post(page_of(row) + "finish/", later)
    assert refused.status_code == 409
    words = refused.content.decode()
    assert "This time is not free. Next free: " in words and "Her camera is broken." in words
    row.refresh_from_db()
    assert row.status == "taken" and not Event.objects.filter(sort="attempted").exists()

    at = slots.next_free(video(), timezone.now())[1]
    assert f'<option value="{times.value_of(at)}"' in words and 'value="hour"' not in words
    later["later"] = times.value_of(at)
    assert desk.post(page_of(row) + "finish/", later).status_code == 302
    agreed, row = Appointment.objects.get(), Delivery.objects.get(pk=row.pk)
    assert agreed.starts_at == row.next_attempt_at == at and row.status == "todo"
    assert agreed.code is not None and agreed.code.expires_at > agreed.ends_at
    assert agreed.remind_at is None or agreed.remind_at > timezone.now()
    told = Message.objects.filter(text__contains="The video call is moved")
    assert told.count() == 1 and Event.objects.filter(sort="attempted").count() == 1


def test_a_video_call_without_a_time_asks_for_one(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    case = make_case(kind="video", address="")
    dispatch.reply(case=case, staff=agent, text="Let us look at it together.")
    row = Delivery.objects.to_do().filter(channel__kind="video").first()
    assert row is not None
    page = desk.get(page_of(row)).content.decode()
    assert "No time is agreed yet." in page and START not in page
    assert desk.post(page_of(row) + "enter/").status_code == 302


def test_a_server_that_is_set_up_wrong_is_said_to_staff(
    desk: Client, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = booked(case, 5)
    monkeypatch.delenv("JITSI_APP_SECRET")
    desk.post(page_of(row) + "enter/")
    page = desk.get(page_of(row)).content.decode()
    assert "The room does not open." in page and booking.SECRET not in page
    Channel.objects.filter(kind="video").update(config={})
    assert desk.get(page_of(row)).status_code == 200  # whatever is wrong, the page is there

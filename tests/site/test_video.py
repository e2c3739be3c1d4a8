"""A video call on the customer's pages: planned, entered at its time, and by nobody else."""

import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import appointments, promises, rooms, slots
from channels_app.models import Appointment, Channel, Delivery
from contacts.models import Case, Organisation
from portal import times
from portal.context import promises_kept
from portal.site import appointment, room
from tests.core import booking
from tests.core.booking import phone, video, workday
from tests.site.conftest import Ask, posted

START, OPENS = "Start the video call", "You can enter the video call from "


@pytest.fixture
def organisation(db: None, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """A shop with video calls."""
    made = booking.make_shop()
    booking.offer_video(made)
    booking.signed(monkeypatch)
    return made


@pytest.fixture
def case(client: Client, ask: Ask) -> Case:
    """A question of this browser."""
    return ask(client, name="Sam Sample")


@pytest.fixture
def agreed(case: Case) -> Appointment:
    """Its video call, in a week."""
    return appointments.book(case=case, channel=video(), starts_at=workday("10:00"))


def is_near(agreed: Appointment, minutes: int = 5) -> Appointment:
    """It begins in so many minutes."""
    at = timezone.now() + timedelta(minutes=minutes)
    Appointment.objects.filter(pk=agreed.pk).update(starts_at=at)
    Delivery.objects.filter(appointment=agreed, role="main").update(next_attempt_at=at)
    agreed.refresh_from_db()
    return agreed


def page_of(case: Case) -> str:
    return f"/q/{case.reference}/appointment/video/"


def link_of(agreed: Appointment) -> str:
    assert agreed.code is not None
    return f"/a/{agreed.code.plain}/"


def enter(client: Client, path: str, **more: str) -> Any:
    return client.post(path, {"enter": "1", **more})


def words(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def form_action(response: Any) -> str:
    found = re.search(r"form-action ([^;]*)", response["Content-Security-Policy"])
    assert found
    return found[1]


def test_chosen_on_the_start_page_with_one_of_the_next_times(client: Client, ask: Ask) -> None:
    html = words(client.get("/"))
    row = html.split('id="row-video"')[1].split('class="way kind-')[0]
    assert "By appointment" in row and "You can book:" in row and "soon" not in row
    assert row.count('name="wish_video"') == 3 + 1
    wish = times.value_of(slots.next_free(video(), timezone.now())[1])
    case = ask(client, way="video", wish_video=wish)
    agreed = Appointment.objects.get()
    assert agreed.case == case and agreed.starts_at == times.read(wish)
    html = words(client.get(f"/q/{case.reference}/"))
    assert appointments.said(agreed, "booked") in html and OPENS in html and START not in html
    assert "Video call on " in html and "Cancel the video call" in html


def test_nobody_waits_for_video_in_a_line(client: Client, organisation: Organisation) -> None:
    client.post("/", posted(way="video", wish_video="choose"))
    figures = promises_kept(organisation)
    assert figures.waiting["video"] == 1
    board = promises.board(organisation, timezone.now(), figures=figures)
    assert [offer.waiting for offer in board if offer.kind.by_appointment] == [0]


@pytest.mark.parametrize("wish", ["choose", "soon", "", "at-20200101T1000Z"])
def test_without_a_free_time_the_times_follow(client: Client, ask: Ask, wish: str) -> None:
    response = client.post("/", posted(way="video", wish_video=wish))
    assert response["Location"].endswith("/appointment/video/")
    assert "When shall we speak by video?" in words(client.get(response["Location"]))
    assert not Appointment.objects.exists() and not Delivery.objects.to_do().exists()


def test_who_goes_on_by_video_chooses_a_time_next(client: Client, case: Case) -> None:
    response = client.post(f"/q/{case.reference}/switch/", {"way": "video"})
    assert response["Location"] == page_of(case)
    case.refresh_from_db()
    assert case.choice and case.choice.kind == "video"


def test_without_any_free_time_it_is_no_way(client: Client, case: Case, ask: Ask) -> None:
    path = f"/q/{case.reference}/switch/"
    assert 'value="video"' in words(client.get(path))
    short = {"mon": [["09:00", "09:10"]]}
    Channel.objects.filter(kind="video").update(weekly_hours=short)
    for page in ("/", path, "/ways/", "/widget/"):
        assert 'value="video"' not in words(client.get(page)), page
        assert "kind-video" not in words(client.get(page)), page
    for page in ("/", path):
        response = client.post(page, posted(way="video", wish_video=""))
        assert response.status_code == 422
        assert "This way is not offered any more." in words(response)
    assert not Case.objects.filter(choice__kind="video").exists()


def test_until_a_time_is_agreed_the_page_asks_for_one(client: Client, ask: Ask) -> None:
    case = ask(client, way="video", wish_video="")
    path = f"/q/{case.reference}/"
    html = words(client.get(path))
    link = f'<a href="{page_of(case)}">Choose a time for the video call.</a>'
    assert html.count(link) == 2 and f"Nothing yet. {link}" in html
    assert "We speak to you by video" not in html and "We answer by video" not in html
    agreed = appointments.book(case=case, channel=video(), starts_at=workday("10:00"))
    html = words(client.get(path))
    assert link not in html and "We speak to you by video" in html
    agreed.close("done")
    assert link not in words(client.get(path))


def test_at_its_time_the_door_stands_on_all_pages_and_leads_to_the_room(
    client: Client, agreed: Appointment
) -> None:
    case = is_near(agreed).case
    for path in (f"/q/{case.reference}/", page_of(case), link_of(agreed)):
        response = client.get(path)
        assert START in words(response) and OPENS not in words(response)
        assert form_action(response) == f"'self' {booking.JITSI}"
        for secret in ("jwt=", booking.SECRET):
            assert secret not in words(response)
    for path in (page_of(case), link_of(agreed)):
        response = enter(client, path)
        assert response.status_code == 303
        assert response["Location"].startswith(f"{booking.JITSI}/")
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"] and not response.content


def test_after_what_was_refused_the_door_leads_there_still(
    client: Client, agreed: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_near(agreed)
    for path in (page_of(agreed.case), link_of(agreed)):
        for status, at in ((422, ""), (409, times.value_of(workday("03:33"))), (429, "")):
            if status == 429:
                monkeypatch.setattr(appointment, "CHANGES_PER_HOUR", 0)
            response = client.post(path, {"at": at})
            assert response.status_code == status and START in words(response)
            assert form_action(response) == f"'self' {booking.JITSI}"
        monkeypatch.undo()
        booking.signed(monkeypatch)


def test_only_pages_with_such_a_door_lead_out(client: Client, agreed: Appointment) -> None:
    other = f"/q/{agreed.case.reference}/appointment/phone/"
    for path in ("/", other, "/questions/", "/ways/"):
        assert form_action(client.get(path)) == "'self'"
    Appointment.objects.update(state="cancelled")
    Channel.objects.filter(kind="video").update(is_offered=False)
    assert form_action(client.get(f"/q/{agreed.case.reference}/")) == "'self'"


def test_by_the_link_alone_nobody_is_named(client: Client, agreed: Appointment) -> None:
    is_near(agreed)
    with mock.patch("channels_app.rooms.enter", return_value="https://x.example") as entered:
        enter(Client(), link_of(agreed))
        enter(client, page_of(agreed.case))
    assert [call.kwargs["name"] for call in entered.call_args_list] == ["", "Sam Sample"]
    assert not any(call.kwargs["is_host"] for call in entered.call_args_list)


@pytest.mark.parametrize("minutes", [11, -61])
def test_too_early_or_too_late_nothing_opens(
    client: Client, agreed: Appointment, minutes: int
) -> None:
    case = is_near(agreed, minutes).case
    response = enter(client, page_of(case))
    assert response.status_code == 302 and response["Location"] == f"/q/{case.reference}/"
    line = OPENS if minutes > 0 else "This video call is over."
    assert line in words(client.get(response["Location"]))


def test_of_another_day_the_line_says_it(agreed: Appointment) -> None:
    line = room.closed_line(rooms.of(agreed))
    assert "from 9:50 on" in line
    later = agreed.starts_at + timedelta(days=1)
    assert f"from {promises.day_and_time(later - rooms.EARLY)} on" in room.closed_line(
        rooms.of(agreed, later)
    )


def test_called_off_or_moved_meanwhile_nothing_opens(client: Client, agreed: Appointment) -> None:
    case = is_near(agreed).case
    appointments.move(appointment=agreed, starts_at=workday("11:00"))
    assert enter(client, page_of(case)).status_code == 302
    assert enter(Client(), link_of(agreed)).status_code == 302
    is_near(agreed)
    appointments.cancel(appointment=agreed)
    assert enter(client, page_of(case), agreed=str(agreed.pk)).status_code == 302
    assert enter(Client(), link_of(agreed)).status_code == 410


def test_nobody_enters_another_ones_room(client: Client, agreed: Appointment, ask: Ask) -> None:
    is_near(agreed)
    thief = Client()
    assert enter(thief, page_of(agreed.case)).status_code == 404
    own = ask(thief, text="Mine", address_email="kim@example.org")
    appointments.book(case=own, channel=video(), starts_at=workday("11:00"))
    stolen = enter(thief, page_of(own), agreed=str(agreed.pk))
    assert stolen.status_code == 302 and stolen["Location"] == f"/q/{own.reference}/"
    assert enter(thief, "/a/guessed-code/").status_code == 404


def test_a_call_has_no_room(client: Client, case: Case) -> None:
    at = times.value_of(slots.next_free(phone(), timezone.now())[0])
    client.post(f"/q/{case.reference}/appointment/phone/", {"at": at, "number": "020 765 43 21"})
    is_near(Appointment.objects.get())
    response = enter(client, f"/q/{case.reference}/appointment/phone/")
    assert response.status_code == 302 and "jwt" not in response["Location"]
    assert START not in words(client.get(f"/q/{case.reference}/"))


def test_a_server_that_is_set_up_wrong_is_said_and_not_shown(
    client: Client,
    agreed: Appointment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("JITSI_APP_SECRET")
    case = is_near(agreed).case
    response = enter(client, page_of(case))
    html = words(client.get(response["Location"]))
    assert "does not open at the moment" in html and "JITSI" not in html
    assert "JITSI_APP_SECRET is not set" in caplog.text


def test_entering_is_limited_and_counts_as_no_change(
    client: Client, agreed: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = page_of(is_near(agreed).case)
    monkeypatch.setattr(room, "ENTERED_PER_HOUR", 2)
    thief = Client(REMOTE_ADDR="203.0.113.9")
    for other in (thief, client):
        codes = [enter(other, link_of(agreed)).status_code for _n in range(3)]
        assert codes == [303, 303, 302]
    assert [enter(client, path).status_code for _n in range(3)] == [303, 303, 302]
    assert "You entered this video call many times." in words(client.get(path))
    assert client.post(path, {"cancel": "1"}).status_code == 302
    agreed.refresh_from_db()
    assert agreed.state == "cancelled"


def test_what_is_logged_of_it_is_no_address(
    client: Client, agreed: Appointment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    goal = enter(client, page_of(is_near(agreed).case))["Location"]
    for part in (goal, goal.partition("?")[2], "jwt=", booking.SECRET):
        assert part not in caplog.text

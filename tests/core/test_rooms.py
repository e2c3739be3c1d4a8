"""The rooms of video calls: when one may be entered, and by which address."""

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import jwt
import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from channels_app import appointments, rooms, sending, slots
from channels_app.adapters.base import Misconfigured
from channels_app.models import Appointment, Channel, Delivery
from contacts.models import Case, Organisation
from tests import shop
from tests.core import booking
from tests.core.booking import video, workday
from tests.core.test_appointments import a_proved


@pytest.fixture
def house(db: None) -> Organisation:
    """A shop with video calls."""
    made = booking.make_shop()
    booking.offer_video(made)
    return made


@pytest.fixture
def agreed(house: Organisation, monkeypatch: pytest.MonkeyPatch) -> Appointment:
    """A video call in a week, at ten, for half an hour."""
    booking.signed(monkeypatch)
    return appointments.book(
        case=a_proved("sam@example.org"), channel=video(), starts_at=workday("10:00")
    )


def at(moment: datetime) -> Any:
    """The clock stands there."""
    return mock.patch.object(timezone, "now", return_value=moment)


def entered(agreed: Appointment, *, is_host: bool = False, name: str = "Sam") -> str:
    return rooms.enter(agreed, name=name, is_host=is_host)


def room_in(address: str) -> str:
    return address.rpartition("/")[2].partition("?")[0]


@pytest.mark.parametrize(
    ("minutes", "is_open"), [(-11, False), (-10, True), (0, True), (59, True), (60, False)]
)
def test_it_is_open_from_ten_minutes_before_until_half_an_hour_after(
    agreed: Appointment, minutes: int, is_open: bool
) -> None:
    with at(agreed.starts_at + timedelta(minutes=minutes)):
        if is_open:
            assert entered(agreed).startswith(f"{booking.JITSI}/")
        else:
            with pytest.raises(rooms.Closed):
                entered(agreed)


def test_the_token_says_what_prosody_looks_at(agreed: Appointment) -> None:
    now = agreed.starts_at + timedelta(minutes=5)
    with at(now):
        theirs, ours = entered(agreed), entered(agreed, is_host=True, name="Anna")
        nobody = entered(agreed, name="")
    assert room_in(theirs) == room_in(ours) and len(room_in(ours)) == 32
    read = [_claims(address) for address in (theirs, ours, nobody)]
    for claims in read:
        assert claims["iss"] == claims["aud"] == booking.APP and claims["sub"] == "meet.example.org"
        assert claims["room"] == room_in(theirs)
        assert claims["nbf"] <= now.timestamp() < claims["exp"]
        assert claims["exp"] == (agreed.ends_at + rooms.GRACE).timestamp()
    users = [claims["context"]["user"] for claims in read]
    assert [user.get("name") for user in users] == ["Sam", "Anna", None]
    assert [user["affiliation"] for user in users] == ["member", "owner", "member"]
    assert [claims["moderator"] for claims in read] == [False, True, False]


def _claims(address: str) -> dict[str, Any]:
    """As a library that others wrote reads it, which checks the signature."""
    token = address.partition("?jwt=")[2]
    options: Any = {"verify_exp": False, "verify_nbf": False}  # the clock is moved
    found: dict[str, Any] = jwt.decode(
        token, booking.SECRET, algorithms=["HS256"], audience=booking.APP, options=options
    )
    return found


def test_moved_it_is_another_room_and_called_off_it_is_none(agreed: Appointment) -> None:
    with at(agreed.starts_at):
        before = room_in(entered(agreed))
    appointments.move(appointment=agreed, starts_at=workday("10:30"))
    stale = Appointment.objects.get()
    with at(workday("10:00")), pytest.raises(rooms.Closed):
        entered(stale)
    with at(agreed.starts_at):
        after = room_in(entered(stale))
    assert before != after
    assert not {before, after} & {str(agreed.pk), agreed.pk.hex}
    appointments.cancel(appointment=agreed)
    with at(agreed.starts_at), pytest.raises(rooms.Closed):
        entered(stale)  # as it was read before


def test_put_off_by_staff_it_is_open_at_that_time(agreed: Appointment) -> None:
    later = agreed.starts_at + timedelta(hours=2)
    Delivery.objects.to_do().filter(appointment=agreed).update(next_attempt_at=later)
    with at(agreed.starts_at), pytest.raises(rooms.Closed):
        entered(agreed)
    with at(later):
        assert entered(agreed)


def test_of_another_installation_nobody_computes_it(agreed: Appointment, settings: object) -> None:
    with at(agreed.starts_at):
        mine = room_in(entered(agreed))
        settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
        assert room_in(entered(agreed)) != mine


def test_a_server_without_a_secret_gets_a_room_that_nobody_guesses(agreed: Appointment) -> None:
    Channel.objects.filter(kind="video").update(config={"base_url": "env:JITSI_URL"})
    with at(agreed.starts_at):
        address = entered(Appointment.objects.select_related("channel").get())
    assert address == f"{booking.JITSI}/{room_in(address)}" and "jwt" not in address


@pytest.mark.parametrize("half", ["app_id", "app_secret"])
def test_half_a_signature_is_a_mistake_and_opens_nothing(agreed: Appointment, half: str) -> None:
    config = {"base_url": "env:JITSI_URL", half: booking.VIDEO[half]}
    Channel.objects.filter(kind="video").update(config=config)
    with at(agreed.starts_at), pytest.raises(Misconfigured):
        entered(Appointment.objects.select_related("channel").get())


@pytest.mark.parametrize("unset", ["JITSI_URL", "JITSI_APP_ID", "JITSI_APP_SECRET"])
def test_a_variable_that_is_not_set_opens_nothing(
    agreed: Appointment, unset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(unset)
    with at(agreed.starts_at), pytest.raises(Misconfigured) as wrong:
        entered(agreed)
    assert booking.SECRET not in repr(wrong.value.why)


def test_it_is_always_by_appointment(house: Organisation) -> None:
    channel = video()
    assert not channel.takes_appointments and slots.takes(channel)
    assert slots.next_free(channel, timezone.now())
    channel.weekly_hours = {}
    with pytest.raises(ValidationError, match="opening hours"):
        channel.full_clean()


def test_it_leaves_the_way_as_it_is_and_is_told_an_hour_before(agreed: Appointment) -> None:
    case = Case.objects.get(pk=agreed.case_id)
    assert case.choice is not None and case.choice.kind == "email"
    assert agreed.remind_at == agreed.starts_at - timedelta(hours=1)
    text = appointments.said(agreed, "booked")
    assert text.startswith("We speak to you by video on ")


def test_nothing_that_goes_out_leads_into_the_room(
    agreed: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own link does; the room's address and its token stand in no row."""
    with at(agreed.starts_at):
        room = room_in(entered(agreed))
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        sending.deliver(Channel.objects.get(slug="email").pk)
    assert len(sink.mails) == 2  # that we have the question, and what was agreed
    whole = sink.raw[1].decode() + str(list(Appointment.objects.values()))
    assert "Enter, move or cancel: " in whole and "/a/" in whole
    for secret in (room, booking.JITSI, "jwt=", booking.SECRET):
        assert secret not in whole

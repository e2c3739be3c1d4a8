"""A shop whose phone and whose branch take appointments, on a Monday morning."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from channels_app.models import Channel
from contacts.models import Organisation
from tests import shop

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEEK = {
    day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")
}


def make_shop(**settings: object) -> Organisation:
    """The test shop; calls and visits at the northern branch can be booked: 30 minutes each."""
    organisation = shop.make_shop()
    values = {"takes_appointments": True, "weekly_hours": WEEK, "slot_minutes": 30, **settings}
    Channel.objects.filter(slug__in=("phone", "north")).update(**values)
    return organisation


def phone() -> Channel:
    """Its phone."""
    return Channel.objects.select_related("organisation").get(slug="phone")


def branch() -> Channel:
    """Its northern branch."""
    return Channel.objects.select_related("organisation").get(slug="north")


def workday(clock: str, *, ahead: int = 7) -> datetime:
    """A time on a working day that is to come, by the shop's clock."""
    day = timezone.localtime(timezone.now(), AMSTERDAM).date() + timedelta(days=ahead)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=AMSTERDAM)


JITSI, APP, SECRET = "https://meet.example.org", "onecase", "a-secret-of-jitsi-that-is-long-82c"
VIDEO = {
    "base_url": "env:JITSI_URL",
    "app_id": "env:JITSI_APP_ID",
    "app_secret": "env:JITSI_APP_SECRET",
}


def offer_video(organisation: Organisation, **values: object) -> Channel:
    """Video calls as well, 30 minutes each, at a Jitsi server that asks for a token."""
    given = {"config": VIDEO, "weekly_hours": WEEK, "slot_minutes": 30, "position": 9, **values}
    return Channel.objects.create(
        organisation=organisation,
        kind="video",
        provider="jitsi",
        slug="video",
        name="Video",
        **given,
    )


def signed(monkeypatch: pytest.MonkeyPatch, url: str = JITSI) -> None:
    """The portal knows that server, and its secret."""
    monkeypatch.setenv("JITSI_URL", url)
    monkeypatch.setenv("JITSI_APP_ID", APP)
    monkeypatch.setenv("JITSI_APP_SECRET", SECRET)


def video() -> Channel:
    """Its video calls."""
    return Channel.objects.select_related("organisation").get(slug="video")

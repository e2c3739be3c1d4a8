"""Special days: the list, the form, the country's holidays, and closed for today by one click."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from channels_app import opening
from channels_app.models import Appointment, Channel, SpecialDay
from contacts.models import Organisation
from tests.administration.conftest import channel, said

NIGHT_AND_DAY = {
    day: [["00:00", "00:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
}


def form(**changes: str) -> dict[str, str]:
    """A day next month, closed."""
    return {
        "first": "2030-12-24",
        "last": "",
        "channel": "",
        "spans_0_from": "",
        "spans_0_to": "",
        "spans_1_from": "",
        "spans_1_to": "",
        "name_0": "",
        "name_1": "",
        **changes,
    }


def add(desk: Client, **changes: str) -> Any:
    return desk.post(reverse("admin:special_day_add"), form(**changes))


def test_a_day_is_added_changed_and_removed(shop: Organisation, desk: Client) -> None:
    assert "No special day is coming." in desk.get(reverse("admin:special_days")).text
    phone = str(channel("phone").pk)
    hours = {"spans_0_from": "09:00", "spans_0_to": "12:00", "name_0": "Party", "name_1": "Feest"}
    assert add(desk, last="2030-12-27", channel=phone, **hours).status_code == 302
    row = SpecialDay.objects.get()
    assert (row.first, row.last) == (date(2030, 12, 24), date(2030, 12, 27))
    assert row.spans == [["09:00", "12:00"]] and row.name.data == {"en": "Party", "nl": "Feest"}
    page = desk.get(reverse("admin:special_days")).text
    assert "Tue 24 December 2030 to Fri 27 December 2030" in page
    assert "9:00-12:00 · phone · Party" in page
    address = reverse("admin:special_day", args=[row.pk])
    page = desk.get(address).text
    assert 'value="2030-12-24"' in page and 'value="09:00"' in page
    desk.post(address, form(first="2030-12-25"))
    row.refresh_from_db()
    assert (row.first, row.last, row.spans, row.channel) == (row.last, date(2030, 12, 25), [], None)
    response = desk.post(reverse("admin:special_day_remove", args=[row.pk]), follow=True)
    assert "2030-12-25 is removed." in said(response) and not SpecialDay.objects.exists()
    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first": ""}, "This field is required."),
        ({"first": "soon"}, "Enter a valid date."),
        ({"last": "2030-12-23"}, "The last day comes before the first one."),
        ({"spans_0_from": "09:00"}, "Write both times of a span, or none."),
        (
            {"spans_0_from": "09:00", "spans_0_to": "12:00", "spans_1_from": "11:00"}
            | {"spans_1_to": "13:00"},
            "A day&#x27;s times must follow each other.",
        ),
        ({"spans_0_from": "nine", "spans_0_to": "12:00"}, "A time is written like 09:00."),
        ({"channel": "999999"}, "Select a valid choice."),
        ({"name_1": "x" * 101}, "at most 100 characters"),
    ],
)
def test_bad_input_is_said_and_kept(
    shop: Organisation, desk: Client, changes: dict[str, str], words: str
) -> None:
    response = add(desk, name_0="Kept words", **changes)
    assert response.status_code == 422
    assert words in response.text and "Kept words" in response.text
    assert not SpecialDay.objects.exists()


def test_the_holidays_of_a_country(shop: Organisation, desk: Client) -> None:
    page = reverse("admin:special_days")
    desk.post(page, {"holidays": "NL"})
    assert SpecialDay.objects.filter(is_public=True).count() > 9
    text = desk.get(page).text
    assert text.count('<span class="adm-muted">·') == 5 and "Second Day of Christmas" in text
    with translation.override("nl"):
        names = [str(row.name) for row in SpecialDay.objects.all()]
    assert "Koningsdag" in names
    holiday = SpecialDay.objects.order_by("first").last()
    assert holiday is not None
    assert desk.get(reverse("admin:special_day", args=[holiday.pk])).status_code == 404
    assert desk.post(page, {"holidays": "XX"}).status_code == 422
    desk.post(page, {"holidays": ""})
    assert not SpecialDay.objects.exists()


def test_closed_for_today_by_one_click_and_undone(
    shop: Organisation, desk: Client, client: Client
) -> None:
    Channel.objects.filter(kind="phone").update(weekly_hours=NIGHT_AND_DAY)
    phone = channel("phone")
    address = reverse("admin:channel_today", args=[phone.pk])
    page = desk.get(reverse("admin:channels")).text
    assert "phone: close for today" in page and "phone: open again today" not in page
    for _twice in range(2):
        response = desk.post(address, follow=True)
    assert "phone is closed for today." in said(response)
    assert SpecialDay.objects.count() == 1
    assert "Closed today, opens tomorrow 0:00" in response.text
    assert "phone: open again today" in response.text
    assert "Closed today · opens tomorrow 0:00" in Client().get("/").text
    one = desk.get(reverse("admin:channel", args=[phone.pk])).text
    assert "Closed today · opens tomorrow 0:00" in one and "Open again" in one
    response = desk.post(address, {"open": "1", "next": "channel"}, follow=True)
    assert "phone has its usual hours again today." in said(response)
    assert not SpecialDay.objects.exists() and "Closed today" not in Client().get("/").text


def test_open_again_undoes_only_the_click(shop: Organisation, desk: Client) -> None:
    Channel.objects.filter(kind="phone").update(weekly_hours=NIGHT_AND_DAY)
    phone = channel("phone")
    today = timezone.now().astimezone(ZoneInfo(shop.time_zone)).date()
    values = {"organisation": shop, "first": today, "last": today}
    SpecialDay.objects.create(name={"en": "Stocktaking"}, channel=phone, **values)
    page = desk.get(reverse("admin:channel", args=[phone.pk])).text
    assert "Closed today: Stocktaking" in page
    assert "Open again" not in page and "Close for today" not in page
    desk.post(reverse("admin:channel_today", args=[phone.pk]), {"open": "1"})
    assert SpecialDay.objects.count() == 1


def test_hours_over_midnight_are_saved_and_shown(shop: Organisation, desk: Client) -> None:
    Channel.objects.filter(kind="phone").update(weekly_hours={"fri": [["22:00", "02:00"]]})
    page = desk.get(reverse("admin:channel", args=[channel("phone").pk])).text
    assert 'name="weekly_hours_fri_0_from" value="22:00"' in page
    assert 'name="weekly_hours_fri_0_to" value="02:00"' in page


def test_closing_says_what_is_agreed_for_today(shop: Organisation, desk: Client) -> None:
    Channel.objects.filter(kind="phone").update(weekly_hours=NIGHT_AND_DAY)
    phone = channel("phone")
    case = opening.open_case(
        organisation=shop, text="When?", came_by="account", kind="account", language="en"
    )
    zone = ZoneInfo(shop.time_zone)
    midnight = timezone.localtime(timezone.now(), zone).replace(hour=23, minute=59, second=59)
    for number, at in enumerate((midnight, midnight + timedelta(days=1))):
        rows = {"starts_at": at, "minutes": 1, "seat": number, "zone": shop.time_zone}
        state = "booked" if number == 0 else "done"
        Appointment.objects.create(case=case, channel=phone, state=state, **rows)
    address = reverse("admin:channel_today", args=[phone.pk])
    response = desk.post(address, follow=True)
    assert "1 appointment of today stands all the same" in said(response)

"""Channels: the form, the order, the switches, and the test that really connects."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import opening
from channels_app.models import Channel
from contacts.models import Organisation
from tests.administration.conftest import channel, said
from tests.shop import free_port, sink_server

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def form(**changes: Any) -> dict[str, Any]:
    """A good form of an e-mail channel, always open."""
    return {
        "name": "Mail",
        "address": "Help@Example.ORG",
        "title_0": "",
        "good_for_0": "Writing",
        "good_for_1": "Schrijven",
        "cannot_0": "Talking",
        "cannot_1": "Praten",
        "weekly_hours_always": "1",
        "promise_hours": "4",
        "promise_rest": "30",
        "setting_url": "EMAIL_URL",
        "setting_authserv": "",
        "max_sending": "8",
        "slot_minutes": "20",
        "slot_places": "1",
        "slot_lead_minutes": "60",
        **changes,
    }


def week(**days: list[tuple[str, str]]) -> dict[str, str]:
    """The grid as a browser sends it."""
    cells = {"weekly_hours_always": "0"}
    for day in DAYS:
        spans = [*days.get(day, []), ("", ""), ("", "")][:2]
        for number, (start, end) in enumerate(spans):
            cells[f"weekly_hours_{day}_{number}_from"] = start
            cells[f"weekly_hours_{day}_{number}_to"] = end
    return cells


def send(desk: Client, kind: str = "email", **changes: Any) -> Any:
    """Save the channel of a kind."""
    return desk.post(reverse("admin:channel", args=[channel(kind).pk]), form(**changes))


def press(desk: Client, button: str, kind: str, **data: str) -> Any:
    """Press a button of a channel, and see the next page."""
    return desk.post(reverse(f"admin:channel_{button}", args=[channel(kind).pk]), data, follow=True)


def test_a_good_form_is_saved(shop: Organisation, desk: Client) -> None:
    before = channel("email").version
    hours = week(mon=[("09:00", "12:30"), ("13:00", "17:30")], sat=[("10:00", "16:00")])
    assert send(desk, **hours).status_code == 302
    row = channel("email")
    assert row.address == "help@example.org"
    assert row.promise_minutes == 270
    assert row.good_for.data == {"en": "Writing", "nl": "Schrijven"}
    assert row.config == {"url": "env:EMAIL_URL"}
    assert row.weekly_hours == {
        "mon": [["09:00", "12:30"], ["13:00", "17:30"]],
        "sat": [["10:00", "16:00"]],
    }
    assert row.version == before + 1  # workers open their connections anew
    assert row.slug == "email" and row.is_offered


def test_always_open_and_no_promise(shop: Organisation, desk: Client) -> None:
    send(desk, promise_hours="", promise_rest="")
    row = channel("email")
    assert (row.weekly_hours, row.promise_minutes) == ({}, None)


def test_an_unknown_setting_of_the_channel_survives(shop: Organisation, desk: Client) -> None:
    Channel.objects.filter(kind="email").update(config={"url": "env:A", "other": "env:B"})
    send(desk, setting_url="env:C")
    assert channel("email").config == {"url": "env:C", "other": "env:B"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "LETTER"}, "Another channel has this name already."),
        ({"address": "help"}, "This is not a complete e-mail address."),
        ({"address": ""}, "This field is required."),
        ({"address": "a\x00@example.org"}, "Null characters are not allowed."),
        ({"promise_hours": "-1"}, "greater than or equal to 0"),
        ({"promise_hours": "2000"}, "less than or equal to 1440"),
        ({"promise_rest": "60"}, "less than or equal to 59"),
        ({"promise_hours": "soon"}, "Enter a whole number."),
        ({"setting_url": ""}, "This field is required."),
        ({"setting_url": "smtp://me:secret@host"}, "Write only the name of the variable"),
        ({"setting_url": "env:lower"}, "Write only the name of the variable"),
        ({"max_sending": "0"}, "Write a number from 1 to 100."),
        ({"good_for_1": "x" * 201}, "at most 200 characters"),
        (week(), "Write the hours of at least one day"),
        (week(mon=[("09:00", "")]), "Monday: Write both times of a span, or none."),
        (week(tue=[("17:00", "17:00")]), "Tuesday: A day&#x27;s times must follow each other."),
        (
            week(tue=[("22:00", "02:00")], wed=[("01:00", "05:00")]),
            "A day&#x27;s last time runs into the hours of the day after.",
        ),
        (week(wed=[("09:00", "12:00"), ("11:00", "17:00")]), "Wednesday: A day&#x27;s times"),
        (week(sun=[("9 o'clock", "12:00")]), "Sunday: A time is written like 09:00."),
    ],
)
def test_bad_input_is_said_and_kept(
    shop: Organisation, desk: Client, changes: dict[str, Any], words: str
) -> None:
    response = send(desk, cannot_0="Kept words", **changes)
    assert response.status_code == 422
    page = response.content.decode()
    assert words in page and "Kept words" in page
    assert channel("email").name == "email"


def test_a_secret_that_was_typed_is_neither_stored_nor_shown(
    shop: Organisation, desk: Client
) -> None:
    page = send(desk, setting_url="smtp://me:secret@host").content.decode()
    assert "me:secret" not in page
    assert channel("email").config == {"url": "env:EMAIL_URL"}
    assert not LogEntry.objects.exists()


def test_the_form_says_whether_a_variable_is_set_and_never_its_value(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("admin:channel", args=[channel("email").pk])
    monkeypatch.setenv("EMAIL_URL", "smtp://me:very-secret@host")
    page = desk.get(url).content.decode()
    assert "EMAIL_URL is set" in page and "very-secret" not in page
    monkeypatch.delenv("EMAIL_URL")
    assert "EMAIL_URL is not set" in desk.get(url).content.decode()


def test_hours_that_were_typed_wrong_stand_there_again(shop: Organisation, desk: Client) -> None:
    page = send(desk, **week(fri=[("18:00", "18:00")])).content.decode()
    assert 'name="weekly_hours_fri_0_from" value="18:00"' in page


def test_a_new_branch_is_offered_only_when_one_says_so(shop: Organisation, desk: Client) -> None:
    url = reverse("admin:channel_new", args=["in_person", "manual"])
    answer = desk.post(url, form(name="North 2", address="Quay 1\n1000 AA Town"))
    row = Channel.objects.get(name="North 2")
    assert answer["Location"] == reverse("admin:channel", args=[row.pk])
    assert (row.slug, row.address) == ("north-2", "Quay 1, 1000 AA Town")
    assert not row.is_offered and row.config == {}
    desk.post(reverse("admin:channel_offer", args=[row.pk]), {"offered": "1"})
    row.refresh_from_db()
    assert row.is_offered


def test_a_new_channel_begins_with_words_in_both_languages(
    shop: Organisation, desk: Client
) -> None:
    url = reverse("admin:channel_new", args=["phone", "manual"])
    data = {name: value for name, value in form(name="Phone 2").items() if "good_for" not in name}
    initial = desk.get(url).context["form"].initial
    assert initial["good_for"].data["en"] == "Long stories, doubts and anything urgent"
    assert desk.post(url, data).status_code == 302


@pytest.mark.parametrize("path", ["fax/manual", "email/manual", "email/nobody"])
def test_an_unknown_kind_or_provider_leads_back(
    path: str, shop: Organisation, desk: Client
) -> None:
    answer = desk.get(f"/admin/channels/new/{path}/")
    assert answer["Location"] == reverse("admin:channel_add")


def test_without_an_organisation_there_is_no_channel(desk: Client) -> None:
    assert desk.get(reverse("admin:channel_add"))["Location"] == reverse("admin:organisation")
    new = reverse("admin:channel_new", args=["phone", "manual"])
    assert desk.post(new, form())["Location"] == reverse("admin:organisation")


def test_order(shop: Organisation, desk: Client) -> None:
    kinds = [row.slug for row in Channel.objects.all()]
    assert kinds[:3] == ["email", "phone", "account"]
    versions = dict(Channel.objects.values_list("slug", "version"))
    press(desk, "move", "phone", to="up")
    assert [row.slug for row in Channel.objects.all()][:3] == ["phone", "email", "account"]
    press(desk, "move", "phone", to="up")  # the first stays the first
    press(desk, "move", "phone", to="down")
    assert [row.slug for row in Channel.objects.all()] == kinds
    assert dict(Channel.objects.values_list("slug", "version")) == versions


def test_hiding_the_phone_asks_first(shop: Organisation, desk: Client) -> None:
    asked = press(desk, "offer", "phone", offered="0")
    assert "The phone is hidden" in asked.content.decode()
    assert channel("phone").is_offered
    press(desk, "offer", "phone", offered="0", confirmed="1")
    assert not channel("phone").is_offered
    assert LogEntry.objects.get().change_message == "Not offered any more."


def test_hiding_the_last_way_asks_first(shop: Organisation, desk: Client) -> None:
    Channel.objects.exclude(kind="letter").update(is_offered=False)
    assert "No channel is left" in press(desk, "offer", "letter", offered="0").content.decode()
    assert channel("letter").is_offered


def test_leaving_only_chat_asks_first(shop: Organisation, desk: Client) -> None:
    Channel.objects.exclude(kind__in=("letter", "account")).update(is_offered=False)
    Channel.objects.filter(kind="account").update(kind="chat")
    assert "Only chat is left" in press(desk, "offer", "letter", offered="0").content.decode()
    assert channel("letter").is_offered


def test_hiding_what_open_cases_chose_says_how_many(shop: Organisation, desk: Client) -> None:
    opening.open_case(
        organisation=shop, text="Hello", came_by="account", kind="account", language="en"
    )
    page = press(desk, "offer", "account", offered="0").content.decode()
    assert "1 open case is answered this way" in page


def test_hiding_one_of_two_branches_just_happens(shop: Organisation, desk: Client) -> None:
    press(desk, "offer", "in_person", offered="0")
    assert not channel("in_person").is_offered


def test_a_channel_that_works_says_so(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        answer = press(desk, "test", "email")
    assert "email works. Connected to 127.0.0.1." in said(answer)
    assert sink.raw == []  # nothing was sent
    assert channel("email").last_success_at is not None


def test_a_closed_port_says_so(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", f"smtp://me:very-secret@127.0.0.1:{free_port()}")
    answer = press(desk, "test", "email")
    assert "email does not work: The mail server cannot be reached" in said(answer)
    assert "very-secret" not in answer.content.decode()
    assert channel("email").last_success_at is None


def test_a_missing_secret_says_which(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert "EMAIL_URL is not set in the environment" in said(press(desk, "test", "email"))


def test_people_cannot_be_tested(shop: Organisation, desk: Client) -> None:
    assert "nothing to connect to" in said(press(desk, "test", "letter"))


@pytest.mark.parametrize(("until", "wait"), [("60", 3600), ("240", 14400), ("", 3650 * 86400)])
def test_pause_and_resume(shop: Organisation, desk: Client, until: str, wait: int) -> None:
    press(desk, "pause", "email", until=until, reason="The server moves.")
    row = channel("email")
    assert row.paused_until is not None
    assert row.paused_until - timezone.now() == pytest.approx(
        timedelta(seconds=wait), abs=timedelta(seconds=30)
    )
    assert "The server moves." in desk.get(reverse("admin:channels")).content.decode()
    press(desk, "resume", "email")
    assert channel("email").paused_until is None


def test_a_pause_needs_a_reason(shop: Organisation, desk: Client) -> None:
    assert "Write why" in said(press(desk, "pause", "email", until="60", reason=" "))
    assert channel("email").paused_until is None


def test_only_an_unused_channel_can_be_removed(shop: Organisation, desk: Client) -> None:
    pk = channel("account").pk
    case = opening.open_case(
        organisation=shop, text="Hello", came_by="account", kind="account", language="en"
    )
    Channel.objects.filter(pk=pk).update(is_offered=False)
    from_page = case.messages.create(direction="out", kind="account", seq=9)
    from_page.deliveries.create(channel_id=pk, status="sent")
    assert "it stays in the history" in said(press(desk, "remove", "account"))
    assert Channel.objects.filter(pk=pk).exists()
    assert "First stop offering it." in said(press(desk, "remove", "phone"))
    press(desk, "remove", "in_person")
    assert Channel.objects.filter(kind="in_person").count() == 1


def test_the_list_shows_backlog_and_asks_a_constant_number_of_times(
    shop: Organisation, desk: Client
) -> None:
    url = reverse("admin:channels")
    desk.get(url)
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    mail = channel("email")
    for number in range(20):
        Channel.objects.create(
            organisation=shop, kind="email", provider="email", slug=f"m{number}", name=f"M{number}"
        )
    case = opening.open_case(
        organisation=shop, text="Hello", came_by="account", kind="account", language="en"
    )
    for number, status in enumerate(["queued", "queued", "failed", "returned", "sent"]):
        message = case.messages.create(direction="out", kind="email", seq=50 + number)
        message.deliveries.create(channel=mail, status=status)
    with CaptureQueriesContext(connection) as many:
        page = desk.get(url)
    row = next(row for row in page.context["rows"] if row["channel"] == mail)
    assert (row["backlog"].queued, row["backlog"].failed) == (2, 2)
    assert len(many) == len(few)


def test_staff_read_the_own_page_in_their_own_words(desk: Client, shop: Organisation) -> None:
    """Customers read "My own page"; at the desk nobody of the staff has one."""
    new = reverse("admin:channel_new", args=["account", "in_house"])
    assert desk.get(new).context["form"].initial["name"] == "Own page"
    for name in ("channels", "channel_add"):
        assert "My own page" not in desk.get(reverse(f"admin:{name}")).content.decode()

"""Far from UTC, around midnight and where the clocks change: times are the organisation's."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from channels_app import dispatch, hours, opening, promises, rendering, todos
from channels_app.models import Channel, Delivery
from contacts import holding, services
from contacts.models import Case, Consent, Identity, Message, Organisation, User
from portal.desk import letter

FAR = "Pacific/Auckland"  # UTC+13 in its summer, +12 in its winter; the clocks go back on 5 April
ZONE = ZoneInfo(FAR)
DAYS = ("mon", "tue", "wed", "thu", "fri")
WEEK = {day: [["09:00", "17:00"]] for day in DAYS}
ALWAYS = {day: [["00:00", "23:59"]] for day in (*DAYS, "sat", "sun")}


@pytest.fixture
def far(organisation: Organisation) -> Organisation:
    """A shop at the other end of the world."""
    organisation.time_zone = FAR
    organisation.save()
    return organisation


def at(text: str) -> datetime:
    """A moment by the shop's clock, as the database gives it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def a_case(organisation: Organisation, kind: str = "account", **values: object) -> Case:
    """A case of that shop."""
    return opening.open_case(
        organisation=organisation,
        text="Does it fit?",
        came_by="account",
        kind=kind,
        language="en",
        **values,  # type: ignore[arg-type]
    )


def clock(moment: datetime) -> str:
    """A time of day as English pages write it."""
    return moment.astimezone(ZONE).strftime("%H:%M")


def test_a_customer_and_an_agent_read_the_shops_clock(far: Organisation, agent: User) -> None:
    case = a_case(far)
    client, desk = Client(), Client()
    client.post(reverse("site:case_link", args=[services.case_link(case).plain]))
    said = case.messages.get().created_at
    assert clock(said) in client.get(reverse("site:question", args=[case.reference])).text
    desk.force_login(agent)
    address = reverse("admin:case", args=[case.reference])
    assert f"today {clock(said)}" in desk.get(address).text
    User.objects.filter(pk=agent.pk).update(time_zone="America/Los_Angeles")
    own = said.astimezone(ZoneInfo("America/Los_Angeles"))
    assert f"today {own:%H:%M}" in desk.get(address).text


@pytest.mark.parametrize(
    ("now", "wish", "due"),
    [
        ("2026-03-10 23:50", "soon", "2026-03-11 09:00"),
        ("2026-03-10 23:50", "tomorrow", "2026-03-11 09:00"),
        ("2026-03-11 00:10", "tomorrow", "2026-03-12 09:00"),
        ("2026-03-11 00:10", "morning", "2026-03-11 09:00"),
        ("2026-03-11 23:50", "afternoon", "2026-03-12 13:00"),
        ("2026-04-03 23:50", "soon", "2026-04-06 09:00"),  # the clocks change on the Sunday between
        ("2026-09-25 18:00", "soon", "2026-09-28 09:00"),
    ],
)
def test_a_call_is_due_by_the_shops_clock(far: Organisation, now: str, wish: str, due: str) -> None:
    phone = Channel.objects.select_related("organisation").get(slug="phone")
    phone.weekly_hours = WEEK
    assert todos.call_time(phone, wish, at(now)).astimezone(UTC) == at(due)


@pytest.mark.parametrize(
    ("start", "minutes", "length"),
    [
        ("2026-04-05 00:30", 240, timedelta(hours=4)),  # 3:00 comes twice
        ("2026-09-27 00:30", 240, timedelta(hours=4)),  # 2:00 does not come
        ("2026-04-04 23:58", 60, timedelta(minutes=61)),  # closed for the last minute of the day
    ],
)
def test_promised_hours_are_real_hours(start: str, minutes: int, length: timedelta) -> None:
    due = hours.add(hours.Opening(ALWAYS, FAR), at(start), minutes)
    assert due is not None and due - at(start) == length


def test_who_opened_before_the_clocks_went_back_is_open() -> None:
    weekly = hours.Opening({"sun": [["02:30", "05:00"]]}, FAR)
    first, second = (datetime(2026, 4, 5, 2, 15, tzinfo=ZONE, fold=fold) for fold in (0, 1))
    assert not hours.is_open(weekly, first.astimezone(UTC))
    assert hours.is_open(weekly, second.astimezone(UTC))
    late = datetime(2026, 4, 5, 2, 15, tzinfo=ZONE, fold=1).astimezone(UTC)
    until = hours.Opening({"sun": [["01:00", "02:30"]]}, FAR)
    assert hours.is_open(until, late)
    assert not hours.is_open(until, late + timedelta(minutes=15))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-03-10 23:50", "tomorrow 9:00"),
        ("2026-03-11 00:10", "9:00"),
        ("2026-03-08 23:50", "Wed 9:00"),
        ("2026-03-01 12:00", "11 Mar 9:00"),
    ],
)
def test_tomorrow_begins_at_the_shops_midnight(now: str, words: str) -> None:
    opens = datetime.combine(datetime(2026, 3, 11), time(9), tzinfo=ZONE)
    assert promises.moment(opens, at(now)) == words


def test_a_promise_ends_by_the_shops_clock(far: Organisation) -> None:
    phone = Channel.objects.select_related("organisation").get(slug="phone")
    phone.weekly_hours, phone.promise_minutes = WEEK, 120
    due = phone.due_at(at("2026-04-03 16:00"))
    assert due is not None and f"{due:%Y-%m-%d %H:%M}" == "2026-04-06 10:00"
    phone.promise_minutes = 2 * 1440
    due = phone.due_at(at("2026-04-03 23:30"))
    assert due is not None and f"{due:%Y-%m-%d %H:%M}" == "2026-04-07 23:30"


def test_a_mail_names_the_day_of_the_shop(far: Organisation, agent: User) -> None:
    case = a_case(far, kind="email", address="sam@example.org", staff=agent)
    Message.objects.filter(case=case, direction="in").update(
        kind="phone", created_at=at("2026-03-11 08:00")
    )
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    assert timezone.get_current_timezone_name() != FAR  # a worker knows no request
    assert "11 March 2026" in rendering.render(message.deliveries.get()).subject


def test_a_letter_bears_the_day_of_the_shop(far: Organisation, agent: User) -> None:
    case = a_case(far, kind="letter", address="Sam\nMain Street 1\n1000 AA Town")
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    message.deliveries.update(finished_at=at("2026-03-11 08:00"))
    row = Delivery.objects.select_related("message__case__organisation").get(message=message)
    assert letter.sheet(row).day.isoformat() == "2026-03-11"
    Message.objects.filter(case=case, direction="in").update(kind="phone", staff=agent)
    with translation.override("nl"):  # the colleague's, who prints a letter in English
        assert letter.sheet(row).title.startswith("Your call of ")


def test_a_refusal_names_the_day_of_the_shop(far: Organisation, agent: User) -> None:
    case = a_case(far)
    holding.hold(case.customer, Identity.of("phone", "020 123 45 67"), how="typed")
    word = Consent.objects.create(customer=case.customer, kind="phone", level="never")
    Consent.objects.filter(pk=word.pk).update(created_at=at("2026-03-11 08:00"))
    with pytest.raises(dispatch.Refusal) as caught:
        dispatch.reply(case=case, staff=agent, text="Hi", kind="phone", why_text="quick")
    assert caught.value.refused.why.data == {"day": "2026-03-11"}

"""Special days: holidays, shorter and longer days, spans over midnight, clocks that change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from channels_app import hours, promises, public_holidays, tasks
from channels_app.models import Channel, SpecialDay
from contacts.models import Organisation

ZONE, FAR = "Europe/Amsterdam", "Pacific/Auckland"
DAYS = ("mon", "tue", "wed", "thu", "fri")
LUNCH = {day: [["09:00", "12:30"], ["13:00", "17:30"]] for day in DAYS}
NIGHT = {"fri": [["22:00", "02:00"]], "sat": [["20:00", "00:00"]]}
NEVER_SHUT = {day: [["00:00", "00:00"]] for day in hours.DAYS}


def day(*spans: str) -> hours.Day:
    """A special day with spans like "10:00-14:00"."""
    return hours.Day(tuple(hours.parse_day([span.split("-") for span in spans])))


def at(text: str, zone: str = ZONE, fold: int = 0) -> datetime:
    """A moment by the clock of a zone, as the database gives it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


KING = {date(2026, 4, 27): day()}  # a Monday
SHORT = {date(2026, 4, 27): day("10:00-14:00")}
NEW_YEAR = {date(2026, 12, 31): day("18:00-03:00"), date(2027, 1, 1): day()}
# The tail of a long Thursday night, and the Friday after it.
LONG = {date(2026, 4, 23): day("20:00-10:00")}


@pytest.mark.parametrize(
    ("weekly", "special", "now", "closes", "opens"),
    [
        # weekly hours with a holiday on Monday
        (LUNCH, KING, "2026-04-24 17:00", "2026-04-24 17:30", "2026-04-28 09:00"),
        (LUNCH, KING, "2026-04-27 10:00", None, "2026-04-28 09:00"),
        (LUNCH, KING, "2026-04-28 12:45", None, "2026-04-28 13:00"),  # lunch
        (LUNCH, SHORT, "2026-04-27 09:30", None, "2026-04-27 10:00"),
        (LUNCH, SHORT, "2026-04-27 13:59", "2026-04-27 14:00", "2026-04-28 09:00"),
        # over midnight
        (NIGHT, {}, "2026-04-24 23:00", "2026-04-25 02:00", "2026-04-25 20:00"),
        (NIGHT, {}, "2026-04-25 01:59", "2026-04-25 02:00", "2026-04-25 20:00"),
        (NIGHT, {}, "2026-04-25 02:00", None, "2026-04-25 20:00"),
        (NIGHT, {}, "2026-04-25 23:59", "2026-04-26 00:00", "2026-05-01 22:00"),
        # a closed Saturday also ends what Friday began, and a closed Friday begins nothing
        (
            NIGHT,
            {date(2026, 4, 25): day()},
            "2026-04-24 23:00",
            "2026-04-25 00:00",
            "2026-05-01 22:00",
        ),
        (NIGHT, {date(2026, 4, 24): day()}, "2026-04-25 01:00", None, "2026-04-25 20:00"),
        # always open, but for one day
        ({}, KING, "2026-04-26 12:00", "2026-04-27 00:00", "2026-04-28 00:00"),
        ({}, KING, "2026-04-27 12:00", None, "2026-04-28 00:00"),
        ({}, KING, "2026-04-10 12:00", None, "2026-04-11 00:00"),  # nothing for a week
        (NEVER_SHUT, {}, "2026-04-27 00:00", None, "2026-04-28 00:00"),
        # a special night, cut at the midnight of a closed day
        ({}, NEW_YEAR, "2026-12-31 19:00", "2027-01-01 00:00", "2027-01-02 00:00"),
        (LUNCH, LONG, "2026-04-24 09:30", "2026-04-24 12:30", "2026-04-24 10:00"),
        # closed for three weeks
        (
            LUNCH,
            {date(2026, 7, 20) + timedelta(days=n): day() for n in range(21)},
            "2026-07-21 12:00",
            None,
            "2026-08-10 09:00",
        ),
    ],
)
def test_open_closes_and_opens(
    weekly: object, special: dict[date, hours.Day], now: str, closes: str | None, opens: str
) -> None:
    opening = hours.Opening(weekly, ZONE, special)
    assert hours.closes_at(opening, at(now)) == (at(closes) if closes else None)
    assert hours.opens_at(opening, at(now)) == at(opens)
    is_endless = closes is None and (weekly is NEVER_SHUT or now == "2026-04-10 12:00")
    assert hours.is_open(opening, at(now)) is (closes is not None or is_endless)


@pytest.mark.parametrize(
    ("weekly", "special", "zone", "start", "minutes", "due"),
    [
        (LUNCH, KING, ZONE, "2026-04-24 17:00", 60, "2026-04-28 09:30"),  # weekend and holiday
        (LUNCH, SHORT, ZONE, "2026-04-27 13:00", 90, "2026-04-28 09:30"),
        (LUNCH, {}, ZONE, "2026-04-28 12:00", 60, "2026-04-28 13:30"),  # lunch
        (NIGHT, {}, ZONE, "2026-04-25 01:00", 120, "2026-04-25 21:00"),  # began the day before
        (NIGHT, {}, ZONE, "2026-04-24 23:00", 120, "2026-04-25 01:00"),
        (LUNCH, LONG, ZONE, "2026-04-24 09:30", 60, "2026-04-24 10:30"),  # no hour counts twice
        ({}, KING, ZONE, "2026-04-26 23:00", 120, "2026-04-28 01:00"),
        (NEVER_SHUT, {}, ZONE, "2026-10-24 23:00", 240, "2026-10-25 02:00"),  # 2:00 comes twice
        (NEVER_SHUT, {}, ZONE, "2026-03-28 23:00", 240, "2026-03-29 04:00"),  # 2:00 does not come
        (LUNCH, {date(2026, 4, 6): day()}, FAR, "2026-04-03 17:00", 60, "2026-04-07 09:30"),
        (NEVER_SHUT, {}, FAR, "2026-04-04 23:00", 300, "2026-04-05 03:00"),
        # midnight comes twice
        (NEVER_SHUT, {}, "America/Havana", "2026-10-31 23:00", 240, "2026-11-01 02:00"),
    ],
)
def test_a_promise_counts_what_is_open(
    weekly: object,
    special: dict[date, hours.Day],
    zone: str,
    start: str,
    minutes: int,
    due: str,
) -> None:
    opening = hours.Opening(weekly, zone, special)
    found = hours.add(opening, at(start, zone), minutes)
    assert found is not None
    assert f"{found.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" == due
    # and the way back leads to where it began, where that was in opening time
    assert hours.back(opening, found, minutes) == at(start, zone)


def test_two_zones_have_their_own_midnight() -> None:
    now = at("2026-04-26 23:00", ZONE)  # Monday already in Auckland
    assert not hours.is_open(hours.Opening({}, FAR, KING), now)
    assert hours.is_open(hours.Opening({}, ZONE, KING), now)


def test_spans_of_a_day_are_as_long_as_the_clock_makes_them() -> None:
    opening = hours.Opening(NIGHT | {"sat": [["22:00", "04:00"]]}, ZONE)
    lengths = []
    for saturday in (date(2026, 3, 28), date(2026, 10, 24), date(2026, 11, 7)):
        ((begin, end),) = hours.spans(opening, saturday)
        lengths.append((end.astimezone(UTC) - begin.astimezone(UTC)) // timedelta(hours=1))
    assert lengths == [5, 7, 6]


@pytest.fixture
def phone(organisation: Organisation) -> Channel:
    """The phone, with hours that never end, and a promise."""
    Channel.objects.filter(slug="phone").update(weekly_hours=NEVER_SHUT, promise_minutes=1440)
    return Channel.objects.get(slug="phone")


def line(organisation: Organisation, kind: str = "phone") -> str:
    now = timezone.now()
    offers = {offer.kind.name: offer for offer in promises.board(organisation, now)}
    return promises.state_line(offers[kind], now)


def local_today(organisation: Organisation) -> date:
    return timezone.now().astimezone(ZoneInfo(organisation.time_zone)).date()


def test_what_was_closed_a_minute_ago_is_closed(organisation: Organisation, phone: Channel) -> None:
    today = local_today(organisation)
    assert line(organisation) == ""
    SpecialDay.objects.close(phone, today)
    assert line(organisation) == "Closed today · opens tomorrow 0:00"
    assert line(organisation, "account") == ""  # the others are as they were
    assert SpecialDay.objects.reopen(phone, today) == 1
    assert line(organisation) == ""


def test_whose_day_wins(organisation: Organisation, phone: Channel) -> None:
    today = local_today(organisation)

    def make(**values: object) -> None:
        SpecialDay.objects.create(organisation=organisation, first=today, last=today, **values)

    make(name={"en": "Party", "nl": "Feest"})
    make(is_public=True, name={"en": "King's Day", "nl": "Koningsdag"})
    assert line(organisation) == "Closed today: Party · opens tomorrow 0:00"
    with translation.override("nl"):
        assert line(organisation) == "Vandaag gesloten: Feest · opent morgen 0.00"
    assert line(organisation, "account") == ""  # what is always open has no holidays
    make(channel=phone, spans=[["00:00", "23:58"]])
    assert not line(organisation).startswith("Closed today")
    account = Channel.objects.get(slug="account")
    SpecialDay.objects.close(account, today)
    assert line(organisation, "account") == "Closed today · opens tomorrow 0:00"


def test_a_working_day_is_no_holiday(organisation: Organisation, phone: Channel) -> None:
    now = timezone.now()
    before = Channel.objects.get(pk=phone.pk).due_at(now)
    tomorrow = local_today(organisation) + timedelta(days=1)
    SpecialDay.objects.create(organisation=organisation, first=tomorrow, last=tomorrow)
    after = Channel.objects.get(pk=phone.pk).due_at(now)
    assert before is not None and after is not None and after.date() - before.date() == timedelta(1)


def test_public_holidays_have_names_in_both_languages() -> None:
    found = public_holidays.between("NL", date(2026, 4, 1), date(2026, 4, 30))
    assert list(found) == [date(2026, 4, n) for n in (3, 5, 6, 27)]
    king = found[date(2026, 4, 27)]
    assert king.data == {"nl": "Koningsdag", "en": "King's Day"}
    assert public_holidays.between("", date(2026, 4, 1), date(2026, 4, 30)) == {}
    german = public_holidays.between("DE", date(2026, 10, 1), date(2026, 10, 31))
    with translation.override("nl"):  # in no Dutch: the portal's first language
        assert str(german[date(2026, 10, 3)]) == "German Unity Day"


def test_the_night_keeps_a_year_of_them(organisation: Organisation) -> None:
    Organisation.objects.update(holidays="NL")
    SpecialDay.objects.create(
        organisation=organisation, first="2026-01-01", last="2026-01-01", name="Ours"
    )
    tasks.renew_holidays()
    tasks.renew_holidays()
    found = list(SpecialDay.objects.filter(is_public=True).values_list("first", flat=True))
    assert len(found) == len(set(found)) > 9  # those of a year, and each once
    assert max(found) > timezone.now().date() + timedelta(days=300)
    assert SpecialDay.objects.filter(is_public=False).count() == 1

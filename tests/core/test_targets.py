"""Targets: which one holds, in opening time, what is due next, and how it was met."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from channels_app import due, hours
from channels_app.models import Channel, SpecialDay, Target
from channels_app.models.target import MOST_MINUTES
from contacts import merging, one_person, services
from contacts.models import Case, Choice, Customer, Message, Organisation, Topic, User
from tests.core.test_due import a_case

WORK = [["09:00", "12:00"], ["13:00", "17:00"]]
WEEK = {day: WORK for day in ("mon", "tue", "wed", "thu", "fri")}
MONDAY = date(2026, 11, 23)


def at(clock: str, day: date = MONDAY) -> datetime:
    """A time of that day in UTC, which is the organisation's zone here."""
    return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=UTC)


@pytest.fixture
def house(organisation: Organisation) -> Organisation:
    """One that answers in office hours, and promised nothing."""
    organisation.time_zone = "UTC"
    organisation.save()
    Channel.objects.update(weekly_hours=WEEK, promise_minutes=None)
    return organisation


def aim(house: Organisation, **values: object) -> Target:
    """A target of that organisation."""
    return Target.objects.create(organisation=house, **values)


def opened(house: Organisation, when: datetime, **values: object) -> Case:
    """A question that came in then, and waits."""
    case = a_case(house, **values)  # type: ignore[arg-type]
    Case.objects.filter(pk=case.pk).update(opened_at=when, waiting_since=when)
    Message.objects.filter(case=case).update(created_at=when)
    return fresh(case)


def fresh(case: Case) -> Case:
    return Case.objects.select_related("customer__root").get(pk=case.pk)


def next_of(case: Case) -> tuple[str, datetime] | None:
    found = due.counted([fresh(case)]).get(case.pk)
    return (found.what, found.at) if found else None


SORTS = ("customer", "customer topic", "customer topic kind", "topic", "topic kind", "kind", "")


@pytest.mark.parametrize(
    ("written", "wins"),
    [
        (SORTS, "customer topic kind"),
        (("", "kind"), "kind"),
        (("", "kind", "topic"), "topic"),
        (("kind", "topic", "topic kind"), "topic kind"),
        (("topic kind", "customer"), "customer"),
        (("customer", "customer kind", "customer topic"), "customer topic"),
        (("customer", "customer kind", "topic kind"), "customer kind"),
        ((), None),
    ],
)
def test_the_most_specific_one_holds(
    house: Organisation, written: tuple[str, ...], wins: str | None
) -> None:
    topic = Topic.objects.all()[0]
    case = opened(house, at("10:00"), topic=topic)
    whole = {"customer": case.customer, "topic": topic, "kind": "account"}
    rows = {
        sort: aim(
            house,
            first_answer_minutes=10 + number,
            **{name: whole[name] for name in sort.split()},
        )
        for number, sort in enumerate(written)
    }
    for other in ({"kind": "email"}, {"topic": Topic.objects.all()[1]}):
        aim(house, first_answer_minutes=1, **other)
    aim(house, first_answer_minutes=1, customer=Customer.objects.create(name="Else"))
    found = Target.objects.for_cases([case]).first_answer(case, "account")
    assert found == (rows[wins].first_answer_minutes if wins is not None else None)


def test_each_of_the_two_times_is_looked_for_by_itself(house: Organisation) -> None:
    case = opened(house, at("10:00"))
    aim(house, first_answer_minutes=60, resolution_minutes=600)
    aim(house, kind="account", resolution_minutes=300)
    targets = Target.objects.for_cases([case])
    assert targets.first_answer(case, "account") == 60
    assert targets.resolution(case, "account") == 300


def test_a_target_of_one_customer_holds_for_whom_they_were_joined_with(
    house: Organisation, agent: User
) -> None:
    case, other = opened(house, at("10:00")), opened(house, at("10:00"))
    aim(house, customer=other.customer, resolution_minutes=60)
    assert next_of(case) is None and next_of(other) == ("resolution", at("11:00"))
    one_person.join(customer=case.customer, into=other.customer, by=agent)
    assert next_of(case) == ("resolution", at("11:00"))


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_customers_who_are_joined_the_stricter_time_counts(
    house: Organisation, agent: User, turned: bool
) -> None:
    case, other = opened(house, at("10:00")), opened(house, at("10:00"))
    pair = [(case, {"resolution_minutes": 60, "first_answer_minutes": None})]
    pair.append((other, {"resolution_minutes": 30, "first_answer_minutes": 45}))
    for one, times in reversed(pair) if turned else pair:
        aim(house, customer=one.customer, **times)
    one_person.join(customer=case.customer, into=other.customer, by=agent)
    targets = Target.objects.for_cases([fresh(case)])
    assert targets.resolution(fresh(case), "account") == 30
    assert targets.first_answer(fresh(case), "account") == 45
    for whose in (case.customer, other.customer):
        with pytest.raises(ValidationError, match="already"):
            Target(organisation=house, customer=whose, resolution_minutes=9).clean()
    for row in Target.objects.all():
        row.clean()  # each of the two can still be changed


@pytest.mark.parametrize(
    ("begun", "minutes", "until"),
    [
        (at("10:00"), 60, at("11:00")),
        (at("11:30"), 60, at("13:30")),  # over lunch
        (at("16:30"), 60, at("09:30", date(2026, 11, 25))),  # over a day that is closed
        (at("20:00"), 30, at("09:30", date(2026, 11, 25))),
        (at("10:00"), 2 * 1440, at("10:00", date(2026, 11, 26))),  # days that are open
        (at("16:00", date(2026, 11, 27)), 120, at("10:00", date(2026, 11, 30))),  # the weekend
        (at("10:00"), MOST_MINUTES, None),  # not within two months
    ],
)
def test_it_is_counted_in_opening_time(
    house: Organisation, begun: datetime, minutes: int, until: datetime | None
) -> None:
    closed = date(2026, 11, 24)
    SpecialDay.objects.create(organisation=house, first=closed, last=closed)
    aim(house, resolution_minutes=minutes)
    case = opened(house, begun)
    assert next_of(case) == (("resolution", until) if until else None)


@pytest.mark.parametrize(
    ("promise", "first", "done", "expected"),
    [
        (120, None, None, ("promise", "12:00")),
        (120, 60, None, ("first_answer", "11:00")),
        (60, 120, 30, ("promise", "11:00")),  # who waits is answered first of all
        (60, 60, None, ("promise", "11:00")),
        (None, 60, 30, ("first_answer", "11:00")),
        (None, None, 60, ("resolution", "11:00")),
        (None, None, None, None),
    ],
)
def test_the_tighter_one_of_promise_and_target_rules(
    house: Organisation,
    promise: int | None,
    first: int | None,
    done: int | None,
    expected: tuple[str, str] | None,
) -> None:
    Channel.objects.update(promise_minutes=promise)
    if first or done:
        aim(house, first_answer_minutes=first, resolution_minutes=done)
    case = opened(house, at("10:00"))
    assert next_of(case) == ((expected[0], at(expected[1])) if expected else None)


def said(case: Case, agent: User, when: datetime) -> None:
    answer = Message(
        direction="out", kind="account", staff=agent, text="Yes.", created_at=when, why="chosen"
    )
    services.write_answer(case, answer)


def test_who_asked_to_be_called_later_has_nothing_late_until_then(
    house: Organisation, agent: User
) -> None:
    Channel.objects.update(promise_minutes=60)
    aim(house, first_answer_minutes=60, resolution_minutes=60)
    case = opened(house, at("10:00"), kind="phone", address="+31205550123")
    Choice.objects.update(wish="tomorrow")
    phone = Channel.objects.get(kind="phone")
    assert due.all_of([fresh(case)], at("16:00")) == {}
    owed = due.of(fresh(case), phone, at("16:00"))
    assert (owed.next, owed.promise) == (None, None)
    assert [row.what for row in owed.targets] == ["resolution"]
    Case.objects.update(waiting_since=None)  # they were called: it is to be done
    assert next_of(case) == ("resolution", at("11:00"))
    owed = due.of(fresh(case), phone, at("16:00"))
    assert owed.next and owed.next.level(at("16:00")) == "broken"


def test_after_the_first_answer_it_is_to_be_done(house: Organisation, agent: User) -> None:
    Channel.objects.update(promise_minutes=180)
    aim(house, first_answer_minutes=60, resolution_minutes=300)
    case = opened(house, at("10:00"))
    said(fresh(case), agent, at("10:30"))
    # It runs on while it waits for the customer.
    assert next_of(case) == ("resolution", at("16:00"))
    services.file_message(case=fresh(case), kind="account", text="And the red one?")
    Case.objects.update(waiting_since=at("11:00"))
    assert next_of(case) == ("promise", at("15:00"))  # no first answer any more
    first, done = due.of(fresh(case), Channel.objects.get(kind="account"), at("12:00")).targets
    assert (first.took, first.level(at("12:00"))) == (timedelta(minutes=30), "")
    assert (done.done_at, done.level(at("15:59"))) == (None, "near")
    services.resolve(case=fresh(case), by=agent)
    Case.objects.update(resolved_at=at("16:30"))
    assert next_of(case) is None
    first, done = due.of(fresh(case), Channel.objects.get(kind="account"), at("17:00")).targets
    assert (done.took, done.level(at("17:00"))) == (timedelta(minutes=330), "broken")


def test_who_was_answered_in_a_case_that_was_joined_was_answered(
    house: Organisation, agent: User
) -> None:
    aim(house, first_answer_minutes=60)
    stem, part = opened(house, at("10:00")), opened(house, at("10:00"))
    said(part, agent, at("10:20"))
    merging.join(case=fresh(part), into=fresh(stem), by=agent)
    assert due.first_answers([fresh(stem)]) == {stem.pk: at("10:20")}
    assert next_of(stem) is None


def test_what_is_opened_again_is_to_be_done_from_then_on(house: Organisation, agent: User) -> None:
    aim(house, resolution_minutes=60)
    case = opened(house, timezone.now() - timedelta(days=300))
    services.resolve(case=case, by=agent)
    services.file_message(case=fresh(case), kind="account", text="Once more")
    found = due.counted([fresh(case)])[case.pk]
    assert timezone.now() - found.since < timedelta(minutes=1)


def test_lists_ask_as_often_for_many_as_for_one(
    house: Organisation, agent: User, django_assert_num_queries: object
) -> None:
    aim(house, first_answer_minutes=60, resolution_minutes=90)
    for _number in range(5):
        opened(house, at("10:00"))
    cases = list(Case.objects.select_related("customer__root", "choice"))
    for some in (cases[:1], cases):
        # channels, special days, targets, first answers, agreed times
        with django_assert_num_queries(5):  # type: ignore[operator]
            assert len(due.all_of(some, at("16:00"))) == len(some)


def test_a_target_says_something_and_only_once(house: Organisation) -> None:
    for values in ({}, {"first_answer_minutes": 0}):
        with pytest.raises(ValidationError):
            Target(organisation=house, **values).full_clean()
    topic = Topic.objects.first()
    for which in ({}, {"topic": topic}, {"kind": "email"}):
        aim(house, first_answer_minutes=60, **which)
        with pytest.raises(ValidationError, match="already"):
            Target(organisation=house, first_answer_minutes=30, **which).clean()


@pytest.mark.once
@pytest.mark.parametrize(
    ("begin", "end", "minutes"),
    [
        (at("10:00"), at("11:00"), 60),
        (at("11:30"), at("13:30"), 60),
        (at("07:00"), at("08:00"), 0),
        (at("16:00"), at("10:00", date(2026, 11, 24)), 120),
        (at("11:00"), at("10:00"), 0),
    ],
)
def test_how_much_of_a_time_was_open(begin: datetime, end: datetime, minutes: int) -> None:
    opening = hours.Opening(WEEK, "UTC")
    assert hours.between(opening, begin, end) == timedelta(minutes=minutes)
    always = max(end - begin, timedelta(0))
    assert hours.between(hours.Opening({}, "UTC"), begin, end) == always

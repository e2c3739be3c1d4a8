"""What is due as lists find it: counted by the sweep, marked by what changes it, warned once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import due, reckoning, tasks
from channels_app.models import Appointment, Channel, SpecialDay, Target
from contacts import merging, services
from contacts.models import Alert, Case, Organisation, Team, Topic, User
from contacts.models.case import NEVER
from tests import shop
from tests.core.chats import offer_chat
from tests.core.test_due import a_case

HOUR = timedelta(hours=1)


@pytest.fixture
def house(organisation: Organisation) -> Organisation:
    """One that is always open, and wants to answer within four hours."""
    Channel.objects.update(weekly_hours={}, promise_minutes=None)
    Target.objects.create(organisation=organisation, first_answer_minutes=240)
    organisation.refresh_from_db()
    return organisation


def asked(house: Organisation, ago: timedelta, **values: object) -> Case:
    """A question that waits for so long, as the sweep has it."""
    case = a_case(house, **values)  # type: ignore[arg-type]
    since = timezone.now() - ago
    Case.objects.filter(pk=case.pk).update(opened_at=since, waiting_since=since)
    sweep()
    return fresh(case)


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def sweep() -> None:
    for organisation in Organisation.objects.all():
        reckoning.reckon(organisation)


def left(case: Case) -> float | None:
    """The hours until it is due, as stored."""
    found = fresh(case).due_at
    return round((found - timezone.now()) / HOUR, 2) if found else None


def is_marked(case: Case) -> bool:
    return reckoning.stale(Organisation.objects.get()).filter(pk=case.pk).exists()


def test_the_sweep_counts_what_was_written(house: Organisation, agent: User) -> None:
    case = asked(house, HOUR)
    assert (left(case), case.due_for) == (3, "first_answer")
    assert case.due_at and case.near_at
    assert round((case.due_at - case.near_at) / HOUR, 2) == 1
    assert not is_marked(case)
    services.resolve(case=case, by=agent)
    assert not due.nearly_late(timezone.now() + 9 * HOUR).exists()  # at once, before the sweep
    services.reopen(case=fresh(case), by=agent)
    assert is_marked(case)


CHANGES: list[Callable[[Case, User], object]] = [
    lambda case, user: services.add_note(case=case, staff=user, text="Well"),
    lambda case, user: services.set_topic(case=case, topic=Topic.objects.first(), by=user),
    lambda case, user: services.file_message(case=case, kind="email", text="More"),
    lambda case, user: Channel.objects.all()[0].save(),
    lambda case, user: Channel.objects.all()[0].offer(False),
    lambda case, user: Channel.objects.all()[0].offer(True),
    lambda case, user: Channel.objects.get(kind="letter").delete(),
    lambda case, user: case.organisation.save(),
    lambda case, user: Target.objects.get().save(),
    lambda case, user: Target.objects.get().delete(),
    lambda case, user: SpecialDay.objects.close(Channel.objects.all()[0], timezone.now().date()),
    lambda case, user: SpecialDay.objects.renew_public(case.organisation),
    lambda case, user: tasks.renew_holidays(),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_what_changes_it_has_it_counted_anew(house: Organisation, agent: User, number: int) -> None:
    case = asked(house, HOUR)
    assert not is_marked(case)
    CHANGES[number](case, agent)
    assert is_marked(case)
    sweep()
    assert not is_marked(case)


@pytest.mark.parametrize("how", ["change", "save", "read before", "some fields"])
def test_a_change_is_newer_than_the_last_one_also_by_a_clock_that_is_behind(
    house: Organisation, how: str
) -> None:
    read = Organisation.objects.get()
    ahead = timezone.now() + HOUR  # another server's
    Organisation.objects.update(due_changed_at=ahead)
    case = asked(house, HOUR)
    assert not is_marked(case)
    if how == "change":
        Organisation.change_due(read.pk)
    elif how == "some fields":
        read.save(update_fields=["time_zone"])
    else:
        (read if how == "read before" else Organisation.objects.get()).save()
    found = Organisation.objects.get()
    assert found.due_changed_at == ahead + timedelta(microseconds=1)
    assert is_marked(case)
    assert how in ("change", "save") or read.due_changed_at == found.due_changed_at
    Organisation.objects.update(due_changed_at=timezone.now() - HOUR)
    Organisation.change_due()
    assert timezone.now() - Organisation.objects.get().due_changed_at < HOUR / 60


def test_a_special_day_that_goes_has_it_counted_anew(house: Organisation) -> None:
    channel, today = Channel.objects.get(kind="account"), timezone.now().date()
    case = asked(house, HOUR)
    SpecialDay.objects.close(channel, today)
    SpecialDay.objects.close(channel, today + timedelta(days=1))
    sweep()
    assert (left(case) or 0) > 3
    SpecialDay.objects.reopen(channel, today)
    assert is_marked(case)
    sweep()
    SpecialDay.objects.get().delete()
    assert is_marked(case)


def test_what_is_written_meanwhile_is_not_lost(
    house: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = asked(house, HOUR)
    services.add_note(case=case, staff=agent, text="Well")
    counted = due.counted

    def late(cases: list[Case]) -> dict[int, due.Due]:
        found = counted(cases)
        services.resolve(case=fresh(case), by=agent)
        services.reopen(case=fresh(case), by=None)  # they wait from now on
        return found

    monkeypatch.setattr(due, "counted", late)
    sweep()
    assert is_marked(case)
    monkeypatch.undo()
    sweep()
    assert not is_marked(case) and left(case) == 4


def test_one_that_is_parted_again_is_counted(house: Organisation, agent: User) -> None:
    stem, part = asked(house, HOUR), asked(house, 2 * HOUR)
    merging.join(case=part, into=stem, by=agent)
    sweep()
    assert left(stem) == 2 and not is_marked(stem)
    merging.undo_join(case=fresh(part), by=agent)
    assert is_marked(stem) and is_marked(part)
    sweep()
    assert left(stem) == left(part) == 4  # by their messages, which came a moment ago


def test_many_are_counted_batch_by_batch(
    house: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoning, "BATCH", 2)
    monkeypatch.setattr(reckoning, "MOST_BATCHES", 2)
    cases = [asked(house, HOUR) for _n in range(5)]
    Case.objects.update(due_as_of=NEVER)
    reckoning.recover()
    assert sum(map(is_marked, cases)) == 1
    reckoning.recover()
    assert not any(map(is_marked, cases))


@pytest.mark.parametrize("minutes", [179, 181, 241])
def test_the_set_finds_what_a_page_says(house: Organisation, minutes: int) -> None:
    case, now = asked(house, timedelta(minutes=minutes)), timezone.now()
    level = due.all_of([case], now)[case.pk].level(now)
    assert due.nearly_late(now).exists() is bool(level)
    Appointment.objects.create(
        case=case,
        channel=Channel.objects.get(kind="phone"),
        starts_at=now + HOUR,
        minutes=20,
        zone="UTC",
    )
    if level:  # until then nobody is late
        assert not due.nearly_late(now).exists() and not due.all_of([case], now)


def alerts(sort: str = "answer_due") -> list[str]:
    return sorted(Alert.objects.filter(sort=sort).values_list("user__username", flat=True))


def test_its_owner_is_warned_once(house: Organisation, agent: User) -> None:
    case = asked(house, 2 * HOUR)
    services.give(case, to=agent)
    reckoning.recover()
    assert alerts() == []
    Case.objects.update(waiting_since=timezone.now() - 3.5 * HOUR)
    services.add_note(case=fresh(case), staff=agent, text="It is counted anew")
    for _time in range(2):
        reckoning.recover()
    assert alerts() == ["anna"]
    Target.objects.get().save()
    Target.objects.update(first_answer_minutes=230)  # the same wait, another time
    reckoning.recover()
    assert alerts() == ["anna"]
    Case.objects.update(waiting_since=timezone.now() - 3 * HOUR)  # another wait
    Alert.objects.update(created_at=timezone.now() - 4 * HOUR)
    services.add_note(case=fresh(case), staff=agent, text="It is counted anew")
    reckoning.recover()
    assert alerts() == ["anna", "anna"]


def test_what_is_to_be_done_soon_is_another_warning(house: Organisation, agent: User) -> None:
    Target.objects.update(first_answer_minutes=None, resolution_minutes=240)
    case = asked(house, 3.5 * HOUR)
    services.give(case, to=agent)
    reckoning.recover()
    assert (alerts(), alerts("resolution_due")) == ([], ["anna"])


def test_without_an_owner_the_team_is_warned(house: Organisation, agent: User) -> None:
    bo, away = shop.make_agent("bo"), shop.make_agent("cem")
    User.objects.filter(pk__in=[agent.pk, bo.pk]).update(on_duty=True, away_since=None)
    User.objects.filter(pk=away.pk).update(on_duty=False)
    User.objects.update(seen_at=timezone.now())
    asked(house, 3.5 * HOUR)
    case = asked(house, 3.5 * HOUR, topic=Topic.objects.first())
    team = Team.objects.create(organisation=house, name="Repair")
    team.topics.add(Topic.objects.all()[0])
    team.members.add(agent, bo, away)
    reckoning.warn(timezone.now())
    assert alerts() == ["anna", "bo"]
    assert set(Alert.objects.values_list("case", flat=True)) == {case.pk}
    assert not reckoning.to_warn(timezone.now()).exists()  # the other one is nobody's work


def test_who_comes_back_is_warned_of_what_came_near_meanwhile(
    house: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoning, "MOST_WARNED", 2)
    bo, now = shop.make_agent("bo"), timezone.now()
    User.objects.update(on_duty=False, seen_at=now)
    team = Team.objects.create(organisation=house, name="Repair")
    team.members.add(agent, bo)
    cases = [asked(house, 3.5 * HOUR) for _n in range(4)]
    for _sweep in range(2):
        reckoning.warn(now)
    assert alerts() == [] and not reckoning.to_warn(now).exists()  # each was looked at
    services.give(cases[3], to=bo)
    sweep()
    User.objects.filter(pk=agent.pk).update(on_duty=True, away_since=None)
    for _sweep in range(3):
        reckoning.warn(now + reckoning.NOBODY_THERE)
    assert alerts() == ["anna", "anna", "anna", "bo"]
    assert not reckoning.to_warn(now + HOUR).exists()


def test_the_next_team_is_warned_where_nobody_of_the_first_is_there(
    house: Organisation, agent: User
) -> None:
    bo = shop.make_agent("bo")
    User.objects.filter(pk=agent.pk).update(on_duty=False)
    User.objects.filter(pk=bo.pk).update(on_duty=True, away_since=None, seen_at=timezone.now())
    for name, user in (("First", agent), ("Second", bo)):
        Team.objects.create(organisation=house, name=name).members.add(user)
    asked(house, 3.5 * HOUR)
    reckoning.warn(timezone.now())
    assert alerts() == ["bo"]


@pytest.mark.parametrize("what", ["late", "chat", "agreed", "answered"])
def test_nobody_is_warned(house: Organisation, agent: User, what: str) -> None:
    if what == "chat":
        offer_chat(house)
        Channel.objects.update(weekly_hours={}, promise_minutes=None)
    ago = 5 * HOUR if what == "late" else 3.5 * HOUR
    case = asked(house, ago, **({"kind": "chat"} if what == "chat" else {}))
    services.give(case, to=agent)
    sweep()
    if what == "answered":  # a moment before
        Case.objects.update(waiting_since=None)
    if what == "agreed":
        Appointment.objects.create(
            case=case,
            channel=Channel.objects.get(kind="phone"),
            starts_at=timezone.now() + HOUR,
            minutes=20,
            zone="UTC",
        )
    assert fresh(case).near_at is not None
    reckoning.warn(timezone.now())
    assert alerts() == []
    assert reckoning.to_warn(timezone.now()).exists() is False
    Case.objects.update(due_as_of=NEVER)
    sweep()  # it is counted anew, and the same: nobody looks at it again
    assert reckoning.to_warn(timezone.now()).exists() is False

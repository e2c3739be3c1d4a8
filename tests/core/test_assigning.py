"""Who gets a case: teams and skills, room, who is known, who waits longest; and nobody at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_app import assigning, chatting, dispatch, opening, outbox, switching
from channels_app.models import Channel
from contacts import duty, services
from contacts.models import Alert, Case, Event, Organisation, Team, Topic, User
from portal import access, past
from tests import shop

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., Case]


@pytest.fixture
def ask(house: Organisation) -> MakeCase:
    """A customer asks, by chat where nothing else is said."""

    def make(kind: str = "chat", topic: str = "", **values: Any) -> Case:
        return opening.open_case(
            organisation=house,
            text="Does the red one fit a child?",
            came_by="chat",
            kind=kind,
            topic=Topic.objects.get(slug=topic) if topic else None,
            **{"language": "en", **values},
        )

    return make


def team(house: Organisation, *members: User, **values: Any) -> Team:
    """A team of these people."""
    topics = values.pop("topics", ())
    values = {"name": "Repairs", "position": Team.objects.count(), **values}
    made = Team.objects.create(organisation=house, **values)
    made.members.set(members)
    made.topics.set(Topic.objects.filter(slug__in=topics))
    return made


def staff(*names: str, **values: Any) -> list[User]:
    """Colleagues, with room for two chats each."""
    made = [shop.make_agent(name) for name in names]
    User.objects.filter(pk__in=[user.pk for user in made]).update(**{"capacity": 7, **values})
    return list(User.objects.filter(pk__in=[user.pk for user in made]).order_by("pk"))


def has(case: Case) -> str:
    """Who has a case, by first name; "" for nobody."""
    owner = Case.objects.select_related("assignee").get(pk=case.pk).assignee
    return owner.first_name if owner else ""


def story(case: Case) -> list[str]:
    """Who got it and why, as staff read it."""
    rows = case.events.filter(sort=Event.Sort.ASSIGNED).order_by("seq")
    return [past.line(row, access.staff_viewer(shop_user()), {}) for row in rows]


def shop_user() -> User:
    """Anybody of the staff."""
    user = User.objects.filter(is_staff=True).first()
    assert user is not None
    return user


def late(case: Case, **ago: int) -> None:
    """The customer waits for longer."""
    Case.objects.filter(pk=case.pk).update(waiting_since=timezone.now() - timedelta(**ago))


def test_without_teams_only_a_chat_is_given_to_somebody(ask: MakeCase) -> None:
    staff("anna")
    chat, page = ask(), ask("account")
    assigning.recover()
    assert (has(chat), has(page)) == ("Anna", "")
    assert story(chat) == ["Assigned by the rules to Anna (had the least to do)."]
    assert [a.sort for a in Alert.objects.filter(case=chat)] == [Alert.Sort.ASSIGNED]
    assigning.recover()
    assert len(story(chat)) == 1


def test_who_has_the_least_to_do_and_then_who_got_something_longest_ago(ask: MakeCase) -> None:
    anna, zoe, _mo = staff("anna", "zoe", "mo")
    services.assign(case=ask("account"), to=anna, by=zoe)
    given = [ask() for _n in range(6)]
    for case in given:
        assigning.assign(case.pk)
    # Anna begins with one thing to do, and has room for two chats all the same.
    assert [has(case) for case in given] == ["Zoe", "Mo", "Anna", "Zoe", "Mo", "Anna"]
    assert assigning.load(anna) == 7 and assigning.load(zoe) == 6


def test_nobody_gets_more_than_they_can_and_the_longest_wait_is_next(ask: MakeCase) -> None:
    (anna,) = staff("anna")
    cases = [ask() for _n in range(4)]
    for minutes, case in zip((1, 9, 3, 5), cases, strict=True):
        late(case, minutes=minutes)
    assigning.recover()
    assert [has(case) for case in cases] == ["", "Anna", "", "Anna"]
    services.resolve(case=cases[1], by=anna)
    assigning.recover()
    assert [has(case) for case in cases] == ["", "Anna", "Anna", "Anna"]


def test_an_answered_chat_takes_room_until_nothing_was_said_for_a_while(ask: MakeCase) -> None:
    (anna,) = staff("anna")
    case = ask()
    dispatch.reply(case=case, staff=anna, text="It does.")
    assert assigning.load(anna) == 3
    Case.objects.update(changed_at=timezone.now() - assigning.REST - timedelta(seconds=1))
    assert assigning.load(anna) == 0
    services.file_message(case=case, kind="chat", text="And a blue one?")
    assert assigning.load(anna) == 3


@pytest.mark.parametrize("state", [{"on_duty": False}, {"away_since": timezone.now()}])
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_chat_goes_on_with_somebody_who_is_there(
    ask: MakeCase, state: dict[str, Any], is_gone: bool
) -> None:
    anna, zoe = staff("anna", "zoe")
    case, mail = ask(), ask("account")
    for one in (case, mail):
        services.assign(case=one, to=anna, by=anna)
    if is_gone:
        User.objects.filter(pk=anna.pk).update(**state)
    services.file_message(case=case, kind="chat", text="Are you there?")
    assigning.recover()
    assert has(case) == ("Zoe" if is_gone else "Anna") and has(mail) == "Anna"
    if is_gone:
        words = "Anna is not there: assigned by the rules to Zoe (had the least to do)."
        assert story(case)[-1] == words
        duty.leave(zoe)
        assigning.recover()
        assert has(case) == "Zoe"  # with nobody else there it stays with whom it was


def test_whoever_wrote_in_a_chat_long_ago_does_not_wait_there_any_more(ask: MakeCase) -> None:
    anna, _zoe = staff("anna", "zoe")
    case = ask()
    services.assign(case=case, to=anna, by=anna)
    duty.leave(anna)
    Case.objects.update(changed_at=timezone.now() - assigning.LEFT - timedelta(seconds=1))
    assigning.recover()
    assert has(case) == "Anna"
    services.file_message(case=case, kind="chat", text="Hello again")
    assigning.recover()
    assert has(case) == "Zoe"


def test_a_customer_comes_back_to_whom_they_know(ask: MakeCase, house: Organisation) -> None:
    anna, zoe, mo = staff("anna", "zoe", "mo")
    before = ask(email := "account")
    dispatch.reply(case=before, staff=zoe, text="We have it.")
    customer = before.customer
    again = ask(customer=customer)
    assert assigning.known(again) == [zoe.pk]
    dispatch.reply(case=again, staff=mo, text="Hello.")
    services.assign(case=again, to=None, by=anna)
    assert assigning.known(Case.objects.get(pk=again.pk)) == [mo.pk, zoe.pk]
    third = ask(customer=customer)
    assigning.assign(third.pk)
    assert has(third) == "Mo"  # the last one who answered them
    assert story(third) == ["Assigned by the rules to Mo (known to this customer)."]
    duty.leave(mo)
    fourth = ask(customer=customer)
    assigning.assign(fourth.pk)
    assert has(fourth) == "Zoe"
    team(house, anna, zoe, is_sticky=False)
    fifth = ask(customer=customer)
    assigning.assign(fifth.pk)
    assert has(fifth) == "Anna" and email


def test_a_team_takes_what_it_is_for(ask: MakeCase, house: Organisation) -> None:
    anna, zoe, _mo = staff("anna", "zoe", "mo")
    team(house, anna, topics=["repair"], kinds=["account", "chat"])
    team(house, zoe, name="Dutch", languages=["nl"], kinds=["account"])
    repair, dutch = ask("account", "repair"), ask("account", language="nl")
    both, other = ask("account", "repair", language="nl"), ask("account")
    by_letter = ask("letter", "repair", address="Main Street 1\n1000 AA Town")
    assigning.recover()
    assert [has(case) for case in (repair, dutch, both)] == ["Anna", "Zoe", "Anna"]
    assert has(other) == has(by_letter) == ""
    assert story(repair) == ["Assigned by the rules to Anna (team Repairs, had the least to do)."]
    chat, of_repair = ask(), ask(topic="repair")
    User.objects.filter(pk=anna.pk).update(on_duty=False)
    assigning.recover()
    assert has(chat) == "Mo" and has(of_repair) == ""  # a chat that has a team waits for it


def test_the_next_team_helps_where_the_first_one_is_full(
    ask: MakeCase, house: Organisation
) -> None:
    anna, zoe = staff("anna", "zoe", capacity=3)
    team(house, anna, name="First"), team(house, zoe, name="Second")
    cases = [ask() for _n in range(3)]
    for case in cases:
        assigning.assign(case.pk)
    assert [has(case) for case in cases] == ["Anna", "Zoe", ""]


def test_in_turn(ask: MakeCase, house: Organisation) -> None:
    anna, zoe, mo = staff("anna", "zoe", "mo")
    team(house, anna, zoe, mo, how=Team.How.ROUND_ROBIN)
    services.assign(case=ask("account"), to=anna, by=zoe)
    cases = [ask("account") for _n in range(4)]
    for case in cases:
        assigning.assign(case.pk)
    assert [has(case) for case in cases] == ["Anna", "Zoe", "Mo", "Anna"]
    assert story(cases[0]) == ["Assigned by the rules to Anna (team Repairs, in turn)."]


def test_what_nobody_can_take_does_not_stand_before_what_somebody_can(
    ask: MakeCase, house: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigning, "MOST", 2)
    anna, zoe = staff("anna", "zoe")
    team(house, anna, languages=["nl"]), team(house, zoe, languages=["en"])
    duty.leave(anna)
    for _n in range(3):
        late(ask("account", language="nl"), hours=1)
    english = ask("account")
    assigning.recover()
    assert has(english) == "Zoe"


def test_what_changed_since_somebody_was_chosen_holds(ask: MakeCase, house: Organisation) -> None:
    anna, zoe = staff("anna", "zoe")
    case, others = ask(), [ask(), ask()]
    rules = assigning.Rules(house)
    pick = rules.pick(case)
    assert pick is not None and pick.user == anna
    for other in others:  # she takes them herself, and has no room any more
        services.claim(case=other, by=anna)
    assert not assigning._give(rules, case, pick) and has(case) == ""
    services.resolve(case=others[0], by=anna)
    services.claim(case=case, by=zoe)
    assert not assigning._give(rules, case, pick) and has(case) == "Zoe"
    services.assign(case=case, to=None, by=zoe)
    duty.away(anna)
    assert not assigning._give(rules, case, pick) and has(case) == ""
    duty.come(anna)
    assert assigning._give(rules, case, pick) and has(case) == "Anna"


def test_a_chat_that_has_a_team_is_not_looked_at_while_that_has_no_room(
    ask: MakeCase, house: Organisation
) -> None:
    (anna,), _others = staff("anna", capacity=0), staff("zoe", "mo")
    team(house, anna)
    ask()
    assert assigning.free_cases(assigning.Rules(house), timezone.now()) == []


def test_whoever_gives_a_case_back_does_not_get_it_again(ask: MakeCase) -> None:
    anna, zoe = staff("anna", "zoe")
    case = ask()
    services.assign(case=case, to=anna, by=anna)
    services.assign(case=case, to=None, by=anna)
    duty.leave(zoe)
    assigning.recover()
    assert has(case) == ""
    duty.come(zoe)
    assigning.recover()
    assert has(case) == "Zoe"


def limit(house: Organisation, minutes: int) -> None:
    """No case without an owner for longer."""
    Organisation.objects.filter(pk=house.pk).update(owner_within_minutes=minutes)


def test_no_case_is_with_nobody_for_too_long(ask: MakeCase, house: Organisation) -> None:
    anna, zoe = staff("anna", "zoe", capacity=0)
    cases = [ask("account"), ask("account"), ask(), ask("account")]
    for minutes, case in zip((31, 40, 35, 29), cases, strict=True):
        late(case, minutes=minutes)
    assigning.recover()
    assert not any(map(has, cases))  # nothing is configured
    limit(house, 30)
    assigning.recover()
    # Over capacity, who has the least first.
    assert sorted(map(has, cases)) == ["", "Anna", "Anna", "Zoe"] and has(cases[3]) == ""
    assert story(cases[0]) == ["Assigned by the rules to Anna (nobody had it for too long)."]
    services.assign(case=cases[0], to=None, by=anna)
    assigning.recover()
    assert has(cases[0]) == "" and zoe  # the time begins anew for who gave it back


def test_an_owner_is_looked_for_in_opening_time(ask: MakeCase, house: Organisation) -> None:
    staff("anna", capacity=0)
    limit(house, 30)
    now = timezone.now()
    closed = f"{now + timedelta(days=2):%a}".lower()
    Channel.objects.filter(kind="account").update(weekly_hours={closed: [["09:00", "17:00"]]})
    by_page, by_letter = ask("account"), ask("letter", address="Main Street 1\n1000 AA Town")
    for case in (by_page, by_letter):
        late(case, hours=12)
    assigning.recover()
    assert (has(by_page), has(by_letter)) == ("", "Anna")
    Channel.objects.filter(kind="account").update(is_offered=False)
    assigning.recover()
    assert has(by_page) == "Anna"  # without hours every minute counts


def test_with_nobody_there_the_administrators_are_told_once(
    ask: MakeCase, house: Organisation
) -> None:
    limit(house, 30)
    robin = shop.make_agent("robin", administrator=True)
    anna = shop.make_agent("anna")
    for person in (robin, anna):
        duty.leave(person)
    first, second = ask("account"), ask("account")
    late(first, hours=2)
    late(second, hours=1)
    for _time in range(3):
        assigning.recover()
    told = Alert.objects.filter(sort=Alert.Sort.UNOWNED)
    assert [(alert.user, alert.case) for alert in told] == [(robin, first)]
    told.update(seen_at=timezone.now())
    for _time in range(3):
        assigning.recover()
    assert [alert.case for alert in told.order_by("pk")] == [first, second]
    assert not has(first)
    duty.come(anna)
    assigning.recover()
    assert has(first) == has(second) == "Anna"


def test_a_worker_is_asked_when_a_chat_begins(
    ask: MakeCase,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    rung: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(outbox, "_ring", lambda task, args, once="": rung.append((task, args)))
    with django_capture_on_commit_callbacks(execute=True):
        chat, page = ask(), ask("account")
    assert rung == [(outbox.ASSIGN, [chat.pk])]
    with django_capture_on_commit_callbacks(execute=True):
        switching.switch(case=page, kind="chat")
    assert rung[1:] == [(outbox.ASSIGN, [page.pk])]


def test_a_worker_is_asked_again_where_nobody_has_the_chat(
    ask: MakeCase,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    rung: list[list[int]] = []
    monkeypatch.setattr(outbox, "_ring", lambda task, args, once="": rung.append(args))
    (anna,) = staff("anna")
    case = ask()
    with django_capture_on_commit_callbacks(execute=True):
        chatting.write(case=case, text="Hello?")
    assert rung == [[case.pk]]
    services.assign(case=case, to=anna, by=anna)
    with django_capture_on_commit_callbacks(execute=True):
        chatting.write(case=Case.objects.get(pk=case.pk), text="Hello!")
    assert rung == [[case.pk]]


def test_what_is_settled_or_somebody_s_stays_as_it_is(ask: MakeCase) -> None:
    anna, _zoe = staff("anna", "zoe")
    mine, done, answered = ask(), ask(), ask()
    services.assign(case=mine, to=anna, by=anna)
    services.resolve(case=done)
    Case.objects.filter(pk=answered.pk).update(waiting_since=None)
    for case in (mine, done, answered):
        assert assigning.assign(case.pk) is None
    assert assigning.assign(0) is None
    assigning.recover()
    assert [has(case) for case in (mine, done, answered)] == ["Anna", "", ""]

"""Many hands on one case, and many cases for few hands: one wins, nobody gets more than fits."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from channels_app import assigning, dispatch
from channels_app.models import Delivery
from contacts import services
from contacts.models import Alert, Case, Event, Organisation, Team, User
from tests import shop
from tests.core.test_at_once import a_case, faults, fresh
from tests.core.test_many_switches import numbers_are_whole
from tests.core.test_rules import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE, TIMES = 40, 200  # connections, and what is done over them


def all_at_once(work: Callable[[int], object]) -> list[object]:
    """Each number up to TIMES once, AT_ONCE of them side by side; what came of each."""

    def some(number: int) -> list[object]:
        return [work(each) for each in range(number, TIMES, AT_ONCE)]

    results = in_threads(AT_ONCE, some)
    assert not faults(results), faults(results)
    return [one for part in results if isinstance(part, list) for one in part]


def test_two_hundred_claims_have_one_winner(house: Organisation) -> None:
    agents = [shop.make_agent(f"agent{number}") for number in range(20)]
    case = a_case()

    def claim(number: int) -> object:
        try:
            services.claim(case=fresh(case), by=agents[number % len(agents)])
        except services.Faster as faster:
            return faster.owner
        return agents[number % len(agents)]

    found = set(all_at_once(claim))
    winner = fresh(case).assignee
    assert found == {winner}  # whoever was slower is told who it was
    assert case.events.filter(sort=Event.Sort.ASSIGNED).count() == 1
    numbers_are_whole(case)


def test_claims_replies_and_assignments_lose_nothing_and_double_nothing(
    house: Organisation,
) -> None:
    agents = [shop.make_agent(f"agent{number}") for number in range(20)]
    case, draw = a_case(), random.Random(6)
    services.assign(case=case, to=agents[0], by=agents[0])
    keys = [shop.key() for _n in range(30)]  # each form is sent two or three times
    plan = [draw.choice(("claim", "reply", "assign", "rules")) for _n in range(TIMES)]
    whose = [draw.choice(agents) for _n in range(TIMES)]
    form = [draw.randrange(len(keys)) for _n in range(TIMES)]

    def go(number: int) -> object:
        who, row = whose[number], fresh(case)
        if plan[number] == "reply":
            text = f"Answer number {form[number]}."
            dispatch.reply(case=row, staff=who, text=text, client_key=keys[form[number]])
        elif plan[number] == "assign":
            services.assign(case=row, to=agents[(number + 1) % len(agents)], by=who)
        elif plan[number] == "rules":
            assigning.assign(row.pk)
        else:
            try:
                services.claim(case=row, by=who, instead_of=row.assignee_id)
            except services.Faster as faster:
                assert faster.owner is not None
        return plan[number]

    assert Counter(all_at_once(go)) == Counter(plan)
    sent = {form[number] for number in range(TIMES) if plan[number] == "reply"}
    answers = case.messages.filter(direction="out", template="")
    assert Counter(answers.values_list("text", flat=True)) == Counter(
        f"Answer number {number}." for number in sent
    )
    assert Delivery.objects.filter(message__in=answers).count() == len(sent)
    rows = case.events.filter(sort=Event.Sort.ASSIGNED).order_by("seq")
    handed = [row.data for row in rows]
    for before, after in pairwise(handed):
        assert after["before"] == before["name"] != after["name"]  # each from whom it was with
    assert fresh(case).assignee_id == handed[-1]["to"]
    told = Alert.objects.filter(sort=Alert.Sort.ASSIGNED).count()
    assert told == sum(row.staff_id != row.data["to"] for row in rows)
    numbers_are_whole(case)


def chats(house: Organisation, count: int) -> list[Case]:
    """So many customers who chat."""
    return [a_case("chat") for _n in range(count)]


def test_nobody_gets_more_than_fits(house: Organisation) -> None:
    agents = [shop.make_agent(f"agent{number}") for number in range(3)]
    User.objects.update(capacity=7)
    cases = chats(house, 12)

    def go(number: int) -> object:
        if number % 7:
            return assigning.assign(cases[number % 12].pk)
        assigning.recover()
        return None

    all_at_once(go)
    assigning.recover()
    owners = Counter(Case.objects.values_list("assignee", flat=True))
    assert all(owners[agent.pk] == 2 for agent in agents)
    given = Event.objects.filter(sort=Event.Sort.ASSIGNED)
    assert given.count() == 6 and Alert.objects.count() == 6


def test_in_turn_is_in_turn_also_for_many_at_once(house: Organisation) -> None:
    agents = [shop.make_agent(f"agent{number}") for number in range(4)]
    User.objects.update(capacity=99)
    team = Team.objects.create(organisation=house, name="All", how=Team.How.ROUND_ROBIN)
    team.members.set(agents)
    cases = chats(house, 16)
    assert not faults(in_threads(16, lambda number: assigning.assign(cases[number].pk)))
    assigning.recover()  # what was too slow ten times
    assert set(Counter(Case.objects.values_list("assignee", flat=True)).values()) == {4}

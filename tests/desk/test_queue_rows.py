"""The queue: tabs, order, promises, filter, search, pages, and its cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import dispatch, switching
from channels_app.models import Channel, Delivery
from contacts import holding, merging, search, services
from contacts.models import Case, Choice, Customer, Identity, Organisation, Team, Topic, User
from portal.desk import queue
from tests.desk.conftest import MakeCase

QUEUE = "/admin/cases/"


def references(page: Any) -> list[str]:
    return [row.case.reference for row in page.context["rows"]]


def many(organisation: Organisation, count: int) -> None:
    """Waiting cases with everything that a row shows, as fast as rows can be written."""
    now = timezone.now()
    topic = Topic.objects.get(slug="repair")
    have = Case.objects.count()
    people = Customer.objects.bulk_create(Customer(name=f"Person {have + n}") for n in range(count))
    mails = Identity.objects.bulk_create(
        Identity(scheme="email", value=f"p{have + n}@example.org") for n in range(count)
    )
    cases = Case.objects.bulk_create(
        Case(
            customer=person,
            organisation=organisation,
            topic=topic,
            title=f"Question {n}",
            language="en",
            opened_at=now,
            changed_at=now,
            waiting_since=now - timedelta(seconds=n),
        )
        for n, person in enumerate(people)
    )
    choices = Choice.objects.bulk_create(
        Choice(case=case, kind="email", identity=mail)
        for case, mail in zip(cases, mails, strict=True)
    )
    for case, choice in zip(cases, choices, strict=True):
        case.choice = choice
    Case.objects.bulk_update(cases, ["choice"])


def test_tabs_show_whose_cases_and_how_many(
    desk: Client, agent: User, colleague: User, make_case: MakeCase
) -> None:
    waiting, mine, answered, done = (make_case(f"Case {n}") for n in range(4))
    services.assign(case=mine, to=agent, by=agent)
    dispatch.reply(case=answered, staff=colleague, text="Here you are.")
    services.resolve(case=done, by=agent)
    wanted = {
        "needs": {waiting, mine},
        "mine": {mine},
        "unassigned": {waiting},
        "customer": {answered},
        "done": {done},
    }
    for tab, cases in wanted.items():
        page = desk.get(QUEUE, {"tab": tab})
        assert set(references(page)) == {case.reference for case in cases}, tab
        counts = {shown["name"]: shown["count"] for shown in page.context["tabs"]}
        assert counts[tab] == len(cases), tab


def test_the_longest_wait_comes_first(desk: Client, make_case: MakeCase) -> None:
    new, old = make_case("New"), make_case("Old")
    Case.objects.filter(pk=old.pk).update(waiting_since=timezone.now() - timedelta(days=1))
    assert references(desk.get(QUEUE)) == [old.reference, new.reference]


def test_a_promise_is_in_time_then_near_then_broken(desk: Client, case: Case) -> None:
    for minutes, level, owed in (
        (10, "", "promise: 3 h left"),
        (200, "near", "promise: 39 min left"),
        (241, "broken", "promise: 1 min over"),
    ):
        since = timezone.now() - timedelta(minutes=minutes)
        Case.objects.filter(pk=case.pk).update(waiting_since=since)
        page = desk.get(QUEUE)
        assert page.context["rows"][0].level == level, minutes
        assert owed in page.content.decode()


def test_without_a_promise_nothing_breaks(desk: Client, case: Case) -> None:
    Channel.objects.update(promise_minutes=None)
    Case.objects.update(waiting_since=timezone.now() - timedelta(days=30))
    assert desk.get(QUEUE).context["rows"][0].level == ""


def test_filters_by_topic_channel_and_person(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    invoice = make_case("Invoice", topic=Topic.objects.get(slug="invoice"))
    page_case = make_case("Page", kind="account", address="")
    make_case("Plain")
    services.assign(case=page_case, to=agent, by=agent)
    assert references(desk.get(QUEUE, {"topic": "invoice"})) == [invoice.reference]
    assert references(desk.get(QUEUE, {"kind": "account"})) == [page_case.reference]
    assert references(desk.get(QUEUE, {"who": agent.pk})) == [page_case.reference]


def test_the_work_of_my_teams(
    desk: Client, agent: User, colleague: User, organisation: Organisation, make_case: MakeCase
) -> None:
    repair, english = make_case(topic=Topic.objects.get(slug="repair")), make_case()
    dutch, account = make_case(), make_case(kind="account", address="")
    Case.objects.filter(pk=dutch.pk).update(language="nl")
    mine = f"{QUEUE}?teams=mine"
    box = '<input type="checkbox" name="teams"'
    assert box not in desk.get(QUEUE).content.decode()
    assert references(desk.get(mine)) == []  # a kept address, and no team any more
    topical = Team.objects.create(organisation=organisation, name="Repairs")
    topical.topics.add(Topic.objects.get(slug="repair"))
    other = Team.objects.create(organisation=organisation, name="Dutch", languages=["nl"])
    other.members.add(colleague)
    assert box not in desk.get(QUEUE).content.decode()
    topical.members.add(agent)
    page = desk.get(mine)
    assert references(page) == [repair.reference]
    assert f'{box} value="mine" checked>' in page.content.decode()
    assert "teams=" not in page.context["clear"]
    other.members.add(agent)
    assert references(desk.get(mine)) == [repair.reference, dutch.reference]
    kinds = Team.objects.create(organisation=organisation, name="Page", kinds=["account"])
    kinds.members.add(agent)
    assert references(desk.get(mine)) == [row.reference for row in (repair, dutch, account)]
    services.assign(case=dutch, to=colleague, by=agent)  # whoever has it
    for case in (repair, english, dutch, account):
        case.refresh_from_db()
        fits = any(team.fits(case) for team in agent.teams.all())
        assert fits == (case.reference in references(desk.get(mine)))
    everything = Team.objects.create(organisation=organisation, name="All")
    everything.members.add(agent)
    assert len(references(desk.get(mine))) == 4


def test_filters_by_every_messenger(
    desk: Client, organisation: Organisation, make_case: MakeCase
) -> None:
    kinds = {"sms": "phone", "whatsapp": "phone", "telegram": "telegram"}
    addresses = {"phone": "+31612345678", "telegram": "123456789:5550100"}
    for place, kind in enumerate(kinds, 10):
        values = {"provider": "in_house", "slug": kind, "name": kind, "position": place}
        Channel.objects.create(organisation=organisation, kind=kind, **values)
    mailed = make_case("By mail")
    cases = {kind: make_case(kind, kind="account", address="") for kind in kinds}
    for kind, scheme in kinds.items():
        identity = Identity.of(scheme, addresses[scheme])
        switching.switch(case=cases[kind], kind=kind, identity=identity, by=Choice.By.WRITING)
    page = desk.get(QUEUE)
    assert len(references(page)) == 4
    for kind, case in cases.items():
        assert f'<option value="{kind}"' in page.content.decode()
        assert references(desk.get(QUEUE, {"kind": kind})) == [case.reference]
    # Who goes on elsewhere is found there, and no longer here.
    switching.switch(
        case=mailed, kind="sms", identity=Identity.of("phone", "+31612345679"), by=Choice.By.WRITING
    )
    assert set(references(desk.get(QUEUE, {"kind": "sms"}))) == {
        cases["sms"].reference,
        mailed.reference,
    }
    assert references(desk.get(QUEUE, {"kind": "email"})) == []


@pytest.mark.parametrize(
    "query", ["bicycle", "sam@example.org", "Sample", ["SAM", "sam@EXAMPLE.org"][-1]]
)
def test_search_finds_text_address_and_name(desk: Client, case: Case, query: str) -> None:
    assert references(desk.get(QUEUE, {"q": query})) == [case.reference]


def test_search_finds_a_reference_however_it_is_typed(
    desk: Client, case: Case, make_case: MakeCase
) -> None:
    make_case("Another")
    for typed in (case.reference, case.reference.lower(), case.reference.replace("-", "")):
        assert references(desk.get(QUEUE, {"q": typed})) == [case.reference]


def test_search_finds_what_is_done_too(desk: Client, agent: User, case: Case) -> None:
    services.resolve(case=case, by=agent)
    assert references(desk.get(QUEUE, {"q": "bicycle"})) == [case.reference]


@pytest.mark.parametrize(
    "data",
    [
        {"tab": "nonsense", "topic": "none", "kind": "pigeon", "who": "x", "after": "zzz"},
        {"q": "\x00", "after": "99999999999999999-1"},
        {"q": '"; DROP TABLE contacts_case; --'},
        {"q": "*" * 5000},
        {"who": "9" * 40},
        {"after": "1-"},
    ],
)
def test_a_nonsense_address_is_a_page_and_no_error(
    desk: Client, case: Case, data: dict[str, str]
) -> None:
    assert desk.get(QUEUE, data).status_code == 200


def test_pages_hold_every_case_once(desk: Client, organisation: Organisation) -> None:
    many(organisation, queue.PAGE + 7)
    # Equal moments must not hide or repeat a case at the border of a page.
    Case.objects.update(waiting_since=timezone.now())
    first = desk.get(QUEUE)
    second = desk.get(QUEUE + first.context["older"])
    found = references(first) + references(second)
    assert len(references(first)) == queue.PAGE
    assert len(found) == len(set(found)) == queue.PAGE + 7
    assert second.context["older"] == "" and second.context["newest"]


def test_ten_and_a_thousand_cases_cost_the_same(desk: Client, organisation: Organisation) -> None:
    costs = []
    for count in (10, 990):
        many(organisation, count)
        with CaptureQueriesContext(connection) as counted:
            desk.get(QUEUE)
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 20


def test_a_failed_answer_shows_in_the_row(desk: Client, agent: User, case: Case) -> None:
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    message.deliveries.update(status=Delivery.Status.FAILED)
    page = desk.get(QUEUE, {"tab": "customer"})
    assert page.context["rows"][0].has_failed
    assert "did not arrive" in page.content.decode()


def test_what_a_customer_wrote_is_text_and_nothing_else(desk: Client, make_case: MakeCase) -> None:
    evil = '<img src=x onerror=alert(1)> " x-data="alert(1)'
    make_case(evil, name=evil)
    body = desk.get(QUEUE).content.decode()
    assert "<img src=x" not in body and '" x-data="alert' not in body


def test_empty_tabs_say_what_now(desk: Client, organisation: Organisation) -> None:
    assert "Nobody is waiting." in desk.get(QUEUE).content.decode()
    assert "No cases here." in desk.get(QUEUE, {"tab": "mine"}).content.decode()
    assert "No case fits." in desk.get(QUEUE, {"q": "unicorn"}).content.decode()


def test_an_open_page_asks_for_its_list_alone(desk: Client, case: Case) -> None:
    body = desk.get(QUEUE, {"part": "all"}).content.decode()
    assert case.reference in body and "<html" not in body


def test_joined_cases_are_not_listed(desk: Client, agent: User, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    merging.join(case=one, into=other, by=agent)
    assert references(desk.get(QUEUE)) == [other.reference]


def test_a_renamed_customer_is_found(desk: Client, case: Case) -> None:
    holding.rename(case.customer, "Quentin")
    assert search.cases("Quentin").count() == 1
    assert references(desk.get(QUEUE, {"q": "quentin"})) == [case.reference]


def test_the_queue_speaks_the_language_of_the_staff_member(
    desk: Client, agent: User, case: Case
) -> None:
    agent.language = "nl"
    agent.save()
    assert '<html lang="nl"' in desk.get(reverse("admin:cases")).content.decode()


@pytest.mark.parametrize("typed", ["Kerkstraat", "1000 AA", "kerkstraat 5"])
def test_a_letter_that_came_back_is_found_by_its_street(
    desk: Client, make_case: MakeCase, typed: str
) -> None:
    case = make_case(kind="letter", address="Kerkstraat 5\n1000 AA Stad", name="Jo")
    make_case("Other", address="else@example.org")
    body = desk.get("/admin/cases/", {"q": typed}).content.decode()
    assert case.reference in body and body.count('class="desk-row__link"') == 1


@pytest.mark.parametrize("name", ["cases", "todo"])
def test_an_open_list_asks_what_came_before_it_was_connected(
    desk: Client, case: Case, name: str
) -> None:
    """Between the page and the stream a row may come that no hint tells any more."""
    address, asks = reverse(f"admin:{name}"), {"X-Requested-With": "fetch"}
    shown = re.search(r'data-live="queue" data-have="([^"]+)"', desk.get(address).content.decode())
    assert shown
    query = {"have": shown[1]}
    assert desk.get(address, query, headers=asks).status_code == 204
    assert desk.get(address, query).status_code == 200  # a bookmark is a page
    services.file_message(case=case, kind="email", text="And in green?")
    page = desk.get(address, query, headers=asks)
    assert page.status_code == 200 and f'data-have="{shown[1]}"' not in page.content.decode()

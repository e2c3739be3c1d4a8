"""The bell: what must be known, seen or not."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts import services
from contacts.models import Alert, Case, Organisation, User
from tests.desk.conftest import MakeCase

ALERTS = "/admin/alerts/"


def told(agent: User, case: Case, text: str = "Hello?") -> None:
    """The customer of Anna's case writes again."""
    if case.assignee is None:
        services.assign(case=case, to=agent, by=agent)
        case.refresh_from_db()
    services.file_message(case=case, kind="email", text=text)


def test_the_bell_counts_what_was_not_seen(desk: Client, agent: User, case: Case) -> None:
    assert 'aria-label="0 new alerts"' in desk.get("/admin/cases/").content.decode()
    told(agent, case)
    body = desk.get("/admin/cases/").content.decode()
    assert 'aria-label="1 new alert"' in body and "desk-bell__count" in body


def test_the_page_names_case_and_words(desk: Client, agent: User, case: Case) -> None:
    told(agent, case)
    body = desk.get(ALERTS).content.decode()
    assert case.reference in body and "has something new of the customer" in body
    assert "Hello?" in body and "desk-alert--new" in body


def test_all_are_marked_as_seen_by_a_button(desk: Client, agent: User, case: Case) -> None:
    told(agent, case)
    desk.get(ALERTS)
    assert Alert.objects.filter(seen_at=None).count() == 1
    assert desk.get(f"{ALERTS}seen/").status_code == 405
    desk.post(f"{ALERTS}seen/")
    assert not Alert.objects.filter(seen_at=None).exists()
    assert "desk-alert--new" not in desk.get(ALERTS).content.decode()


def test_everybody_sees_and_marks_only_their_own(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    services.assign(case=case, to=colleague, by=agent)
    assert "No alerts." in desk.get(ALERTS).content.decode()
    desk.post(f"{ALERTS}seen/")
    assert Alert.objects.filter(user=colleague, seen_at=None).count() == 1


def test_new_ones_stand_first(desk: Client, agent: User, make_case: MakeCase) -> None:
    old, new = make_case("Old"), make_case("New")
    told(agent, new)
    told(agent, old)
    Alert.objects.filter(case=old).update(seen_at="2026-01-01T00:00Z")
    body = desk.get(ALERTS).content.decode()
    assert body.index(new.reference) < body.index(old.reference)


def test_it_costs_the_same_for_many(desk: Client, agent: User, make_case: MakeCase) -> None:
    costs = []
    for more in (2, 20):
        for n in range(more):
            told(agent, make_case(f"Case {n}"))
        with CaptureQueriesContext(connection) as counted:
            desk.get(ALERTS)
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 12


def test_without_alerts_it_says_what_stands_here(desk: Client, organisation: Organisation) -> None:
    assert "No alerts." in desk.get(ALERTS).content.decode()

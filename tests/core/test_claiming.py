"""Who takes a case that nobody has: one wins, others learn who; taking over is recorded."""

import pytest
from django.test import Client
from django.urls import reverse

from contacts import services
from contacts.models import Case, Event, User
from portal import access, past
from tests import shop
from tests.core.test_at_once import a_case, fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    """One that nobody has."""
    shop.make_shop()
    return a_case()


def line(case: Case, viewer: User) -> str:
    """The newest assignment, as staff read it."""
    row = case.events.filter(sort=Event.Sort.ASSIGNED).order_by("-seq")[0]
    return past.line(row, access.staff_viewer(viewer), {})


def test_the_first_one_has_it_and_the_second_one_learns_who(case: Case) -> None:
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    stale = fresh(case)
    services.claim(case=fresh(case), by=anna)
    with pytest.raises(services.Faster) as told:
        services.claim(case=stale, by=zoe)
    assert told.value.owner == anna
    services.claim(case=fresh(case), by=anna)  # twice is once
    assert line(case, zoe) == "Anna took the case."
    assert case.events.filter(sort=Event.Sort.ASSIGNED).count() == 1
    services.claim(case=fresh(case), by=zoe, instead_of=anna.pk)
    assert line(case, zoe) == "Zoe took the case over from Anna."
    with pytest.raises(services.Faster):
        services.claim(case=fresh(case), by=anna, instead_of=0)
    assert fresh(case).assignee == zoe


def test_the_button_says_who_was_faster(case: Case, client: Client) -> None:
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    client.force_login(zoe, backend="portal.access.StaffBackend")
    page, button = (
        reverse(f"admin:{name}", args=[case.reference]) for name in ("case", "case_assign")
    )
    assert "Assign to me" in client.get(page).content.decode()
    services.claim(case=case, by=anna)
    answer = client.post(button, {"to": "me", "owner": ""}, follow=True)
    assert "Anna was faster and has the case now." in answer.content.decode()
    assert fresh(case).assignee == anna
    assert "Take over" in answer.content.decode()
    client.post(button, {"to": "me", "owner": str(anna.pk)})
    assert fresh(case).assignee == zoe


def test_the_same_colleague_twice_is_told_once(case: Case) -> None:
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    for _time in range(2):
        services.assign(case=fresh(case), to=anna, by=zoe)
    assert anna.alerts.count() == case.events.filter(sort=Event.Sort.ASSIGNED).count() == 1

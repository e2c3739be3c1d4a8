"""Teams: what they take, who is in them, their order; and how long a case may be with nobody."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import assigning, opening
from contacts import duty, hints, services
from contacts.models import Case, Organisation, Team, Topic, User
from tests.administration.conftest import said
from tests.shop import make_agent


def form(**changes: Any) -> dict[str, Any]:
    """A good form."""
    return {"name": "Repairs", "how": "least_loaded", "is_sticky": "on", **changes}


def ask(shop: Organisation, **values: Any) -> Case:
    """Somebody asks on their own page."""
    values = {"kind": "account", "language": "en", **values}
    return opening.open_case(organisation=shop, text="Hello", came_by="account", **values)


def page(desk: Client, name: str = "teams", *args: int) -> str:
    """A page in one line."""
    return " ".join(desk.get(reverse(f"admin:{name}", args=args)).content.decode().split())


def test_without_a_team_the_page_says_what_happens(shop: Organisation, desk: Client) -> None:
    shown = page(desk)
    assert "There is no team yet." in shown and "goes to whoever is there" in shown
    assert "may stay with nobody for as long as it takes" in shown


def test_add_change_and_remove(shop: Organisation, desk: Client) -> None:
    anna, repair = make_agent("anna"), Topic.objects.get(slug="repair")
    data = form(topics=[repair.pk], kinds=["account"], languages=["en"], members=[anna.pk])
    assert desk.post(reverse("admin:team_add"), data).status_code == 302
    team = Team.objects.get()
    assert (team.kinds, team.languages, team.is_sticky) == (["account"], ["en"], True)
    assert (list(team.topics.all()), list(team.members.all())) == ([repair], [anna])
    shown = page(desk)
    assert "Repair · Own page · English · who has the least to do · known agent first" in shown
    case = ask(shop, topic=repair)
    assigning.recover()
    assert Case.objects.get(pk=case.pk).assignee == anna
    assert 'Anna <span class="adm-members__load">1/12</span>' in page(desk)
    desk.post(reverse("admin:team", args=[team.pk]), form(name="All", how="round_robin"))
    team.refresh_from_db()
    assert (team.kinds, team.languages, team.how) == ([], [], "round_robin")
    shown = page(desk)
    assert "Takes everything · in turn" in shown and "Nobody is in this team" in shown
    answer = desk.post(reverse("admin:team_remove", args=[team.pk]), follow=True)
    assert "All is removed." in said(answer) and not Team.objects.exists()
    assert Case.objects.get(pk=case.pk).assignee == anna
    flags = LogEntry.objects.filter(content_type__model="team").order_by("pk")
    assert list(flags.values_list("action_flag", flat=True)) == [1, 2, 3]


def test_a_team_of_which_nobody_is_there_is_marked(shop: Organisation, desk: Client) -> None:
    anna, zoe = make_agent("anna"), make_agent("zoe")
    team = Team.objects.create(organisation=shop, name="Repairs")
    team.members.set([anna, zoe])
    assert "Nobody of this team is there now" not in page(desk)
    duty.leave(anna), duty.away(zoe)
    shown = page(desk)
    assert "Nobody of this team is there now" in shown
    assert "Anna (off duty)" in shown and "Zoe (away)" in shown


def test_order(shop: Organisation, desk: Client) -> None:
    for name in ("One", "Two"):
        desk.post(reverse("admin:team_add"), form(name=name))
    first, second = Team.objects.all()
    for _time in range(2):
        desk.post(reverse("admin:team_move", args=[second.pk]), {"to": "up"})
        assert list(Team.objects.all()) == [second, first]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"how": "by hand"}, "Select a valid choice."),
        ({"kinds": ["pigeon"]}, "Select a valid choice."),
        ({"languages": ["xx"]}, "Select a valid choice."),
        ({"topics": ["9999"]}, "Select a valid choice."),
        ({"members": ["9999"]}, "Select a valid choice."),
    ],
)
def test_bad_input(shop: Organisation, desk: Client, changes: dict[str, Any], words: str) -> None:
    response = desk.post(reverse("admin:team_add"), form(**changes))
    assert response.status_code == 422 and words in response.content.decode()
    assert not Team.objects.exists()


def test_who_left_stays_in_the_form_and_nobody_from_outside_comes_in(
    shop: Organisation, desk: Client
) -> None:
    anna, zoe = make_agent("anna"), make_agent("zoe")
    team = Team.objects.create(organisation=shop, name="Repairs")
    team.members.add(anna)
    User.objects.update(is_active=False)
    User.objects.filter(username="robin").update(is_active=True)
    shown = page(desk, "team", team.pk)
    assert "Anna" in shown and "Zoe" not in shown
    answer = desk.post(reverse("admin:team", args=[team.pk]), form(members=[zoe.pk]))
    assert answer.status_code == 422


def test_open_pages_hear_what_a_team_does_to_chat(
    shop: Organisation,
    desk: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(hints, "channels", lambda: told.append(True))
    for times, changes in enumerate(({"kinds": ["account"]}, {}, {"kinds": ["account"]})):
        url = reverse("admin:team", args=[team.pk]) if (team := Team.objects.first()) else ""
        with django_capture_on_commit_callbacks(execute=True):
            desk.post(url or reverse("admin:team_add"), form(**changes))
        assert len(told) == times  # a team of nobody that takes everything closes chat


def test_a_case_may_not_be_with_nobody_for_longer(shop: Organisation, desk: Client) -> None:
    data: dict[str, Any] = {
        "name": "Test Shop",
        "brand_colour": "#1d4ed8",
        "languages": ["en", "nl"],
        "time_zone": "Europe/Amsterdam",
    }
    url = reverse("admin:organisation")
    for wrong in ("0", "-1", "99999", "soon"):
        assert desk.post(url, {**data, "owner_within_minutes": wrong}).status_code == 422
    assert desk.post(url, {**data, "owner_within_minutes": "30"}).status_code == 302
    assert Organisation.objects.get().owner_within_minutes == 30
    assert "is with nobody for 30 minutes goes to whoever" in page(desk)
    case = ask(shop)
    assert "is with nobody for longer" not in page(desk, "index")
    Case.objects.filter(pk=case.pk).update(waiting_since=timezone.now() - timedelta(minutes=31))
    assert "1 case is with nobody for longer than 30 minutes" in page(desk, "index")
    services.assign(case=case, to=make_agent("anna"), by=make_agent("bo"))
    assert "is with nobody for longer" not in page(desk, "index")
    assert desk.post(url, data).status_code == 302
    assert Organisation.objects.get().owner_within_minutes is None


def test_the_capacity_of_a_colleague(shop: Organisation, desk: Client) -> None:
    anna = make_agent("anna")
    url = reverse("admin:staff_member", args=[anna.pk])
    data = {"username": "anna", "first_name": "Anna", "language": "en", "role": "agent"}
    assert desk.post(url, {**data, "capacity": "-1"}).status_code == 422
    assert desk.post(url, {**data, "capacity": "0"}).status_code == 302
    anna.refresh_from_db()
    assert anna.capacity == 0

"""Handing a case over: to a colleague or a team, with a line and the story so far."""

import re
import uuid

import pytest
from django.test import Client

from channels_app import assigning
from contacts import duty, services
from contacts.models import Alert, Case, Organisation, Team, User
from tests import shop
from tests.core.chats import offer_chat
from tests.desk.conftest import MakeCase


def hand(desk: Client, case: Case, to: str, line: str = "") -> str:
    """What the page says after the button."""
    form = {"to": to, "line": line}
    answer = desk.post(f"/admin/cases/{case.reference}/assign/", form, follow=True)
    case.refresh_from_db()
    return answer.content.decode()


def beside(desk: Client, case: Case) -> str:
    """What comes by itself into an open page."""
    return desk.get(f"/admin/cases/{case.reference}/?part=beside").content.decode()


def as_seen_by(user: User, case: Case) -> str:
    """The page of the case in a colleague's browser."""
    client = Client()
    client.force_login(user)
    return client.get(f"/admin/cases/{case.reference}/").content.decode()


@pytest.fixture
def team(organisation: Organisation) -> Team:
    """A team of Anna, who hands over, and of two others."""
    team = Team.objects.create(organisation=organisation, name="Repairs")
    team.members.add(shop.make_agent("cleo"), shop.make_agent("dirk"))
    return team


def test_the_colleague_reads_who_handed_it_over_and_why(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    said = hand(desk, case, str(colleague.pk), "She waits for the <b>blue</b> one.")
    assert "Assigned to Bo." in said
    assert case.assignee == colleague
    page = as_seen_by(colleague, case)
    card = re.search(r'<div id="handed".*?</div>', page, re.DOTALL)
    assert card and "Anna handed this to you" in card[0]
    assert "“She waits for the &lt;b&gt;blue&lt;/b&gt; one.”" in card[0]
    assert "1 message without an answer" in card[0]
    third = as_seen_by(shop.make_agent("cleo"), case)
    assert "Anna handed the case to Bo" in third and "handed this to you" not in third
    assert "Anna assigned the case to Bo. “She waits" in third
    assert Alert.objects.get(sort="assigned").user == colleague


def test_a_team_gives_it_to_whoever_of_it_has_least(
    desk: Client, agent: User, case: Case, team: Team
) -> None:
    cleo, dirk = team.members.order_by("username")
    services.assign(case=case, to=cleo, by=cleo)
    Case.objects.filter(pk=case.pk).update(assignee=None)
    page = as_seen_by(agent, case)
    assert f'<option value="team:{team.pk}">Repairs</option>' in page
    duty.away(cleo)
    assert "Assigned to Dirk." in hand(desk, case, f"team:{team.pk}", "Brakes")
    assert case.assignee == dirk
    assert "Brakes" in as_seen_by(dirk, case)
    duty.leave(dirk)
    assert "Nobody else of Repairs is there." in hand(desk, case, f"team:{team.pk}")
    assert case.assignee == dirk


@pytest.mark.parametrize("to", ["team:0", "team:x", "team:" + "9" * 30, "0", "x", "9" * 30])
def test_nobody_is_nobody(desk: Client, case: Case, to: str) -> None:
    answer = desk.post(f"/admin/cases/{case.reference}/assign/", {"to": to})
    assert answer.status_code == 404


def test_the_menu_says_who_is_there_and_how_much_they_have(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    services.assign(case=case, to=colleague, by=agent)
    weighed = re.search(r'data-weighed="([^"]+)"', as_seen_by(agent, case))
    assert weighed

    def seen() -> tuple[str, str]:
        """In the page, and in the menu once it is open."""
        return as_seen_by(agent, case), desk.get(weighed[1]).content.decode()

    page, menu = seen()
    assert ">Bo</option>" in page and ">Bo (1 of 12)</option>" in menu
    duty.away(colleague)
    page, menu = seen()
    assert ">Bo (away)</option>" in page and ">Bo (away, 1 of 12)</option>" in menu
    duty.leave(colleague)
    page, menu = seen()
    assert ">Bo (not on duty)</option>" in page and ">Bo (not on duty)</option>" in menu


def test_how_much_colleagues_have_is_asked_only_by_an_open_menu(
    desk: Client, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(people: object) -> dict[int, int]:
        raise AssertionError("asked")

    monkeypatch.setattr(assigning, "loads", forbidden)
    address = f"/admin/cases/{case.reference}/"
    assert desk.get(address).status_code == 200
    assert desk.get(f"{address}?part=beside").status_code == 200
    with pytest.raises(AssertionError, match="asked"):
        desk.get(f"{address}receivers/")


def test_an_answer_leaves_a_colleague_s_chat_with_them_and_the_page_says_so(
    desk: Client, agent: User, colleague: User, organisation: Organisation, make_case: MakeCase
) -> None:
    offer_chat(organisation)
    chat = make_case(kind="chat", address="")
    services.assign(case=chat, to=colleague, by=agent)
    said = "Bo has this chat, and keeps it when you answer."
    whose = re.compile(r'<div id="whose".*?</div>', re.DOTALL)
    for page in (as_seen_by(agent, chat), beside(desk, chat)):
        (line,) = whose.findall(page)
        assert said in line and "Take over" in line and " hidden" not in line
    assert said not in as_seen_by(colleague, chat)
    form = {"text": "It is here.", "client_key": str(uuid.uuid4()), "seen": chat.seq + 1}
    desk.post(f"/admin/cases/{chat.reference}/answer/", form)
    chat.refresh_from_db()
    assert chat.assignee == colleague and chat.messages.filter(staff=agent).exists()
    form = {"to": "me", "owner": str(colleague.pk)}
    desk.post(f"/admin/cases/{chat.reference}/assign/", form)
    chat.refresh_from_db()
    assert chat.assignee == agent and said not in beside(desk, chat)
    assert "Anna took the case over from Bo." in as_seen_by(agent, chat)


def test_a_letter_of_a_colleague_s_says_whose_it_is_in_the_top_bar_alone(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    services.assign(case=case, to=colleague, by=agent)
    assert "keeps it when you answer" not in as_seen_by(agent, case)

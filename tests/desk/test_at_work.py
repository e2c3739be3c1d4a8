"""On duty, away, off duty: one click on any page, and what becomes of chats."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts import duty
from contacts.models import Case, User
from tests.desk.test_chats import StartChat
from tests.desk.test_chats import chat as chat

BUTTON = "/admin/me/duty/"


def press(desk: Client, state: str, **more: str) -> str:
    """What the page says after the button."""
    return desk.post(BUTTON, {"state": state, **more}, follow=True).content.decode()


def how(user: User) -> tuple[bool, bool]:
    """On duty, and away."""
    user.refresh_from_db()
    return user.on_duty, user.away_since is not None


def test_each_state_is_one_click_and_one_is_back_where_one_was(
    desk: Client, agent: User, case: Case
) -> None:
    place = reverse("admin:case", args=[case.reference])
    assert f'action="{BUTTON}"' in desk.get(place).content.decode()
    here = {"Referer": f"http://testserver{place}"}
    for state, expected in (
        ("away", (True, True)),
        ("off", (False, False)),
        ("off", (False, False)),  # a second click
        ("on", (True, False)),
    ):
        answer = desk.post(BUTTON, {"state": state}, follow=True, headers=here)
        assert answer.redirect_chain == [(place, 302)]
        assert how(agent) == expected
        button = f'value="{state}" class="desk-duty__button desk-duty__button--{state}"'
        assert f'{button} aria-pressed="true"' in answer.content.decode()
    lines = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(lines) == ["Away.", "Off duty.", "On duty."]
    assert desk.post(BUTTON, {"state": "x"}).status_code == 404


def test_who_was_found_away_is_told_why_and_who_said_it_is_not(desk: Client, agent: User) -> None:
    words = "You were set to away because no page of the desk was open."
    User.objects.filter(pk=agent.pk).update(seen_at=timezone.now() - timedelta(minutes=11))
    assert duty.set_away(timezone.now()) == 1
    page = desk.get("/admin/me/").content.decode()
    assert words in page and "I am back" in page
    assert words not in press(desk, "on")
    page = press(desk, "away")
    assert words not in page and "You are away" in page


def test_off_duty_with_open_chats_asks_and_stays_until_it_is_answered(
    desk: Client, agent: User, colleague: User, chat: StartChat
) -> None:
    chat("Mine", of=agent, name="<b>Sam</b>")
    page = press(desk, "off")
    assert "You have 1 open chat. What becomes of it?" in page
    assert "&lt;b&gt;Sam" in page and "To Bo" in page
    assert how(agent) == (True, False)


@pytest.mark.parametrize("to", ["give", "keep", "colleague", "gone"])
def test_chats_go_where_one_says(
    desk: Client, agent: User, colleague: User, chat: StartChat, to: str
) -> None:
    case, theirs = chat("Mine", of=agent), chat("Theirs", of=colleague)
    key = str(colleague.pk) if to in ("colleague", "gone") else to
    if to == "gone":
        duty.leave(colleague)
    press(desk, "off", chats=key)
    assert how(agent) == (False, False)
    case.refresh_from_db()
    expected = {"give": None, "keep": agent, "colleague": colleague, "gone": None}[to]
    assert case.assignee == expected
    theirs.refresh_from_db()
    assert theirs.assignee == colleague


def test_the_last_one_out_is_told_that_chat_closes(
    desk: Client, agent: User, colleague: User, chat: StartChat
) -> None:
    assert "chat is closed now" not in press(desk, "away")
    press(desk, "on")
    duty.leave(colleague)
    assert "chat is closed now" in press(desk, "away")
    press(desk, "on")
    chat("Mine", of=agent)
    assert "Nobody else is there. Chat closes when you go" in press(desk, "off")
    assert "chat is closed now" in press(desk, "off", chats="keep")


def test_an_open_page_hears_that_one_is_away(desk: Client, agent: User) -> None:
    duty.away(agent)
    part = desk.get("/admin/alerts/bell/").content.decode()
    assert 'id="duty"' in part and "I am back" in part

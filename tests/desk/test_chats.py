"""My chats: who waits longest first, what anybody may take, one press to the next, and its cost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, switching
from contacts import duty, merging, services
from contacts.models import Alert, Case, Message, Organisation, User
from tests import shop
from tests.core.chats import offer_chat
from tests.desk.conftest import MakeCase

CHATS = "/admin/chats/"
StartChat = Callable[..., Case]


@pytest.fixture
def chat(organisation: Organisation, make_case: MakeCase) -> StartChat:
    """Start a chat: `waits` minutes ago, with `of` as its agent."""
    offer_chat(organisation)

    def start(text: str, *, waits: int = 1, of: User | None = None, **values: Any) -> Case:
        case = make_case(text, kind="chat", address="", came_by="chat", **values)
        since = timezone.now() - timedelta(minutes=waits)
        Case.objects.filter(pk=case.pk).update(waiting_since=since, assignee=of)
        case.refresh_from_db()
        return case

    return start


def texts(page: Any, name: str = "mine") -> list[str]:
    return [found.last for found in page.context[name]]


def test_who_waits_longest_is_first_and_who_was_answered_last(
    desk: Client, agent: User, colleague: User, chat: StartChat, make_case: MakeCase
) -> None:
    chat("Second", waits=5, of=agent)
    answered = chat("Asked", waits=50, of=agent)
    dispatch.reply(case=answered, staff=agent, text="Answered")
    chat("First", waits=9, of=agent)
    chat("Of a colleague", of=colleague)
    mail = make_case("A letter of mine")
    services.assign(case=mail, to=agent, by=agent)
    chat("For anybody", waits=2)
    page = desk.get(CHATS)
    assert texts(page) == ["First", "Second", "Answered"]
    assert texts(page, "to_take") == ["For anybody"]
    assert [found.is_ours for found in page.context["mine"]] == [False, False, True]


def test_what_was_said_last_stands_there_also_of_a_joined_case(
    desk: Client, agent: User, chat: StartChat
) -> None:
    case, other = chat("Here", of=agent), chat("There")
    merging.join(case=other, into=case, by=agent)
    services.file_message(case=other, kind="chat", text="And one more thing")
    services.add_note(case=case, staff=agent, text="Only for us")
    assert texts(desk.get(CHATS)) == ["And one more thing"]


def test_unread_is_what_one_was_told_and_did_not_see(
    desk: Client, agent: User, chat: StartChat
) -> None:
    case = chat("Hello", of=agent)
    services.file_message(case=case, kind="chat", text="Anybody?")
    assert [found.is_unread for found in desk.get(CHATS).context["mine"]] == [True]
    assert "new" in desk.get(CHATS).content.decode()
    desk.get(f"/admin/cases/{case.reference}/")
    assert [found.is_unread for found in desk.get(CHATS).context["mine"]] == [False]
    services.file_message(case=case, kind="chat", text="While the page is open")
    assert desk.post(f"/admin/cases/{case.reference}/seen/").status_code == 204
    assert not Alert.objects.filter(user=agent, seen_at=None).exists()
    Alert.objects.create(user=shop.make_agent("bo"), case=case, sort="answered")
    assert [found.is_unread for found in desk.get(CHATS).context["mine"]] == [False]


def test_a_case_that_left_chat_is_no_chat(desk: Client, agent: User, chat: StartChat) -> None:
    case = chat("Hello", of=agent)
    switching.switch(case=case, kind="account")
    assert texts(desk.get(CHATS)) == []
    assert "You have no chats." in desk.get(CHATS).content.decode()


def test_the_menu_counts_those_that_wait_for_me_or_anybody(
    desk: Client, agent: User, colleague: User, chat: StartChat
) -> None:
    chat("Mine", of=agent)
    chat("Nobody's")
    chat("Theirs", of=colleague)
    done = chat("Answered", of=agent)
    dispatch.reply(case=done, staff=agent, text="Yes")
    assert desk.get(CHATS).context["desk_counts"].chats == 2


def test_the_first_takes_it_and_the_other_is_told_who(
    desk: Client, agent: User, colleague: User, chat: StartChat
) -> None:
    case = chat("Anybody?")
    address = f"/admin/cases/{case.reference}/assign/"
    answer = desk.post(address, {"to": "me"})
    assert answer["Location"] == f"/admin/cases/{case.reference}/"
    late = Client()
    late.force_login(colleague)
    said = late.post(address, {"to": "me"}, follow=True).content.decode()
    assert "Anna was faster" in said
    case.refresh_from_db()
    assert case.assignee == agent
    assert case.events.filter(sort="assigned").count() == 1


def test_next_is_ones_own_longest_then_anybodys_and_never_where_one_is(
    desk: Client, agent: User, chat: StartChat
) -> None:
    own, free = chat("Mine", of=agent, waits=1), chat("Nobody's", waits=9)
    go = desk.get(f"{CHATS}next/")
    assert go["Location"] == f"/admin/cases/{own.reference}/#newest"
    go = desk.get(f"{CHATS}next/?from={own.reference}")
    assert go["Location"] == f"/admin/cases/{free.reference}/#newest"
    Case.objects.filter(pk=free.pk).update(assignee=agent, waiting_since=None)
    said = desk.get(f"{CHATS}next/?from={own.reference}", follow=True)
    assert "Nobody else waits in a chat." in said.content.decode()


def test_sending_goes_to_the_next_and_takes_the_draft_away(
    desk: Client, agent: User, chat: StartChat
) -> None:
    case, other = chat("Mine", of=agent, waits=9), chat("The other", of=agent)
    key = "0b0e5a3e-5bd4-4a5a-8f0c-6a0f2f8a7c11"
    form = {"text": "Yes, it is.", "client_key": key, "seen": str(case.seq)}
    answer = desk.post(f"/admin/cases/{case.reference}/answer/?then=next", form)
    assert answer.status_code == 302
    page = desk.get(answer["Location"])
    assert page["Location"] == f"/admin/cases/{other.reference}/?sent={key}#newest"
    assert Message.objects.filter(case=case, direction="out", text="Yes, it is.").count() == 1
    assert "&" not in desk.get(f"{CHATS}next/?sent=%26evil")["Location"]


def test_the_rail_stands_beside_a_chat_and_beside_nothing_else(
    desk: Client, agent: User, chat: StartChat, make_case: MakeCase
) -> None:
    case = chat("Hello", of=agent)
    assert 'id="rail"' in desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "Hello" in desk.get(f"{CHATS}rail/{case.reference}/").content.decode()
    mail = make_case("By mail")
    assert 'id="rail"' not in desk.get(f"/admin/cases/{mail.reference}/").content.decode()


def test_what_an_open_page_has_already_is_not_sent_again(
    desk: Client, agent: User, chat: StartChat
) -> None:
    chat("Hello", of=agent)
    mark = desk.get(CHATS).context["mark"]
    ask = {"X-Requested-With": "fetch"}
    assert desk.get(f"{CHATS}?part=1&have={mark}", headers=ask).status_code == 204
    chat_two = Case.objects.get()
    services.file_message(case=chat_two, kind="chat", text="More")
    fresh = desk.get(f"{CHATS}?part=1&have={mark}", headers=ask).content.decode()
    assert "More" in fresh
    assert "<html" not in fresh


def test_texts_of_others_are_escaped(desk: Client, agent: User, chat: StartChat) -> None:
    chat("<script>alert(1)</script>", of=agent, name="<b>Sam</b>")
    said = desk.get(CHATS).content.decode()
    assert "<script>alert" not in said
    assert "<b>Sam" not in said


@pytest.mark.parametrize("path", [CHATS, CHATS + "next/", CHATS + "rail/AAA-AAA/"])
def test_only_staff_come_in(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


def cost(desk: Client, path: str) -> int:
    desk.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert desk.get(path).status_code == 200
    return len(asked)


def test_many_chats_cost_as_many_statements_as_five(
    desk: Client, agent: User, chat: StartChat
) -> None:
    first = chat("0", of=agent)
    for number in range(4):
        chat(str(number), of=agent if number % 2 else None)
    paths = [CHATS, f"{CHATS}?part=1", f"{CHATS}rail/{first.reference}/"]
    few = [cost(desk, path) for path in paths]
    for number in range(20):
        chat(str(number), of=agent)
        chat(str(number))
    assert [cost(desk, path) for path in paths] == few


def test_a_tab_that_rings_asks_what_for(
    desk: Client, agent: User, colleague: User, chat: StartChat, make_case: MakeCase
) -> None:
    def calls() -> list[str]:
        return list(desk.get("/admin/alerts/bell/?calls=1").context["calls"])

    mine, free, theirs = chat("Mine", of=agent), chat("Nobody's"), chat("Theirs", of=colleague)
    mail = make_case("By mail")
    services.assign(case=mail, to=agent, by=colleague)
    for case in (mine, theirs, mail):
        services.file_message(case=case, kind="chat", text="Hello?")
    alert = Alert.objects.get(user=agent, case=mine)
    assert calls() == [f"{mine.reference}:{alert.pk}", f"{free.reference}:free"]
    assert "Hello?" not in desk.get("/admin/alerts/bell/?calls=1").content.decode()
    duty.away(agent)
    assert calls() == [f"{mine.reference}:{alert.pk}"]
    assert desk.get("/admin/alerts/bell/").context["calls"] is None

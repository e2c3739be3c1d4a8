"""The question page while one chats: what is said of waiting, and the ways right there."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, routing, switching
from channels_app.models import Channel, Chat
from contacts import duty, services
from contacts.kinds import CHAT
from contacts.models import Case, Choice, Event, Message, Organisation, Topic, User
from tests import shop
from tests.core.chats import offer_chat
from tests.site.conftest import Ask, newest_code, sign_in
from tests.speed.test_tails import mark_of

MAIL = "sam@example.org"
NOBODY = "Nobody is here at the moment"


@pytest.fixture(autouse=True)
def chat(organisation: Organisation, agent: User) -> Channel:
    """The shop offers chat, day and night, and an agent is there."""
    return offer_chat(organisation)


@pytest.fixture
def case(client: Client, ask: Ask) -> Case:
    """A chat that this browser began."""
    return ask(client, way=CHAT, address_email=None)


def page(client: Client, case: Case, path: str = "") -> str:
    answer = client.get(f"/q/{case.reference}/{path}")
    assert answer.status_code == 200
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def bare(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def beside(text: str) -> str:
    """What the chat says beside its messages."""
    return text.split('id="chat"')[1].split('class="composer"')[0]


def press(client: Client, path: str, **words: str) -> str:
    answer = client.post(path, words, follow=True)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def choice_of(case: Case) -> Choice:
    choice = Case.objects.get(pk=case.pk).choice
    assert choice is not None
    return choice


def waited(case: Case, minutes: float) -> None:
    """It began so long ago."""
    Chat.objects.filter(case=case).update(started_at=timezone.now() - timedelta(minutes=minutes))


def closed(channel: Channel) -> None:
    """It opens tomorrow."""
    tomorrow = f"{timezone.localtime() + timedelta(days=1):%a}".lower()
    Channel.objects.filter(pk=channel.pk).update(weekly_hours={tomorrow: [["09:00", "17:00"]]})


def test_the_place_and_nothing_that_we_do_not_know(client: Client, ask: Ask, agent: User) -> None:
    first = ask(Client(), way=CHAT)
    mine = ask(client, way=CHAT)
    said = page(client, mine)
    assert "You are second in line." in said and "Usually" not in said and NOBODY not in said
    assert "Nothing yet" not in said
    dispatch.reply(case=first, staff=agent, text="Hello")
    assert "You are next." in page(client, mine, "news/")
    dispatch.reply(case=Case.objects.get(pk=mine.pk), staff=agent, text="Hello")
    assert "You are" not in beside(page(client, mine))


def test_the_usual_wait_where_enough_tell(client: Client, ask: Ask) -> None:
    now = timezone.now()
    for _ in range(5):
        other = ask(Client(), way=CHAT)
        Chat.objects.filter(case=other).update(
            started_at=now - timedelta(minutes=3), answered_at=now
        )
    assert "Usually about 3 minutes." in page(client, ask(client, way=CHAT))


def test_the_page_asks_again_where_only_its_place_changed(
    client: Client, ask: Ask, agent: User
) -> None:
    first, mine = ask(Client(), way=CHAT), ask(client, way=CHAT)
    have = re.search(r'data-have="([^"]+)"', page(client, mine))
    assert have is not None
    news = f"/q/{mine.reference}/news/?have={have[1]}"
    assert client.get(news).status_code == 204
    dispatch.reply(case=first, staff=agent, text="Hello")
    assert client.get(news).status_code == 200


def test_the_other_ways_stand_there_once_it_takes_long(client: Client, case: Case) -> None:
    said = beside(page(client, case))
    assert "Call me back" not in said
    waited(case, 6)
    said = beside(page(client, case))
    assert "It takes longer than usual" in said and "020 123 4567" in said
    for words in ("Call me back", "Answer me by e-mail", "All other ways"):
        assert words in said
    # Nothing is known of them: one field each, which opens without a script.
    assert said.count("<details") >= 2 and 'name="address_phone"' in said
    switched = press(
        client, f"/q/{case.reference}/switch/", way="phone", address_phone="0207654321"
    )
    assert choice_of(case).kind == "phone" and "From now on we answer by phone." in switched


def test_known_addresses_are_one_tap(client: Client, ask: Ask, agent: User) -> None:
    sign_in(client, MAIL)
    case = ask(client, way=CHAT, address_email=None)
    waited(case, 6)
    said = beside(page(client, case))
    tap = re.search(r'name="way" value="(email:\d+)"', said)
    assert tap is not None and "Answer me by e-mail" in bare(said)
    press(client, f"/q/{case.reference}/switch/", way=tap[1])
    assert choice_of(case).kind == "email" and str(choice_of(case).identity) == MAIL


def test_nobody_is_there(client: Client, case: Case, chat: Channel, agent: User) -> None:
    closed(chat)
    said = page(client, case)
    assert NOBODY in said and "we are here again from tomorrow 9:00" in said
    assert "You are next" not in beside(said)
    dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="Hello")
    assert NOBODY not in page(client, case)  # they wait for nothing


def test_chat_goes_in_the_middle(client: Client, case: Case, chat: Channel) -> None:
    Channel.objects.filter(pk=chat.pk).update(is_offered=False)
    said = page(client, case)
    assert "We no longer answer by chat" in beside(said) and "You are next" not in beside(said)
    assert "Call me back" in beside(said)


def test_a_pause_is_said_where_the_eye_is(client: Client, case: Case, chat: Channel) -> None:
    until = timezone.now() + timedelta(hours=1)
    Channel.objects.filter(pk=chat.pk).update(paused_until=until, paused_for={"code": "typed"})
    said = beside(page(client, case))
    assert "At the moment we cannot answer by chat" in said and "Call me back" in said


def test_a_topic_that_turns_private_is_said_once(client: Client, case: Case, agent: User) -> None:
    assert "This is private" not in page(client, case)
    services.set_topic(case=case, topic=Topic.objects.get(slug="invoice"), by=agent)
    said = page(client, case)
    assert "This is private" in said and 'name="way" value="account"' in beside(said)
    said = press(client, f"/q/{case.reference}/chat/anyway/")
    assert "This is private" not in said
    other = Client()
    other.post(f"/c/{services.case_link(case).plain}/")
    assert "This is private" in page(other, case)
    press(other, f"/q/{case.reference}/switch/", way="account")
    assert choice_of(case).kind == "account"


def test_who_said_so_at_the_start_is_not_asked_again(client: Client, ask: Ask) -> None:
    case = ask(client, way=CHAT, topic="invoice", private="chat")
    assert "This is private" not in page(client, case)


def test_going_away_a_known_address_is_one_tap(client: Client, ask: Ask) -> None:
    sign_in(client, MAIL)
    case = ask(client, way=CHAT, address_email=None)
    tap = re.search(r'name="second" value="(email:\d+)"', page(client, case))
    assert tap is not None
    said = press(client, f"/q/{case.reference}/second/", second=tap[1])
    assert f"When you are away, our answer follows by e-mail to {MAIL}." in said
    assert f"The answer follows by e-mail to {MAIL}." in bare(said)
    assert choice_of(case).kind == CHAT
    press(client, f"/q/{case.reference}/second/", second="")
    assert choice_of(case).fallback_kind == ""


def test_going_away_a_new_address_takes_six_digits(client: Client, case: Case) -> None:
    path = f"/q/{case.reference}/"
    assert 'name="address_email"' in beside(page(client, case))
    assert "nowhere is no e-mail address." in press(
        client, f"{path}second/", address_email="nowhere"
    )
    said = press(client, f"{path}second/", address_email=MAIL)
    assert "Send me the answer by e-mail" in said and "Confirm this address" in said
    assert choice_of(case).fallback_kind == ""  # not before it was shown to be theirs
    press(client, f"{path}switch/code/", code=newest_code("prove").plain)
    choice = choice_of(case)
    assert choice.kind == CHAT and choice.fallback_kind == "email"
    stem = Case.objects.get(pk=case.pk)
    assert [str(part) for part in routing.approved_second(stem)] == ["email", MAIL]
    sorts = set(stem.events.values_list("sort", flat=True))
    assert Event.Sort.SECOND in sorts and Event.Sort.INVITED not in sorts


def test_what_is_refused_is_said_to_a_page_that_stays(client: Client, case: Case) -> None:
    def post(**words: Any) -> Any:
        asked = {"X-Requested-With": "fetch"}
        return client.post(f"/q/{case.reference}/?have=", words, headers=asked)

    empty = post(text="", client_key=str(shop.key()))
    assert empty.status_code == 422
    assert empty.json() == {"problems": ["Please write something first."]}
    bad = post(text="", files=SimpleUploadedFile("page.html", b"<b>"))
    assert "We cannot take page.html" in bad.json()["problems"][0]
    assert post(text="x" * 200_001).status_code == 422
    key = str(shop.key())
    for _ in range(2):
        assert post(text="Once", client_key=key).status_code == 201
    assert Message.objects.filter(text="Once").count() == 1
    assert f'data-key="{key}"' in page(client, case)


def test_too_many_in_an_hour(client: Client, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of a chat are short and many; what carries a file counts as anywhere."""
    monkeypatch.setattr("portal.site.question.MESSAGES_PER_HOUR", 1)
    monkeypatch.setattr("portal.site.question.LINES_PER_HOUR", 3)

    def say(**more: Any) -> tuple[int, str]:
        said = {"text": "More", "client_key": str(shop.key()), **more}
        answer = client.post(f"/q/{case.reference}/", said, headers={"X-Requested-With": "fetch"})
        return answer.status_code, answer.content.decode()

    assert [say()[0] for _n in range(3)] == [201] * 3
    files = [SimpleUploadedFile(f"{n}.png", b"\x89PNG\r\n\x1a\n") for n in range(2)]
    assert [say(files=file)[0] for file in files] == [201, 429]
    status, text = say()
    assert status == 429 and "You sent many messages." in text


def test_a_constant_number_of_statements(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client, way=CHAT)
    waited(case, 6)

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(client, case)
        return len(asked)

    page(client, case)
    few = statements()
    for number in range(5):
        ask(Client(), way=CHAT)
        services.file_message(case=case, kind=CHAT, text=f"Hello {number}")
        waited(case, 6)
    assert statements() == few


def test_another_way_has_nothing_of_a_chat(client: Client, ask: Ask) -> None:
    case = ask(client, way="account")
    said = page(client, case)
    assert "data-chat" not in said and "chat.js" not in said and "Going away" not in said
    switching.switch(case=case, kind=CHAT)
    assert "data-chat" in page(client, case)
    services.resolve(case=case)
    assert "data-chat" not in page(client, case)


def test_chat_is_suggested_for_a_simple_question_while_somebody_is_there(
    client: Client, agent: User
) -> None:
    """R17, R24; never for what is private (R21)."""

    def suggested(asked: str) -> str:
        rows = client.get(f"/advice/?{asked}").content.decode().split('id="badge-')[1:]
        (kind,) = [row.split('"')[0] for row in rows if "Suggested" in row.split("</span>")[0]]
        return kind

    Topic.objects.create(name="Stock", slug="stock")
    assert suggested("topic=stock") == "chat" and suggested("topic=invoice") == "account"
    assert suggested("topic=invoice&how_soon=today") == "account"
    assert suggested("topic=stock&how_soon=can_wait") == "email"
    duty.leave(agent)
    assert suggested("topic=stock") == "email"


def test_many_lines_of_a_chat_bring_the_newest_alone(
    client: Client, case: Case, agent: User
) -> None:
    for number in range(12):
        services.file_message(case=now_of(case), kind=CHAT, text=f"Line {number:02}")
    have = mark_of(page(client, case))
    services.file_message(case=now_of(case), kind=CHAT, text="One more")
    tail = news(client, case, have)
    assert "data-tail" in tail and "One more" in tail and "Line 02" not in tail
    answered = dispatch.reply(
        case=now_of(case), staff=agent, text="Not read", client_key=shop.key()
    )
    answered.deliveries.update(status="failed")
    for number in range(12):
        services.file_message(case=now_of(case), kind=CHAT, text=f"Later {number:02}")
    for status, is_said in (("failed", True), ("cancelled", False)):
        answered.deliveries.update(status=status)
        shown = page(client, case)
        assert ("did not reach you" in shown) == is_said
        services.file_message(case=now_of(case), kind=CHAT, text=f"And when {status}")
        tail = news(client, case, mark_of(shown))
        assert "data-tail" in tail and f"And when {status}" in tail and "Later 02" not in tail
        assert ("did not reach you" in tail) == is_said  # above all lines, whichever come


def now_of(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def news(client: Client, case: Case, have: str) -> str:
    answer = client.get(f"/q/{case.reference}/news/", {"have": have})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_an_answer_brings_the_newest_alone(client: Client, case: Case, agent: User) -> None:
    for number in range(12):
        dispatch.reply(case=now_of(case), staff=agent, text=f"Answer {number:02}")
    page(client, case)  # who opens it reads them
    have = mark_of(page(client, case))
    dispatch.reply(case=now_of(case), staff=agent, text="One more")
    tail = news(client, case, have)
    assert "data-tail" in tail and "One more" in tail and "Answer 02" not in tail

"""Call me now: the place on the question page, a time instead, and what is said where nobody is."""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone, translation

from channels_app import call_line, dispatch, slots, todos
from channels_app.models import Appointment, Channel, Delivery
from contacts import duty, hints
from contacts.models import Case, Choice, Message, Organisation, User
from portal import times
from tests.core import booking
from tests.core.booking import phone, workday
from tests.site.conftest import Ask
from tests.speed.test_tails import mark_of

pytestmark = pytest.mark.usefixtures("organisation", "agent")
NUMBER = "020 765 43 21"
SOON = {"way": "phone", "address_phone": NUMBER, "wish_phone": "soon"}


@pytest.fixture
def organisation(db: None) -> Organisation:
    """A shop that takes appointments."""
    return booking.make_shop()


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """It is ten past nine on a working day."""
    now = workday("09:10")
    with mock.patch.object(timezone, "now", return_value=now):
        yield now


def words(text: bytes) -> str:
    """What stands there, without tags and blanks."""
    plain = re.sub(r"<[^>]+>", " ", html.unescape(text.decode()))
    return re.sub(r"\s+", " ", plain)


def card(client: Client, case: Case) -> str:
    """What the page says of the call."""
    text = client.get(f"/q/{case.reference}/").content
    found = re.search(rb'<div id="call-now"[^>]*>(.*?)<div id="appointment">', text, re.DOTALL)
    assert found
    return words(found[1]).strip()


def phone_row(client: Client) -> str:
    """What the row of the phone says."""
    text = client.get("/").content
    return words(text.split(b'for="way-phone"', 1)[1].split(b"Where can we call you?", 1)[0])


def call_of(case: Case) -> Delivery:
    """Its to-do."""
    rows = Delivery.objects.select_related("message__case", "channel").to_do()
    found = rows.get(message__case=case)
    assert isinstance(found, Delivery)
    return found


def test_from_the_line_to_the_call(client: Client, ask: Ask, agent: User, noon: datetime) -> None:
    others = [ask(Client(), **SOON) for _n in range(2)]
    Delivery.objects.update(next_attempt_at=noon - timedelta(minutes=5))
    case = ask(client, **SOON)
    assert "You are third in line." in card(client, case)
    before = mark_of(client.get(f"/q/{case.reference}/").content.decode())
    todos.take(call_of(others[0]), agent)
    assert "You are second in line." in card(client, case)
    news = client.get(f"/q/{case.reference}/news/", {"have": before})
    assert news.status_code == 200 and "You are second in line." in words(news.content)
    todos.take(call_of(others[1]), agent)
    assert "You are next." in card(client, case)
    todos.take(call_of(case), agent)
    said = card(client, case)
    assert "We are calling you now. Anna has your question at hand." in said
    assert "Pick a time instead" not in said
    todos.finish(call_of(case), agent, "not_reached")
    assert "We could not reach you. We call you again at 10:10." in card(client, case)
    todos.finish(call_of(case), agent, "reached", note="The lock is frozen.")
    assert card(client, case) == ""
    assert "The lock is frozen." in client.get(f"/q/{case.reference}/").content.decode()


def test_a_call_that_is_given_back_is_in_the_line_again(
    client: Client,
    ask: Ask,
    agent: User,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    case, told = ask(client, **SOON), list[int]()
    monkeypatch.setattr(hints, "publish", lambda pk, _seq: told.append(pk))

    def looks_again() -> bool:
        """Whether an open page looks by itself, for what no hint tells it."""
        return b"data-in-line" in client.get(f"/q/{case.reference}/").content

    for act, line in ((todos.take, "We are calling you now."), (todos.release, "You are next.")):
        with django_capture_on_commit_callbacks(execute=True):
            act(call_of(case), agent)
        assert line in card(client, case) and looks_again()
    assert told == [case.pk, case.pk]
    todos.finish(call_of(case), agent, "not_reached")
    assert not looks_again()  # until then nobody else changes it


def test_a_time_instead_takes_two_taps_and_gives_up_the_place(
    client: Client, ask: Ask, agent: User, noon: datetime
) -> None:
    case, other = ask(client, **SOON), ask(Client(), **SOON)
    text = client.get(f"/q/{case.reference}/").content.decode()
    offered = re.findall(r'name="at" value="([^"]+)"', text)
    free = slots.next_free(phone(), noon)
    assert [times.read(value) for value in offered] == free
    assert 'name="zone"' not in text  # booked and told by the clock of these buttons
    answer = client.post(f"/q/{case.reference}/appointment/phone/", {"at": offered[1]}, follow=True)
    agreed = Appointment.objects.get(case=case)
    assert agreed.starts_at == free[1] and "We call you on" in answer.content.decode()
    assert call_of(case).next_attempt_at == free[1]
    assert card(client, case) == ""
    assert call_line.place(other, noon) == call_line.Place(1)


def waiting(case: Case) -> list[tuple[str, datetime]]:
    """Its to-dos: what they bring, and when."""
    rows = Delivery.objects.to_do().filter(message__case=case).order_by("message__template")
    return list(rows.values_list("message__template", "next_attempt_at"))


def test_a_time_instead_is_also_when_an_answer_by_phone_is_said(
    client: Client, ask: Ask, agent: User, noon: datetime
) -> None:
    case = ask(client, **SOON)
    page = f"/q/{case.reference}/appointment/phone/"
    dispatch.reply(case=case, staff=agent, text="Your lock is here.")
    assert "You are next." in card(client, case)
    first, second, third = slots.next_free(phone(), noon)
    client.post(page, {"at": times.value_of(first)})
    assert waiting(case) == [("", first), (Message.CALLBACK, first)]
    assert card(client, case) == ""
    client.post(page, {"at": times.value_of(second)})  # which moves it
    assert waiting(case) == [("", second), (Message.CALLBACK, second)]
    client.post(page, {"cancel": "1"})
    assert waiting(case) == [("", noon)] and "You are next." in card(client, case)
    todos.finish(call_of(case), agent, "not_reached")
    assert "We could not reach you." in card(client, case)
    client.post(page, {"at": times.value_of(third)})
    assert waiting(case) == [("", third), (Message.CALLBACK, third)]
    assert card(client, case) == ""
    Delivery.objects.to_do().update(next_attempt_at=noon)
    assert call_line.place(case, noon) == call_line.Place(1)
    for row in Delivery.objects.to_do():  # either of them
        todos.take(row, agent)
        assert call_line.place(case, noon) == call_line.Place(0, "Anna")
        todos.release(row, agent)


def test_an_answer_that_a_colleague_has_taken_stays_with_them(
    client: Client, ask: Ask, agent: User, noon: datetime
) -> None:
    case = ask(client, **{**SOON, "wish_phone": "choose"})
    dispatch.reply(case=case, staff=agent, text="Your lock is here.")
    todos.take(call_of(case), agent)
    Choice.objects.update(wish="")  # else the choice is another one, and the answer follows it
    at = slots.next_free(phone(), noon)[0]
    client.post(f"/q/{case.reference}/appointment/phone/", {"at": times.value_of(at)})
    assert waiting(case) == [("", noon), (Message.CALLBACK, at)]


@pytest.mark.parametrize(
    ("situation", "line", "is_open"),
    [
        # Measured until the call is over, so that it is not when we call.
        ("there", "You are next. Usually you are helped within 5 minutes.", False),
        ("gone", "Nobody is there for calls at this moment. You keep your place.", True),
        ("closed", "We are closed now. You keep your place.", True),
    ],
)
def test_the_card_says_where_nobody_calls(
    client: Client,
    ask: Ask,
    agent: User,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
    situation: str,
    line: str,
    is_open: bool,
) -> None:
    case = ask(client, **SOON)
    monkeypatch.setattr(call_line, "usual", lambda _now: 290)
    if situation == "gone":
        duty.leave(agent)
    if situation == "closed":
        Channel.objects.update(weekly_hours={"sun": [["09:00", "10:00"]]})
    text = client.get(f"/q/{case.reference}/").content.decode()
    assert line in card(client, case)
    assert ('<details class="agreed__instead" open>' in text) == is_open


def test_who_wants_to_be_called_otherwise_has_no_place(
    client: Client, ask: Ask, agent: User, noon: datetime
) -> None:
    for wish in ("tomorrow", "choose", times.value_of(slots.next_free(phone(), noon)[0])):
        case = ask(client, **{**SOON, "wish_phone": wish, "text": f"Please call {wish}"})
        assert card(client, case) == ""
    mail = ask(client)
    assert card(client, mail) == ""


@pytest.mark.parametrize(
    ("wish", "line"),
    [("soon", "We answer by phone before 14:10."), ("tomorrow", "We answer by phone.")],
)
def test_who_asked_to_be_called_later_is_promised_nothing_before(
    client: Client, ask: Ask, agent: User, noon: datetime, wish: str, line: str
) -> None:
    case = ask(client, **{**SOON, "wish_phone": wish})
    said = words(client.get(f"/q/{case.reference}/").content)
    assert f"Nothing yet. {line}" in said


def test_where_nobody_is_free_the_row_and_the_advice_name_times(
    client: Client, agent: User, noon: datetime
) -> None:
    here = phone_row(client)
    assert "somebody is free now" in here and "You can book: 10:30 " in here
    assert "Nobody can call you right now." not in client.get("/").content.decode()
    duty.leave(agent)
    gone = phone_row(client)
    assert "Open · until 12:00 · nobody is there for calls now" in gone
    assert "You can book: 11:30, 13:00, 13:30" in gone and "within 4 hours" not in gone
    page = client.get("/").content.decode()
    assert "Nobody can call you right now." in page
    wishes = re.findall(r'name="wish_phone" [^>]*value="([^"]+)"', page)
    free = [times.value_of(at) for at in slots.next_free(phone(), noon)]
    assert wishes[:5] == ["soon", *free, "choose"]
    advice = client.get("/advice/", {"how_soon": "now", "topic": "repair"}).content
    assert "nobody is free now; we can call you at 11:30" in words(advice)
    assert "you would have to wait until we are there" in words(advice)  # it weighs as closed


def test_the_one_who_is_free_is_said_to_be(client: Client, agent: User, noon: datetime) -> None:
    page = client.get("/advice/", {"how_soon": "now", "topic": "repair"}).content
    assert "nobody is free" not in words(page)
    assert "by phone you can ask on at once; open until 12:00" in words(page)


def test_chosen_in_the_same_form_it_is_booked(
    client: Client, ask: Ask, agent: User, noon: datetime
) -> None:
    duty.leave(agent)
    wish = times.value_of(slots.next_free(phone(), noon)[0])
    case = ask(client, **{**SOON, "wish_phone": wish, "zone": "America/New_York"})
    assert Appointment.objects.get(case=case).starts_at == noon.replace(hour=11, minute=30)
    said = words(client.get(f"/q/{case.reference}/").content)
    assert re.search(r"We call you on [^.]* at 11:30\.", said)  # as the button said it


@pytest.mark.once
def test_dutch_words(ask: Ask, agent: User, noon: datetime) -> None:
    with translation.override("en"):  # what the last page activated stays with its thread
        in_dutch(ask, agent)


def in_dutch(ask: Ask, agent: User) -> None:
    """The same lines on a Dutch page."""
    dutch = Client(headers={"Accept-Language": "nl"})
    case = ask(dutch, **SOON)
    with mock.patch.object(call_line, "usual", return_value=290):
        assert "Meestal bent u binnen 5 minuten geholpen." in card(dutch, case)
    assert "U bent als eerste aan de beurt." in card(dutch, case)
    duty.leave(agent)
    assert "U houdt uw plaats." in card(dutch, case)
    advice = dutch.get("/advice/", {"how_soon": "now", "topic": "repair"}).content
    assert "er is nu niemand vrij; wij kunnen u om 11.30 uur bellen" in words(advice)
    assert "er is nu niemand om te bellen" in words(dutch.get("/").content)

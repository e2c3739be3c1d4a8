"""Calls that nobody answers and letters that come back: the second way, or the agent again."""

import html
from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch, fallback, todos
from channels_app.models import Delivery
from contacts import services
from contacts.models import Alert, Case, Consent, Event, Identity, Message, User
from tests import shop, worker
from tests.desk.conftest import MakeCase

S = Delivery.Status
MAIL = "sam@example.org"


@pytest.fixture
def caller(make_case: MakeCase) -> Case:
    """Somebody who asked to be called."""
    return make_case("My brakes squeak.", kind="phone", address="020 111 22 33", wish="soon")


@pytest.fixture
def reader(make_case: MakeCase) -> Case:
    """Somebody who wants a letter."""
    return make_case("In writing, please.", kind="letter", address="Kade 1\n1000 AA Stad")


def now(case: Case) -> Case:
    """As it is now."""
    return Case.objects.get(pk=case.pk)


def approve(case: Case, scheme: str = "email", address: str = MAIL, by: str = "") -> None:
    fallback.approve(case=case, kind=by or scheme, identity=Identity.of(scheme, address))


def act(desk: Client, delivery: Delivery, button: str, **data: Any) -> str:
    """Press a button of a to-do; what the next page says."""
    answer = desk.post(f"/admin/todo/{delivery.pk}/{button}/", data, follow=True)
    delivery.refresh_from_db()
    return html.unescape(answer.content.decode())


def try_in_vain(desk: Client, delivery: Delivery, times: int = todos.TRIES) -> str:
    said = ""
    for _n in range(times):
        act(desk, delivery, "take")
        said = act(desk, delivery, "finish", outcome="not_reached")
    return said


def page(desk: Client, delivery: Delivery) -> str:
    return html.unescape(desk.get(f"/admin/todo/{delivery.pk}/").content.decode())


def test_the_page_says_which_try_it_is_and_what_follows(desk: Client, caller: Case) -> None:
    call = Delivery.objects.to_do().get()
    act(desk, call, "take")
    assert "This is try 1 of 3." in page(desk, call)
    assert "the case needs an answer again" in page(desk, call)
    approve(caller)
    act(desk, call, "finish", outcome="not_reached")
    act(desk, call, "take")
    text = page(desk, call)
    assert "This is try 2 of 3." in text
    assert "If the last one fails, we answer by e-mail, as the customer approved." in text


def test_later_is_no_try(desk: Client, caller: Case) -> None:
    call = Delivery.objects.to_do().get()
    try_in_vain(desk, call, 2)
    act(desk, call, "take")
    act(desk, call, "finish", outcome="later", later="hour")
    assert call.status == S.TODO and todos.in_vain(call) == 2
    try_in_vain(desk, call, 1)
    assert call.status == S.FAILED and call.attempts.count() == 4


def test_three_calls_in_vain_go_on_by_the_second_way(
    desk: Client, caller: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(caller)
    call = Delivery.objects.to_do().get()
    said = try_in_vain(desk, call)
    assert "It goes by e-mail now, as the customer approved." in said
    assert call.status == S.FAILED and call.reason == {"code": "no_answer", "tries": "3"}
    assert not Delivery.objects.to_do().exists()
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        worker.send_due()
        (mail,) = sink.mails
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.startswith("We tried to call you 3 times, so this comes by e-mail.")
    assert f"You asked us to call you about your question {caller.reference}." in text
    assert mail["Subject"] == f"When can we reach you? [{caller.reference}]"
    case = now(caller)
    assert case in Case.objects.waiting()  # their question itself is not answered yet
    sorts = list(case.events.order_by("seq").values_list("sort", flat=True))[-2:]
    assert sorts == ["failed", "fell_back"]


def test_an_answer_to_be_told_by_phone_goes_as_it_was_written(
    desk: Client, agent: User, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case("Call me.", kind="phone", address="020 111 22 33")
    approve(case)
    message = dispatch.reply(case=now(case), staff=agent, text="Your bicycle is ready.")
    try_in_vain(desk, message.deliveries.get())
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        worker.send_due()
        text = sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.replace("\r\n", "\n").startswith(
        "We tried to call you 3 times, so this comes by e-mail.\n\nYour bicycle is ready."
    )
    assert now(case).waiting_since is None


def test_three_calls_in_vain_without_a_second_way_need_an_answer_again(
    desk: Client, agent: User, caller: Case
) -> None:
    services.assign(case=caller, to=agent, by=agent)
    call = Delivery.objects.to_do().get()
    said = try_in_vain(desk, call)
    assert "Nothing else was approved: the case needs an answer again, by another way." in said
    case = now(caller)
    assert case in Case.objects.waiting() and Delivery.objects.count() == 1
    text = html.unescape(desk.get(f"/admin/cases/{case.reference}/").content.decode())
    assert "Nobody answered in 3 tries. Write to them, or ask for another number." in text
    assert not Alert.objects.exists()  # who says so knows it


def test_a_colleague_is_told(
    desk: Client, agent: User, colleague: User, make_case: MakeCase
) -> None:
    case = make_case("Call me.", kind="phone", address="020 111 22 33")
    message = dispatch.reply(case=case, staff=colleague, text="Your bicycle is ready.")
    try_in_vain(desk, message.deliveries.get())
    assert Alert.objects.get().user == colleague
    assert now(case).waiting_since == message.created_at


def test_a_visit_to_which_nobody_comes(desk: Client, agent: User, make_case: MakeCase) -> None:
    case = make_case("I come by.", kind="in_person", address="", wish="north")
    message = dispatch.reply(case=case, staff=agent, text="It lies ready.")
    try_in_vain(desk, message.deliveries.get())
    assert message.deliveries.get().reason == {"code": "not_met", "tries": "3"}


def test_a_letter_that_comes_back_goes_on_by_the_second_way(
    desk: Client, agent: User, reader: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(reader)
    message = dispatch.reply(case=now(reader), staff=agent, text="Here it is in writing.")
    letter = message.deliveries.get()
    assert "It came back" not in page(desk, letter)
    todos.take(letter, agent)
    act(desk, letter, "finish", outcome="sent")
    assert "It came back" in page(desk, letter)
    case_page = f"/admin/cases/{reader.reference}/"
    assert "It came back" in desk.get(case_page).content.decode()
    services.resolve(case=now(reader), by=agent)
    said = act(desk, letter, "came-back")
    assert "It goes by e-mail now, as the customer approved." in said
    assert letter.status == S.RETURNED and letter.identity is not None
    letter.identity.refresh_from_db()
    assert not letter.identity.is_usable_by("letter") and "letters come back" in said
    with shop.sink_server() as (sink, url):
        monkeypatch.setenv("EMAIL_URL", url)
        worker.send_due()
        text = sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.startswith("Our letter to you came back, so this comes by e-mail.")
    assert now(reader).state == Case.State.RESOLVED  # it was answered all the same
    act(desk, letter, "came-back")
    assert message.deliveries.count() == 2


def test_a_letter_that_comes_back_without_a_second_way_opens_the_case_again(
    desk: Client, agent: User, reader: Case
) -> None:
    message = dispatch.reply(case=reader, staff=agent, text="Here it is in writing.")
    letter = message.deliveries.get()
    todos.take(letter, agent)
    act(desk, letter, "finish", outcome="sent")
    services.resolve(case=now(reader), by=agent)
    said = act(desk, letter, "came-back")
    case = now(reader)
    assert case in Case.objects.waiting() and case.waiting_since == message.created_at
    assert "Open again: the answer did not reach the customer." in said
    assert "Our last answer did not reach them: answer by another way." in said
    assert "Nothing else was approved" in said


@pytest.mark.parametrize("status", [S.TODO, S.TAKEN, S.FAILED, S.RETURNED, S.CANCELLED])
def test_only_a_letter_that_went_can_come_back(
    desk: Client, agent: User, reader: Case, status: str
) -> None:
    letter = dispatch.reply(case=reader, staff=agent, text="In writing.").deliveries.get()
    Delivery.objects.update(status=status)
    said = act(desk, letter, "came-back")
    assert letter.status == status and "A colleague was first" in said


def test_a_call_cannot_come_back(desk: Client, caller: Case) -> None:
    call = Delivery.objects.get()
    Delivery.objects.update(status=S.DONE)
    act(desk, call, "came-back")
    assert call.status == S.DONE


def test_the_second_way_by_phone_says_why_and_ends_there(
    desk: Client, agent: User, case: Case
) -> None:
    approve(case, "phone", "020 111 22 33")
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)
    text = html.unescape(desk.get(f"/admin/cases/{case.reference}/").content.decode())
    assert (
        f"Goes by phone to 020 111 2233: {MAIL} does not work any more, and the customer approved"
        " a phone call as the second way." in text
    )
    assert "data-send" in text and "Why another way?" not in text
    assert "Second way, where that fails: by phone to 020 111 2233." in text
    message = dispatch.reply(case=now(case), staff=agent, text="It is there.")
    call = Delivery.objects.to_do().get()
    assert "They chose an answer by e-mail." in page(desk, call)
    try_in_vain(desk, call)
    assert call.status == S.FAILED and message.deliveries.count() == 1
    assert now(case) in Case.objects.waiting()


def test_a_letter_by_the_second_way_says_why_it_is_one(
    desk: Client, agent: User, case: Case
) -> None:
    approve(case, "post", "Kade 1\n1000 AA Stad", by="letter")
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)
    dispatch.reply(case=now(case), staff=agent, text="It is there.")
    sheet = act(desk, Delivery.objects.to_do().get(), "print")
    assert "We could not reach you by e-mail, so this comes by letter." in sheet
    assert "It is there." in sheet


def test_who_said_never_meanwhile_is_not_called_by_the_second_way(
    desk: Client, agent: User, case: Case
) -> None:
    approve(case, "phone", "020 111 22 33")
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)
    Consent.objects.create(customer=case.customer, kind="phone", level=Consent.Level.NEVER)
    with pytest.raises(dispatch.Refusal):
        dispatch.reply(case=now(case), staff=agent, text="It is there.")
    assert not Delivery.objects.to_do().exists()


def test_trying_again_ends_the_wait(desk: Client, agent: User, reader: Case) -> None:
    message = dispatch.reply(case=reader, staff=agent, text="In writing.")
    Delivery.objects.update(status=S.DONE)
    letter = message.deliveries.get()
    todos.came_back(letter, agent)
    assert now(reader).waiting_since is not None
    assert letter.identity is not None
    letter.identity.open_again("letter", Identity.BOUNCED)
    letter.refresh_from_db()
    assert dispatch.try_again(letter, agent) is not None
    assert now(reader).waiting_since is None


def test_trying_again_does_not_hide_what_they_wrote_since(agent: User, reader: Case) -> None:
    message = dispatch.reply(case=reader, staff=agent, text="In writing.")
    Delivery.objects.update(status=S.DONE)
    letter = message.deliveries.get()
    todos.came_back(letter, agent)
    wrote = services.file_message(case=now(reader), kind="account", text="Where is it?")
    assert letter.identity is not None
    letter.identity.open_again("letter", Identity.BOUNCED)
    letter.refresh_from_db()
    dispatch.try_again(letter, agent)
    assert now(reader).waiting_since == wrote.created_at


def test_an_event_tells_it_to_both_sides(desk: Client, agent: User, case: Case) -> None:
    approve(case, "phone", "020 111 22 33")
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)
    dispatch.reply(case=now(case), staff=agent, text="It is there.")
    text = html.unescape(desk.get(f"/admin/cases/{case.reference}/").content.decode())
    assert f"Goes by phone (020 111 2233) instead, as the customer approved: {MAIL} does" in text
    assert "second way, after e-mail" in text
    assert Event.Sort.FELL_BACK in Event.PUBLIC and Message.objects.filter(why="fallback").exists()

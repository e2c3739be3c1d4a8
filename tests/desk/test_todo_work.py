"""To do: calls, letters and visits; taken by one, finished with what was said."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, switching, todos
from channels_app.models import Channel, Delivery
from contacts.models import Case, Code, Message, User
from tests.desk.conftest import MakeCase

S = Delivery.Status
TODO = "/admin/todo/"


@pytest.fixture
def call(make_case: MakeCase) -> Delivery:
    """Somebody who asked to be called."""
    make_case("My brakes squeak.", kind="phone", address="020 111 22 33", wish="soon", name="Sam")
    return Delivery.objects.to_do().get()


@pytest.fixture
def paper(make_case: MakeCase, agent: User) -> Delivery:
    """An answer that goes by letter."""
    case = make_case(
        "In writing, please.", kind="letter", address="Kade 1\n1000 AA Stad", name="Jo"
    )
    return dispatch.reply(case=case, staff=agent, text="Here it is in writing.").deliveries.get()


def case_of(delivery: Delivery) -> Case:
    assert delivery.message.case is not None
    return delivery.message.case


def act(desk: Client, delivery: Delivery, button: str, **data: Any) -> Any:
    """Press a button of a to-do."""
    answer = desk.post(f"{TODO}{delivery.pk}/{button}/", data)
    delivery.refresh_from_db()
    return answer


def page_of(desk: Client, delivery: Delivery) -> str:
    return desk.get(f"{TODO}{delivery.pk}/").content.decode()


def test_the_list_shows_number_and_story(desk: Client, call: Delivery) -> None:
    body = desk.get(TODO).content.decode()
    assert "020 111 2233" in body and "Asks to be called:" in body and "My brakes squeak." in body
    page = page_of(desk, call)
    assert 'href="tel:+31201112233"' in page and "Story so far" in page
    assert "How did it go?" not in page


def test_one_takes_it_and_others_see_who(desk: Client, call: Delivery, colleague: User) -> None:
    assert act(desk, call, "take").status_code == 302
    assert call.status == S.TAKEN and "How did it go?" in page_of(desk, call)
    other = Client()
    other.force_login(colleague)
    body = page_of(other, call)
    assert "Anna has taken it" in body and "How did it go?" not in body
    answer = other.post(f"{TODO}{call.pk}/take/", follow=True)
    assert "A colleague was first" in answer.content.decode()


def test_taking_twice_is_taking_once(desk: Client, call: Delivery) -> None:
    for _n in range(2):
        assert act(desk, call, "take").url == f"{TODO}{call.pk}/"


def test_it_can_be_given_back(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    act(desk, call, "release")
    assert call.status == S.TODO and call.taken_by is None


def test_reached_files_what_was_said(desk: Client, agent: User, call: Delivery) -> None:
    act(desk, call, "take")
    act(desk, call, "finish", outcome="reached", note="New pads on Tuesday.")
    case = case_of(call)
    assert call.status == S.DONE and call.outcome == "reached"
    said = case.messages.get(template=dispatch.SPOKEN)
    assert (said.text, said.kind, said.staff) == ("New pads on Tuesday.", "phone", agent)
    case.refresh_from_db()
    assert case.waiting_since is None
    assert "New pads on Tuesday." in desk.get(f"/admin/cases/{case.reference}/").content.decode()


def test_reached_asks_what_was_said(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    page = act(desk, call, "finish", outcome="reached", note="  ")
    assert page.status_code == 422 and call.status == S.TAKEN
    assert "what was said" in page.content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"outcome": "sent", "note": "Kept words"},
        {"outcome": "nonsense", "note": "Kept words"},
        {"outcome": "later", "later": "other", "later_at": "", "note": "Kept words"},
        {
            "outcome": "later",
            "later": "other",
            "later_at": "2001-01-01T10:00",
            "note": "Kept words",
        },
        {
            "outcome": "later",
            "later": "other",
            "later_at": "2026-99-99T10:00",
            "note": "Kept words",
        },
    ],
)
def test_a_wrong_form_keeps_what_was_typed(
    desk: Client, call: Delivery, data: dict[str, str]
) -> None:
    act(desk, call, "take")
    page = act(desk, call, "finish", **data)
    assert page.status_code == 422 and call.status == S.TAKEN
    assert data.get("note", "") in page.content.decode()


def test_not_reached_stays_to_do_for_later(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    act(desk, call, "finish", outcome="not_reached", note="Voice mail")
    assert call.status == S.TODO and call.next_attempt_at > timezone.now()
    assert call.taken_by is None
    body = desk.get(TODO).content.decode()
    assert "Later" in body and "tried 1 time" in body


def test_later_is_at_the_time_that_was_agreed(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    at = timezone.localtime() + timedelta(days=2)
    act(
        desk, call, "finish", outcome="later", later="other", later_at=at.strftime("%Y-%m-%dT%H:%M")
    )
    assert abs(call.next_attempt_at - at) < timedelta(minutes=1)


def test_tomorrow_is_tomorrow_morning(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    act(desk, call, "finish", outcome="later", later="tomorrow")
    local = timezone.localtime(call.next_attempt_at)
    assert local.date() == timezone.localdate() + timedelta(days=1) and local.hour == 9


def test_again_is_while_we_are_open(desk: Client, call: Delivery) -> None:
    """In an hour we are closed: it is called again when we open."""
    soon = timezone.localtime() + timedelta(days=3)
    day = soon.strftime("%a").lower()
    hours = {day: [["10:00", "16:00"]]}
    Channel.objects.filter(pk=call.channel_id).update(weekly_hours=hours)
    for data in ({"outcome": "not_reached"}, {"outcome": "later", "later": "three"}):
        act(desk, call, "take")
        act(desk, call, "finish", **data)
        local = timezone.localtime(call.next_attempt_at)
        assert (local.date(), local.hour) == (soon.date(), 10), data


def test_two_clicks_finish_once(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    for _n in range(2):
        act(desk, call, "finish", outcome="reached", note="New pads.")
    case = case_of(call)
    assert case.messages.filter(template=dispatch.SPOKEN).count() == 1


def test_what_was_written_is_kept_when_the_customer_switched(desk: Client, call: Delivery) -> None:
    act(desk, call, "take")
    switching.switch(case=case_of(call), kind="account")
    page = act(desk, call, "finish", outcome="reached", note="We spoke already.")
    assert page.status_code == 409 and call.status == S.CANCELLED
    body = page.content.decode()
    assert "We spoke already." in body and "Keep it as a note in the case" in body
    assert str(call.pk) not in desk.get(TODO).content.decode()


def test_a_visit_is_worded_as_a_visit(desk: Client, make_case: MakeCase, agent: User) -> None:
    case = make_case("May I come?", kind="in_person", address="", wish="south", name="Vi")
    visit = dispatch.reply(case=case, staff=agent, text="Come at ten.").deliveries.get()
    act(desk, visit, "take")
    body = page_of(desk, visit)
    assert "They were here" in body and "South Street 1" in body and "Come at ten." in body


def test_the_list_costs_the_same_for_many(desk: Client, make_case: MakeCase) -> None:
    costs = []
    for more in (3, 30):
        for n in range(more):
            make_case("Call", kind="phone", address=f"020 111 {more:02}{n:02}", wish="soon")
        with CaptureQueriesContext(connection) as counted:
            desk.get(TODO)
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 15


def test_an_empty_list_says_so(desk: Client, organisation: Any) -> None:
    assert "Nothing to do." in desk.get(TODO).content.decode()


def test_a_mail_is_no_to_do(desk: Client, agent: User, case: Case) -> None:
    delivery = dispatch.reply(case=case, staff=agent, text="Yes.").deliveries.get()
    assert desk.get(f"{TODO}{delivery.pk}/").status_code == 404
    assert desk.post(f"{TODO}{delivery.pk}/take/").status_code == 404
    assert desk.get(f"{TODO}00000000-0000-0000-0000-000000000000/").status_code == 404


def test_a_letter_is_printed_with_one_code(desk: Client, paper: Delivery) -> None:
    answer = act(desk, paper, "print")
    assert answer.url == f"{TODO}{paper.pk}/letter/" and paper.status == S.TAKEN
    sheet = desk.get(answer.url)
    body = sheet.content.decode()
    for text in ("Test Shop", "Jo", "Kade 1", "1000 AA Stad", "Here it is in writing."):
        assert text in body
    code = re.search(r'class="code">(\w{5} \w{5})<', body)
    assert code and case_of(paper).reference in body and "+31201234567" in body
    act(desk, paper, "print")
    assert code[1] in desk.get(answer.url).content.decode()
    row = Code.objects.get(purpose="join")
    assert row.case == case_of(paper) and row.identity == paper.identity
    assert timedelta(days=59) < row.expires_at - timezone.now() <= timedelta(days=60)
    assert row.plain not in (row.digest, row.form)


def test_a_code_that_is_over_is_made_anew(desk: Client, paper: Delivery) -> None:
    act(desk, paper, "print")
    Code.objects.filter(purpose="join").update(expires_at=timezone.now() - timedelta(days=1))
    act(desk, paper, "print")
    assert Code.objects.live().filter(purpose="join").count() == 1


def test_printed_and_sent(desk: Client, paper: Delivery) -> None:
    act(desk, paper, "print")
    assert "Printed and sent" in page_of(desk, paper)
    act(desk, paper, "finish", outcome="sent")
    assert paper.status == S.DONE
    assert desk.get(f"{TODO}{paper.pk}/letter/").status_code == 200
    assert act(desk, paper, "print").url == TODO


def test_a_letter_speaks_the_customers_language(desk: Client, paper: Delivery) -> None:
    Message.objects.filter(pk=paper.message_id).update(language="nl")
    act(desk, paper, "print")
    assert '<html lang="nl">' in desk.get(f"{TODO}{paper.pk}/letter/").content.decode()


def test_a_letters_text_is_text(desk: Client, agent: User, make_case: MakeCase) -> None:
    evil = "<script>alert(1)</script>"
    case = make_case(evil, kind="letter", address=f"{evil} 1\n1000 AA Stad", name=evil)
    paper = dispatch.reply(case=case, staff=agent, text=evil).deliveries.get()
    act(desk, paper, "print")
    body = desk.get(f"{TODO}{paper.pk}/letter/").content.decode()
    assert "<script>alert" not in body and "&lt;script&gt;" in body


def test_a_call_is_no_letter(desk: Client, call: Delivery) -> None:
    assert act(desk, call, "print").url == TODO
    assert not Code.objects.filter(purpose="join").exists()
    assert desk.get(f"{TODO}{call.pk}/letter/")["Location"] == f"{TODO}{call.pk}/"


def test_a_refused_to_do_disappears_by_itself(desk: Client, call: Delivery) -> None:
    switching.switch(case=case_of(call), kind="account")
    assert "Nothing to do." in desk.get(TODO).content.decode()
    answer = act(desk, call, "take")
    assert answer.url == TODO
    with pytest.raises(todos.Gone):
        todos.take(call, User.objects.get(username="anna"))
    assert isinstance(call.created_at, datetime)

"""The buttons of the case page, and what takes them back."""

from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch, switching
from contacts import services
from contacts.models import Alert, Case, Choice, Event, Holder, Identity, Message, Topic, User
from tests.desk.conftest import MakeCase


def press(desk: Client, case: Case, button: str, **data: Any) -> Any:
    """Press a button and follow where it leads."""
    answer = desk.post(f"/admin/cases/{case.reference}/{button}/", data, follow=True)
    case.refresh_from_db()
    return answer


def test_assign_to_me_to_a_colleague_to_nobody(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    press(desk, case, "assign", to="me")
    assert case.assignee == agent
    press(desk, case, "assign", to=str(colleague.pk))
    assert case.assignee == colleague
    assert Alert.objects.get(user=colleague).sort == Alert.Sort.ASSIGNED
    press(desk, case, "assign", to="")
    assert case.assignee is None


@pytest.mark.parametrize("to", ["999999", "x", "-1", "9" * 40])
def test_a_case_goes_to_staff_only(desk: Client, case: Case, to: str) -> None:
    assert press(desk, case, "assign", to=to).status_code == 404
    assert case.assignee is None


def test_a_number_that_this_case_proved_is_not_asked_for(desk: Client, case: Case) -> None:
    usual, number = Identity.objects.get(), Identity.of("phone", "+31201112233")
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": number.pk}))
    switching.switch(case=case, kind="phone", identity=number)
    switching.switch(case=case, kind="email", identity=usual)
    assert not Holder.objects.filter(identity=number).exists()
    press(desk, case, "choice", kind="phone", address="")
    assert case.choice and (case.choice.kind, case.choice.identity) == ("phone", number)


def test_done_can_be_taken_back_and_waits_again(desk: Client, case: Case) -> None:
    since = case.waiting_since
    page = press(desk, case, "done")
    assert case.state == Case.State.RESOLVED
    undo = f"/admin/cases/{case.reference}/reopen/"
    assert f'action="{undo}"' in page.content.decode()
    desk.post(undo)
    case.refresh_from_db()
    assert case.state == Case.State.OPEN
    assert case.waiting_since is not None and since is not None
    assert abs(case.waiting_since - since).total_seconds() < 1


def test_an_answered_case_that_opens_again_waits_for_nobody(
    desk: Client, agent: User, case: Case
) -> None:
    dispatch.reply(case=case, staff=agent, text="Yes.")
    press(desk, case, "done")
    press(desk, case, "reopen")
    assert case.state == Case.State.OPEN and case.waiting_since is None


def test_the_topic_is_changed_and_an_unknown_one_refused(desk: Client, case: Case) -> None:
    press(desk, case, "topic", topic="repair")
    assert case.topic == Topic.objects.get(slug="repair")
    assert press(desk, case, "topic", topic="unknown").status_code == 404
    press(desk, case, "topic", topic="")
    assert case.topic is None


def test_join_and_take_apart(desk: Client, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    asked = press(desk, one, "join", into=other.reference.lower().replace("-", " "))
    assert one.merged_into is None
    body = asked.content.decode()
    assert f"It goes on as {other.reference}." in body and "by e-mail to sam@example.org" in body
    assert "different customers" not in body
    page = press(desk, one, "join", into=other.reference, sure="1")
    assert one.merged_into == other
    undo = f"/admin/cases/{other.reference}/undo-join/{one.reference}/"
    assert f'action="{undo}"' in page.content.decode()
    desk.post(undo)
    one.refresh_from_db()
    assert one.merged_into is None and one.root is None


def test_cases_of_two_customers_are_joined_after_a_question(
    desk: Client, make_case: MakeCase
) -> None:
    one = make_case("One", name="Sam Sample")
    other = make_case("Other", name="Eve Else", address="else@example.org")
    body = press(desk, one, "join", into=other.reference).content.decode()
    assert one.merged_into is None
    for words in ("Sam Sample", "Eve Else", one.reference, other.reference, "share one history"):
        assert words in body
    press(desk, one, "join", into=other.reference, sure="1")
    assert one.merged_into == other


@pytest.mark.parametrize("into", ["", "ZZZ-ZZZ", "nonsense", "\x00"])
def test_joining_to_nothing_is_said(desk: Client, case: Case, into: str) -> None:
    body = press(desk, case, "join", into=into).content.decode()
    assert "There is no case with that reference." in body


def test_a_case_is_not_joined_to_itself(desk: Client, case: Case) -> None:
    body = press(desk, case, "join", into=case.reference).content.decode()
    assert "These cases are one already." in body and case.merged_into is None


def test_a_wrongly_filed_message_is_moved(desk: Client, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    message = services.file_message(case=one, kind="email", text="This is about the other one")
    press(desk, one, f"move/{message.pk}", into=other.reference)
    message.refresh_from_db()
    assert message.case == other
    for case in (one, other):
        body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
        assert "moved a message" in body


def test_what_cannot_be_moved_stays(desk: Client, agent: User, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    question = one.messages.get(direction=Message.Direction.IN)
    body = press(desk, one, f"move/{question.pk}", into=other.reference).content.decode()
    assert "join the cases instead" in body
    answer = dispatch.reply(case=one, staff=agent, text="Yes.")
    body = press(desk, one, f"move/{answer.pk}", into=other.reference).content.decode()
    assert "An answer that was sent cannot be moved." in body
    note = services.add_note(case=one, staff=agent, text="Note")
    body = press(desk, one, f"move/{note.pk}", into=one.reference).content.decode()
    assert "in that case already" in body
    assert set(Message.objects.filter(case=one)) >= {question, answer, note}


def test_a_foreign_message_is_not_moved(desk: Client, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    foreign = other.messages.get(direction=Message.Direction.IN)
    assert press(desk, one, f"move/{foreign.pk}", into=one.reference).status_code == 404


def test_name_and_note_of_the_customer(desk: Client, case: Case) -> None:
    press(desk, case, "customer", name="  Sam Second ", note="Likes blue\x00")
    case.customer.refresh_from_db()
    assert (case.customer.name, case.customer.note) == ("Sam Second", "Likes blue")


def test_the_customers_wish_is_noted_by_staff(desk: Client, agent: User, case: Case) -> None:
    """A3: asked for a call, a call is allowed, and the request stands in the history."""
    press(desk, case, "choice", kind="phone", address="020 111 22 33", wish="morning")
    choice = case.choice
    assert choice and choice.identity
    assert (choice.kind, choice.wish, choice.by) == ("phone", "morning", Choice.By.STAFF)
    assert choice.by_staff == agent and choice.identity.value == "+31201112233"
    holder = Holder.objects.get(identity=choice.identity)
    assert holder.customer == case.customer and holder.proved_at is None
    message = dispatch.reply(case=case, staff=agent, text="We call you.")
    assert message.kind == "phone" and message.why == Message.Why.CHOSEN


def test_a_wrong_address_changes_nothing(desk: Client, case: Case) -> None:
    before = case.choice_id
    body = press(desk, case, "choice", kind="phone", address="not a number").content.decode()
    assert case.choice_id == before and "only digits" in body
    body = press(desk, case, "choice", kind="letter", address="").content.decode()
    assert case.choice_id == before and "its address is missing" in body
    assert press(desk, case, "choice", kind="pigeon").status_code == 404


def test_calls_are_allowed_and_taken_back(desk: Client, case: Case) -> None:
    press(desk, case, "calls", allowed="1")
    assert case.choice and case.choice.calls_allowed
    press(desk, case, "calls", allowed="0")
    assert case.choice and not case.choice.calls_allowed


@pytest.mark.parametrize(
    "name",
    [
        "answer",
        "note",
        "way",
        "assign",
        "done",
        "reopen",
        "topic",
        "join",
        "undo-join/AAA-AAA",
        "not-the-same",
        "move/1",
        "again/00000000-0000-0000-0000-000000000000",
        "customer",
        "choice",
        "calls",
        "use-again/1",
    ],
)
def test_a_link_changes_nothing(desk: Client, case: Case, name: str) -> None:
    assert desk.get(f"/admin/cases/{case.reference}/{name}/").status_code == 405


def test_a_form_of_another_site_changes_nothing(agent: User, case: Case) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent)
    assert strict.post(f"/admin/cases/{case.reference}/done/").status_code == 403
    case.refresh_from_db()
    assert case.state == Case.State.OPEN


def test_a_button_leads_back_to_own_pages_only(desk: Client, case: Case) -> None:
    url = f"/admin/cases/{case.reference}/assign/"
    for goal in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = desk.post(url, {"to": "me", "next": goal})
        assert answer["Location"] == f"/admin/cases/{case.reference}/"

"""Record a contact: who, what was said, how they want the answer; errors keep everything."""

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channels_app import dispatch
from channels_app.models import Channel, Delivery
from contacts import codes, merging, services
from contacts.models import Case, Choice, Code, Customer, Holder, Message, Organisation, Topic, User
from portal.desk import letter, people
from tests.desk.conftest import MakeCase

RECORD = "/admin/record/"
AS_BEFORE = '<input type="radio" name="kind" value="as_before" checked>'


def save(desk: Client, **values: Any) -> Any:
    """Press the save button of a screen that was filled in."""
    given = {
        "came_by": "phone",
        "q": "Jan",
        "into": "new",
        "name": "Jan de Vries",
        "text": "His brakes squeak.",
        "kind": "phone",
        "phone": "020 111 22 33",
        "client_key": str(uuid.uuid4()),
    }
    return desk.post(RECORD, {**given, **values})


def test_a_call_of_somebody_new(desk: Client, agent: User, organisation: Organisation) -> None:
    answer = save(desk, wish="soon", topic="repair")
    case = Case.objects.get()
    assert answer.status_code == 302 and case.reference in answer.url
    assert case.customer.name == "Jan de Vries" and case.assignee == agent
    assert case.topic == Topic.objects.get(slug="repair")
    message = case.messages.get(direction=Message.Direction.IN)
    assert (message.kind, message.text, message.staff) == ("phone", "His brakes squeak.", agent)
    choice = case.choice
    assert choice and choice.identity and choice.by == Choice.By.STAFF
    assert (choice.kind, choice.identity.value) == ("phone", "+31201112233")
    assert Delivery.objects.to_do().get().channel.kind == "phone"


def test_a_name_is_enough(desk: Client, organisation: Organisation) -> None:
    assert save(desk, came_by="in_person", kind="in_person", phone="").status_code == 302
    case = Case.objects.get()
    assert case.customer.name == "Jan de Vries"
    assert not Holder.objects.exists()


def test_no_call_is_planned_where_none_is_needed(desk: Client, organisation: Organisation) -> None:
    save(desk, wish="")
    assert not Delivery.objects.to_do().exists()


def test_what_is_settled_is_done_at_once(desk: Client, organisation: Organisation) -> None:
    save(desk, wish="", settled="1")
    assert Case.objects.get().state == Case.State.RESOLVED


def test_a_caller_without_email_gets_a_letter(desk: Client, organisation: Organisation) -> None:
    """A5, its first half."""
    save(desk, kind="letter", post="Kade 1\n1000 AA Stad")
    case = Case.objects.get()
    assert case.choice and case.choice.identity
    assert case.choice.identity.scheme == "post"


def test_an_existing_case_gets_what_was_said(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    services.assign(case=case, to=colleague, by=colleague)
    choice = case.choice_id
    save(desk, into=f"case:{case.reference}", kind="as_before", text="She called about it.")
    case.refresh_from_db()
    assert Case.objects.count() == 1 and case.choice_id == choice
    assert case.messages.filter(text="She called about it.", kind="phone", staff=agent).exists()


def test_another_wish_switches_the_case(desk: Client, case: Case) -> None:
    save(desk, into=f"case:{case.reference}", wish="morning")
    case.refresh_from_db()
    assert case.choice and case.choice.identity
    assert (case.choice.kind, case.choice.wish) == ("phone", "morning")
    assert case.choice.by == Choice.By.STAFF and case.choice.identity.value == "+31201112233"


def test_a_known_customer_gets_a_new_case_as_before(desk: Client, case: Case) -> None:
    save(desk, into=f"customer:{case.customer_id}", kind="as_before")
    new = Case.objects.exclude(pk=case.pk).get()
    assert new.customer == case.customer and Customer.objects.count() == 1
    assert new.choice and case.choice and new.choice.identity == case.choice.identity


def test_a_known_address_need_not_be_typed(desk: Client, case: Case) -> None:
    save(desk, into=f"customer:{case.customer_id}", kind="email", email="")
    new = Case.objects.exclude(pk=case.pk).get()
    assert new.choice and new.choice.identity and new.choice.identity.value == "sam@example.org"


def test_somebody_else_of_the_same_house_is_somebody_else(
    desk: Client, organisation: Organisation
) -> None:
    save(desk, wish="")
    save(desk, name="Willem de Vries", wish="")
    save(desk, name="jan DE vries", wish="")
    names = [case.customer.name for case in Case.objects.order_by("pk")]
    assert names == ["Jan de Vries", "Willem de Vries", "Jan de Vries"]
    assert Holder.objects.values("identity").distinct().count() == 1


def test_the_searched_number_is_the_callers(desk: Client, organisation: Organisation) -> None:
    save(desk, q="020 999 88 77", phone="")
    case = Case.objects.get()
    assert case.choice and case.choice.identity and case.choice.identity.value == "+31209998877"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": " "}, "Write what was said."),
        ({"text": "x" * 20001}, "20000"),
        ({"name": ""}, "Write a name."),
        ({"into": ""}, "Say who it is"),
        ({"into": "case:ZZZ-ZZZ"}, "Say who it is"),
        ({"into": "customer:999999"}, "Say who it is"),
        ({"into": "customer:" + "9" * 30}, "Say who it is"),
        ({"kind": ""}, "Ask how they want the answer"),
        ({"kind": "pigeon"}, "Ask how they want the answer"),
        ({"kind": "as_before"}, "Ask how they want the answer"),
        ({"phone": "twelve"}, "only digits"),
        ({"kind": "email", "email": "nobody"}, "complete e-mail address"),
        ({"kind": "letter", "post": "Town"}, "street with its number"),
        ({"topic": "gone"}, "not there any more"),
        ({"came_by": "pigeon"}, "pigeon"),
        ({"client_key": "zzz"}, "UUID"),
    ],
)
def test_errors_keep_everything(
    desk: Client, organisation: Organisation, values: dict[str, str], said: str
) -> None:
    page = save(desk, **values)
    body = page.content.decode()
    assert page.status_code == 422 and not Case.objects.exists()
    assert said in body and 'role="alert"' in body
    if "text" not in values:
        assert "His brakes squeak." in body
    if "name" not in values:
        assert "Jan de Vries" in body or values.get("into") is not None


def test_a_channel_that_was_just_switched_off(desk: Client, organisation: Organisation) -> None:
    Channel.objects.filter(kind="phone").update(is_offered=False)
    page = save(desk)
    assert page.status_code == 422 and "His brakes squeak." in page.content.decode()


def test_a_dangerous_file_is_refused_and_nothing_is_half_done(
    desk: Client, organisation: Organisation
) -> None:
    page = save(desk, files=SimpleUploadedFile("run.exe", b"MZ"))
    assert page.status_code == 422 and not Case.objects.exists()
    assert "run.exe" in page.content.decode() and "His brakes squeak." in page.content.decode()


def test_two_clicks_are_one_case(desk: Client, organisation: Organisation) -> None:
    key = str(uuid.uuid4())
    first, second = save(desk, client_key=key), save(desk, client_key=key)
    assert Case.objects.count() == 1 and first.url == second.url


def test_two_clicks_into_a_case_are_one_message(desk: Client, case: Case) -> None:
    key = str(uuid.uuid4())
    for _n in range(2):
        save(desk, client_key=key, into=f"case:{case.reference}", kind="as_before")
    assert case.messages.filter(text="His brakes squeak.").count() == 1


def printed(case: Case, agent: User) -> Code:
    """The code of a letter that was printed for a case."""
    message = dispatch.reply(case=case, staff=agent, text="Here it is in writing.")
    return letter.issue_code(message.deliveries.get())


def test_the_code_on_a_letter_finds_its_case_and_works_once(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    """A5, its second half: the agent types the printed code."""
    case = make_case(kind="letter", address="Kade 1\n1000 AA Stad", name="Jan")
    code = printed(case, agent)
    typed = codes.on_paper(code.plain).lower()
    body = desk.get(f"{RECORD}people/", {"q": typed}).content.decode()
    assert "This code belongs to:" in body and f'value="case:{case.reference}" checked' in body
    into = f"case:{case.reference}"
    save(desk, came_by="letter", q=typed, into=into, kind="as_before", text="They write: agreed.")
    assert case.messages.filter(kind="letter", text="They write: agreed.").exists()
    code.refresh_from_db()
    assert code.uses_left == 0 and people.find_code(typed) is None


def test_a_spoken_code_finds_its_case(desk: Client, case: Case) -> None:
    code = Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    assert case.reference in desk.get(f"{RECORD}people/", {"q": code.plain}).content.decode()


@pytest.mark.parametrize("typed", ["Sample", "sam@example.org", "bicycle"])
def test_known_customers_appear_while_typing(desk: Client, case: Case, typed: str) -> None:
    body = desk.get(f"{RECORD}people/", {"q": typed}).content.decode()
    assert "Sam Sample" in body and case.reference in body and "<html" not in body


def test_an_exact_address_chooses_its_customer(desk: Client, case: Case) -> None:
    body = desk.get(f"{RECORD}people/", {"q": "sam@example.org"}).content.decode()
    assert f'value="customer:{case.customer_id}" checked' in body


def test_a_reference_chooses_its_case(desk: Client, case: Case) -> None:
    body = desk.get(f"{RECORD}people/", {"q": case.reference}).content.decode()
    assert f'value="case:{case.reference}" checked' in body


def test_a_name_alone_chooses_nobody(desk: Client, case: Case) -> None:
    body = desk.get(f"{RECORD}people/", {"q": "Sample"}).content.decode()
    assert "checked" not in body


def test_nobody_found_offers_a_new_customer_by_that_name(
    desk: Client, organisation: Organisation
) -> None:
    body = desk.get(f"{RECORD}people/", {"q": "Jan de Vries"}).content.decode()
    assert 'value="new" checked' in body and 'value="Jan de Vries"' in body


def test_looking_does_not_use_a_code_up(desk: Client, agent: User, make_case: MakeCase) -> None:
    code = printed(make_case(kind="letter", address="Kade 1\n1000 AA Stad"), agent)
    for _n in range(3):
        desk.get(f"{RECORD}people/", {"q": code.plain})
    code.refresh_from_db()
    assert code.uses_left == 1


def test_the_search_costs_the_same_for_many(desk: Client, make_case: MakeCase) -> None:
    costs = []
    for more in (2, 20):
        for n in range(more):
            make_case("A shared word", address=f"p{more}-{n}@example.org", name=f"Person {n}")
        with CaptureQueriesContext(connection) as counted:
            found = people.find("shared")
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 12 and len(found.people) == people.MAX_PEOPLE


def test_without_a_script_the_search_is_a_button(desk: Client, case: Case) -> None:
    page = save(desk, q="Sample", into="", find="1")
    body = page.content.decode()
    assert page.status_code == 200 and case.reference in body and "His brakes squeak." in body
    assert 'role="alert"' not in body


def test_from_a_case_its_person_is_chosen(desk: Client, case: Case) -> None:
    page = desk.get(f"/admin/cases/{case.reference}/record/", follow=True)
    assert f'value="case:{case.reference}" checked' in page.content.decode()
    assert AS_BEFORE in page.content.decode()


def test_the_code_on_a_letter_keeps_their_way_without_being_asked(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    case = make_case(kind="letter", address="Kade 1\n1000 AA Stad", name="Jan")
    typed = printed(case, agent).plain
    found = save(desk, q=typed, into="", kind="", find="1").content.decode()
    assert AS_BEFORE in found
    into = f"case:{case.reference}"
    saved = save(desk, came_by="letter", q=typed, into=into, kind="", text="They write: agreed.")
    assert saved.status_code == 302
    case.refresh_from_db()
    assert case.choice and case.choice.kind == "letter"
    assert case.messages.filter(text="They write: agreed.").exists()


def test_a_customer_without_a_chosen_case_is_asked(desk: Client, case: Case) -> None:
    body = desk.get(RECORD, {"q": "sam@example.org"}).content.decode()
    assert f'value="customer:{case.customer_id}" checked' in body and AS_BEFORE not in body
    page = save(desk, into=f"customer:{case.customer_id}", kind="")
    assert page.status_code == 422 and "Ask how they want the answer" in page.content.decode()


@pytest.mark.parametrize("query", ["\x00", "'", '"*', "9" * 300, "AND OR", "%"])
def test_a_nonsense_search_is_no_error(desk: Client, case: Case, query: str) -> None:
    assert desk.get(f"{RECORD}people/", {"q": query}).status_code == 200
    assert desk.get(RECORD, {"q": query, "case": query, "came_by": query}).status_code == 200


def test_the_card_of_the_chosen_case_is_shown(desk: Client, case: Case, make_case: Any) -> None:
    """R30: what it tells is not asked again on the phone."""
    page = desk.get(f"/admin/record/?case={case.reference}").content.decode()
    assert "Story so far" in page and "Is the bicycle there?" in page.partition("Story so far")[2]
    other = make_case("A second matter", address="kim@example.org")
    part = desk.get(f"/admin/record/story/?into=case:{other.reference}").content.decode()
    assert "A second matter" in part and "<form" not in part  # it stands in the form of the page
    for nothing in ("", "new", "customer:1", "case:XXX-XXX", "case:"):
        answer = desk.get("/admin/record/story/", {"into": nothing})
        assert answer.status_code == 200 and answer.content.strip() == b""
    assert Client().get(f"/admin/record/story/?into=case:{case.reference}").status_code == 302
    # What was joined is told by the case that it is in.
    merging.join(case=other, into=case, by=None)
    after = desk.get(f"/admin/record/story/?into=case:{other.reference}")
    assert after.content.strip() == b""

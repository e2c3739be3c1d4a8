"""What goes wrong at the desk is said in its own frame, and nothing that was typed is lost."""

import pytest
from django.test import Client

from channels_app import dispatch, todos
from contacts import kinds
from contacts.models import Case, Organisation, User
from portal import words
from portal.desk import words as desk_words
from tests.desk.conftest import MakeCase

SITE = "http://testserver"


@pytest.fixture
def strict(agent: User) -> Client:
    """Anna's browser, with the check of forms that a test client leaves out."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent)
    return client


def test_a_stale_form_gets_the_desks_own_page(strict: Client, case: Case) -> None:
    here = f"/admin/cases/{case.reference}/"
    answer = strict.post(
        f"{here}answer/", {"text": "Half a thought"}, headers={"Referer": SITE + here}
    )
    body = answer.content.decode()
    assert answer.status_code == 403 and "desk-head" in body and "callbar" not in body
    assert "Nothing was saved or sent." in body and ">Half a thought</textarea>" in body
    assert f'href="{here}">Load the page again' in body
    assert not case.messages.filter(text="Half a thought").exists()


def test_a_stale_sign_in_leads_to_the_door(organisation: Organisation) -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "anna"})
    body = answer.content.decode()
    assert answer.status_code == 403 and 'href="/admin/login/"' in body
    assert "desk-head" not in body and "Needs an answer" not in body


def test_a_customers_stale_form_keeps_the_customers_page(organisation: Organisation) -> None:
    body = Client(enforce_csrf_checks=True).post("/sign-out/").content.decode()
    assert "Please try once more" in body and "callbar" in body


def test_a_stale_form_of_the_desk_in_dutch(strict: Client, agent: User, case: Case) -> None:
    User.objects.filter(pk=agent.pk).update(language="nl")
    body = strict.post(f"/admin/cases/{case.reference}/note/").content.decode()
    assert "Laad de pagina opnieuw" in body and "Load the page" not in body


@pytest.mark.parametrize(
    ("page", "goal"),
    [
        ("/admin/record/?case={ref}", "/admin/record/%3Fcase%3D{ref}"),
        ("/admin/cases/{ref}/", "/admin/cases/{ref}/"),
        ("/admin/cases/{ref}/answer/", "/admin/cases/{ref}/"),
        ("/admin/cases/{ref}/move/1/", "/admin/cases/{ref}/"),
        ("/admin/nowhere/", "/admin/"),
    ],
)
def test_who_was_signed_out_comes_back_to_a_page(case: Case, page: str, goal: str) -> None:
    """A form with errors stands at its button's address, where a link leads nowhere."""
    page, goal = page.format(ref=case.reference), goal.format(ref=case.reference)
    for button in ("/admin/record/", f"/admin/cases/{case.reference}/answer/"):
        answer = Client().post(button, {"text": "x"}, headers={"Referer": SITE + page})
        assert answer["Location"] == f"/admin/login/?next={goal}"


def test_what_was_saved_is_named_so_that_the_browser_forgets_it(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    case = make_case(kind="phone", address="020 111 22 33")
    delivery = dispatch.reply(case=case, staff=agent, text="Call me.").deliveries.get()
    todos.take(delivery, agent)
    form = desk.get(f"/admin/todo/{delivery.pk}/").content.decode()
    assert f'data-keep="todo:{delivery.pk}"' in form and f'data-key="{delivery.pk}"' in form
    answer = desk.post(f"/admin/todo/{delivery.pk}/finish/", {"outcome": "not_reached"})
    assert answer["Location"] == f"/admin/todo/?sent={delivery.pk}"


def test_what_is_done_says_when_it_was_and_no_plan(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    case = make_case(kind="phone", address="020 111 22 33", wish="morning")
    delivery = case.messages.get(template="callback").deliveries.get()
    assert "in the morning ·" in desk.get(f"/admin/todo/{delivery.pk}/").content.decode()
    todos.take(delivery, agent)
    todos.finish(delivery, agent, "reached", note="We agreed.")
    body = desk.get(f"/admin/todo/{delivery.pk}/").content.decode()
    assert "in the morning ·" not in body and "done" in body


def test_each_side_has_one_word_for_each_way() -> None:
    for name in kinds.KINDS:
        assert desk_words.label(name) == words.staff_label(name) == kinds.get(name).staff_label
        assert desk_words.by(name) == words.staff_by(name)
    assert (words.label("account"), words.staff_label("account")) == ("My own page", "Own page")
    assert words.by("account") == "on your own page"
    assert words.staff_by("account") == "on their own page"


@pytest.mark.parametrize(
    ("address", "status", "goal"),
    [
        ("cases/ZZZ-ZZZ/", 404, "/admin/cases/"),
        ("nowhere/at/all/", 404, "/admin/"),
        ("todo/00000000-0000-0000-0000-000000000000/", 404, "/admin/todo/"),
        ("organisation/", 403, "/admin/"),
        ("alerts/seen/", 405, "/admin/alerts/"),
    ],
)
def test_an_agent_stays_at_the_desk(
    desk: Client, organisation: Organisation, address: str, status: int, goal: str
) -> None:
    answer = desk.get(f"/admin/{address}")
    body = answer.content.decode()
    assert answer.status_code == status and "desk-head" in body and f'href="{goal}"' in body
    assert "Ask a question" not in body


def test_others_get_the_customers_words(organisation: Organisation) -> None:
    customer = Client()
    assert "Ask a question" in customer.get("/nowhere/").content.decode()
    assert customer.get("/admin/nowhere/")["Location"].startswith("/admin/login/")

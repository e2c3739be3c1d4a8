"""Who may enter the desk, and how often a password may be tried."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from channels_app import dispatch
from channels_app.models import Delivery
from contacts.models import Case, Code, User
from portal.desk import site
from tests import shop
from tests.desk.conftest import MakeCase

ADMINISTRATOR_PAGES = ("organisation", "channels", "topics", "staff", "quarantine")
AGENT_PAGES = ("index", "cases", "todo", "record", "alerts", "record_people")


def desk_addresses(case: Case) -> list[str]:
    """Every page of the agents' desk."""
    delivery = Delivery.objects.to_do().get()
    addresses = [reverse(f"admin:{name}") for name in AGENT_PAGES]
    one = reverse("admin:case", args=[case.reference])
    buttons = ("answer", "note", "way", "assign", "done", "reopen", "topic", "join", "choice")
    addresses += [one, *(f"{one}{name}/" for name in (*buttons, "calls", "customer", "record"))]
    item = reverse("admin:todo_one", args=[delivery.pk])
    return [*addresses, item, *(f"{item}{n}/" for n in ("take", "finish", "print", "letter"))]


@pytest.fixture
def case_with_letter(make_case: MakeCase, agent: User) -> Case:
    case = make_case(kind="letter", address="Street 1\n1000 AA Town", name="Sam")
    dispatch.reply(case=case, staff=agent, text="Yes.")
    return case


def test_only_staff_enter(case_with_letter: Case) -> None:
    customer = User.objects.create_user("someone", password="secret-word-7")
    gone = shop.make_agent("gone")
    gone.is_active = False
    gone.save()
    for user in (None, customer, gone):
        browser = Client()
        if user:
            browser.force_login(user)
        for address in desk_addresses(case_with_letter):
            for answer in (browser.get(address), browser.post(address)):
                assert answer.status_code == 302 and "/admin/login/" in answer["Location"], address


def test_an_agent_sees_no_page_of_the_administrators(desk: Client, case: Case) -> None:
    body = desk.get(reverse("admin:cases")).content.decode()
    for name in ADMINISTRATOR_PAGES:
        address = reverse(f"admin:{name}")
        assert desk.get(address).status_code == 403, name
        assert f'href="{address}"' not in body
    administrator = Client()
    administrator.force_login(shop.make_agent("root", administrator=True))
    body = administrator.get(reverse("admin:cases")).content.decode()
    for name in ADMINISTRATOR_PAGES:
        assert f'href="{reverse(f"admin:{name}")}"' in body


def test_an_agent_opens_every_own_page(desk: Client, case_with_letter: Case) -> None:
    for address in desk_addresses(case_with_letter):
        assert desk.get(address).status_code in (200, 302, 405), address


def sign_in(name: str, password: str, client: str = "192.0.2.1") -> str:
    browser = Client(REMOTE_ADDR=client)
    answer = browser.post("/admin/login/", {"username": name, "password": password})
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_a_password_is_tried_so_often_and_no_more(agent: User) -> None:
    for _n in range(site.LOGIN_TIMES_PER_NAME):
        assert "correct" in sign_in("anna", "wrong")
    assert "Too many tries." in sign_in("anna", "secret-word-7")
    cache.clear()
    assert sign_in("anna", "secret-word-7") == "in"


def test_signing_in_rightly_is_no_try(agent: User) -> None:
    for _n in range(site.LOGIN_TIMES_PER_NAME + 5):
        assert sign_in("anna", "secret-word-7") == "in"


def test_unknown_names_get_the_same_answers(agent: User) -> None:
    def strip(body: str, name: str) -> str:
        start = body.index("<form")
        lines = body[start:].replace(name, "NAME").splitlines()
        return "\n".join(line for line in lines if "csrfmiddlewaretoken" not in line)

    for _n in range(site.LOGIN_TIMES_PER_NAME + 1):
        known, unknown = sign_in("anna", "wrong"), sign_in("nobody", "wrong", "192.0.2.2")
        assert strip(known, "anna") == strip(unknown, "nobody")
    assert "Too many tries." in unknown


def test_one_address_cannot_try_many_names(agent: User) -> None:
    for n in range(site.LOGIN_TIMES_PER_CLIENT):
        sign_in(f"name{n}", "wrong")
    assert "Too many tries." in sign_in("anna", "secret-word-7")
    assert sign_in("anna", "secret-word-7", client="192.0.2.99") == "in"


def test_a_spelling_of_the_name_is_no_way_round_the_limit(agent: User) -> None:
    for n in range(site.LOGIN_TIMES_PER_NAME):
        sign_in("ANNA " if n % 2 else " anna", "wrong")
    assert "Too many tries." in sign_in("anna", "secret-word-7")


def test_looking_at_a_letter_makes_no_code(desk: Client, case_with_letter: Case) -> None:
    delivery = Delivery.objects.to_do().get()
    before = Code.objects.count()
    assert desk.get(reverse("admin:letter", args=[delivery.pk])).status_code == 302
    assert desk.get(reverse("admin:letter_print", args=[delivery.pk])).status_code == 405
    assert Code.objects.count() == before


def test_a_stranger_shuts_no_colleague_out_and_many_guess_no_more(
    agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _n in range(site.LOGIN_TIMES_PER_NAME + 20):
        sign_in("anna", "wrong", client="192.0.2.66")
    assert "Too many tries." in sign_in("anna", "secret-word-7", client="192.0.2.66")
    assert sign_in("anna", "secret-word-7") == "in"
    monkeypatch.setattr(site, "LOGIN_TIMES_PER_NAME_ANYWHERE", 40)
    for n in range(41):
        sign_in("anna", "wrong", client=f"198.51.100.{n}")
    assert "Too many tries." in sign_in("anna", "secret-word-7")

"""My preferences: one truth for how welcome each way is, and addresses with their proof."""

from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch
from contacts import holding
from contacts.models import Case, Consent, Holder, Identity, User
from tests.site.conftest import Ask, newest_code, sign_in


@pytest.fixture
def case(client: Client, ask: Ask) -> Case:
    """A question of a customer who is signed in."""
    case = ask(client)
    sign_in(client, "sam@example.org")
    return case


def save(client: Client, **words: str) -> Any:
    return client.post("/preferences/", {"usual": "", "language": "en", **words})


def level(case: Case, kind: str) -> str:
    row = Consent.objects.filter(customer=case.customer, kind=kind).order_by("-pk").first()
    return row.level if row else ""


def test_they_are_for_who_signed_in(client: Client, ask: Ask) -> None:
    ask(client)  # a case of one's own is not enough: the page speaks of the whole person
    for path in ("", "addresses/", "addresses/code/", "addresses/1/code/", "addresses/1/remove/"):
        response = client.post(f"/preferences/{path}", {"address": "x@example.org"})
        assert response.status_code == 302
    assert client.get("/preferences/")["Location"] == "/sign-in/"


def test_who_mails_starts_with_calls_only_if_asked(client: Client, case: Case) -> None:
    page = client.get("/preferences/").content.decode()
    assert 'id="level_phone_on_request" value="on_request" checked' in page
    assert 'id="level_email_gladly" value="gladly" checked' in page


def test_never_is_kept_and_routing_obeys(client: Client, case: Case, agent: User) -> None:
    save(client, level_phone="never", level_email="gladly", usual="account", language="nl")
    assert level(case, "phone") == "never" and level(case, "email") == ""
    case.customer.refresh_from_db()
    assert (case.customer.preferred_kind, case.customer.language) == ("account", "nl")
    holding.hold(case.customer, Identity.of("phone", "0207654321"), how=Holder.How.STAFF)
    with pytest.raises(dispatch.Refusal, match="no_calls"):
        dispatch.reply(case=case, staff=agent, text="Hi", kind="phone", why_text="It is long.")
    rows = Consent.objects.count()
    save(client, level_phone="never")
    assert Consent.objects.count() == rows  # the same again writes nothing


def test_nonsense_changes_nothing(client: Client, case: Case) -> None:
    rows = Consent.objects.count()
    save(client, level_phone="maybe", usual="pigeon", language="xx", level_pigeon="never")
    case.customer.refresh_from_db()
    assert Consent.objects.count() == rows
    assert (case.customer.preferred_kind, case.customer.language) == ("", "en")


def test_the_language_of_the_pages_follows(client: Client, case: Case) -> None:
    save(client, language="nl")
    assert '<html lang="nl">' in client.get("/preferences/").content.decode()


def test_a_new_mail_address_is_proved_first(client: Client, case: Case) -> None:
    response = client.post("/preferences/addresses/", {"address": "work@example.org"})
    assert response["Location"] == "/preferences/addresses/code/"
    assert not Holder.objects.filter(identity__value="work@example.org").exists()
    wrong = client.post("/preferences/addresses/code/", {"code": "1"})
    assert wrong.status_code == 422
    client.post("/preferences/addresses/code/", {"code": newest_code("prove").plain})
    assert Holder.objects.proved().filter(identity__value="work@example.org").exists()
    assert "work@example.org" in client.get("/preferences/").content.decode()


def test_a_number_is_added_unproved_and_taken_off(client: Client, case: Case) -> None:
    client.post("/preferences/addresses/", {"address": "020 765 43 21"})
    holder = Holder.objects.get(identity__value="+31207654321")
    assert holder.proved_at is None
    assert "Not confirmed" in client.get("/preferences/").content.decode()
    client.post(f"/preferences/addresses/{holder.pk}/remove/")
    holder.refresh_from_db()
    assert holder.ended_at is not None


def test_a_wrong_address_is_said_and_kept(client: Client, case: Case) -> None:
    response = client.post("/preferences/addresses/", {"address": "nonsense"})
    page = response.content.decode()
    assert response.status_code == 422 and 'value="nonsense"' in page and 'id="errors"' in page


def test_the_only_proved_address_stays(client: Client, case: Case) -> None:
    holder = Holder.objects.get(identity__value="sam@example.org")
    client.post(f"/preferences/addresses/{holder.pk}/remove/")
    holder.refresh_from_db()
    assert holder.ended_at is None
    assert "your only confirmed address" in client.get("/preferences/").content.decode()


def test_an_address_on_the_list_is_proved_by_a_code(client: Client, case: Case) -> None:
    identity = Identity.of("email", "old@example.org")
    holder = holding.hold(case.customer, identity, how=Holder.How.STAFF)
    client.post(f"/preferences/addresses/{holder.pk}/code/")
    client.post("/preferences/addresses/code/", {"code": newest_code("prove").plain})
    holder.refresh_from_db()
    assert holder.proved_at is not None


def test_other_peoples_addresses_are_out_of_reach(client: Client, case: Case, ask: Ask) -> None:
    ask(Client(), address_email="other@example.org")
    holder = Holder.objects.get(identity__value="other@example.org")
    for path in ("code", "remove"):
        assert client.post(f"/preferences/addresses/{holder.pk}/{path}/").status_code == 404
    holder.refresh_from_db()
    assert holder.ended_at is None


def test_the_usual_way_is_chosen_beforehand_on_the_start_page(client: Client, case: Case) -> None:
    save(client, usual="account")
    page = client.get("/").content.decode()
    assert 'id="way-account" value="account" checked' in page


def test_neither_an_address_nor_a_number_is_said_as_such(client: Client, case: Case) -> None:
    page = client.post("/preferences/addresses/", {"address": "foo"}).content.decode()
    assert "Please write an e-mail address or a phone number." in page and 'value="foo"' in page
    assert client.get("/preferences/addresses/")["Location"] == "/preferences/"

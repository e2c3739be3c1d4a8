"""My preferences: one truth for how welcome each way is, and addresses with their proof."""

from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch
from contacts import holding
from contacts.models import Case, Consent, Customer, Holder, Identity, Organisation, User
from portal.site.forms import Typed
from tests.core.chats import offer_chat
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
    for path in (
        "",
        "addresses/",
        "addresses/code/",
        "addresses/1/code/",
        "addresses/1/remove/",
        "age/",
    ):
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


def test_nobody_is_asked_for_an_age_unless_it_is_used(client: Client, case: Case) -> None:
    assert "age_band" not in client.get("/preferences/").text
    client.post("/preferences/age/", {"age_band": "55+"})
    case.customer.refresh_from_db()
    assert case.customer.age_band == ""


def test_an_age_group_is_told_and_taken_back(client: Client, case: Case) -> None:
    Organisation.objects.update(uses_age_band=True)

    def tell(**given: str) -> str:
        assert client.post("/preferences/age/", given).status_code == 302
        case.customer.refresh_from_db()
        return case.customer.age_band

    page = client.get("/preferences/").text
    assert "You need not say it." in page and "Remove my age group" not in page
    assert 'value="55+" checked' not in page and "age_band" not in client.get("/").text
    assert tell(age_band="55+") == "55+"
    page = client.get("/preferences/").text
    assert 'value="55+" checked' in page and "Remove my age group" in page
    for nonsense in ("99", "18-34' OR 1=1"):
        assert tell(age_band=nonsense) == ""
    assert tell(age_band="18-34") == "18-34"
    assert tell() == ""


def test_an_age_group_does_not_outlive_its_switch(
    client: Client, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    Organisation.objects.update(uses_age_band=True)
    get, was_read = Typed.get, []

    def switched_off(typed: Typed, name: str) -> str:
        if name == "age_band":  # while this very press is under way
            was_read.append(Organisation.objects.update(uses_age_band=False))
        return get(typed, name)

    monkeypatch.setattr(Typed, "get", switched_off)
    page = client.post("/preferences/age/", {"age_band": "55+"}, follow=True).text
    assert was_read and "Your age group is saved." not in page
    assert not Customer.objects.exclude(age_band="").exists()


def test_it_moves_their_own_suggestion_alone(client: Client, case: Case, agent: User) -> None:
    offer_chat(case.organisation)
    Customer.objects.update(age_band="18-34")
    phone = "What most people choose: by phone"
    assert phone in client.get("/").text  # it is not used
    Organisation.objects.update(uses_age_band=True)
    page = client.get("/").text
    assert "What people of your age like: in the chat" in page and phone not in page
    assert "more than half of the people under 35 chat rather than phone" in page
    assert phone in Client().get("/").text
    assert "What people of your age like" in client.get("/advice/").text


def test_who_is_not_signed_in_tells_none(client: Client, ask: Ask) -> None:
    ask(client)
    assert client.post("/preferences/age/", {"age_band": "55+"})["Location"] == "/sign-in/"
    assert not Customer.objects.exclude(age_band="").exists()

"""Approving a second way: in my preferences, and after an answer that did not arrive."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch, fallback, sending, switching
from channels_app.adapters.base import Reason
from channels_app.models import Delivery
from contacts import holding
from contacts.models import Case, Consent, Customer, Event, Holder, Identity, User
from tests.core import booking
from tests.site.conftest import Ask, sign_in

MAIL, OTHER, NUMBER = "sam@example.org", "sam.other@example.org", "+31207654321"
OFFER = "Or keep"


@pytest.fixture
def case(client: Client, ask: Ask) -> Case:
    """A question of a customer who is signed in."""
    case = ask(client)
    sign_in(client, MAIL)
    return case


def holds(case: Case, scheme: str, address: str, *, proved: bool = True) -> Identity:
    identity = Identity.of(scheme, address)
    holding.hold(case.customer, identity, how=Holder.How.CODE, proved=proved)
    return identity


def save(client: Client, **words: str) -> str:
    """Store preferences; what the page says then."""
    posted = {"usual": "", "language": "en", **words}
    return html.unescape(client.post("/preferences/", posted, follow=True).content.decode())


def options(page: str) -> dict[str, str]:
    """Value and words of what can be the second way."""
    select = page.split('id="second"')[1].split("</select>")[0]
    found = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)<', select)
    return {value: html.unescape(words) for value, words in found}


def approved(case: Case) -> tuple[str, Identity | None]:
    case.customer.refresh_from_db()
    return case.customer.fallback_kind, case.customer.fallback_identity


def page_of(client: Client, case: Case) -> str:
    return html.unescape(client.get(f"/q/{case.reference}/").content.decode())


def bare(page: str) -> str:
    """Its words without their marks."""
    return re.sub(r"<[^>]+>", "", page)


def press(client: Client, case: Case, value: str) -> str:
    answer = client.post(f"/q/{case.reference}/second/", {"second": value}, follow=True)
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def choice_of(case: Case) -> tuple[str, Identity | None]:
    choice = Case.objects.get(pk=case.pk).choice
    assert choice is not None
    return choice.fallback_kind, choice.fallback_identity


def unreached(case: Case, agent: User) -> Delivery:
    """An answer of ours that failed for good."""
    found = dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="It is there.")
    delivery = found.deliveries.get()
    sending._fail(delivery, Reason.said("550 no such mailbox"))
    return delivery


# My preferences.


def test_only_what_is_proved_or_done_by_hand_is_offered(client: Client, case: Case) -> None:
    holds(case, "email", OTHER)
    unproved = holds(case, "email", "typed@example.org", proved=False)
    number = holds(case, "phone", NUMBER, proved=False)
    found = options(client.get("/preferences/").content.decode())
    assert found[""] == "no other way" and found["account"] == "on your own page"
    assert f"by e-mail to {OTHER}" in found.values() and f"by e-mail to {MAIL}" in found.values()
    assert f"email:{unproved.pk}" not in found and "in_person" not in found
    assert found[f"phone:{number.pk}"] == "by phone to 020 765 4321"


def test_what_needs_a_time_is_neither_the_usual_nor_the_second_way(
    client: Client, case: Case, agent: User
) -> None:
    booking.offer_video(case.organisation)
    page = client.get("/preferences/").content.decode()
    usual = page.split('id="usual"')[1].split("</select>")[0]
    assert 'value="email"' in usual and 'value="video"' not in usual
    assert 'name="level_video"' in page and "video" not in options(page)
    save(client, usual="video", second="video")
    assert approved(case)[0] == "" and case.customer.preferred_kind == ""
    unreached(case, agent)
    assert 'value="video"' not in page_of(client, case)
    press(client, case, "video")
    assert choice_of(case)[0] == "" and not Delivery.objects.filter(channel__kind="video").exists()


def test_it_is_kept_shown_and_taken_back(client: Client, case: Case) -> None:
    other = holds(case, "email", OTHER)
    page = save(client, second=f"email:{other.pk}", usual="letter")
    assert "Your preferences are saved." in page
    assert f'value="email:{other.pk}" selected' in page
    assert approved(case) == ("email", other)
    save(client, usual="letter")
    assert approved(case) == ("", None)


@pytest.mark.parametrize("value", ["email", "email:999999", "pigeon", "in_person", "sms:1", "x:y"])
def test_nonsense_approves_nothing(client: Client, case: Case, value: str) -> None:
    save(client, second=value)
    assert approved(case) == ("", None)


def test_a_strangers_address_is_not_approved(client: Client, case: Case, ask: Ask) -> None:
    stranger = ask(Client(), address_email="stranger@example.org")
    theirs = holds(stranger, "email", "stranger@example.org")
    save(client, second=f"email:{theirs.pk}")
    assert approved(case) == ("", None)


def test_it_differs_from_the_usual_way(client: Client, case: Case) -> None:
    other = holds(case, "email", OTHER)
    page = save(client, second=f"email:{other.pk}", usual="email")
    assert "Your second way is the same as your usual one" in page and approved(case) == ("", None)


def test_never_goes_before_it(client: Client, case: Case) -> None:
    number = holds(case, "phone", NUMBER)
    page = save(client, second=f"phone:{number.pk}", level_phone="never")
    assert "You never want that second way" in page and approved(case) == ("", None)
    assert f"phone:{number.pk}" not in options(client.get("/preferences/").content.decode())
    save(client, second=f"phone:{number.pk}", level_phone="on_request")
    assert approved(case) == ("phone", number)


def test_an_address_that_is_removed_is_no_second_way(client: Client, case: Case) -> None:
    other = holds(case, "email", OTHER)
    save(client, second=f"email:{other.pk}")
    holder = Holder.objects.current().get(identity=other)
    client.post(f"/preferences/addresses/{holder.pk}/remove/")
    assert approved(case) == ("", None)


def test_it_is_never_asked_while_opening(client: Client, case: Case) -> None:
    holds(case, "phone", NUMBER)
    page = client.get("/").content.decode()
    assert "second" not in page and "does not reach" not in page


# After an answer that did not arrive.


def test_nothing_is_asked_before_an_answer_failed(client: Client, case: Case, agent: User) -> None:
    holds(case, "phone", NUMBER)
    dispatch.reply(case=case, staff=agent, text="It is there.")
    assert OFFER not in page_of(client, case)


def test_after_a_failure_it_is_asked_and_kept_for_this_question(
    client: Client, case: Case, agent: User
) -> None:
    number = holds(case, "phone", NUMBER)
    unreached(case, agent)
    page = page_of(client, case)
    assert "Our last answer did not reach you." in page
    assert "Or keep e-mail, and say how we reach you where it does not work:" in page
    assert "by phone to 020 765 4321" in bare(page) and "No other way" in page
    assert f'value="email:{Identity.objects.get(value=MAIL).pk}"' not in page  # is the first one
    said = press(client, case, f"phone:{number.pk}")
    assert "Where the first way does not work, we answer by phone to 020 765 4321 from now on." in (
        said
    )
    assert "Where we cannot reach you by e-mail, we answer by phone." in said
    assert choice_of(case) == ("phone", number) and OFFER not in said
    assert "If e-mail does not work next time, we answer by phone." in said
    assert "or by phone, where that does not work" in said
    assert approved(case) == ("", None)  # of this question only


def test_no_is_an_answer_and_is_not_asked_again(client: Client, case: Case, agent: User) -> None:
    holds(case, "phone", NUMBER)
    unreached(case, agent)
    said = press(client, case, "")
    assert "waits for you on this page" in said and OFFER not in said
    assert choice_of(case) == ("", None)
    unreached(case, agent)
    assert OFFER not in page_of(client, case)


def test_who_never_wants_it_is_not_asked(client: Client, case: Case, agent: User) -> None:
    number = holds(case, "phone", NUMBER)
    Consent.objects.create(customer=case.customer, kind="phone", level=Consent.Level.NEVER)
    unreached(case, agent)
    assert f'value="phone:{number.pk}"' not in page_of(client, case)
    press(client, case, f"phone:{number.pk}")
    assert choice_of(case) == ("", None)


def test_who_has_but_a_link_is_offered_what_the_case_used(
    client: Client, ask: Ask, agent: User
) -> None:
    """The addresses of the person stay theirs."""
    case = ask(client)
    number = holds(case, "phone", NUMBER)
    kade = Identity.of("post", "Kade 1\n1000 AA Stad")
    switching.switch(case=case, kind="letter", identity=kade)
    switching.switch(case=Case.objects.get(pk=case.pk), kind="account")
    message = dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="It is there.")
    message.deliveries.update(status=Delivery.Status.FAILED)
    page = page_of(client, case)
    assert (
        NUMBER not in page and "765 4321" not in page and f'value="phone:{number.pk}"' not in page
    )
    assert f'value="letter:{kade.pk}"' in page and "1000 AA" not in page
    press(client, case, f"phone:{number.pk}")
    assert choice_of(case) == ("", None)


def test_a_strangers_page_is_no_page(client: Client, case: Case) -> None:
    answer = Client().post(f"/q/{case.reference}/second/", {"second": "letter"})
    assert answer.status_code == 404 and choice_of(case) == ("", None)
    assert client.get(f"/q/{case.reference}/second/").status_code == 405


def test_the_panel_says_what_stands_and_takes_it_back(
    client: Client, case: Case, agent: User
) -> None:
    number = holds(case, "phone", NUMBER)
    assert "Where e-mail does not reach you" not in switch_of(client, case)
    fallback.approve(case=case, kind="phone", identity=number)
    page = switch_of(client, case)
    assert "Where e-mail does not reach you, we answer by phone to 020 765 4321." in page
    assert "No longer" in page
    press(client, case, "")
    assert "Where e-mail does not reach you" not in switch_of(client, case)


def test_the_panel_names_the_preference_and_leads_to_it(client: Client, case: Case) -> None:
    Customer.objects.update(fallback_kind="account")
    page = switch_of(client, case)
    assert "Where e-mail does not reach you, we answer on your own page." in page
    assert "No longer" not in page and 'href="/preferences/"' in page


def test_a_link_is_not_told_what_its_customer_approved_for_all(client: Client, ask: Ask) -> None:
    """Whoever types a stranger's address has a case of theirs open."""
    case = ask(client)
    number = holds(case, "phone", NUMBER)
    Customer.objects.update(fallback_kind="phone", fallback_identity=number)
    page = switch_of(client, case)
    assert "we answer by phone." not in page and "4321" not in page
    assert "where that does not work" not in client.get(f"/q/{case.reference}/").content.decode()


def switch_of(client: Client, case: Case) -> str:
    page = html.unescape(client.get(f"/q/{case.reference}/switch/").content.decode())
    return page.replace("\xa0", " ")


def test_who_chose_another_way_since_is_asked_for_nothing(
    client: Client, case: Case, agent: User
) -> None:
    holds(case, "phone", NUMBER)
    unreached(case, agent)
    choice = switching.switch(case=Case.objects.get(pk=case.pk), kind="account")
    page = page_of(client, case)
    assert "Our last answer did not reach you." not in page and OFFER not in page
    switching.undo(case=Case.objects.get(pk=case.pk), choice=choice)
    page = page_of(client, case)
    assert "Our last answer did not reach you." in page and OFFER in page


def test_a_switch_keeps_it_and_so_does_its_undo(client: Client, case: Case) -> None:
    number = holds(case, "phone", NUMBER)
    fallback.approve(case=case, kind="phone", identity=number)
    choice = switching.switch(case=Case.objects.get(pk=case.pk), kind="account")
    assert choice_of(case) == ("phone", number)
    switching.undo(case=Case.objects.get(pk=case.pk), choice=choice)
    assert choice_of(case) == ("phone", number)


def test_the_answer_by_the_second_way_is_said_on_the_page(
    client: Client, case: Case, agent: User
) -> None:
    fallback.approve(case=case, kind="account")
    unreached(case, agent)
    page = page_of(client, case)
    assert "We could not reach you by e-mail, so the answer is here." in page
    assert "Our last answer did not reach you." not in page


def test_a_call_that_nobody_answered_is_said_on_the_page(
    client: Client, ask: Ask, agent: User
) -> None:
    case: Any = ask(client, way="phone", address_phone=NUMBER, wish_phone="soon")
    delivery = Delivery.objects.to_do().get()
    delivery.move("failed", frm=("todo",), reason={"code": "no_answer", "tries": "3"})
    fallback.fall_back(delivery)
    page = page_of(client, case)
    assert "We tried to call you, and did not reach you." in page
    assert "We could not reach you by phone." in page
    assert Event.objects.filter(sort="fell_back").count() == 1
    switching.switch(case=Case.objects.get(pk=case.pk), kind="account")
    assert "We tried to call you, and did not reach you." not in page_of(client, case)


def test_many_changes_are_bounded(client: Client, case: Case) -> None:
    for _n in range(31):
        said = press(client, case, "")
    assert "You changed this many times." in said

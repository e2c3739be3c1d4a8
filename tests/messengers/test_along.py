"""From an address that nobody knows: a new case, and the offer to join it to an older one."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, joining, segments, switching
from channels_app.models import Channel
from contacts import merging, services
from contacts.models import (
    Alert,
    Case,
    Code,
    Customer,
    Event,
    Identity,
    Message,
    Organisation,
    Question,
    User,
)
from tests.messengers import pocket
from tests.messengers.people import SAM, choice_of, own_page, texts

OFFER = "Asked before?"
Change = Callable[[Case, User], None]


@pytest.fixture
def older(organisation: Organisation) -> Case:
    """Asked on the own page, long ago."""
    return own_page(organisation)


def new_case(channel: Channel, text: str = "The lid is loose as well") -> Case:
    """Written from an address that nobody knows."""
    pocket.write(channel, SAM, text)
    return Case.objects.latest("pk")


def code_on_page(case: Case) -> str:
    """What its page shows, after the button was pressed."""
    cache.clear()
    browser = Client()
    browser.post(f"/c/{services.case_link(case).plain}/")
    page = f"/q/{case.reference}/elsewhere/"
    assert "Show me a code" in browser.get(page).content.decode()
    assert not Code.objects.filter(purpose="join").exists()  # opening makes none
    assert browser.post(page)["Location"] == page
    text = browser.get(page).content.decode()
    found = re.search(r'class="bigcode"><strong>(\w{5} \w{5})<', text)
    assert found and f"My question {case.reference} goes on here. Code: {found[1]}" in text
    return found[1]


def test_the_first_acknowledgement_offers_it_once(whatsapp: Channel) -> None:
    case = new_case(whatsapp)
    (out,) = pocket.send_all()
    assert case.is_by_stranger and OFFER in out.text and out.to == SAM
    services.resolve(case=case)
    Identity.objects.update(acknowledged_at=None)
    Customer.objects.update(created_at=timezone.now() - timedelta(hours=2))
    new_case(whatsapp, "Another thing")
    assert not any(OFFER in out.text for out in pocket.send_all())


def test_an_sms_with_the_offer_is_two(sms: Channel) -> None:
    new_case(sms)
    (out,) = pocket.send_all()
    assert OFFER in out.text and segments.size(out.text).segments <= 2


def test_yes_makes_both_one(older: Case, whatsapp: Channel, agent: User, client: Client) -> None:
    services.assign(case=older, to=agent, by=agent)
    new = new_case(whatsapp)
    pocket.write(whatsapp, SAM, f"Code: {code_on_page(older)}")
    asked = pocket.send_all()[-1].text
    assert f"You are joining question {older.reference}." in asked
    assert f"Your question {new.reference} goes along" in asked
    new.refresh_from_db()
    assert new.root is None  # nothing before the word
    pocket.write(whatsapp, SAM, "yes")
    new.refresh_from_db()
    assert new.merged_into == older and choice_of(older) == ("whatsapp", SAM)
    assert set(texts(older)) >= {"My kettle leaks", "The lid is loose as well"}
    assert Event.objects.filter(case=older, sort=Event.Sort.MERGED, staff=None).exists()
    assert Alert.objects.filter(user=agent, case=older, sort="answered").exists()
    dispatch.reply(case=older, staff=agent, text="We bring both.")
    assert pocket.send_all()[-1].to == SAM
    pocket.write(whatsapp, SAM, "Thanks")
    thanks = Message.objects.get(text="Thanks").case
    assert thanks is not None and thanks.stem == older
    merging.undo_join(case=new, by=agent)
    assert "The lid is loose as well" not in texts(older)


def test_by_sms_it_is_the_number_that_only_its_owner_reads(older: Case, sms: Channel) -> None:
    new = new_case(sms)
    pocket.write(sms, SAM, joining.ready_text(older, joining.issue_for_any(older)))
    assert f"Your question {new.reference} goes along" in pocket.send_all()[-1].text
    pocket.write(sms, SAM, "YES")
    new.refresh_from_db()
    assert new.root is None
    pocket.write(sms, SAM, Code.objects.get(purpose="answer").plain)
    new.refresh_from_db()
    assert new.merged_into == older


def test_no_leaves_two(older: Case, whatsapp: Channel) -> None:
    new = new_case(whatsapp)
    pocket.write(whatsapp, SAM, joining.issue_for_any(older).plain)
    pocket.write(whatsapp, SAM, "no")
    new.refresh_from_db()
    assert new.root is None and choice_of(older) == ("account", "")


def answered_by_staff(new: Case, agent: User) -> None:
    """We wrote already."""
    dispatch.reply(case=new, staff=agent, text="Which lid?")


def noted_by_staff(new: Case, agent: User) -> None:
    """Somebody works on it."""
    services.add_note(case=new, staff=agent, text="A regular")


def written_on_the_page(new: Case, agent: User) -> None:
    """Whoever has its link."""
    services.file_message(case=new, kind="account", text="And me")


def kept_by_somebody_else(new: Case, agent: User) -> None:
    """Its link went to another address."""
    services.case_link(new)


def switched_on_its_page(new: Case, agent: User) -> None:
    """Answered elsewhere meanwhile, and back."""
    identity = new.choice.identity if new.choice else None
    switching.switch(case=new, kind="account")
    switching.switch(case=new, kind="whatsapp", identity=identity, by="writing")


def joined_by_another(new: Case, agent: User) -> None:
    """Another case is part of it."""
    merging.join(case=own_page(new.organisation, "Third"), into=new, by=agent)


def two_days_old(new: Case, agent: User) -> None:
    """Too long ago to be meant."""
    Case.objects.filter(pk=new.pk).update(opened_at=timezone.now() - timedelta(days=2))


def of_somebody_we_know(new: Case, agent: User) -> None:
    """The customer was there before the case."""
    Customer.objects.update(created_at=timezone.now() - timedelta(days=2))


def settled(new: Case, agent: User) -> None:
    """It is over."""
    services.resolve(case=new)


NOT_ALONE = [
    answered_by_staff,
    noted_by_staff,
    written_on_the_page,
    kept_by_somebody_else,
    switched_on_its_page,
    joined_by_another,
    two_days_old,
    of_somebody_we_know,
    settled,
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("change", NOT_ALONE, ids=lambda change: change.__name__)
def test_what_is_not_theirs_alone_stays(
    older: Case, whatsapp: Channel, sms: Channel, agent: User, change: Change, when: str
) -> None:
    """Before it was asked nothing is said of it; after that the YES moves it no more."""
    new = new_case(whatsapp)
    if when == "before":
        change(new, agent)
    pocket.write(whatsapp, SAM, joining.issue_for_any(older).plain)
    asked = Message.objects.filter(template="ask_to_join").latest("pk")
    assert (new.reference in asked.text) is (when == "after")
    if when == "after":
        change(new, agent)
    pocket.write(whatsapp, SAM, "yes")
    new.refresh_from_db()
    assert new.root is None
    assert choice_of(older) == ("whatsapp", SAM)


def test_of_two_new_ones_none_is_guessed(older: Case, sms: Channel) -> None:
    one, two = new_case(sms), new_case(sms, "And the cord")
    assert one != two
    pocket.write(sms, SAM, joining.issue_for_any(older).plain)
    assert Question.objects.get().options == []


def test_the_newest_code_of_a_page_works(older: Case, whatsapp: Channel) -> None:
    one, two = joining.issue_for_any(older), joining.issue_for_any(older)
    assert not one.is_live and joining.code_for_any(older) == two
    assert joining.waiting(older) is None  # it is no invitation to a messenger
    letter = Code.objects.issue("join", case=older, lifetime=timedelta(days=60))
    joining.issue_for_any(older)
    assert letter.is_live


def test_codes_on_a_page_are_limited(older: Case, client: Client) -> None:
    cache.clear()
    client.post(f"/c/{services.case_link(older).plain}/")
    page = f"/q/{older.reference}/elsewhere/"
    for _n in range(12):
        client.post(page)
    assert Code.objects.filter(purpose="join").count() == 10
    assert "try again in an hour" in client.get(page).content.decode()


def test_a_stranger_gets_no_code(older: Case, client: Client) -> None:
    page = f"/q/{older.reference}/elsewhere/"
    assert client.get(page).status_code == client.post(page).status_code == 404
    assert not Code.objects.filter(purpose="join").exists()


def test_a_yes_moves_no_other_case_than_the_one_that_was_named(
    older: Case, whatsapp: Channel
) -> None:
    new = new_case(whatsapp)
    pocket.write(whatsapp, SAM, joining.issue_for_any(older).plain)
    services.resolve(case=new)
    other = new_case(whatsapp, "Quite another thing")
    pocket.write(whatsapp, SAM, "yes")
    other.refresh_from_db()
    assert other != new and other.root is None

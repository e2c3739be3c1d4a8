"""A case waits for a message from a messenger: what the page shows, and how it ends."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import joining, opening, switching
from channels_app.models import Channel
from contacts import codes
from contacts.models import Case, Choice, Code, Event, Identity, Organisation, User
from contacts.viewers import Viewer
from portal import past
from portal.desk.people import find_code


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Asked on the own page."""
    return opening.open_case(
        organisation=organisation,
        text="My kettle leaks",
        came_by="account",
        kind="account",
        language="en",
    )


def test_an_invitation_carries_a_link_a_text_and_a_code(case: Case, whatsapp: Channel) -> None:
    shown = joining.invite(case, whatsapp)
    assert case.reference in shown.text and codes.on_paper(shown.code.plain) in shown.text
    assert shown.link.startswith("https://pocket.example/")
    assert shown.code.plain not in repr(shown) and shown.text not in repr(shown)
    assert shown.expires_at == shown.code.expires_at
    assert joining.waiting(case) == shown


def test_the_text_reads_in_the_language_of_the_case(case: Case, whatsapp: Channel) -> None:
    english = joining.invite(case, whatsapp).text
    assert english.startswith(f"My question {case.reference} goes on here. Code: ")


def test_asking_again_shows_the_same_code_and_says_it_once(case: Case, whatsapp: Channel) -> None:
    first, second = joining.invite(case, whatsapp), joining.invite(case, whatsapp)
    assert first.code == second.code
    assert Event.objects.filter(sort=Event.Sort.INVITED).count() == 1


def test_one_that_ends_soon_is_not_handed_out_again(case: Case, whatsapp: Channel) -> None:
    first = joining.invite(case, whatsapp)
    Code.objects.filter(pk=first.code.pk).update(expires_at=timezone.now() + timedelta(minutes=4))
    second = joining.invite(case, whatsapp)
    assert second.code != first.code
    assert Code.objects.find(codes.JOIN, first.code.plain)  # who typed it just now still gets in


def test_a_case_waits_by_one_way_at_a_time(case: Case, whatsapp: Channel, sms: Channel) -> None:
    first = joining.invite(case, whatsapp)
    second = joining.invite(case, sms)
    assert joining.waiting(case) == second
    assert Code.objects.find(codes.JOIN, first.code.plain) is None


def test_the_choice_stays_what_it_was(case: Case, whatsapp: Channel) -> None:
    joining.invite(case, whatsapp)
    case.refresh_from_db()
    assert case.choice and case.choice.kind == "account"


@pytest.mark.parametrize("end", ["redeemed", "expired", "called_off"])
def test_nothing_waits_once_it_ended(case: Case, whatsapp: Channel, end: str) -> None:
    shown = joining.invite(case, whatsapp)
    if end == "redeemed":
        assert shown.code.redeem()
    elif end == "expired":
        Code.objects.update(expires_at=timezone.now())
    else:
        joining.call_off(case)
    assert joining.waiting(case) is None


def test_other_codes_of_the_case_are_no_invitations(case: Case, whatsapp: Channel) -> None:
    Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    letter = Code.objects.issue(codes.JOIN, case=case, lifetime=codes.LETTER_LIFETIME)
    assert joining.waiting(case) is None
    joining.call_off(case)
    assert Code.objects.find(codes.JOIN, letter.plain) == letter


def test_a_code_for_a_messenger_opens_no_page(case: Case, whatsapp: Channel) -> None:
    """It stands in a QR that others may see; only paper opens a page."""
    shown = joining.invite(case, whatsapp)
    assert find_code(shown.code.plain) is not None  # staff may look up what a customer reads out
    Client().post("/sign-in/letter/", {"paper": shown.code.plain})
    assert shown.code.redeem()
    letter = Code.objects.issue(codes.JOIN, case=case, lifetime=codes.LETTER_LIFETIME)
    answer = Client().post("/sign-in/letter/", {"paper": letter.plain})
    assert answer["Location"] == f"/q/{case.reference}/"


def _waits_for(channel: Channel) -> Case:
    """A question whose answer goes there once the customer did something there."""
    return opening.open_case(
        organisation=channel.organisation,
        text="My kettle leaks",
        came_by="account",
        kind=channel.kind,
        language="en",
        to_prove=True,
    )


def test_staff_read_what_the_answer_waits_for(whatsapp: Channel, agent: User) -> None:
    """Nobody chose the own page: they chose WhatsApp, and did not write there yet."""
    case = _waits_for(whatsapp)
    desk = Client()
    desk.force_login(agent)
    address, waits = f"/admin/cases/{case.reference}/", "until the customer goes on by the channel"
    page = desk.get(address).content.decode()
    assert f"their own page: {waits}" in page
    assert "they chose, today" not in page
    assert "they chose today" not in page  # they did not go on yet
    chosen = switching.switch(case=case, kind="account")  # they stay after all
    page = desk.get(address).content.decode()
    assert chosen.by == Choice.By.CUSTOMER and waits not in page
    said = Event.objects.filter(sort=Event.Sort.CHOSEN).latest("pk")
    assert past.line(said, Viewer(customer_id=case.customer_id), {}) == "You chose your own page."


def test_what_was_waited_for_is_chosen_not_switched_to(sms: Channel) -> None:
    """Six digits came back: the own page, where it waited, was never a choice of theirs."""
    case = _waits_for(sms)
    identity, _new = Identity.objects.get_or_create(scheme="phone", value="+442079460188")
    switching.switch(case=case, kind="sms", identity=identity)
    said = Event.objects.latest("pk")
    assert past.line(said, Viewer(customer_id=case.customer_id), {}) == "You chose SMS."

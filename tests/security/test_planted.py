"""A case that a thief opened in the victim's own name, and its code on the victim's telephone."""

import pytest

from channels_app import joining, opening
from channels_app.models import Channel
from contacts import holding
from contacts.models import Case, Holder, Identity, Message, Organisation
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM, by_mail, choice_of, joins, known, own_page

MAIL = "victim@example.org"


@pytest.fixture
def planted(organisation: Organisation) -> Case:
    """The victim's mail address typed by a thief: the case is that customer's (decision 8)."""
    number = known(VICTIM)
    holder = Holder.objects.get(identity=number)
    holding.hold(holder.customer, Identity.of("email", MAIL), how=Holder.How.CODE, proved=True)
    case = by_mail(organisation, MAIL, "Planted")
    assert case.customer == holder.customer
    return case


def test_a_code_planted_in_the_victims_name_joins_nothing_without_a_yes(
    planted: Case,
    whatsapp: Channel,
) -> None:
    pocket.write(whatsapp, VICTIM, joining.invite(planted, whatsapp).text)
    assert choice_of(planted) == ("email", MAIL) and not joins(VICTIM, planted)
    pocket.write(whatsapp, VICTIM, "My private matter")
    assert Message.objects.get(text="My private matter").case != planted
    pocket.write(whatsapp, VICTIM, "yes")
    assert choice_of(planted) == ("whatsapp", VICTIM)


def test_so_it_is_where_the_victim_only_wrote_before(planted: Case, whatsapp: Channel) -> None:
    Holder.objects.filter(identity__value=VICTIM).update(proved_at=None, how=Holder.How.WROTE)
    pocket.write(whatsapp, VICTIM, joining.invite(planted, whatsapp).text)
    assert not joins(VICTIM, planted)


def test_so_it_is_in_a_case_that_was_joined_by_staff(planted: Case, whatsapp: Channel) -> None:
    pocket.write(whatsapp, VICTIM, "My private matter")
    own = Case.objects.get(title="My private matter")
    Holder.objects.filter(identity__value=VICTIM).delete()
    assert own.customer == planted.customer
    pocket.write(whatsapp, VICTIM, joining.invite(planted, whatsapp).text)
    assert not joins(VICTIM, planted)


def test_a_number_that_was_typed_in_that_very_case_joins_at_once(
    organisation: Organisation,
    whatsapp: Channel,
) -> None:
    """Who asked to be called there, and goes on by a messenger: nobody else is known there."""
    case = opening.open_case(
        organisation=organisation,
        text="My kettle leaks",
        came_by="account",
        kind="phone",
        address=SAM,
        language="en",
    )
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
    assert choice_of(case) == ("whatsapp", SAM)


def test_back_and_forth_in_one_case_asks_once(
    organisation: Organisation,
    whatsapp: Channel,
) -> None:
    case = own_page(organisation)
    for _n in range(3):
        pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
        assert choice_of(case) == ("whatsapp", SAM)

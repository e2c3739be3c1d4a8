"""Two accounts of one kind: who wrote to one of them is answered by that one, not by the other."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import dispatch, joining, routing
from channels_app.models import Channel, Delivery
from contacts.models import Case, Identity, Message, User
from tests.messengers import pocket
from tests.messengers.people import SAM, own_page


@pytest.fixture
def second(whatsapp: Channel) -> Channel:
    """Another number of the same shop, further down."""
    return pocket.channel(whatsapp.organisation, slug="second", address="+31970001", position=11)


def way(case: Case) -> Channel:
    """Through which an answer would go."""
    found = routing.route(
        Message(case=Case.objects.get(pk=case.pk), direction="out"), timezone.now()
    )
    assert isinstance(found, routing.Route)
    return found.channel


def test_the_number_that_was_written_to_answers(second: Channel) -> None:
    pocket.write(second, SAM, "Is it there?")
    Delivery.objects.all().delete()  # "we have your question" goes once a day only
    assert way(Case.objects.get()) == second


def test_the_last_one_that_was_written_to(whatsapp: Channel, second: Channel, agent: User) -> None:
    pocket.write(whatsapp, SAM, "Is it there?")
    case = Case.objects.get()
    dispatch.reply(case=case, staff=agent, text="Yes.")
    pocket.send_all()
    pocket.write(second, SAM, "And the blue one?")
    assert Case.objects.get() == case and way(case) == second
    pocket.write(whatsapp, SAM, "Or the red one?")
    assert way(case) == whatsapp


def test_another_case_of_the_same_telephone_says_nothing(
    whatsapp: Channel, second: Channel
) -> None:
    pocket.write(second, SAM, "Is it there?")
    Case.objects.update(opened_at=timezone.now() - timedelta(days=2))  # of today it would go along
    case = own_page(whatsapp.organisation)
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
    pocket.write(whatsapp, SAM, "yes")
    assert way(case) == whatsapp and way(Case.objects.exclude(pk=case.pk).get()) == second


def test_who_wrote_to_none_of_them_is_answered_by_the_first(
    whatsapp: Channel, second: Channel
) -> None:
    case = own_page(whatsapp.organisation)
    identity = Identity.of("phone", SAM)
    case.choices.update(kind="whatsapp", identity=identity)
    assert way(case) == whatsapp

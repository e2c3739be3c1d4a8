"""Many hands on the devices of joined cases: nobody waits in a circle, and each is there once."""

import itertools

import pytest
from django.db import connection

from channels_app.models import Device
from contacts import merging
from contacts.models import Case, Organisation, User
from tests.core.chats import a_chat, fresh, offer_chat
from tests.core.test_at_once import faults
from tests.core.test_rules import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
HANDS, TIMES, BROWSERS = 8, 60, 4


@pytest.fixture
def cases(organisation: Organisation, agent: User) -> list[Case]:
    """Two questions that were joined."""
    offer_chat(organisation)
    one, other = a_chat(organisation), a_chat(organisation)
    merging.join(case=fresh(other), into=fresh(one), by=agent)
    return [fresh(one), fresh(other)]


def a_device(endpoint: str, case: Case) -> Device:
    digest = Device.digest_of(endpoint)
    return Device(case=case, endpoint=endpoint, digest=digest, p256dh="key", auth="secret")


def test_answers_and_browsers_that_move_or_go_do_not_wait_in_a_circle(cases: list[Case]) -> None:
    names = [f"https://push.example.org/{number}" for number in range(BROWSERS)]
    for case, name in itertools.product(cases[::-1], names):  # by case in the other order
        Device.objects.keep(a_device(name, case), most=2 * BROWSERS)

    def work(number: int) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET enable_seqscan = off")  # as with many rows
        for turn in range(TIMES):
            name = names[turn % (BROWSERS - 1)]
            if number % 2:
                Device.objects.owe(cases[0].pk, cases[0].opened_at)
            elif turn % 20 == number:
                Device.objects.forget(Device.digest_of(names[-1]))
                Device.objects.keep(a_device(names[-1], cases[turn % 2]), most=2 * BROWSERS)
            else:
                Device.objects.move(name, a_device(name, cases[0]))

    results = in_threads(HANDS, work)
    assert not faults(results), faults(results)


def test_a_browser_that_moves_while_its_page_is_told_yes_is_there_once(cases: list[Case]) -> None:
    """The service worker posts its new endpoint, and an open page the same."""
    for turn in range(TIMES):
        old, new = (f"https://push.example.org/{turn}-{name}" for name in ("old", "new"))
        Device.objects.all().delete()
        assert Device.objects.keep(a_device(old, fresh(cases[0])), most=5)

        def work(number: int, old: str = old, new: str = new) -> None:
            device = a_device(new, fresh(cases[0]))
            if number % 2:
                Device.objects.move(old, device)
            else:
                Device.objects.keep(device, most=5)

        results = in_threads(4, work)
        assert not faults(results), faults(results)
        assert Device.objects.get().endpoint == new

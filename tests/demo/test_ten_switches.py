"""Ten switches in a row between e-mail, own page, SMS, WhatsApp and Telegram: one case."""

from collections.abc import Callable

import pytest
from django.core.cache import cache

from contacts.models import Case, Event, Organisation
from portal.simulator.maildir import Maildir
from tests.demo.people import in_order
from tests.demo.walk import SAID, Walk

pytestmark = pytest.mark.django_db(transaction=True)


Step = Callable[[Walk, str], None]
STEPS: list[tuple[Step, str]] = [
    (Walk.on_the_page, "account"),
    (Walk.with_a_code, "sms"),
    (Walk.by_the_qr, "whatsapp"),
    (Walk.by_the_qr, "telegram"),
    (Walk.on_the_page, "email"),
    (Walk.on_the_page, "sms"),
    (Walk.by_writing, "whatsapp"),
    (Walk.on_the_page, "account"),
    (Walk.by_answering_a_mail, "email"),
    (Walk.by_writing, "telegram"),
]


@pytest.fixture
def walk(door: int, mailbox: Maildir, web: str, shop: Organisation) -> Walk:
    """It begins by e-mail."""
    cache.clear()
    found = Walk(web)
    found.on_the_start_page("email")
    return found


def test_ten_switches_keep_one_history(walk: Walk) -> None:
    walk.is_answered()
    for step, kind in STEPS:
        before = len(walk.said)
        step(walk, kind)
        walk.chose(kind)
        if len(walk.said) == before and step == Walk.with_a_code:
            walk.by_writing(kind)  # they answer where they are answered
            walk.becomes(lambda: walk.said[-1] in walk.desk.page(walk.reference))
        elif len(walk.said) == before:
            walk.customer.add(walk.ask())
        walk.is_answered()
    assert Case.objects.count() == 1
    assert in_order(
        walk.customer.page().partition('<ol id="lines" class="timeline">')[2], walk.said
    )
    at_the_desk = SAID.findall(walk.desk.page(walk.reference))
    assert [text for text in at_the_desk if text in walk.said] == walk.said
    for text in walk.said[1::2]:
        assert len(walk.pocket.holds(text)) <= 1, text
    switched = Event.objects.filter(sort=Event.Sort.SWITCHED).order_by("seq")
    assert [row.data["kind"] for row in switched] == [kind for _step, kind in STEPS]


def test_an_answer_that_waits_goes_the_new_way_alone(walk: Walk) -> None:
    walk.is_answered()
    walk.with_a_code("sms")
    walk.chose("sms")
    text = walk.answer()  # written, and not yet sent
    walk.on_the_page("email")
    walk.chose("email")
    walk.arrives(text)
    assert "Answer" not in " ".join(bubble.text for bubble in walk.pocket.bubbles("sms"))

"""From every kind with a way in to every kind that is offered: the next answer comes there.

By the customer's own doors each time: the panel with a known row, six boxes or a QR; a code said
on the phone or copied from a letter; just writing from there; telling an agent.
"""

import pytest
from django.core.cache import cache

from contacts import codes
from contacts.kinds import ACCOUNT
from contacts.models import Case, Code, Event, Organisation, Question
from portal.simulator.maildir import Maildir
from tests.demo.people import in_order
from tests.demo.play import work
from tests.demo.walk import BEGIN, SAID, TO_DO, WRITES_FIRST, Walk

KINDS = list(BEGIN)
PAIRS = [(one, other) for one in KINDS for other in KINDS if one != other]
# Who tells an agent needs no page; a messenger is left out, for there they write first.
TOLD = [kind for kind in KINDS if kind not in WRITES_FIRST]

# Doors and words, and many of them: once. The races of a switch are held on both databases.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def walk(door: int, mailbox: Maildir, web: str, shop: Organisation) -> Walk:
    """Nobody asked anything yet, nor for a code."""
    cache.clear()
    return Walk(web)


def begun(walk: Walk, kind: str) -> None:
    """They came by that kind, and were answered by it."""
    BEGIN[kind](walk, kind)
    walk.is_answered()


def told_once(walk: Walk) -> None:
    """One case, one history that reads the same on both sides, and nothing was asked twice."""
    assert Case.objects.count() == 1 and not Question.objects.exists()
    assert Code.objects.filter(purpose=codes.PROVE).count() <= 1
    written = [text for text in walk.said if not text.startswith("Said")]  # notes are for staff
    assert in_order(walk.customer.page().partition('<ol id="lines" class="timeline">')[2], written)
    shown = SAID.findall(walk.desk.page(walk.reference))
    assert [text for text in shown if text in walk.said] == walk.said


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=[f"{a}-to-{b}" for a, b in PAIRS])
def test_from_any_to_any(walk: Walk, one: str, other: str) -> None:
    begun(walk, one)
    walk.by_the_panel(other, walk.answer)  # which is not yet sent, and follows
    walk.chose(other)
    if one == ACCOUNT:
        work()
        assert walk.holds(walk.said[-1]) == []  # it stood there at once
    else:
        walk.arrives(walk.said[-1])
    walk.is_answered()
    walk.by_coming_back(one)
    walk.chose(one)
    walk.is_answered()
    told_once(walk)
    switched = Event.objects.filter(sort=Event.Sort.SWITCHED).order_by("seq")
    assert [row.data["kind"] for row in switched] == [other, one]


@pytest.mark.parametrize("kind", [kind for kind in TOLD if kind != "phone"])
def test_a_caller_tells_the_agent_how(walk: Walk, kind: str) -> None:
    walk.on_the_start_page("phone")
    walk.is_answered()
    walk.says_so(kind)
    walk.chose(kind)
    walk.is_answered()
    told_once(walk)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ACCOUNT])
def test_only_the_next_answer_goes_that_way(walk: Walk, kind: str) -> None:
    walk.on_the_start_page(ACCOUNT)
    walk.by_the_panel(kind, once="1")
    walk.chose(kind)
    assert "only the next answer" in walk.customer.page()
    walk.is_answered()
    walk.chose(ACCOUNT)
    walk.is_answered()
    told_once(walk)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ACCOUNT])
def test_a_switch_is_undone(walk: Walk, kind: str) -> None:
    walk.on_the_start_page(ACCOUNT)
    walk.by_the_panel(kind)
    if kind in WRITES_FIRST:
        walk.chose(kind)
    walk.undo()
    walk.chose(ACCOUNT)
    work()
    walk.is_answered()
    assert TO_DO.findall(walk.desk.get("/admin/todo/")) == []  # nor does anybody call
    told_once(walk)

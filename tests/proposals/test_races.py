"""A proposal that is answered, asked and taken back at once: one wins, on both databases."""

from typing import Any

import pytest

from channels_app import opening, proposals
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts.models import Case, Event, Identity, Message, Question, User
from contacts.models.question import NO, YES
from tests import shop
from tests.core.test_rules import in_threads
from tests.messengers import pocket
from tests.messengers.people import SAM
from tests.messengers.pocket import Pocket

TOGETHER = 8
NUMBER = "+31201112233"


@pytest.fixture
def case(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Case:
    """A case that is answered by WhatsApp, where its customer may be called."""
    settings.CELERY_BROKER_URL = ""
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    organisation = shop.make_shop()
    pocket.write(pocket.channel(organisation), SAM, "My kettle leaks")
    return Case.objects.get()


@pytest.fixture
def agent(transactional_db: None) -> User:
    """Anna."""
    return shop.make_agent()


def fresh(question: Question) -> Question:
    """As another request reads it."""
    return Question.objects.select_related("case__root", "message").get(pk=question.pk)


def stem(case: Case) -> Case:
    return Case.objects.select_related("root", "choice").get(pk=case.pk)


def faults(results: list[object]) -> list[object]:
    return [result for result in results if isinstance(result, Exception)]


def test_yes_and_no_from_many_devices_is_one_answer(case: Case, agent: User) -> None:
    asked = proposals.propose(case=case, kind="phone", staff=agent)
    number = Identity.of("phone", NUMBER)

    def say(n: int) -> object:
        return proposals.answer(fresh(asked), (YES, NO)[n % 2], to=number)

    results = in_threads(TOGETHER, say)
    assert not faults(results)
    done = [one for one in results if isinstance(one, proposals.Answered) and not one.is_late]
    assert len(done) == 1
    is_yes = fresh(asked).answer == YES
    assert (stem(case).choice.kind == "phone") == is_yes  # type: ignore[union-attr]
    sorts = list(case.events.values_list("sort", flat=True))
    assert sorts.count(Event.Sort.SWITCHED) == is_yes
    assert sorts.count(Event.Sort.DECLINED) == (not is_yes)


def test_many_clicks_ask_once(case: Case, agent: User) -> None:
    def ask(_n: int) -> object:
        return proposals.propose(case=stem(case), kind="phone", staff=agent)

    assert not faults(in_threads(TOGETHER, ask))
    assert Message.objects.filter(template="proposal").count() == 1
    assert Question.objects.open().count() == 1


def test_words_taps_and_new_proposals_wait_for_each_other(case: Case, agent: User) -> None:
    """Who writes holds the address and wants the case; who asks wants both."""
    asked = proposals.propose(case=case, kind="phone", staff=agent)
    channel = Channel.objects.get(slug="whatsapp")

    def go(n: int) -> object:
        if n % 4 == 0:
            return proposals.propose(case=stem(case), kind=("letter", "email")[n // 4], staff=agent)
        if n % 4 == 1:
            return proposals.answer(fresh(asked), NO)
        if n % 4 == 2:
            return proposals.take_back(fresh(asked), agent)
        return pocket.write(channel, SAM, "yes")

    assert not faults(in_threads(TOGETHER, go))
    assert Question.objects.filter(closed_at=None).count() <= 1
    numbers = list(case.events.values_list("seq", flat=True))
    assert len(numbers) == len(set(numbers))


def test_two_cases_that_ask_one_address_leave_one_for_its_words(case: Case, agent: User) -> None:
    organisation = case.organisation
    others = [
        opening.open_case(
            organisation=organisation,
            text=f"Question {n}",
            came_by="account",
            kind="email",
            address="sam@example.org",
            language="en",
        )
        for n in range(TOGETHER)
    ]

    def ask(n: int) -> object:
        return proposals.propose(case=stem(others[n]), kind="phone", staff=agent)

    assert not faults(in_threads(TOGETHER, ask))
    waiting = Question.objects.filter(closed_at=None)
    assert waiting.count() == TOGETHER and waiting.exclude(identity=None).count() == 1

"""What stands on the customer's page was read once they saw it: forward only, and told once."""

import pytest

from channels_app import seen
from contacts import hints, merging
from contacts.models import Case, Organisation, User
from tests import shop, worker
from tests.core.chats import a_chat, fresh, offer_chat, say, states
from tests.core.test_rules import in_threads


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Sam chats."""
    offer_chat(organisation)
    return a_chat(organisation)


def take(case: Case, up_to: int, *, read: bool = True) -> int:
    return seen.take(case=fresh(case), up_to=up_to, read=read)


def test_forward_only_and_no_further_than_was_shown(case: Case, agent: User) -> None:
    first, second = say(case, agent, "Yes."), say(case, agent, "A red one.")
    assert take(case, first.seq, read=False) == 1 and states(case) == ["delivered", "sent"]
    assert take(case, first.seq) == 1 and states(case) == ["read", "sent"]
    assert take(case, second.seq, read=False) == 1 and states(case) == ["read", "delivered"]
    assert take(case, second.seq, read=False) == 0 and states(case) == ["read", "delivered"]
    assert take(case, second.seq) == 1 and states(case) == ["read", "read"]


def test_what_goes_another_way_is_not_read_by_looking_here(
    case: Case, agent: User, organisation: Organisation, sink: shop.Sink
) -> None:
    by_mail = a_chat(organisation, kind="email", address="sam@example.org")
    answer = say(by_mail, agent, "Yes.")
    worker.send_due()
    assert take(by_mail, answer.seq) == 0
    assert answer.deliveries.get().status == "sent"


@pytest.mark.django_db(transaction=True)
def test_open_pages_hear_of_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    organisation, agent = shop.make_shop(), shop.make_agent()
    offer_chat(organisation)
    case = a_chat(organisation)
    answer = say(case, agent, "Yes.")
    said: list[int] = []
    monkeypatch.setattr(hints, "publish", lambda pk, _seq: said.append(pk))
    assert take(case, answer.seq) == 1 and said == [case.pk]
    assert take(case, answer.seq) == 0 and said == [case.pk]


def test_a_joined_case_counts_once_its_lines_are_on_the_page(
    case: Case, agent: User, organisation: Organisation
) -> None:
    """Each of joined cases has numbers of its own; the page shows both from the join on."""
    other = a_chat(organisation, "And the blue one?")
    say(other, agent, "Sold.")
    shown = say(case, agent, "Yes.").seq
    say(case, agent, "A red one.")
    merging.join(case=fresh(other), into=fresh(case), by=agent)
    assert take(case, shown) == 0 and "read" not in states(case)
    assert take(other, fresh(other).seq) == 0 and "read" not in states(case)
    assert take(other, fresh(case).seq) == 3 and states(case) == ["read"] * 3
    later = say(other, agent, "A green one came in.")
    assert later.case_id == case.pk and take(case, later.seq) == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_read_each_answer_once() -> None:
    organisation, agent = shop.make_shop(), shop.make_agent()
    offer_chat(organisation)
    case = a_chat(organisation)
    for number in range(12):
        newest = say(case, agent, f"Line {number}")
    results = in_threads(6, lambda _n: take(case, newest.seq))
    assert sum(int(str(result)) for result in results) == 12
    assert states(case) == ["read"] * 12

"""Cases that become one and part again, also after what came meanwhile; and what cannot be."""

from typing import Any

import pytest

from channels_app import dispatch, fallback, opening, switching
from channels_app.models import Delivery
from contacts import merging, services
from contacts.models import Case, Identity, Message, Organisation, User
from tests import shop
from tests.core.test_rules import in_threads


@pytest.fixture
def agent(db: None) -> User:
    """A colleague."""
    return shop.make_agent("eva")


def ask(organisation: Organisation, text: str, **more: Any) -> Case:
    """A question by mail."""
    given = {"kind": "email", "address": "sam@example.org", "came_by": "account"}
    return opening.open_case(organisation=organisation, text=text, language="en", **given | more)


@pytest.fixture
def cases(db: None) -> list[Case]:
    """Three questions of one customer."""
    organisation = shop.make_shop()
    return [ask(organisation, text) for text in ("One", "Two", "Three")]


def now(case: Case) -> Case:
    """The row as a page reads it."""
    return Case.objects.select_related("root").get(pk=case.pk)


def join(case: Case, into: Case, by: User | None = None) -> None:
    """They become one."""
    merging.join(case=now(case), into=now(into), by=by)


def part(case: Case, by: User | None = None) -> None:
    """They are two again."""
    merging.undo_join(case=now(case), by=by)


def said(case: Case) -> set[str]:
    """What is read in a case by its page."""
    rows = Message.objects.of(now(case)).filter(template="")
    return set(rows.values_list("text", flat=True))


def test_a_circle_itself_and_a_merge_of_the_merged(cases: list[Case]) -> None:
    one, two, three = cases
    with pytest.raises(ValueError, match="itself"):
        join(one, one)
    join(one, two)
    with pytest.raises(ValueError, match="itself"):
        join(two, one)  # that is two by now
    for source, target in ((one, three), (one, two)):
        with pytest.raises(ValueError, match="already"):
            join(source, target)
    join(two, three)
    assert {now(case).stem for case in cases} == {three}
    assert said(three) == {"One", "Two", "Three"}
    part(two)  # One goes along, as it was joined to Two
    assert (now(one).stem, now(two).stem) == (two, two) and said(three) == {"Three"}
    with pytest.raises(ValueError, match="not joined"):
        part(two)
    part(one)
    assert [now(case).root for case in cases] == [None] * 3


def test_parting_after_answers_switches_and_new_messages_is_exact(
    cases: list[Case], agent: User
) -> None:
    one, two, _three = cases
    dispatch.reply(case=two, staff=agent, text="Answer to Two")
    choice = now(two).choice
    join(one, two, agent)
    services.file_message(case=now(one), kind="email", text="More on One")
    number = Identity.of("phone", "+31201112233")
    switching.switch(case=now(one), kind="phone", identity=number)
    dispatch.reply(case=now(one), staff=agent, text="Answer to both")
    services.file_message(case=now(two), kind="email", text="More on Two")
    part(one, agent)
    assert said(one) == {"One", "More on One"}
    assert said(two) == {"Two", "Answer to Two", "Answer to both", "More on Two"}
    assert now(two).choice == choice and now(one).waiting_since is not None
    chosen = now(one).choice
    assert chosen and chosen.identity == number  # who chose it takes it along
    numbers = [row.seq for row in now(one).messages.all()] + [
        row.seq for row in now(one).events.all()
    ]
    assert len(numbers) == len(set(numbers)) and now(one).seq >= max(numbers)


def test_what_is_settled_while_joined_waits_for_nobody_again(
    cases: list[Case], agent: User
) -> None:
    one, two, _three = cases
    for case in (one, two):
        dispatch.reply(case=case, staff=agent, text="Yes")
    join(one, two, agent)
    services.resolve(case=now(one), by=agent)
    part(one, agent)
    assert now(two).state == Case.State.RESOLVED
    assert now(one).state == Case.State.OPEN and now(one).waiting_since is None


def test_nothing_that_one_chose_stays_with_the_other(cases: list[Case], agent: User) -> None:
    one, two, _three = cases
    number, mailbox = Identity.of("phone", "+31201112233"), Identity.of("email", "two@example.org")
    services.allow_calls(case=now(two), allowed=True)
    before, first = now(two).choice, now(one).choice
    assert before and first
    join(one, two, agent)
    switching.switch(case=now(one), kind="phone", identity=number)
    fallback.approve(case=now(one), kind="email", identity=mailbox)
    switching.switch(case=now(two), kind="account")
    letter = dispatch.reply(case=now(two), staff=agent, text="To whoever asked")
    part(one, agent)
    mine, other = now(one).choice, now(two).choice
    assert mine and other
    assert (mine.kind, mine.identity, mine.fallback_identity) == ("phone", number, mailbox)
    assert not mine.calls_allowed and mine.replaces == first
    assert (other.kind, other.fallback_kind, other.fallback_identity) == ("account", "", None)
    assert other.calls_allowed and other.replaces == before
    back = switching.undo(case=now(two), choice=other)
    assert back and (back.kind, back.identity) == ("email", before.identity)
    assert letter.case == two


def test_what_waits_follows_each_when_they_part(cases: list[Case], agent: User) -> None:
    one, two, _three = cases
    join(one, two, agent)
    street = Identity.of("post", "Street 1\n1000 AA Town")
    switching.switch(case=now(one), kind="letter", identity=street)
    dispatch.reply(case=now(two), staff=agent, text="By post")
    assert Delivery.objects.to_do().get().channel.kind == "letter"
    switching.part(case=now(one), by=agent)
    waiting = Delivery.objects.filter(status__in=Delivery.OPEN, message__template="").get()
    assert waiting.channel.kind == "email" and waiting.identity != street


def test_who_asked_again_waits_still_after_a_merge_that_was_none(cases: list[Case]) -> None:
    one, two = cases[:2]
    dispatch.reply(case=one, staff=shop.make_agent("cy"), text="Yes")
    services.resolve(case=one)
    services.reopen(case=one)  # with the button, without a word
    one.refresh_from_db()
    since = one.waiting_since
    assert since
    merging.join(case=one, into=two, by=None)
    merging.undo_join(case=one, by=None)
    one.refresh_from_db()
    assert one.waiting_since is not None and abs(one.waiting_since - since).total_seconds() < 1


def test_a_message_of_a_joined_case_is_moved_and_comes_back_to_its_own(
    cases: list[Case], agent: User
) -> None:
    one, two, three = cases
    wrong = services.file_message(case=one, kind="email", text="About Three")
    place = wrong.seq
    join(one, two, agent)
    merging.move_message(message=wrong, to=now(three), by=agent)
    services.file_message(case=now(three), kind="email", text="And another")
    part(one, agent)
    assert "About Three" in said(three) and "About Three" not in said(one) | said(two)
    wrong = Message.objects.select_related("case__root").get(pk=wrong.pk)
    assert merging.undo_move(message=wrong, by=agent) == one
    wrong.refresh_from_db()
    assert (wrong.case, wrong.seq) == (one, place)
    assert said(three) == {"Three", "And another"}
    assert now(three).state == Case.State.OPEN and now(three).waiting_since is not None


@pytest.mark.parametrize("was_reopened", [True, False])
def test_a_case_that_is_settled_again_was_opened_when_it_was(
    cases: list[Case], agent: User, was_reopened: bool
) -> None:
    one, two, _three = cases
    services.resolve(case=now(two), by=agent)
    if was_reopened:
        services.reopen(case=now(two), by=agent)
        services.resolve(case=now(two), by=agent)
    before = now(two)
    wrong = services.file_message(case=one, kind="email", text="About Two")
    merging.move_message(message=wrong, to=now(two), by=agent)
    assert now(two).reopened_at not in (None, before.reopened_at)
    merging.undo_move(message=Message.objects.get(pk=wrong.pk), by=agent)
    assert (now(two).state, now(two).resolved_at) == (before.state, before.resolved_at)
    assert (now(two).reopened_at is not None) is was_reopened
    assert now(two).reopened_at == before.reopened_at  # from then on its targets count


def test_a_moved_message_comes_back_also_where_its_case_was_joined_meanwhile(
    cases: list[Case], agent: User
) -> None:
    one, two, three = cases
    wrong = services.file_message(case=one, kind="email", text="About Three")
    merging.move_message(message=wrong, to=now(three), by=agent)
    join(one, two, agent)
    join(three, two, agent)
    wrong = Message.objects.select_related("case__root").get(pk=wrong.pk)
    assert merging.undo_move(message=wrong, by=agent) == one
    assert "About Three" in said(two)
    part(three, agent)
    assert said(three) == {"Three"}


def join_all_at_once(cases: list[Case]) -> list[object]:
    """Three join each other in a circle, and one the other way round."""
    pairs = [(0, 1), (1, 2), (2, 0), (1, 0)]
    return in_threads(4, lambda n: join(cases[pairs[n][0]], cases[pairs[n][1]]))


def part_all_at_once(joined: list[Case]) -> list[object]:
    """All that is joined is taken out in the same moment."""
    return in_threads(len(joined), lambda n: part(joined[n]))


@pytest.mark.django_db(transaction=True)
def test_cases_that_are_joined_and_parted_at_once_make_no_circle() -> None:
    organisation = shop.make_shop()
    cases = [ask(organisation, f"Question {n}") for n in range(3)]
    for _round in range(3):
        faults = [row for row in join_all_at_once(cases) if isinstance(row, Exception)]
        assert all(isinstance(fault, ValueError) for fault in faults), faults
        rows = {row.pk: row for row in Case.objects.all()}
        for row in rows.values():
            top, steps = row, 0
            while top.merged_into_id:
                top, steps = rows[top.merged_into_id], steps + 1
                assert steps < 4
            assert row.root_id == (top.pk if top != row else None)
        joined = [row for row in rows.values() if row.merged_into_id]
        assert joined and part_all_at_once(joined) == [None] * len(joined)
        assert not Case.objects.exclude(root=None).exists()


@pytest.mark.django_db(transaction=True)
def test_messages_that_are_moved_to_and_fro_at_once_wait_for_nobody() -> None:
    organisation, agent = shop.make_shop(), shop.make_agent("eva")
    one, two = (ask(organisation, text) for text in ("One", "Two"))
    rows = [
        services.file_message(case=case, kind="email", text=f"{case.pk} {n}")
        for n in range(4)
        for case in (one, two)
    ]

    def move(number: int) -> None:
        row = Message.objects.select_related("case__root").get(pk=rows[number].pk)
        to = two if row.case == one else one
        merging.move_message(message=row, to=now(to), by=agent)

    assert in_threads(len(rows), move) == [None] * len(rows)
    for case in (one, two):
        numbers = list(case.messages.values_list("seq", flat=True))
        assert len(numbers) == len(set(numbers))
        assert case.messages.filter(direction="in").count() == 5

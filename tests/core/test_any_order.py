"""Messages, switches, joins, moves and their undoing in any order end in the state they should.

More by hand: ONECASE_EXAMPLES=2000 pytest tests/core/test_any_order.py
"""

import os
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from channels_app import dispatch, inbound, opening, switching
from channels_app.adapters.base import Outbound, Request, Sent
from channels_app.adapters.email import EmailAdapter
from channels_app.adapters.mail import reply_address
from channels_app.models import Channel, Delivery
from contacts import merging, services
from contacts.models import Case, Event, Identity, Message, Organisation, User
from tests import shop, worker
from tests.core.a_model import OPEN, RESOLVED, Matter, Model, Said, Way, Wish

S = Delivery.Status
EXAMPLES = int(os.environ.get("ONECASE_EXAMPLES", "0"))
MOST_CASES, MOST_BELLS = 4, 5
WAYS: list[Way] = [
    ("email", "work@example.org"),
    ("account", ""),
    ("letter", "Main Street 1\n1000 AA Town"),
    ("in_person", ""),
]
SCHEMES = {"email": "email", "letter": "post"}
ANY = st.integers(0, 10**6)  # which of those that there are


def identity_of(way: Way) -> Identity | None:
    """The row of an address."""
    kind, value = way
    return Identity.of(SCHEMES[kind], value) if value else None


class Anything(RuleBasedStateMachine):
    """Each rule is one thing that somebody does, to the portal and to the model."""

    agent: User
    organisation: Organisation
    mailed: list[tuple[str, str]]  # address and key, of each mail that went

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.model, self.count = Model(), 0
        self.cases: list[int] = []
        self.mailed.clear()

    def teardown(self) -> None:
        """Everything that waits goes now: each answer went once, or lies to be carried out once."""
        try:
            self.goes()
            self.each_answer_goes_once()
        finally:
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    def case(self, number: int) -> Case:
        """The row as a page reads it."""
        rows = Case.objects.select_related("root", "choice__identity", "choice__replaces")
        return rows.get(pk=self.cases[number])

    def pick(self, number: int) -> int:
        """One of the cases."""
        return number % len(self.cases)

    def words(self) -> str:
        """A text that was never said before."""
        self.count += 1
        return f"Words number {self.count}."

    def came(self, message: Message, home: int) -> None:
        """A message of the customer lies in that case."""
        self.model.said.append(Said(message.pk, home, message.created_at, came=True))
        self.model.heard(home, message.created_at)

    # What people do

    @rule()
    @precondition(lambda self: len(self.cases) < MOST_CASES)
    def asks(self) -> None:
        way = ("email", f"sam{len(self.cases)}@example.org")
        case = opening.open_case(
            organisation=self.organisation,
            text=self.words(),
            came_by="account",
            kind="email",
            language="en",
            address=way[1],
        )
        self.cases.append(case.pk)
        self.model.matters.append(Matter([Wish(way)]))
        self.came(case.messages.get(direction="in"), len(self.cases) - 1)

    @rule(number=ANY)
    @precondition(lambda self: self.cases)
    def writes(self, number: int) -> None:
        home = self.pick(number)
        message = services.file_message(
            case=self.case(home), kind="account", text=self.words(), client_key=shop.key()
        )
        self.came(message, home)

    @rule(number=ANY)
    @precondition(lambda self: self.cases)
    def answers_a_mail(self, number: int) -> None:
        home = self.pick(number)
        sender = f"sam{home}@example.org"
        to = reply_address(shop.MAILBOX, services.reply_code(self.case(home)).plain)
        raw = shop.mail(sender=sender, to=to, text=self.words())
        event = inbound.receive(Channel.objects.get(kind="email"), Request(body=raw))
        worker.file(event)
        message = event.items.get().message
        assert message is not None and message.case_id == self.cases[home]
        self.came(message, home)
        self.model.wrote_there(home, ("email", sender))

    @rule(number=ANY)
    @precondition(lambda self: self.cases)
    def is_answered(self, number: int) -> None:
        home = self.pick(number)
        stem = self.model.stem(home)
        message = dispatch.reply(case=self.case(home), staff=self.agent, text=self.words())
        wish = self.model.matters[stem].wish
        said = Said(message.pk, stem, message.created_at, came=False, way=wish.way, once=wish.once)
        self.model.said.append(said)
        self.model.is_answered(home)

    @rule(number=ANY, place=st.integers(0, len(WAYS)), once=st.booleans())
    @precondition(lambda self: self.cases)
    def switches(self, number: int, place: int, once: bool) -> None:
        home = self.pick(number)
        way = [("email", f"sam{home}@example.org"), *WAYS][place]
        switching.switch(case=self.case(home), kind=way[0], identity=identity_of(way), once=once)
        self.model.chooses(home, way, once=once)

    @rule(number=ANY)
    @precondition(lambda self: self.cases)
    def undoes(self, number: int) -> None:
        case = self.case(self.pick(number))
        choice = Case.objects.select_related("choice").get(pk=case.stem.pk).choice
        assert choice
        back = switching.undo(case=case, choice=choice)
        assert (back is None) is (choice.replaces_id is None)
        self.model.undoes(self.pick(number))

    @rule(number=ANY, other=ANY)
    @precondition(lambda self: len(self.cases) > 1)
    def joins(self, number: int, other: int) -> None:
        one, into = self.pick(number), self.pick(other)
        if self.model.joins(one, into):
            merging.join(case=self.case(one), into=self.case(into), by=self.agent)
        else:
            with pytest.raises(ValueError):
                merging.join(case=self.case(one), into=self.case(into), by=self.agent)

    @rule(number=ANY)
    @precondition(lambda self: any(m.into is not None for m in self.model.matters))
    def parts(self, number: int) -> None:
        joined = [n for n, matter in enumerate(self.model.matters) if matter.into is not None]
        one = joined[number % len(joined)]
        assert self.model.parts(one)
        switching.part(case=self.case(one), by=self.agent)

    @rule(number=ANY, other=ANY)
    @precondition(lambda self: len(self.cases) > 1)
    def is_moved(self, number: int, other: int) -> None:
        came = [said for said in self.model.said if said.came]
        said, to = came[number % len(came)], self.model.stem(self.pick(other))
        source = self.model.stem(said.home)
        if source == to:
            return
        message = Message.objects.select_related("case__root").get(pk=said.pk)
        merging.move_message(message=message, to=self.case(to), by=self.agent)
        target = self.model.matters[to]
        said.moves.append((said.home, target.state, target.resolved_at))
        said.home = to
        self.model.heard(to, said.at)
        self.model.recount(source)

    @rule(number=ANY)
    @precondition(lambda self: any(said.moves for said in self.model.said))
    def is_moved_back(self, number: int) -> None:
        moved = [said for said in self.model.said if said.moves]
        said = moved[number % len(moved)]
        message = Message.objects.select_related("case__root").get(pk=said.pk)
        assert message.case
        here = self.model.stem(said.home)
        untouched = here == said.home and message.case.stem.seq == message.seq
        merging.undo_move(message=message, by=self.agent)
        home, state, resolved_at = said.moves.pop()
        said.home = home
        self.model.recount(here)
        self.model.recount(self.model.stem(home))
        matter = self.model.matters[here]
        if untouched and state == RESOLVED and matter.waits is None:
            matter.state, matter.resolved_at = RESOLVED, resolved_at

    @rule(number=ANY)
    @precondition(lambda self: self.cases)
    def is_resolved(self, number: int) -> None:
        home = self.pick(number)
        services.resolve(case=self.case(home), by=self.agent)
        matter = self.model.matters[self.model.stem(home)]
        if matter.state == OPEN:
            matter.state, matter.waits = RESOLVED, None
            matter.resolved_at = self.case(self.model.stem(home)).resolved_at

    @rule(number=ANY, by_customer=st.booleans())
    @precondition(lambda self: self.cases)
    def is_reopened(self, number: int, by_customer: bool) -> None:
        home = self.pick(number)
        services.reopen(case=self.case(home), by=None if by_customer else self.agent)
        matter = self.model.matters[self.model.stem(home)]
        if matter.state == OPEN:
            return
        matter.state, matter.resolved_at, matter.waits = OPEN, None, None
        if by_customer:
            event = Event.objects.filter(sort=Event.Sort.REOPENED).latest("pk")
            self.model.matters[home].again.append(event.created_at)
            matter.waits = event.created_at
        else:  # who opens it again finds what was never answered
            self.model.recount(self.model.stem(home))

    @rule()
    def goes(self) -> None:
        """The worker sends what waits: each mail to where its case is answered now."""
        before, queued = len(self.mailed), Delivery.objects.filter(status=S.QUEUED)
        for _bell in range(MOST_BELLS):  # what goes another way rings for itself
            worker.send_due()
            if not queued.exists():
                break
        self.model.goes()
        for to, key in self.mailed[before:]:
            message = Delivery.objects.select_related("message").get(pk=key).message
            said = next((one for one in self.model.said if one.pk == message.pk), None)
            if said is None:
                continue  # "we have your question"
            wish = self.model.matters[self.model.stem(said.home)].wish
            assert ("email", to) == (said.way if message.why == Message.Why.ONCE else wish.way)
        assert not queued.exists()

    # What is always so

    @invariant()
    def all_is_well(self) -> None:
        """After every step."""
        self.cases_are_as_they_should_be()
        self.every_message_lies_in_one_history()
        self.each_answer_goes_once()
        self.what_waits_goes_by_the_choice()

    def cases_are_as_they_should_be(self) -> None:
        """State, choice and since when somebody waits."""
        for number, matter in enumerate(self.model.matters):
            case = self.case(number)
            stem = self.model.stem(number)
            assert case.stem.pk == self.cases[stem]
            if stem != number:
                continue
            choice = case.choice
            assert choice
            address = choice.identity.value if choice.identity else ""
            assert (choice.kind, address, choice.once) == (*matter.wish.way, matter.wish.once)
            assert (case.state, case.waiting_since) == (matter.state, matter.waits)

    def every_message_lies_in_one_history(self) -> None:
        """Read from its stem and from no other; numbers are unique."""
        for stem in {self.model.stem(number) for number in range(len(self.cases))}:
            family = self.model.family(stem)
            mine = {said.pk for said in self.model.said if said.home in family}
            shown = Message.objects.of(self.case(stem)).filter(template="")
            assert Counter(shown.values_list("pk", flat=True)) == Counter(mine)
        for pk in self.cases:
            lines = [
                *Message.objects.filter(case=pk).values_list("seq", flat=True),
                *Event.objects.filter(case=pk).values_list("seq", flat=True),
            ]
            assert len(lines) == len(set(lines))

    def each_answer_goes_once(self) -> None:
        """One live delivery an answer, and one mail where it went by mail."""
        live = Delivery.objects.exclude(status=S.CANCELLED).filter(message__template="")
        answers = [said.pk for said in self.model.said if not said.came]
        assert Counter(live.values_list("message", flat=True)) == Counter(answers)
        assert not live.filter(status__in=(S.FAILED, S.UNCERTAIN)).exists()
        keys = Counter(key for _to, key in self.mailed)
        sent = live.filter(status=S.SENT, channel__kind="email").values_list("pk", flat=True)
        ours = Delivery.objects.filter(message__template="", pk__in=keys)
        assert {str(pk): 1 for pk in sent} == {str(row.pk): keys[str(row.pk)] for row in ours}

    def what_waits_goes_by_the_choice(self) -> None:
        """A letter or a visit that nobody carried out yet."""
        rows = Delivery.objects.filter(status__in=Delivery.OPEN, message__template="")
        for row in rows.select_related("channel", "identity", "message"):
            said = next(one for one in self.model.said if one.pk == row.message_id)
            address = row.identity.value if row.identity else ""
            assert row.message.kind == row.channel.kind
            assert (row.channel.kind, address) == said.way


def test_anything_in_any_order(
    organisation: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailed: list[tuple[str, str]] = []

    def send(adapter: EmailAdapter, outbound: Outbound) -> Sent:
        mailed.append((outbound.to, outbound.key))
        return Sent(outbound.key)

    monkeypatch.setattr(EmailAdapter, "send", send)
    given: dict[str, Any] = {"agent": agent, "organisation": organisation, "mailed": mailed}
    machine = type("Anything", (Anything,), given)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or 20,
            stateful_step_count=25,
            derandomize=not EXAMPLES,  # by itself the same every time; by hand always new ones
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

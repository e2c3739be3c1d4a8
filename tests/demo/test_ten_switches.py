"""Ten switches in a row between e-mail, own page, SMS, WhatsApp and Telegram: one case."""

import re
from collections.abc import Callable

import pytest

from contacts.models import Case, Event, Organisation
from portal.simulator.maildir import Maildir
from tests.demo.people import Customer, Desk, Pocket, in_order
from tests.demo.play import becomes, work

WHO, NUMBER = "zoe@example.org", "+442079460177"
FIRST = "Question 0: is the blue bike still there?"

pytestmark = pytest.mark.django_db(transaction=True)


class Walk:
    """One customer with one question, and the agent who answers it."""

    def __init__(self, url: str) -> None:
        self.customer, self.desk = Customer(url), Desk(url)
        self.pocket = Pocket(url, NUMBER, WHO)
        self.reference = self.customer.ask(FIRST, "email", address_email=WHO)
        self.said = [FIRST]  # both sides, in order
        self.kind = "email"

    def ask(self) -> str:
        """The next question."""
        self.said.append(f"Question {len(self.said)}: and what of this?")
        return self.said[-1]

    def answer(self) -> str:
        """The agent's next answer; it is not sent yet."""
        text = f"Answer {len(self.said)}: here you are."
        self.said.append(text)
        self.desk.answer(self.reference, text)
        return text

    def arrives(self, text: str) -> None:
        """By the chosen channel alone, once; on the own page it stands in any case."""
        wanted = [] if self.kind == "account" else [self.kind]
        becomes(lambda: self.pocket.holds(text) == wanted)
        assert self.customer.page().count(text) == 1

    def is_answered(self) -> None:
        """The answer is all that anybody gets: no notice of it goes to an address of before."""
        work()
        before = self.pocket.counts()
        self.arrives(self.answer())
        after = self.pocket.counts()
        came = {app: after[app] - before[app] for app in after if after[app] != before[app]}
        assert came == ({} if self.kind == "account" else {self.kind: 1})

    def chose(self, kind: str) -> None:
        """The case follows."""
        becomes(lambda: Case.objects.get().choice.kind == kind)  # type: ignore[union-attr]
        self.kind = kind

    # What a customer does to go on elsewhere

    def on_the_page(self, kind: str) -> None:
        """Press Change and take a row that needs nothing more."""
        assert "instead of" in self.customer.switch(kind)

    def with_a_code(self, kind: str) -> None:
        """A new number: six digits go there, and nothing else before they came back."""
        assert self.kind not in ("sms", kind)
        self.customer.switch(kind, **{f"address_{kind}": NUMBER})
        becomes(lambda: bool(self.pocket.bubbles(kind)))
        assert len(self.pocket.bubbles(kind)) == 1 and not self.customer.path.endswith("/switch/")
        self.customer.type_code(self.pocket.digits())

    def by_the_qr(self, kind: str) -> None:
        """They write first: nothing is there before."""
        self.customer.switch(kind)
        assert "Waiting for your message" in self.customer.page()
        work()
        assert self.pocket.bubbles(kind) == []
        self.pocket.scan(self.customer.link())

    def by_writing(self, kind: str) -> None:
        """They just write from there."""
        self.pocket.write(kind, self.ask())

    def by_answering_a_mail(self, kind: str) -> None:
        """They answer a mail of long ago."""
        self.pocket.answer_mail("Answer", self.ask())


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
    return Walk(web)


def test_ten_switches_keep_one_history(walk: Walk) -> None:
    walk.is_answered()
    for step, kind in STEPS:
        before = len(walk.said)
        step(walk, kind)
        walk.chose(kind)
        if len(walk.said) == before:
            walk.customer.add(walk.ask())
        walk.is_answered()
    assert Case.objects.count() == 1
    assert in_order(walk.customer.page().partition('<ol class="timeline">')[2], walk.said)
    at_the_desk = re.findall(
        r'desk-message__text"[^>]*>\s*(.*?)\s*</', walk.desk.page(walk.reference)
    )
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

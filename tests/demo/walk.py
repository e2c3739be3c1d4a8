"""One customer with one question, who goes on by any way from any other, and the agent."""

import re
import uuid
from collections.abc import Callable

from contacts.kinds import ACCOUNT, KINDS, PHONE, POST
from portal.simulator.maildir import Maildir
from tests import worker
from tests.demo.people import APPS, DIGITS, Customer, Desk, Pocket
from tests.demo.play import work
from tests.setup.test_processes import until

NAME, NUMBER = "Zoe Demo", "+442079460177"
HOME = "Kerkstraat 5\n1000 AA Demodorp"
TAKES_CODES, WRITES_FIRST = ("email", "sms"), ("whatsapp", "telegram")
BY_HAND = ("phone", "in_person", "letter")
LINK = re.compile(r"https?://[^/\s]+(/c/\w+/)")
PIN = re.compile(r"say code <strong>(\d{4})</strong>")
PAPER = re.compile(r"Your code</span><strong>(\w{5} \w{5})</strong>")
LETTER = re.compile(r'href="(/demo/pocket/letters/[0-9a-f-]+/)"')
OPTION = re.compile(r'name="way" id="[^"]+" value="([^"]+)"')
UNDO = re.compile(r'name="choice" value="(\d+)"')
TO_DO = re.compile(
    r'class="desk-todo__kind kind-(\w+)">.*?class="desk-todo__link" href="([^"]+)">'
    r'.*?class="desk-todo__text">(.*?)</span>',
    re.DOTALL,
)
SAID = re.compile(r'desk-message__text"[^>]*>\s*(.*?)\s*</')  # on the page of a case
Then = Callable[[], object]


def nothing() -> None:
    """What mostly happens between two taps."""


class Walk:
    """What both sides do, through the doors that they have, and what they then see."""

    def __init__(
        self,
        url: str,
        number: str = NUMBER,
        *,
        work: Then = work,
        file: Then = worker.file_all,
    ) -> None:
        """`work`, `file`: what a worker would do, where no real one does."""
        self.customer, self.desk = Customer(url), Desk(url)
        self.mark = number[-3:]  # stands in all that they say
        self.who = f"zoe{self.mark}@example.org"
        self.pocket = Pocket(url, number, self.who)
        self.work, self.file = work, file
        self.reference = self.kind = ""
        self.said: list[str] = []  # both sides, in order
        # What each row of the chooser asks for, where nothing of it is known.
        self.fields: dict[str, dict[str, str]] = {
            "email": {"address_email": self.who},
            "phone": {"address_phone": number},
            "sms": {"address_sms": number},
            "letter": {"name_letter": NAME, "address_letter": HOME},
            "in_person": {"wish_in_person": "centre"},
        }

    def becomes(self, condition: Callable[[], bool]) -> None:
        """What comes by HTTP from another thread, or by a worker."""

        def worked() -> bool:
            self.work()
            return condition()

        assert until(worked, 15)

    # How it begins

    def on_the_start_page(self, kind: str) -> None:
        """They ask on the site."""
        self.reference = self.customer.ask(self.ask(), kind, **self.fields.get(kind, {}))
        self.kind = kind

    def with_a_mail(self, kind: str) -> None:
        """They write a mail, and open the link of "we have your question"."""
        mail = {"sender": self.who, "subject": "The blue bike", "text": self.ask()}
        self.pocket.post("/demo/pocket/write/", mail)
        self._by_the_link(kind)

    def with_an_app(self, kind: str) -> None:
        """They write with an app, and open the link that comes back."""
        self.pocket.write(kind, self.ask())
        self._by_the_link(kind)

    def _by_the_link(self, kind: str) -> None:
        self.becomes(lambda: bool(self._texts(kind)))
        found = LINK.search(self._texts(kind)[-1])
        assert found
        self.customer.post(found[1], {})
        self.reference = self.customer.reference = self.customer.path.split("/")[2]
        self.kind = kind

    def _texts(self, kind: str) -> list[str]:
        if kind == "email":
            return [mail.content.text for mail in reversed(Maildir().mails(self.who))]
        return [bubble.text for bubble in self.pocket.bubbles(kind)]

    def with_a_call(self, kind: str) -> None:
        """They ask to be called, call themselves and say the code that stands on their page."""
        self.on_the_start_page(kind)
        self.customer.post(f"{self.customer.place}call-code/", {})
        pin = PIN.search(self.customer.page())
        assert pin
        self.is_recorded(kind, q=pin[1])

    def with_a_visit(self, kind: str) -> None:
        """They say on the site that they come by, and do."""
        self.on_the_start_page(kind)
        self.is_recorded(kind, q=self.reference)

    def with_a_letter(self, kind: str) -> None:
        """They write a letter; what opens their page is the code of the one that they get."""
        self.kind = kind
        self.is_recorded(kind, q=NAME, into="new", name=NAME, kind=kind, post=HOME)
        self.reference = self.customer.reference = self.desk.path.split("/")[3]
        self.work()
        self.answer()
        self.carry_out()
        code = PAPER.search(self._letter())
        assert code
        self.customer.post("/sign-in/letter/", {"paper": code[1].lower().replace(" ", "")})

    def _letter(self) -> str:
        """The newest letter in their letter box."""
        found = LETTER.search(self.pocket.get("/demo/pocket/letters/"))
        assert found
        return self.pocket.get(found[1])

    # What is said

    def ask(self) -> str:
        """The next question."""
        self.said.append(f"Question {len(self.said)} of {self.mark}: and what of this?")
        return self.said[-1]

    def answer(self) -> str:
        """The agent's next answer; it is not sent yet."""
        text = f"Answer {len(self.said)} to {self.mark}: here you are."
        self.said.append(text)
        data = {"seen": "1000000", "client_key": str(uuid.uuid4()), "text": text, "kind": ""}
        self.desk.send(f"/admin/cases/{self.reference}/answer/", data)
        return text

    def is_recorded(self, came_by: str, *, q: str, **more: str) -> None:
        """An agent takes down what they say on the phone, at the counter or on paper."""
        data = {"came_by": came_by, "q": q, "text": self.ask(), "client_key": str(uuid.uuid4())}
        into = re.search(
            r'name="into" value="(case:[^"]+)"', self.desk.get("/admin/record/people/", q=q)
        )
        assert into or more.get("into") == "new"
        who = {"into": into[1]} if into else {}
        self.desk.post("/admin/record/", data | who | {"kind": "as_before"} | more)

    # Where an answer is

    def holds(self, text: str) -> list[str]:
        """Where an answer arrived, or lies to be carried out: one entry for each time."""
        page = self.desk.get("/admin/todo/")
        tasks = [kind for kind, _path, said in TO_DO.findall(page) if text in said]
        return self.pocket.holds(text) + tasks

    def arrives(self, text: str) -> None:
        """By the chosen channel alone, once."""
        wanted = [] if self.kind == ACCOUNT else [self.kind]
        self.becomes(lambda: self.pocket.holds(text) == [k for k in wanted if k not in BY_HAND])
        assert self.holds(text) == wanted
        if self.kind in BY_HAND:
            self.carry_out()

    def carry_out(self) -> None:
        """The agent makes the call, keeps the appointment, prints and posts the letter."""
        for kind, path, text in TO_DO.findall(self.desk.get("/admin/todo/")):
            if text not in self.said:
                continue  # a call that they asked for: it is in the answer to come
            if kind == "letter":
                self.desk.send(f"{path}print/", {})
                self.desk.send(f"{path}finish/", {"outcome": "sent"})
                assert text in self._letter()
                continue
            self.said.append(f"Said {len(self.said)} to {self.mark}: all of it.")
            self.desk.send(f"{path}take/", {})
            self.desk.send(f"{path}finish/", {"outcome": "reached", "note": self.said[-1]})

    def is_answered(self) -> None:
        """The answer is all that anybody gets: no notice of it goes to an address of before."""
        self.work()
        before = self.pocket.counts()
        self.arrives(self.answer())
        after = self.pocket.counts()
        came = {app: after[app] - before[app] for app in after if after[app] != before[app]}
        assert came == ({self.kind: 1} if self.kind in before else {})

    def chose(self, kind: str) -> None:
        """The case follows."""

        def follows() -> bool:
            self.file()  # and nothing is sent meanwhile
            return f'"answerline kind-{kind}"' in self.customer.page()

        assert until(follows, 10)
        self.kind = kind

    # What a customer does to go on elsewhere

    def on_the_page(self, kind: str) -> None:
        """Press Change and take a row that needs nothing more."""
        assert "instead of" in self.customer.switch(kind)

    def with_a_code(self, kind: str, meanwhile: Then = nothing, **once: str) -> None:
        """A new address: six digits go there, and nothing else before they came back."""
        assert kind != self.kind
        before = self._texts(kind)
        self.customer.switch(kind, **self.fields[kind], **once)
        self.becomes(lambda: len(self._texts(kind)) > len(before))
        self.work()
        (text,) = self._texts(kind)[len(before) :]
        digits = DIGITS.search(text)
        assert digits and not self.customer.path.endswith("/switch/")
        meanwhile()
        self.customer.type_code(digits[1])

    def by_the_qr(self, kind: str, meanwhile: Then = nothing, **once: str) -> None:
        """They write first: nothing is there before."""
        before = self.pocket.bubbles(kind)
        self.customer.switch(kind, **once)
        assert "Waiting for your message" in self.customer.page()
        self.work()
        assert self.pocket.bubbles(kind) == before
        link = self.customer.link()
        meanwhile()
        self.pocket.scan(link)

    def by_writing(self, kind: str) -> None:
        """They just write from there."""
        self.pocket.write(kind, self.ask())

    def by_answering_a_mail(self, kind: str) -> None:
        """They answer a mail of long ago."""
        self.pocket.answer_mail("Answer", self.ask())

    def by_the_panel(self, kind: str, meanwhile: Then = nothing, **once: str) -> None:
        """Press Change and take the row, with whatever that row asks for.

        `meanwhile`: what happens just before the last tap.
        """
        rows = OPTION.findall(self.customer.get(f"{self.customer.place}switch/"))
        is_known = any(row.startswith(f"{kind}:") for row in rows)
        if kind in WRITES_FIRST and not is_known:
            self.by_the_qr(kind, meanwhile, **once)
        elif kind in TAKES_CODES and not is_known:
            self.with_a_code(kind, meanwhile, **once)
        else:
            meanwhile()
            typed = {} if is_known else self.fields.get(kind, {})
            self.customer.switch(kind, known=is_known, **typed, **once)

    def says_so(self, kind: str, *, on: str = "phone") -> None:
        """They tell an agent, who takes it down with the address that they say."""
        addresses = {"email": self.who, PHONE: self.pocket.number, POST: HOME}
        scheme = KINDS[kind].scheme
        typed = {scheme: addresses[scheme]} if scheme in addresses else {}
        self.is_recorded(on, q=self.reference, kind=kind, **typed)

    def by_coming_back(self, kind: str) -> None:
        """They turn up again where they were before, without asking for it."""
        if kind == "email":
            self.by_answering_a_mail(kind)
        elif kind in APPS:
            self.by_writing(kind)
        elif kind in BY_HAND:
            self.says_so(kind, on=kind)
        else:
            self.by_the_panel(kind)

    def undo(self) -> None:
        """Press Undo on the strip, which stands on the page that the switch led to."""
        found = UNDO.search(self.customer.shown) or UNDO.search(self.customer.page())
        assert found
        self.customer.post(f"{self.customer.place}switch/undo/", {"choice": found[1]})


BEGIN = {
    ACCOUNT: Walk.on_the_start_page,
    "email": Walk.with_a_mail,
    "sms": Walk.with_an_app,
    "whatsapp": Walk.with_an_app,
    "telegram": Walk.with_an_app,
    "phone": Walk.with_a_call,
    "in_person": Walk.with_a_visit,
    "letter": Walk.with_a_letter,
}

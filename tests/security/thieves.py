"""A victim, a thief and every door between them; and the judge, who looks at all that they got.

Nothing here knows how the product decides: an attempt acts by the public doors, and the judge
compares what stands in the rows, what the thief's browsers were shown and what was sent where.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Model
from django.test import Client

from channels_app import dispatch, inbound, joining
from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts import codes, holding, services
from contacts.models import Case, Code, Holder, Identity, Message, Organisation, User
from tests import shop, worker
from tests.messengers.people import THIEF, VICTIM
from tests.messengers.telephones import (
    MESSENGERS,
    Messenger,
    messenger_at,
    send_all,
    servers,
)
from tests.security.test_strangers import EVIL
from tests.security.test_strangers import VICTIM as MAIL
from tests.webhooks.providers import Provider

NAME, WORDS = "Vera Secretname", "Mypriv8 matter"
ONLY = "Only4you: your appointment"
NEW = "new "  # stands before the kind of a newcomer's case
NEWCOMERS = {"sms": "+31655550001", "whatsapp": "+31655550002", "telegram": "+31655550003"}
GUESS = "K7QM4 XPT2B"
# Of each messenger's own: WhatsApp and SMS would be one address.
VICTIMS = {"sms": "+31687650001", "whatsapp": VICTIM, "telegram": VICTIM}


class Spy(Client):
    """A browser that keeps whatever it was shown."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.shown: list[str] = []

    def request(self, **request: Any) -> Any:
        """As ever; the bytes of the answer and its headers are kept."""
        answer = super().request(**request)
        body = b"".join(answer) if answer.streaming else answer.content
        heads = " ".join(f"{name}: {value}" for name, value in answer.items())
        self.shown.append(f"{request['PATH_INFO']}\n{heads}\n{body.decode('utf-8', 'replace')}")
        return answer


@dataclass
class World:
    """Cases of a victim by each door, a case of a thief, and what both of them hold.

    `knows`: what the thief was told beforehand, so that to hear it again is no disclosure.
    """

    organisation: Organisation
    agent: User
    sink: shop.Sink
    messengers: dict[str, Messenger]
    cases: dict[str, Case]  # the victim's, by the kind that each is answered by
    planted: Case
    thief: Spy
    victim: Client
    knows: set[str] = field(default_factory=set)
    before: dict[int, Any] = field(default_factory=dict)
    browsers: list[Spy] = field(default_factory=list)

    # -- What they can do.

    @property
    def secret(self) -> Case:
        """The victim's case by mail."""
        return self.cases["email"]

    def other_browser(self) -> Spy:
        """One more of the thief's, elsewhere on the net."""
        self.browsers.append(spy := Spy(REMOTE_ADDR=f"198.51.100.{len(self.browsers) + 1}"))
        return spy

    def knows_address(self) -> None:
        """The thief knows the victim's addresses: they are echoed where they are typed."""
        self.knows |= {MAIL, *VICTIMS.values()}

    def knows_references(self) -> None:
        """The thief has read the references somewhere: they are no secrets."""
        self.knows |= {case.reference for case in self.cases.values()}

    def mails(self, sender: str, *, to: str = "", **more: str) -> None:
        """A mail comes in, and is filed."""
        raw = shop.mail(sender=sender, to=to or shop.MAILBOX, **more)
        worker.file(inbound.receive(Channel.objects.get(slug="email"), Request(body=raw)))

    def reply_address(self, case: Case) -> str:
        """Our secret address of a case."""
        local, _at, domain = shop.MAILBOX.partition("@")
        return f"{local}+{services.reply_code(case).plain}@{domain}"

    def newcomer(self, kind: str) -> Case:
        """The victim writes from a number that nobody knows."""
        self.messengers[kind].write(NEWCOMERS[kind], f"{WORDS} of a newcomer")
        send_all()
        self.cases[NEW + kind] = case = Case.objects.latest("pk")
        self.before[case.pk] = state(case)
        return case

    def planted_code(self, kind: str = "") -> str:
        """What the thief's own page shows, for the victim to send."""
        if kind:
            return joining.invite(self.planted, self.messengers[kind].channel).code.plain
        return joining.issue_for_any(self.planted).plain

    def newest(self, purpose: str) -> str:
        """The code that was made last."""
        return Code.objects.filter(purpose=purpose).latest("created_at").plain

    def post_all(self, browser: Client, case: Case, **data: str) -> set[int]:
        """Every button of a case's page, and every page of it; their statuses."""
        found = set()
        for part in PARTS:
            page = f"/q/{case.reference}/{part}"
            found |= {browser.get(page).status_code, browser.post(page, data).status_code}
        return found

    # -- What came of it.

    def watch(self) -> None:
        """From here on the judge compares."""
        send_all()
        self.before = {case.pk: state(case) for case in Case.objects.all()}

    def judge(self, *, may_change: tuple[Case, ...] = ()) -> None:
        """Nothing joined, nothing moved, nothing told: not now, and not with the next answer."""
        changed = {case.pk for case in may_change} | {self.planted.pk}
        for case in Case.objects.filter(pk__in=self.before):
            if case.pk not in changed:
                assert state(case) == self.before[case.pk], f"{case}: {case.title}"
        theirs = {case.pk for case in self.cases.values()}
        foreign = Message.objects.filter(case__in=theirs, identity__value__in=self.thiefs)
        assert not foreign.exists(), "the thief wrote in it"
        for case in self.cases.values():
            case.refresh_from_db()
            assert case.root_id is None and case.merged_into_id is None
        self.planted.refresh_from_db()
        assert self.planted.root_id is None
        assert not Case.objects.filter(root=self.planted).filter(pk__in=theirs).exists()
        self._answer_all()
        self._read_everything()

    @property
    def thiefs(self) -> list[str]:
        """The thief's addresses."""
        there = [messenger.address(THIEF) for messenger in self.messengers.values()]
        return list(dict.fromkeys([EVIL, *there]))

    def _answer_all(self) -> None:
        """We answer each case of the victim: it goes to the victim and to nobody else."""
        for kind, case in self.cases.items():
            case = Case.objects.get(pk=case.pk)
            choice = case.choice
            assert choice is not None and choice.identity is not None
            assert choice.kind == kind.removeprefix(NEW), f"{case} is answered by {choice.kind}"
            dispatch.reply(case=case, staff=self.agent, text=f"{ONLY} {kind}")
        send_all()
        told = [(mail["To"], mail.as_string()) for mail in self.sink.mails]
        told += [one for messenger in self.messengers.values() for one in messenger.brought()]
        got = {to for to, text in told if ONLY in text}
        assert got == {MAIL, *self.victims}, got
        for to, text in told:
            if to in self.thiefs:
                self._holds_no_secret(text, f"what was sent to {to}")

    @property
    def victims(self) -> set[str]:
        """The victim's addresses at the messengers."""
        found = {m.address(VICTIMS[kind]) for kind, m in self.messengers.items()}
        new = [kind.removeprefix(NEW) for kind in self.cases if kind.startswith(NEW)]
        return found | {self.messengers[kind].address(NEWCOMERS[kind]) for kind in new}

    def _read_everything(self) -> None:
        """The thief opens whatever may be open by now."""
        for spy in (self.thief, *self.browsers):
            cache.clear()  # limits hide no fault
            spy.get("/questions/")
            spy.get("/preferences/")
            self.post_pages(spy)
            for text in spy.shown:
                self._holds_no_secret(text, "what the thief was shown")

    def post_pages(self, spy: Spy) -> None:
        """The pages of all cases, of which only the planted one may open."""
        for case in self.cases.values():
            answer = spy.get(f"/q/{case.reference}/")
            assert answer.status_code == 404, f"{case} opened"
            spy.shown.pop()  # its own address names it
        for part in ("", "switch/"):
            spy.get(f"/q/{self.planted.reference}/{part}")
        wants = [("want", f"q:{case.reference}") for case in self.cases.values()]
        poll = spy.get("/live/poll/", query_params=dict_of(wants))
        assert poll.status_code == 200 and poll.content == b"{}", poll.content

    def _holds_no_secret(self, text: str, where: str) -> None:
        for secret in self.secrets - self.knows:
            assert secret not in text, f"{secret!r} stands in {where}: {text[:300]}"
        digits = re.sub(r"[\s()-]", "", text)
        for number in set(VICTIMS.values()) - self.knows:
            assert number.removeprefix("+31") not in digits, f"the number stands in {where}"

    @property
    def secrets(self) -> set[str]:
        """What nobody but the victim and the desk may read."""
        references = {case.reference for case in self.cases.values()}
        return {NAME, NAME.split()[0], WORDS, ONLY, MAIL, *VICTIMS.values()} | references


PARTS = (
    "", "news/", "solved/", "again/", "call-code/", "keep/", "elsewhere/", "switch/",
    "switch/code/", "switch/undo/", "write/again/", "write/off/", "calls/",
)  # fmt: skip


def dict_of(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Pairs as a query that says a name several times."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def state(case: Case) -> Any:
    """All of a case that an attempt could turn: how it is answered, who holds what, where it is."""
    row = Case.objects.filter(pk=case.pk).values(
        "choice", "choice__kind", "choice__identity", "customer", "root", "merged_into", "state"
    )
    holders = Holder.objects.filter(customer=case.customer_id).order_by("pk")
    proofs = case.events.filter(sort__in=("proved", "switched", "merged", "second")).count()
    identities = Identity.objects.filter(pk__in=case.choices.values("identity")).order_by("pk")
    return (
        list(row),
        list(holders.values_list("identity", "proved_at", "ended_at", "how")),
        proofs,
        list(case.choices.order_by("pk").values_list("pk", flat=True)),
        list(identities.values_list("closed", "blocked_at")),
        rows_of(case.codes.filter(purpose=codes.CASE_LINK).exclude(identity=None)),
    )


def rows_of(found: Any) -> list[Model]:
    """In a fixed order, without those for an address that this case is answered at anyway."""
    return list(found.order_by("pk").values_list("identity__value", flat=True).distinct())


def make_world(
    organisation: Organisation,
    agent: User,
    sink: shop.Sink,
    providers: dict[str, Provider],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """The victim wrote by every messenger and asked by mail; the thief has a case on a page."""
    messengers = {
        kind: messenger_at(kind, organisation, providers, monkeypatch) for kind in MESSENGERS
    }
    victim, thief = Client(REMOTE_ADDR="192.0.2.1"), Spy(REMOTE_ADDR="203.0.113.1")
    cases = {}
    for kind, messenger in messengers.items():
        messenger.write(VICTIMS[kind], f"{WORDS} {kind}")
        cases[kind] = Case.objects.latest("pk")
    cases["email"] = _asks(victim, MAIL, f"{WORDS} email")
    victim.post("/sign-in/", {"email": MAIL})
    code = Code.objects.filter(purpose=codes.SIGN_IN).latest("created_at")
    victim.post("/sign-in/code/", {"code": code.plain})
    for case in cases.values():
        holding.rename(case.customer.top, NAME)
    planted = _asks(thief, "", "Planted")
    world = World(organisation, agent, sink, messengers, cases, planted, thief, victim)
    world.watch()
    return world


def _asks(browser: Client, address: str, text: str) -> Case:
    way = {"way": "email", "address_email": address} if address else {"way": "account"}
    answer = browser.post("/", {"text": text, "client_key": str(shop.key()), **way})
    return Case.objects.get(reference=answer["Location"].split("/")[2])


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, Provider]]:
    """A provider for each messenger, on this machine."""
    with servers() as found:
        yield found


@pytest.fixture
def world(
    organisation: Organisation,
    agent: User,
    sink: shop.Sink,
    providers: dict[str, Provider],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """A victim and a thief."""
    return make_world(organisation, agent, sink, providers, monkeypatch)

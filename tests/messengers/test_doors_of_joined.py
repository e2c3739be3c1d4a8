"""What comes to a joined case arrives in the one it is part of, by every door; parted, in it."""

import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.test import Client

from channels_app import dispatch, inbound, joining
from channels_app.adapters.base import Request
from channels_app.models import Channel, InboundEvent
from contacts import codes, merging, services
from contacts.models import Case, Code, Message, Organisation, User
from tests import shop, worker
from tests.api.conftest import make_client
from tests.messengers.people import by_mail
from tests.messengers.telephones import Messenger, messenger_at, send_all, servers
from tests.webhooks.providers import Provider

SAM = "sam@example.org"


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, Provider]]:
    """A provider for each messenger, on this machine."""
    with servers() as found:
        yield found


@dataclass
class Door(ABC):
    """A way in that was handed out for a case before it was joined to another."""

    case: Case
    agent: User
    messenger: Messenger | None = None
    given: list[str] = field(default_factory=list)

    says_something = True

    @abstractmethod
    def open_up(self) -> None:
        """Hand it out; one for each time where it is good for one use."""

    @abstractmethod
    def arrive(self) -> Case:
        """Go in by it; the case in whose page or history one is then."""


def newest() -> Case:
    """Where the last thing that came in lies."""
    row = Message.objects.filter(direction=Message.Direction.IN).latest("pk")
    assert row.case is not None
    return Case.objects.select_related("root").get(pk=row.case.pk).stem


def shown(location: str) -> Case:
    """The case whose page an answer leads to."""
    found = re.search(r"/([0-9A-Z]{3}-[0-9A-Z]{3})/", location)
    assert found is not None, location
    return Case.objects.get(reference=found[1])


def confirm(messenger: Messenger, number: str) -> None:
    """Where a sender can be forged, the number that they were asked for."""
    if messenger.channel.kind == "sms":
        send_all()
        digits = re.search(r"Reply (\d{4})", messenger.brought()[-1][1])
        assert digits is not None
        messenger.write(number, digits[1])


class ReplyAddress(Door):
    """The address that our mails carry."""

    def open_up(self) -> None:
        code = services.reply_code(self.case).plain
        self.given = [shop.MAILBOX.replace("@", f"+{code}@")]

    def arrive(self) -> Case:
        raw = shop.mail(sender=SAM, to=self.given[0], text=f"By mail {uuid.uuid4()}")
        event = inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))
        worker.file(event)
        return newest()


class Wrote(Door):
    """The number or chat that joined by an invitation, and writes again."""

    def open_up(self) -> None:
        assert self.messenger is not None
        invitation = joining.invite(self.case, self.messenger.channel)
        self.messenger.scan("+31612345678", invitation.link)
        confirm(self.messenger, "+31612345678")
        assert newest() == self.case

    def arrive(self) -> Case:
        assert self.messenger is not None
        self.messenger.write("+31612345678", f"Once more {uuid.uuid4()}")
        return newest()


class Invitation(Door):
    """The code that its page shows, from a number that wrote nothing before."""

    def open_up(self) -> None:
        assert self.messenger is not None
        invitation = joining.invite(self.case, self.messenger.channel)
        self.given = [invitation.code.plain]
        kind = invitation.channel.kind
        more = [Code.objects.issue(codes.JOIN, case=self.case, kind=kind) for _n in range(2)]
        self.given += [code.plain for code in more]

    def arrive(self) -> Case:
        assert self.messenger is not None
        number = f"+3161111000{len(self.given)}"
        self.messenger.tap(number, self.given.pop(0))
        confirm(self.messenger, number)
        return newest()


class Letter(Door):
    """The code on a letter."""

    says_something = False

    def open_up(self) -> None:
        life = codes.LETTER_LIFETIME
        self.given = [
            Code.objects.issue(codes.JOIN, case=self.case, lifetime=life).plain for _n in range(3)
        ]

    def arrive(self) -> Case:
        return shown(Client().post("/sign-in/letter/", {"paper": self.given.pop(0)})["Location"])


class Pin(Door):
    """The four digits that a caller says."""

    def open_up(self) -> None:
        self.given = [
            Code.objects.issue(codes.JOIN, case=self.case, form=codes.PIN).plain for _n in range(3)
        ]

    def arrive(self) -> Case:
        desk, pin = Client(), self.given.pop(0)
        desk.force_login(self.agent)
        found = desk.get("/admin/record/people/", {"q": pin}).content.decode()
        chosen = re.search(r'value="(case:[\w-]+)" checked', found)
        assert chosen is not None
        said = {"q": pin, "into": chosen[1], "came_by": "phone", "text": "On the phone"}
        answer = desk.post("/admin/record/", {**said, "client_key": str(uuid.uuid4())})
        assert shown(answer["Location"]) == newest()
        return newest()


class Link(Door):
    """Its link, and its page under the old reference."""

    def open_up(self) -> None:
        self.given = [services.case_link(self.case).plain]

    def arrive(self) -> Case:
        browser = Client()
        case = shown(browser.post(f"/c/{self.given[0]}/")["Location"])
        old = f"/q/{self.case.reference}/"
        browser.post(old, {"text": f"Here {uuid.uuid4()}", "client_key": str(uuid.uuid4())})
        assert newest() == case
        page = browser.get(old, follow=True).content.decode()
        assert case.reference in page
        return case


class Program(Door):
    """Its reference, as a program keeps it."""

    says_something = False

    def open_up(self) -> None:
        self.given = [self.case.reference]

    def arrive(self) -> Case:
        api = make_client("cases:read", "messages:write", "messages:read", answers_as=self.agent)
        found = api.get(f"/cases/{self.given[0]}/").json()["reference"]
        return Case.objects.get(reference=found)


DOORS = {
    "mail to its reply address": (ReplyAddress, ""),
    "SMS of a number that joined": (Wrote, "sms"),
    "WhatsApp of a number that joined": (Wrote, "whatsapp"),
    "Telegram of a chat that joined": (Wrote, "telegram"),
    "its code by SMS": (Invitation, "sms"),
    "its code by WhatsApp": (Invitation, "whatsapp"),
    "its code by Telegram": (Invitation, "telegram"),
    "the code on a letter": (Letter, ""),
    "the digits on the phone": (Pin, ""),
    "its link": (Link, ""),
    "its reference in the API": (Program, ""),
}


def join(case: Case, into: Case) -> None:
    """They become one."""
    rows = Case.objects.select_related("root")
    merging.join(case=rows.get(pk=case.pk), into=rows.get(pk=into.pk), by=None)


def part(case: Case) -> None:
    """They are two again."""
    merging.undo_join(case=Case.objects.select_related("root").get(pk=case.pk), by=None)


@pytest.mark.parametrize("name", DOORS)
def test_it_arrives_in_the_case_it_is_part_of_and_after_parting_in_its_own(
    name: str,
    organisation: Organisation,
    agent: User,
    providers: dict[str, Provider],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, kind = DOORS[name]
    messenger = messenger_at(kind, organisation, providers, monkeypatch) if kind else None
    if messenger is not None and kind == "sms":
        messenger.channel.appends_by_sender = True
        messenger.channel.save()
    inner, middle, outer = (by_mail(organisation, SAM, text) for text in ("One", "Two", "Three"))
    door = make(inner, agent, messenger)
    door.open_up()
    join(inner, middle)
    join(middle, outer)
    for goal, parted in ((outer, None), (middle, middle), (inner, inner)):
        if parted is not None:
            part(parted)
        before = Message.objects.filter(direction="in").count()
        assert door.arrive() == goal
        came = Message.objects.filter(direction="in").count() - before
        assert came == int(door.says_something)


@pytest.mark.parametrize("sender", [SAM, "stranger@example.net"])
def test_an_old_message_id_alone_names_the_whole_to_staff_and_joins_nothing(
    organisation: Organisation, agent: User, sender: str
) -> None:
    inner, outer = (by_mail(organisation, SAM, text) for text in ("One", "Two"))
    sent = dispatch.reply(case=inner, staff=agent, text="Yes.")
    named = f"<{sent.deliveries.get().pk}@mail.example.org>"

    def hint() -> Case | None:
        raw = shop.mail(sender=sender, to=shop.MAILBOX, text="And?", In_Reply_To=named)
        event = inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))
        worker.file(event)
        assert InboundEvent.objects.get(pk=event.pk).state == "processed"
        return newest().may_belong_to

    join(inner, outer)
    assert hint() == outer
    part(inner)
    assert hint() == inner

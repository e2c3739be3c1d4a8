"""A shop with so many rows of everything that a page lists, written in few statements."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.utils import timezone

from channels_app import opening
from channels_app.models import Attempt, Channel, Delivery, InboundEvent, SpecialDay, Target
from contacts.models import (
    Alert,
    Attachment,
    CannedAnswer,
    Case,
    Choice,
    Code,
    Consent,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Organisation,
    Team,
    Topic,
    User,
)
from portal.api.models import ApiClient
from portal.desk import letter
from tests import shop

MOST_HELD = 40  # addresses of one person
MOST_BRANCHES = 50  # a page that offers a thousand of them takes seconds to write
REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class World:
    """The rows that the pages are about; `grow` adds rows of every sort."""

    organisation: Organisation
    admin: User
    case: Case
    delivery: Delivery
    letter: Delivery
    link: Code
    size: int = 0

    @property
    def stranger(self) -> Customer:
        """Another customer than that of the case."""
        return Customer.objects.get_or_create(name="Somebody Else")[0]

    def grow(self, size: int) -> None:
        """Up to so many of each."""
        numbers = range(self.size, size)
        self.size = size
        people = self._staff(numbers)
        self._setup(numbers)
        self._teams(numbers, people)
        addresses = self._customer(numbers)
        self._history(numbers, people, addresses)
        cases = self._cases(numbers, people, addresses)
        self._work(cases, numbers)

    def _staff(self, numbers: range) -> list[User]:
        return _write(
            User(username=f"colleague{n}", first_name=f"Bo {n}", is_staff=True) for n in numbers
        )

    def _setup(self, numbers: range) -> None:
        topics = _write(Topic(name={"en": f"Topic {n}"}, slug=f"topic{n}") for n in numbers)
        aims = {"first_answer_minutes": 60, "resolution_minutes": 600}
        _write(Target(organisation=self.organisation, topic=topic, **aims) for topic in topics)
        mail = Channel.objects.get(kind="email", is_offered=True)
        _write(
            InboundEvent(
                channel=mail,
                sha256=f"{n}",
                raw=b"?",
                state="set_aside" if n % 3 == 2 else "quarantined",
            )
            for n in numbers
        )
        _write(
            CannedAnswer(organisation=self.organisation, word=f"word{n}", text={"en": f"Text {n}"})
            for n in numbers
        )
        _write(
            SpecialDay(organisation=self.organisation, first=day, last=day, name=f"Day {n}")
            for n in numbers
            if (day := timezone.now().date() + timedelta(days=1 + n % 60))
        )
        _write(ApiClient(name=f"Program {n}", digest=f"{n}") for n in numbers)
        _write(
            Channel(
                organisation=self.organisation,
                kind="in_person",
                provider="manual",
                slug=f"branch{n}",
                name=f"Branch {n}",
                address=f"Street {n}",
            )
            for n in numbers
            if n < MOST_BRANCHES
        )

    def _teams(self, numbers: range, people: list[User]) -> None:
        """Each with a topic and a member, the first one with all of them."""
        made = _write(Team(organisation=self.organisation, name=f"Team {n}") for n in numbers)
        first = Team.objects.order_by("pk")[0]
        first.members.add(self.admin, *people)
        first.topics.add(*Topic.objects.all())
        topic = Topic.objects.order_by("pk")[0]
        rest = zip(made[1:], people[1:], strict=True)
        Team.members.through.objects.bulk_create(
            Team.members.through(team=team, user=user) for team, user in rest
        )
        Team.topics.through.objects.bulk_create(
            Team.topics.through(team=team, topic=topic) for team in made[1:]
        )

    def _customer(self, numbers: range) -> list[Identity]:
        """Addresses and refusals of the one customer."""
        found = _write(Identity(scheme="email", value=f"sam{n}@example.org") for n in numbers)
        customer, now = self.case.customer, timezone.now()
        held = found[: max(0, MOST_HELD - numbers.start)]
        Holder.objects.bulk_create(
            Holder(customer=customer, identity=row, proved_at=now) for row in held
        )
        kinds = ("phone", "letter", "account")
        _write(Consent(customer=customer, kind=kinds[n % 3], level="never") for n in numbers)
        return found

    def _history(self, numbers: range, people: list[User], addresses: list[Identity]) -> None:
        """A question, an answer with a file and a failed delivery, a note, and what was done."""
        mail, case, begun = (
            Channel.objects.get(kind="email", is_offered=True),
            self.case,
            timezone.now(),
        )
        old, _made = Channel.objects.get_or_create(
            slug="old-mail",
            defaults={
                "organisation": self.organisation,
                "kind": "email",
                "provider": mail.provider,
                "is_offered": False,
            },
        )
        ways = ("in", "out", "note")
        # The history names an address that the customer holds no more.
        stray, _made = Identity.objects.get_or_create(scheme="email", value="stray@example.org")
        messages = _write(
            Message(
                case=case,
                seq=100 + n * 2,
                direction=ways[n % 3],
                kind=("phone" if n % 9 == 0 else "email", "email", "")[n % 3],
                # Of the customer's messages some were noted by a colleague.
                staff=people[n - numbers.start] if n % 3 or n % 9 == 0 else None,
                identity=addresses[n - numbers.start],
                text=f"Message {n}",
                created_at=begun + timedelta(milliseconds=n),
            )
            for n in numbers
        )
        _write(Attachment(message=row, name="a.txt", size=1) for row in messages)
        states = ("sent", "failed", "todo")
        sent = _write(
            Delivery(
                message=row,
                channel=old if row.seq % 4 else mail,
                identity=row.identity,
                status=states[row.seq % 3],
                taken_by=row.staff,
                attempt_count=1,
            )
            for row in messages
            if row.direction == "out"
        )
        _write(
            Attempt(delivery=row, number=number, outcome="sent", started_at=begun)
            for row in sent
            for number in (1, 2)
        )
        _write(
            Event(
                case=case,
                seq=101 + n * 2,
                sort="proved" if n % 5 == 0 else "chosen",
                staff=people[n - numbers.start],
                data={"kind": "email", "before": "phone", "identity": stray.pk},
                created_at=row.created_at,
            )
            for n, row in zip(numbers, messages, strict=True)
        )
        Case.objects.filter(pk=case.pk).update(seq=100 + self.size * 2)

    def _cases(self, numbers: range, people: list[User], addresses: list[Identity]) -> list[Case]:
        """Further cases of this customer, each in another state; some joined to the one."""
        now = timezone.now()
        found = _write(
            Case(
                reference=_reference(n),
                customer=self.case.customer,
                organisation=self.organisation,
                title=f"Case {n}",
                language="en",
                state="resolved" if n % 4 == 3 else "open",
                assignee=self.admin if n % 2 else None,
                waiting_since=now if n % 4 < 2 else None,
                topic=Topic.objects.get(slug="topic0"),
                opened_at=now,
                changed_at=now,
                root=self.case if n % 10 == 9 else None,
                merged_into=self.case if n % 10 == 9 else None,
            )
            for n in numbers
        )
        choices = _write(
            Choice(case=row, kind="email", identity=address)
            for row, address in zip(found, addresses, strict=True)
        )
        for row, choice in zip(found, choices, strict=True):
            row.choice = choice
        Case.objects.bulk_update(found, ["choice"], batch_size=200)
        return found

    def _work(self, cases: list[Case], numbers: range) -> None:
        """To-dos, answers that did not arrive, and alerts."""
        phone = Channel.objects.get(kind="phone")
        said = _write(
            Message(case=row, seq=1, direction="out", kind="phone", text="Call", staff=self.admin)
            for row in cases
        )
        states = ("todo", "taken", "failed", "uncertain", "returned")
        _write(
            Delivery(message=row, channel=phone, status=states[n % 5], taken_by=self.admin)
            for n, row in zip(numbers, said, strict=True)
        )
        _write(
            Alert(user=self.admin, case=row, message=message, sort="assigned")
            for row, message in zip(cases, said, strict=True)
        )


def _write(rows: Any) -> Any:
    listed: list[Model] = list(rows)
    return type(listed[0])._default_manager.bulk_create(listed, batch_size=200)


def _reference(number: int) -> str:
    letters = [REFERENCE_LETTERS[number // 30**power % 30] for power in range(6)]
    return "".join(letters[:3]) + "-" + "".join(letters[3:])


def make() -> World:
    """The shop with one case, one call to make, and a link that opens the case."""
    organisation = shop.make_shop()
    admin = shop.make_agent("ada", administrator=True)
    case = opening.open_case(
        organisation=organisation,
        text="Is it there?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    Message.objects.filter(case=case).update(html="<p>Is it there?</p>", whole_text="Is it there?")
    Channel.objects.create(
        organisation=organisation,
        kind="whatsapp",
        provider="whatsapp",
        slug="whatsapp",
        is_offered=False,
    )
    link = Code.objects.issue("case_link", case=case)
    calls, letters = (_to_do(case, kind, admin) for kind in ("phone", "letter"))
    letter.issue_code(letters)
    return World(organisation, admin, Case.objects.get(pk=case.pk), calls, letters, link)


def _to_do(case: Case, kind: str, admin: User) -> Delivery:
    message = Message(case=case, direction="out", kind=kind, text="Call", staff=admin)
    message.save()
    return Delivery.objects.create(
        message=message,
        channel=Channel.objects.get(kind=kind),
        status="taken",
        taken_by=admin,
    )

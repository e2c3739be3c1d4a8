"""Where the demo's stories are played: the real services, a real mail server, and moved clocks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.db.models import Model
from django.utils import timezone

from channels_app import (
    dispatch,
    inbound,
    joining,
    opening,
    outcomes,
    routing,
    sending,
    switching,
    todos,
)
from channels_app.adapters.base import Request
from channels_app.management import smtp
from channels_app.models import Attempt, Channel, Delivery, InboundEvent, InboundItem
from contacts import holding, points, services
from contacts.files import File
from contacts.models import (
    Alert,
    Attachment,
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
    Outcome,
    Topic,
    User,
)
from portal.desk.letter import issue_code
from portal.management.commands.demo_mailbox import Postman
from portal.simulator import accounts, post, telephones
from portal.simulator.book import READ
from portal.simulator.cast import PEOPLE, Person
from portal.simulator.maildir import SEEN, Mail, Maildir
from portal.simulator.providers import courier, door
from portal.simulator.providers.base import Hook
from portal.simulator.providers.moods import PROVIDERS

# Everything with a clock: what a step wrote is moved to the step's own time.
CLOCKS: dict[type[Model], tuple[str, ...]] = {
    Alert: ("created_at",),
    Attachment: ("created_at",),
    Attempt: ("started_at", "finished_at"),
    Case: ("opened_at", "changed_at", "waiting_since", "resolved_at"),
    Choice: ("created_at",),
    Code: ("created_at", "redeemed_at"),
    Consent: ("created_at",),
    Customer: ("created_at",),
    Delivery: ("created_at", "sent_at", "finished_at"),
    Event: ("created_at",),
    Holder: ("created_at", "proved_at"),
    Identity: ("created_at", "acknowledged_at", "told_at"),
    InboundEvent: ("received_at", "processed_at"),
    InboundItem: ("created_at",),
    Message: ("created_at",),
    Outcome: ("asked_at", "said_at"),
}


class Stage:
    """The shop and its people while the stories are played."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.maildir = Maildir()
        self.staff = {user.username: user for user in User.objects.filter(is_demo=True)}
        self.topics = {topic.slug: topic for topic in Topic.objects.all()}
        self.mail_channel = Channel.objects.get(slug="email")
        self.refuse: dict[str, str] = {}
        self.hooks: list[Hook] = []

    @contextmanager
    def at(self, **ago: float) -> Iterator[None]:
        """A step of a story: it runs now, is carried out now, and is then moved back in time."""
        started, mails = timezone.now(), {mail.key for mail in self.maildir.mails()}
        yield
        self._carry_out()
        moment = started - timedelta(**ago)
        for model, fields in CLOCKS.items():
            # A messenger says in whole seconds when something was written.
            since = started.replace(microsecond=0) if model is InboundItem else started
            for field in fields:
                rows = model._default_manager.filter(**{f"{field}__gte": since})
                rows.update(**{field: moment})
        for mail in self.maildir.mails():
            if mail.key not in mails:
                self.maildir.date(mail.key, moment)
        for provider in PROVIDERS.values():
            for bubble in provider.book.bubbles():
                if bubble.at >= started:
                    provider.book.date(bubble.id, moment)

    def _carry_out(self) -> None:
        """What a worker does: send what is due. What the providers then tell comes in."""
        due = Delivery.objects.due(timezone.now()).order_by("channel")
        for channel in list(due.values_list("channel", flat=True).distinct()):
            sending.deliver(channel)
        told, self.hooks[:] = list(self.hooks), []
        for hook in told:
            self.hear(hook)

    def hear(self, hook: Hook) -> None:
        """What a provider posts comes in by the shop's door for webhooks, verified as ever."""
        channel = Channel.objects.select_related("organisation").get(slug=hook.app)
        request = Request(
            body=hook.body,
            headers=tuple((name.lower(), value) for name, value in hook.headers.items()),
            method="POST",
            url=hook.url,
            query=tuple(parse_qsl(urlsplit(hook.url).query)),
            received_at=timezone.now(),
        )
        inbound.process(inbound.receive(channel, request).pk, channel.pk)
        courier.taken(hook, "", "")

    def newest_mail(self, person: Person) -> Mail:
        """The mail that came last to that person."""
        return self.maildir.mails(person.email)[0]

    def receive(self, draft: post.Draft) -> None:
        """A customer's mail comes in by the shop's door."""
        content = post.compose(draft).as_bytes()
        request = Request(body=content, envelope_from=draft.sender, envelope_to=(draft.to,))
        event = inbound.receive(self.mail_channel, request)
        inbound.process(event.pk, event.channel_id)

    def read_all(self, *, but: int) -> None:
        """The customers looked at everything but the newest mails."""
        for mail in self.maildir.mails()[but:]:
            self.maildir.mark(mail, SEEN)
        for provider in PROVIDERS.values():
            for bubble in provider.book.bubbles():
                if bubble.is_unread:
                    provider.book.mark(bubble.id, READ)


class Story:
    """One case. Each method is one thing that somebody does in it."""

    def __init__(self, stage: Stage, slug: str) -> None:
        self.stage = stage
        self.person = PEOPLE[slug]
        self.case = Case()

    def asks(self, title: str, text: str, kind: str = "email", **more: Any) -> None:
        """The customer asks on the site."""
        self._open(title, text, kind, came_by="account", **more)

    def is_recorded(self, title: str, text: str, kind: str, staff: str, **more: Any) -> None:
        """The customer phones, and an agent writes down what was said."""
        self._open(title, text, kind, came_by="phone", staff=self.stage.staff[staff], **more)

    def _open(self, title: str, text: str, kind: str, *, topic: str = "", **more: Any) -> None:
        person = self.person
        addresses = {"email": person.email, "phone": person.phone, "letter": person.post}
        self.case = opening.open_case(
            organisation=self.stage.organisation,
            title=title,
            text=text,
            kind=kind,
            language=person.language,
            address=addresses.get(kind, ""),
            name=person.name,
            topic=self.stage.topics.get(topic),
            **more,
        )

    def is_known_by(self, scheme: str, address: str) -> Identity:
        """An agent notes one more address of the customer."""
        identity = Identity.of(scheme, address)
        holding.hold(self.case.customer, identity, how=Holder.How.STAFF)
        return identity

    def gets(self, staff: str, text: str, **more: Any) -> Message:
        """An agent answers."""
        self._refresh()
        return dispatch.reply(case=self.case, staff=self.stage.staff[staff], text=text, **more)

    def is_called_in_vain(self, staff: str) -> None:
        """An agent tries to call, against the customer's wish, and is refused."""
        self._refresh()
        message = Message(case=self.case, direction=Message.Direction.OUT, kind="phone")
        refused = routing.route(message, timezone.now())
        assert isinstance(refused, routing.Refused)
        dispatch.refuse(self.case, staff=self.stage.staff[staff], kind="phone", refused=refused)

    @property
    def has_mail(self) -> bool:
        """Whether the customer has a mail that could be answered."""
        return bool(self.stage.maildir.mails(self.person.email))

    def answers_by_mail(self, text: str) -> None:
        """The customer answers the newest mail."""
        self.stage.receive(post.answer(self.stage.newest_mail(self.person), text))

    def writes_on_the_page(self, text: str, *files: File) -> None:
        """The customer writes on the question's page."""
        self._refresh()
        services.file_message(case=self.case, kind="account", text=text, files=files)

    def says(self, app: str, text: str) -> None:
        """The customer sends something with an app of the telephone."""
        provider = PROVIDERS[app]
        number = self.person.phone.replace(" ", "")
        shop = telephones.SHOP[app]
        bubble = provider.bubble(number, shop, mine=True, text=text)
        provider.book.add(bubble)
        self.stage.hear(provider.incoming(bubble))

    def writes(self, app: str, text: str) -> None:
        """What the customer sends with an app opens a case, or joins theirs."""
        self.says(app, text)
        written = Case.objects.filter(messages__direction=Message.Direction.IN, messages__text=text)
        self.case = written.select_related("customer").latest("pk")
        if not self.case.customer.name:
            holding.rename(self.case.customer, self.person.name)  # as an agent would note it

    def reads(self, app: str) -> None:
        """The customer opens the conversation."""
        provider = PROVIDERS[app]
        for thread in provider.book.threads(self.person.phone.replace(" ", "")):
            for hook in provider.seen(thread.owner, thread.peer):
                self.stage.hear(hook)

    def joins_by(self, app: str) -> None:
        """The customer taps the page's link to an app and sends the text that waits there.

        Their number is known already, so that they are asked for a YES.
        """
        self._refresh()
        channel = Channel.objects.get(slug=app)
        for text in (joining.invite(self.case, channel).text, "Yes"):
            self.says(app, text)

    def calls_in(self, staff: str, text: str, kind: str = "phone") -> None:
        """The customer phones, comes or sends a letter; an agent writes down what was said."""
        self._refresh()
        services.file_message(case=self.case, kind=kind, text=text, staff=self.stage.staff[staff])

    def goes_on(self, kind: str, identity: Identity | None = None, wish: str = "") -> None:
        """The customer chooses another way."""
        self._refresh()
        switching.switch(case=self.case, kind=kind, identity=identity, wish=wish)

    def is_visited(self, staff: str, outcome: str, note: str = "") -> None:
        """An agent carries out what is to do: a call, a letter, a visit."""
        self._refresh()
        delivery = dispatch.open_in(self.case).latest("created_at")
        todos.take(delivery, self.stage.staff[staff])
        if delivery.channel.kind == "letter":
            issue_code(delivery)
        todos.finish(delivery, self.stage.staff[staff], outcome, note=note)

    def gets_note(self, staff: str, text: str) -> None:
        """Staff write to each other."""
        self._refresh()
        services.add_note(case=self.case, staff=self.stage.staff[staff], text=text)

    def is_left_open(self, staff: str, text: str) -> None:
        """An agent writes on the card what is still to be done."""
        self._refresh()
        by, before = self.stage.staff[staff], self.case.open_points
        points.write(case=self.case, text=text, before=before, by=by)

    def is_handed_over(self, staff: str, to: str) -> None:
        """An agent gives the case to a colleague."""
        self._refresh()
        services.assign(case=self.case, to=self.stage.staff[to], by=self.stage.staff[staff])

    def is_solved(self) -> None:
        """The customer says so on the page."""
        self._refresh()
        outcomes.resolve(case=self.case)

    def _refresh(self) -> None:
        self.case = Case.objects.select_related("root", "choice__identity", "customer").get(
            pk=self.case.pk
        )


@contextmanager
def mail_server(stage: Stage) -> Iterator[None]:
    """The customers' mail server in this process, so that every mail is really sent."""
    before = os.environ.get("EMAIL_URL", "")
    handler = Postman(stage.maildir, stage.refuse)
    with smtp.in_background(handler, "mailbox.example.org") as port:
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        try:
            yield
        finally:
            stage.mail_channel.adapter().close()
            os.environ["EMAIL_URL"] = before


@contextmanager
def providers(stage: Stage) -> Iterator[None]:
    """The providers in this process, so that every message is really sent by their HTTP."""
    with door.in_background(stage.hooks.extend) as address:
        given = accounts.environment(Path(settings.DATA_DIR), address)
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for channel in Channel.objects.filter(kind__in=PROVIDERS):
                channel.adapter().close()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

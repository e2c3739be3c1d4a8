"""One matter until it is closed, over all channels."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Union

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from contacts import hints, tracing
from contacts.models.choice import Choice
from contacts.models.customer import Customer
from contacts.models.organisation import Organisation
from contacts.models.topic import Topic
from contacts.viewers import Viewer

if TYPE_CHECKING:
    from contacts.models.event import Alert, Event
    from contacts.models.message import Message

# Without 0, 1, I, L, O and U: a reference is read out on the phone and typed from paper.
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
MAX_JOINS = 5  # by colleagues, while one row is written
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
MOST_NUDGES = 20  # that were put off, of one case
MADE_TOGETHER = timedelta(seconds=5)  # one transaction, in which a file may have been written
# What routing and rendering read of a case.
ANSWERED_WITH = ("topic", "choice__identity")  # what nearly every answer needs of it
READ_WITH = ("customer__root", "organisation", "topic", "choice__identity", "choice__replaces")


def new_reference() -> str:
    """A public reference like K7Q-4MP: 30^6 possibilities, no secret."""
    letters = "".join(secrets.choice(REFERENCE_ALPHABET) for _n in range(6))
    return f"{letters[:3]}-{letters[3:]}"


@dataclass(frozen=True)
class Waits:
    """How many customers wait, and since when the first of them."""

    count: int
    since: datetime


class CaseQuerySet(models.QuerySet["Case"]):
    """Cases; merged ones are read through their root."""

    def visible_to(self, viewer: Viewer) -> "CaseQuerySet":
        """The one rule of who may see a case. Deny by default.

        One set of keys, each part by an index (Append of Index Scans, 0.1 ms at 100,000 cases):
        with an OR over the tables PostgreSQL reads all cases and customers of the house (579 ms).
        """
        if viewer.sees_every_case:
            return self
        rules = []
        if viewer.case_ids:
            targets = Case.objects.filter(pk__in=viewer.case_ids).exclude(root=None).values("root")
            for keys in (viewer.case_ids, targets):
                rules += [Q(pk__in=keys), Q(root__in=keys)]
        if viewer.customer_id:
            people = Customer.objects.person(viewer.customer_id).values("pk")
            rules += [Q(customer__in=people), Q(root__customer__in=people)]
        if not rules:
            return self.none()
        first, *others = [Case.objects.filter(rule).order_by().values("pk") for rule in rules]
        return self.filter(pk__in=first.union(*others))

    def with_family(self) -> "CaseQuerySet":
        """Each knows whether cases were merged into it, and anybody into its customer."""
        top = Coalesce(OuterRef("customer__root"), OuterRef("customer"))
        return self.annotate(
            has_family=Exists(Case.objects.filter(root=OuterRef("pk"))),
            has_people=Exists(Customer.objects.filter(root=top)),
        )

    def stems(self) -> "CaseQuerySet":
        """Without those that were merged into another."""
        return self.filter(root=None)

    def open(self) -> "CaseQuerySet":
        """Not resolved."""
        return self.stems().filter(state=Case.State.OPEN)

    def waiting(self) -> "CaseQuerySet":
        """Those where the customer waits for us."""
        return self.open().exclude(waiting_since=None)

    def by_kind(self) -> dict[str, "Waits"]:
        """Of those that wait: how many by each chosen kind, and the longest. One query."""
        rows = self.order_by().values_list("choice__kind")
        found = rows.annotate(count=Count("pk"), since=Min("waiting_since"))
        return {kind or "": Waits(count, since) for kind, count, since in found}


class Case(models.Model):
    """One matter until it is closed, over all channels: the kind is on the message, never here."""

    class State(models.TextChoices):
        """Whether work is left."""

        OPEN = "open", _("open")
        RESOLVED = "resolved", _("resolved")

    class HowSoon(models.TextChoices):
        """How soon the customer needs the answer."""

        NOW = "now", _("Now")
        TODAY = "today", _("Today")
        CAN_WAIT = "can_wait", _("It can wait")

    reference = models.CharField(_("reference"), max_length=7, unique=True, default=new_reference)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="cases")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="cases")
    topic = models.ForeignKey(
        Topic, models.SET_NULL, null=True, blank=True, related_name="cases", verbose_name=_("topic")
    )
    title = models.CharField(_("first line"), max_length=200)
    about = models.CharField(_("about"), max_length=200, blank=True)
    how_soon = models.CharField(_("how soon"), max_length=16, choices=HowSoon, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("assigned to"),
    )
    # The newest Choice: a pointer that `append` keeps, so that a list needs no subquery.
    choice = models.ForeignKey(
        Choice, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("choice")
    )
    seq = models.PositiveIntegerField(default=0)
    # Since when the customer waits for us: their oldest message that has no answer.
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    # The nudges to agents (`advice.midway`) that were answered with "Not now", by their keys.
    nudges_off = models.JSONField(default=list, blank=True)
    # What is still to be done, in the agents' own words; "" while the rules' own line says it.
    open_points = models.TextField(_("open points"), blank=True)
    may_belong_to = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged"
    )
    root = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="family")
    client_key = models.UUIDField(null=True, blank=True, unique=True)  # a double submit is one
    opened_at = models.DateTimeField(_("opened"))
    changed_at = models.DateTimeField(_("last change"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)  # the last time, if ever
    # What is due next, by which lists are found; a page counts it anew. Empty where nothing is.
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    near_at = models.DateTimeField(null=True, blank=True, editable=False)  # nearly late from then
    due_for = models.CharField(max_length=16, blank=True, editable=False)
    # When somebody is to be warned of it; empty where nothing is near, or they were.
    warn_at = models.DateTimeField(null=True, blank=True, editable=False)
    # `Organisation.due_changed_at` when it was counted; NEVER since anything was written here.
    due_as_of = models.DateTimeField(default=NEVER, editable=False)

    objects = CaseQuerySet.as_manager()
    is_new = False  # stored by this very call, and not found
    has_family = True  # False where a query has found that no case was merged into it
    has_people = True  # the same of its customer

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        # Plans are those of PostgreSQL 15 at 100,000 cases and 1,000,000 messages, with the joins
        # that a page of 50 shows.
        indexes = [
            # queue: needs an answer, longest wait first: Index Scan, 0.9 ms; its figures: 0.2 ms
            models.Index(
                fields=["waiting_since"],
                condition=Q(state="open", root=None) & ~Q(waiting_since=None),
                name="case_waiting",
            ),
            # the rules, every five seconds: what waits and is nobody's, longest wait first
            models.Index(
                fields=["waiting_since"],
                condition=Q(state="open", root=None, assignee=None) & ~Q(waiting_since=None),
                name="case_unowned",
            ),
            # queue: mine, newest change first, and the home page's own work: Index Scan, 0.1 ms
            models.Index(fields=["state", "assignee", "-changed_at"], name="case_by_assignee"),
            # queue: unassigned, waiting for the customer, done: Index Scan in this order, 0.7 ms
            models.Index(fields=["state", "-changed_at"], name="case_by_change"),
            # queue: nearly late, what is due first: of 30,000 open cases 828 in 1.6 ms, and 39 ms
            # with all that a page shows of them; its figure: 1.7 ms
            models.Index(
                fields=["due_at", "near_at"],
                condition=Q(state="open", root=None, due_at__isnull=False),
                name="case_due",
            ),
            # the sweep: of whose time nobody was warned, and whose is to be counted anew: Index
            # Scans, 0.1 ms and 0.6 ms for the 100 of a batch
            models.Index(
                fields=["warn_at"],
                condition=Q(state="open", root=None, warn_at__isnull=False),
                name="case_to_warn",
            ),
            models.Index(
                fields=["due_as_of"],
                condition=Q(state="open", root=None),
                name="case_to_reckon",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(merged_into=models.F("pk")), name="case_not_into_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def stem(self) -> "Case":
        """The case that this one was merged into, or itself: where state and history are read."""
        return self.root or self

    def is_held_by(self, viewer: Viewer) -> bool:
        """Whether this row alone says that the viewer may see it; the rest is in `visible_to`.

        Who holds a stem may see all that was merged into it.
        """
        return viewer.holds(self.pk, self.customer_id)

    @property
    def answer_kind(self) -> str:
        """By which kind the customer chose to be answered; "" where nobody chose."""
        return self.choice.kind if self.choice else ""

    @cached_property
    def members(self) -> list["Case"]:
        """The stem and all that were merged into it, read once for one page."""
        if self.root_id is None and not self.has_family:
            return [self]
        return [self.stem, *Case.objects.filter(root=self.stem).order_by("pk")]

    def know_joined(self, joined: Iterable["Case"]) -> None:
        """Take what a page has read of the cases that were merged into this one as `members`."""
        self.__dict__["members"] = [self, *joined]

    @property
    def member_ids(self) -> list[int]:
        """The keys of `members`, read once for one page."""
        return [case.pk for case in self.members]

    def family_ids(self) -> list[int]:
        """The keys of the stem and of all that were merged into it, as they are now.

        For `case__in`: with keys every database goes by the index of the case. With a subquery or
        an OR over two tables it reads all messages of the house (at 100,000 cases and 1,000,000
        messages a parallel scan and hash join of 950 ms, against an index scan of 0.2 ms).
        """
        stem = self.root_id or self.pk
        if self.root_id is None and not self.has_family:
            return [stem]
        return [stem, *Case.objects.filter(root=stem).values_list("pk", flat=True)]

    def went_on(self, since: datetime, kind: str = "", identity: int | None = None) -> bool:
        """Whether another way than that was chosen since; `identity`: the key of an address."""
        choice = self.choice
        if choice is None or choice.created_at <= since or choice.by == Choice.By.RETURNING:
            return False
        return (choice.kind, choice.identity_id) != (kind, identity)

    @property
    def is_by_stranger(self) -> bool:
        """Whether somebody wrote it whom nobody knew: their customer was made together with it."""
        wrote = self.choice is not None and self.choice.by == Choice.By.WRITING
        return wrote and self.customer.created_at > self.opened_at - MADE_TOGETHER

    def put_off(self, nudge: str) -> None:
        """An agent needs that nudge no more in this case."""
        with transaction.atomic():
            stem = self.locked()
            if nudge not in stem.nudges_off:
                stem.nudges_off = [*stem.nudges_off, nudge][-MOST_NUDGES:]
                stem.save(update_fields=["nudges_off"])

    @property
    def is_sensitive(self) -> bool:
        """Whether its content stays behind the secure page (R46)."""
        return bool(self.topic and self.topic.is_sensitive)

    def append(
        self,
        *rows: Union["Message", "Event", Choice],
        alerts: Sequence["Alert"] = (),
        **changes: Any,
    ) -> None:
        """Write rows into the history: the only way in.

        The first statement takes the next numbers of the case, which is a row lock on PostgreSQL
        (SQLite already holds its write lock); a case that is not stored yet is stored with them.
        `changes` are new values of the stem's fields.
        """
        # No savepoint: half of it must never stay, so that who catches a fault has set one.
        with transaction.atomic(savepoint=False):
            numbered = [row for row in rows if not isinstance(row, Choice)]
            if changes.get("state") == Case.State.OPEN and self.stem.state == Case.State.RESOLVED:
                changes["reopened_at"] = timezone.now()
            if self._state.adding:
                stem, values = self, self._begin(len(numbered), changes)
            else:
                stem, values = self._take(max(1, len(numbered)), changes)
            for number, line in enumerate(numbered, start=values["seq"] - len(numbered) + 1):
                line.case, line.seq = self, number
            for model in dict.fromkeys(type(row) for row in numbered):
                lines = [row for row in numbered if type(row) is model]
                model._default_manager.bulk_create(lines)  # type: ignore[arg-type]
            for row in rows:
                if isinstance(row, Choice):
                    row.case = stem
                    if stem.pk != self.pk:
                        row.said_in = self
                    row.save(force_insert=True)
                    stem.choice = row
                    Case.objects.filter(pk=stem.pk).update(choice=row)
            for alert in alerts:
                alert.case = stem
                alert.save(force_insert=True)
            for field, value in changes.items():
                is_row = isinstance(value, models.Model) or value is None
                setattr(stem, field, value if is_row else values[field])
            stem.seq = values["seq"]
            tracing.note(case=stem.reference)
            by = next((row.side for row in numbered if hasattr(row, "side")), "")
            transaction.on_commit(partial(hints.publish, stem.pk, stem.seq, by), robust=True)

    def _begin(self, count: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Store a new case, which nobody else can know yet."""
        choice, self.choice = self.choice, None  # it needs the case first
        for field, value in (changes | {"seq": count}).items():
            setattr(self, field, value)
        self.save(force_insert=True)
        self.is_new = True
        self.choice = choice
        return changes | {"seq": count}

    def _take(self, count: int, changes: dict[str, Any]) -> tuple["Case", dict[str, Any]]:
        """Take numbers from the stem, and change it; the stem, and its new values.

        A colleague may have joined or parted the case since this row was read: who waits in a
        case that is no stem is in no queue.
        """
        computed = any(hasattr(value, "resolve_expression") for value in changes.values())
        changes = changes | {"due_as_of": NEVER}
        for _try in range(MAX_JOINS):
            stem = self.stem
            if stem.pk == self.pk or self._is_still_in(stem):
                rows = Case.objects.filter(pk=stem.pk, root=None)
                # Mostly nobody wrote since it was read: then its values are known without asking.
                known = changes | {"seq": stem.seq + count}
                if not computed and rows.filter(seq=stem.seq).update(**known):
                    return stem, known
                if rows.update(seq=F("seq") + count, **changes):
                    return stem, rows.values("seq", *changes).get()
            self.refresh_from_db(fields=["root"])
        raise Case.DoesNotExist(self.pk)

    def locked(self) -> "Case":
        """The stem with its row lock, and with what an answer reads, as it is at this moment.

        In two statements: PostgreSQL joins a row that it waited for with the choice of before the
        wait, so that one statement gives a case without its choice. Needs a transaction.
        """
        for _try in range(MAX_JOINS):
            stem = self.stem
            if stem.pk == self.pk or self._is_still_in(stem):
                rows = Case.objects.select_for_update().filter(pk=stem.pk, root=None)
                if list(rows.values_list("pk")):
                    return Case.objects.select_related(*ANSWERED_WITH).get(pk=stem.pk)
            self.refresh_from_db(fields=["root"])
        raise Case.DoesNotExist(self.pk)

    def _is_still_in(self, stem: "Case") -> bool:
        """Lock the stem, then look: nobody parts the two from here on."""
        list(Case.objects.select_for_update().filter(pk=stem.pk).values_list("pk"))
        return Case.objects.filter(pk=self.pk, root=stem.pk).exists()

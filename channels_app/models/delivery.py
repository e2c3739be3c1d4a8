"""The outbox: one message to one identity through one channel."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app import reasons
from channels_app.adapters.base import Reason
from channels_app.models.appointment import Appointment
from channels_app.models.channel import Channel
from channels_app.models.template import Template
from contacts import hints
from contacts.models import Case, Identity, Message

# Longer than all time-outs of one try: a lease that ends means that its worker is gone.
LEASE = timedelta(seconds=settings.LEASE_SECONDS)
MAX_AGE = timedelta(days=5)
# design.md section 4: 30 s, 2 min, 10 min, then hourly, for up to five days.
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
RETRY_LATER = timedelta(hours=1)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """State changes go by conditional UPDATE: go on only where one row changed."""

    def due(self, now: datetime) -> "DeliveryQuerySet":
        """Queued, its time has come, no worker holds it, and its channel goes on.

        Through one that is switched off only what belongs to no case goes (codes). An answer is
        held there, but for one that another channel of the same kind can bring.
        """
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        going = Q(channel__paused_until=None) | Q(channel__paused_until__lte=now)
        twins = Channel.objects.offered().filter(
            kind=OuterRef("channel__kind"), organisation=OuterRef("channel__organisation")
        )
        others = Q(role=Delivery.Role.MAIN) & Exists(twins)
        open_to = Q(channel__is_offered=True) | Q(role=Delivery.Role.NOTICE) | others
        rows = self.filter(free, status=Delivery.Status.QUEUED, next_attempt_at__lte=now)
        return rows.filter(going, open_to)

    def claim(
        self, channel: Channel, now: datetime, most: int
    ) -> tuple[uuid.UUID, list[uuid.UUID]]:
        """Lease up to `most` of a channel's due rows; the lease's id and theirs, oldest first.

        Two workers at once take different rows. On SQLite the transaction is alone anyway.
        """
        lease = uuid.uuid4()
        with transaction.atomic():
            due = self.due(now).filter(channel=channel).order_by("next_attempt_at")
            if connection.features.has_select_for_update_skip_locked:
                due = due.select_for_update(skip_locked=True, of=("self",))
            taken = list(due.values_list("pk", flat=True)[:most])
            # A condition again, though the rows are locked: correctness rests on this line alone.
            free = Q(leased_until=None) | Q(leased_until__lte=now)
            held = self.filter(free, pk__in=taken, status=Delivery.Status.QUEUED)
            changed = held.update(leased_until=now + LEASE, lease=lease) if taken else 0
        if changed != len(taken):
            found = self.filter(pk__in=taken, lease=lease).order_by("next_attempt_at")
            taken = list(found.values_list("pk", flat=True))
        return lease, taken

    def let_go(self, lease: uuid.UUID) -> None:
        """Give back what was leased and not begun.

        A row that somebody holds is being taken back by a switch, which locks them in an order of
        its own: who waited here for one of them would be waited for by it (tried: deadlock).
        """
        rest = self.filter(lease=lease, status=Delivery.Status.QUEUED)
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                free = rest.select_for_update(skip_locked=True).values_list("pk", flat=True)
                rest = rest.filter(pk__in=list(free))
            rest.update(leased_until=None, lease=None)

    def see(self, keys: Sequence[uuid.UUID], to: str, frm: tuple[str, ...]) -> int:
        """Move those that are still one of `frm`; how many. Locked in one order: two pages meet."""
        with transaction.atomic():
            held = self.select_for_update().filter(pk__in=keys, status__in=frm).order_by("pk")
            found = list(held.values_list("pk", flat=True))
            return self.filter(pk__in=found, status__in=frm).update(status=to)

    def to_do(self) -> "DeliveryQuerySet":
        """What a person has to carry out."""
        return self.filter(status__in=Delivery.TO_DO)

    def to_meet(self) -> "DeliveryQuerySet":
        """Of those the calls and visits at a chosen time, without a letter that tells of one."""
        kept = {"message__template__in": Message.MEETINGS, "appointment__isnull": False}
        return self.to_do().filter(**kept)

    def lost_in_sending(self, now: datetime) -> "DeliveryQuerySet":
        """Being sent by a worker that is gone: only these can be uncertain."""
        return self.filter(status=Delivery.Status.SENDING, leased_until__lte=now)


class Delivery(models.Model):
    """One message to one identity through one channel. Says how it really went.

    The id is the key: Message-ID and idempotency key are functions of it, the same on every try.
    """

    class Status(models.TextChoices):
        """design.md section 4; forward only, whatever the order of receipts."""

        TODO = "todo", _("to do")
        TAKEN = "taken", _("taken")
        DONE = "done", _("done")
        QUEUED = "queued", _("on its way")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        FAILED = "failed", _("did not arrive")
        UNCERTAIN = "uncertain", _("perhaps arrived")
        CANCELLED = "cancelled", _("cancelled")
        RETURNED = "returned", _("came back")

    TO_DO = (Status.TODO, Status.TAKEN)  # what a person has to carry out
    OPEN = (Status.QUEUED, *TO_DO)  # what can still be cancelled or re-routed

    class Role(models.TextChoices):
        """Why this row exists."""

        MAIN = "main", _("answer")
        COPY = "copy", _("copy")
        FALLBACK = "fallback", _("second channel")
        NOTICE = "notice", _("notice")

    class Outcome(models.TextChoices):
        """How a call or a visit went."""

        REACHED = "reached", _("reached")
        NOT_REACHED = "not_reached", _("not reached")
        LATER = "later", _("later")
        SENT = "sent", _("sent")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="deliveries")
    identity = models.ForeignKey(
        Identity, models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    role = models.CharField(max_length=16, choices=Role, default=Role.MAIN)
    status = models.CharField(max_length=16, choices=Status)
    # Retry times live here, not in the broker. For a to-do: when it is meant to be done.
    next_attempt_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    # What is sensitive, or too long for the kind, stays on the secure page.
    only_notice = models.BooleanField(default=False)
    provider_id = models.CharField(max_length=255, blank=True)
    reason = models.JSONField(default=dict, blank=True)  # why it did not go: code and data
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )
    # The call or the visit itself, and what we say of it.
    appointment = models.ForeignKey(
        Appointment,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
    )
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    # Set by who sends it, as routing said: outside the reply window that text goes.
    approved: Template | None = None

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        # Plans at 100,000 cases and 200,000 deliveries. Those of a page's messages, and the tries
        # of each: Index Scans by the foreign keys, 0.04 ms.
        indexes = [
            # the sweep, and a worker that goes on with its channel's due rows: Index Scan, 0.03 ms
            models.Index(
                fields=["channel", "next_attempt_at"],
                condition=Q(status="queued"),
                name="delivery_due",
            ),
            # a receipt or a reaction names our message as the provider does: Index Scan, 0.04 ms
            models.Index(
                fields=["channel", "provider_id"],
                condition=~Q(provider_id=""),
                name="delivery_provider_id",
            ),
            # rows in `sending`: the bulkhead counts them, the sweep looks for lost ones: Index Only
            # Scan, 0.02 ms
            models.Index(
                fields=["channel", "leased_until"],
                condition=Q(status="sending"),
                name="delivery_sending",
            ),
            # to do, and its figure in every menu: what is open, by its time: Index Scan, 0.02 ms.
            # Who waits to be called now, and how many before somebody: the same scan
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=["todo", "taken"]),
                name="delivery_to_do",
            ),
            # what an appointment that moves or is cancelled leaves to do
            models.Index(
                fields=["appointment"],
                condition=Q(appointment__isnull=False),
                name="delivery_of_appointment",
            ),
            # home: failed and uncertain, newest first: Index Scan, 1.7 ms with 200 of 200,000. The
            # flag "did not arrive" of 50 cases in the queue: the same scan, 5 ms
            models.Index(fields=["status", "-created_at"], name="delivery_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.pk}"

    @property
    def error(self) -> str:
        """Why it did not go, in the reader's language."""
        return reasons.words(self.reason)

    @property
    def is_open(self) -> bool:
        """Whether it can still be cancelled or re-routed."""
        return self.status in self.OPEN

    @property
    def own_appointment(self) -> Appointment | None:
        """What was agreed, where this is the call or visit itself; None where it tells of it."""
        is_itself = self.message.template in Message.MEETINGS
        return self.appointment if is_itself else None

    @property
    def is_held(self) -> bool:
        """Whether it waits until its channel is there again."""
        waits = self.status == self.Status.QUEUED and self.role != self.Role.NOTICE
        gone = not self.channel.is_offered or self.channel.is_paused(timezone.now())
        return waits and gone

    def move(self, to: str, *, frm: tuple[str, ...], **fields: object) -> bool:
        """Change the status where it is still one of `frm`; False if another was first."""
        changed = Delivery.objects.filter(pk=self.pk, status__in=frm).update(status=to, **fields)
        if changed:
            self.status = to
            for name, value in fields.items():
                setattr(self, name, value)
            self.show()
        return bool(changed)

    def show(self) -> None:
        """Have open pages show where it stands, once that is stored."""
        transaction.on_commit(self._tell, robust=True)

    def record(
        self, outcome: str, started: datetime, why: Reason | None = None, detail: str = ""
    ) -> None:
        """Write down how its newest try went."""
        Attempt.objects.create(
            delivery=self,
            number=self.attempt_count,
            started_at=started,
            **_said(outcome, why, detail),
        )

    def correct(
        self, outcome: str, started: datetime, why: Reason | None = None, detail: str = ""
    ) -> None:
        """What is heard later of the same try, in place of what was written down of it then."""
        tried = Attempt.objects.filter(delivery=self, number=self.attempt_count)
        if not tried.update(finished_at=timezone.now(), **_said(outcome, why, detail)):
            self.record(outcome, started, why, detail)

    def hold_case(self) -> None:
        """Lock its case, before its own row, as who switches does: else two wait for each other."""
        case = self.message.case
        if case is not None:
            rows = Case.objects.select_for_update(no_key=True).filter(pk=case.root_id or case.pk)
            rows.values_list("pk").first()

    def _tell(self) -> None:
        """Open pages show the step, which takes no number of the case."""
        case = self.message.case
        if case is not None:
            hints.publish(case.root_id or case.pk, case.seq)

    def start_sending(
        self, lease: uuid.UUID, now: datetime, grounds: DeliveryQuerySet | None = None
    ) -> bool:
        """Queued to sending, just before the network call, and only by the holder of the lease.

        `grounds`: this row, found by what was decided on; nothing starts that no longer holds.
        """
        held = Delivery.objects.filter(pk=self.pk, status=self.Status.QUEUED, lease=lease)
        if grounds is not None:
            # A look-up beside the conditions of the row itself: those in it PostgreSQL would not
            # look at again after it waited for the row.
            held = held.filter(Exists(grounds))
        changed = held.update(
            status=self.Status.SENDING,
            only_notice=self.only_notice,
            leased_until=now + LEASE,
            attempt_count=F("attempt_count") + 1,
        )
        if changed:
            self.status, self.attempt_count = self.Status.SENDING, self.attempt_count + 1
        return bool(changed)

    def retry_at(self, now: datetime, retry_after: timedelta | None) -> datetime | None:
        """When to try again; None when five days are over."""
        steps = dict(enumerate(RETRY_AFTER, start=1))
        wait = max(steps.get(self.attempt_count, RETRY_LATER), retry_after or timedelta())
        at = now + wait
        return at if at <= self.created_at + MAX_AGE else None


def _said(outcome: str, why: Reason | None, detail: str) -> dict[str, object]:
    reason = why.stored if why else {}
    return {"outcome": outcome[:16], "reason": reason, "detail": detail[:500]}


class Attempt(models.Model):
    """One try of a delivery, with what the provider said."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=16)
    reason = models.JSONField(default=dict, blank=True)  # why it did not go: code and data
    detail = models.CharField(max_length=500, blank=True)  # else the provider's id, or a note
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.number}: {self.outcome}"

    @property
    def said(self) -> str:
        """What came of it: why it did not go, else the provider's id or the note."""
        return reasons.words(self.reason) or self.detail

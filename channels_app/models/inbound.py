"""What came in: raw bytes first, parsed things after."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models.channel import Channel
from contacts.models import Identity, Message, Question


class InboundEvent(models.Model):
    """A raw request or mail, committed before the answer to whoever brought it."""

    class State(models.TextChoices):
        """How far it came."""

        NEW = "new", _("new")
        PROCESSED = "processed", _("processed")
        QUARANTINED = "quarantined", _("in quarantine")
        SET_ASIDE = "set_aside", _("set aside")  # by an administrator: spam

    channel = models.ForeignKey(
        Channel, models.PROTECT, related_name="inbound_events", db_index=False
    )
    sha256 = models.CharField(max_length=64)
    raw = models.BinaryField()
    envelope = models.JSONField(default=dict)  # what the door knew besides: sender, recipients
    state = models.CharField(max_length=16, choices=State, default=State.NEW)
    reason = models.CharField(max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("received")
        verbose_name_plural = _("received")
        constraints = [
            # also asked before it is stored: Index Scan, 0.03 ms at 300,000 of 100,000 cases
            models.UniqueConstraint(fields=["channel", "sha256"], name="inbound_event_once"),
        ]
        indexes = [
            # the sweep and /readyz look for what was never processed, the quarantine page for what
            # could not be: Index Scan from either end, 0.1 ms; its figure in every menu: 0.03 ms
            models.Index(fields=["state", "received_at"], name="inbound_event_by_state"),
            # a channel's page: when something came in last: Index Only Scan Backward, 0.02 ms
            models.Index(fields=["channel", "received_at"], name="inbound_event_by_channel"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"

    @property
    def is_whole(self) -> bool:
        """Whether all that came is here, and not the header alone of a mail that was too big."""
        return "is_part" not in self.envelope

    def move(self, state: str, *, frm: str) -> bool:
        """From one state into another; False where somebody else was faster."""
        rows = InboundEvent.objects.filter(pk=self.pk, state=frm)
        return bool(rows.update(state=state))


class InboundItem(models.Model):
    """One parsed thing of an InboundEvent; the same thing by two doors is one item."""

    class State(models.TextChoices):
        """What became of it."""

        NEW = "new", _("new")
        FILED = "filed", _("filed")
        WAITING = "waiting", _("waiting")
        IGNORED = "ignored", _("ignored")
        QUARANTINED = "quarantined", _("in quarantine")

    event = models.ForeignKey(InboundEvent, models.CASCADE, related_name="items")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", db_index=False)
    sort = models.CharField(max_length=16)  # message, receipt, correction or block
    external_id = models.CharField(max_length=320)
    # The provider's own id alone (for mail: Message-ID), which answers refer to.
    provider_id = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.NEW)
    reason = models.CharField(max_length=500, blank=True)
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="inbound_items"
    )
    # Who wrote: from then on, and for a while, a messenger lets us answer.
    identity = models.ForeignKey(
        Identity, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # Which case it belongs to: it waits for that word, or was filed by it.
    question = models.ForeignKey(
        Question, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("received item")
        verbose_name_plural = _("received items")
        constraints = [
            # also whether the same came by another door: Index Only Scan, 0.01 ms of 300,000
            models.UniqueConstraint(
                fields=["channel", "external_id", "sort"], name="inbound_item_once"
            ),
        ]
        indexes = [
            # a new case is marked "may belong to" by the Message-ID that the mail refers to, and a
            # correction finds its message: Index Scan, 0.03 ms
            models.Index(fields=["provider_id"], name="inbound_item_provider_id"),
            # routing: when an address wrote last through a channel (its reply window): Index Only
            # Scan, 0.01 ms
            models.Index(
                fields=["identity", "channel", "-created_at"],
                condition=Q(identity__isnull=False),
                name="inbound_item_last_word",
            ),
            # what waits for the same word: Index Scan, 0.1 ms of 300,000
            models.Index(
                fields=["question"],
                condition=Q(question__isnull=False),
                name="inbound_item_question",
            ),
            # the sweep, oldest first: Index Scan, then question and event of each by their keys;
            # 13 ms for 100 of 200 that wait, 0.04 ms where none does (300,000 items)
            models.Index(fields=["id"], condition=Q(state="waiting"), name="inbound_item_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.sort} {self.state} {self.pk}"

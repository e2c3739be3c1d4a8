"""A channel goes while cases are answered there, and their customers are asked to choose again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models.channel import Channel
from contacts.models import Case, Message

LEASE = timedelta(seconds=settings.LEASE_SECONDS)


class LeavingQuerySet(models.QuerySet["Leaving"]):
    """Channels that went."""

    def current(self) -> "LeavingQuerySet":
        """Those that are gone still."""
        return self.filter(channel__gone_at=F("began_at"))

    def unfinished(self, now: datetime) -> "LeavingQuerySet":
        """Those whose customers are being asked, by nobody at this moment."""
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        return self.filter(free, finished_at=None).exclude(started_at=None)


class Leaving(models.Model):
    """One going of a channel, and how far its customers were asked to choose again.

    They are asked in the order of their cases' keys: `after` is the last one that was looked at.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="leavings")
    began_at = models.DateTimeField()  # as Channel.gone_at
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    after = models.BigIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)

    objects = LeavingQuerySet.as_manager()

    class Meta:
        verbose_name = _("channel that went")
        verbose_name_plural = _("channels that went")
        constraints = [
            models.UniqueConstraint(fields=["channel", "began_at"], name="leaving_once"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.began_at:%Y-%m-%d}"

    @property
    def is_asking(self) -> bool:
        """Whether its customers are being asked."""
        return self.started_at is not None and self.finished_at is None

    def start(self, staff: models.Model | None) -> None:
        """Ask from the first case on; who asked presses nothing loose while it goes on."""
        rows = Leaving.objects.filter(pk=self.pk)
        idle = rows.filter(Q(started_at=None) | ~Q(finished_at=None))
        fresh = {"after": 0, "looked_at": 0, "total": None, "finished_at": None}
        idle.update(started_at=timezone.now(), staff=staff, leased_until=None, **fresh)

    def take(self, now: datetime) -> bool:
        """Whether the next cases are ours to ask; for as long as a lease is."""
        free, self.leased_until = Leaving.objects.unfinished(now).filter(pk=self.pk), now + LEASE
        return bool(free.update(leased_until=self.leased_until))

    def step(self, keys: Sequence[int], *, is_last: bool) -> None:
        """These cases were looked at, and those were all; by whoever holds the lease."""
        self.finished_at = timezone.now() if is_last else None
        self.after, self.looked_at = max(keys, default=self.after), self.looked_at + len(keys)
        Leaving.objects.filter(pk=self.pk, leased_until=self.leased_until).update(
            after=self.after,
            looked_at=self.looked_at,
            total=self.total,
            finished_at=self.finished_at,
            leased_until=None,
        )


class StrandedQuerySet(models.QuerySet["Stranded"]):
    """Cases of a channel that went."""

    def waiting(self) -> "StrandedQuerySet":
        """Those whose customer has not chosen another way, of channels that are gone still."""
        return self.filter(chose_at=None, leaving__channel__gone_at=F("leaving__began_at"))


class Stranded(models.Model):
    """A case that was answered by a channel that went: when it was asked, and what came of it.

    `message` is what asked. `to_call`: no address was there to ask at, or it did not arrive, so
    that only the own page says it.
    """

    leaving = models.ForeignKey(Leaving, models.CASCADE, related_name="stranded")
    case = models.ForeignKey(Case, models.CASCADE, related_name="stranded")
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="stranded"
    )
    to_call = models.BooleanField(default=False)
    asked_at = models.DateTimeField(null=True, blank=True)
    chose_at = models.DateTimeField(null=True, blank=True)

    objects = StrandedQuerySet.as_manager()

    class Meta:
        verbose_name = _("case of a channel that went")
        verbose_name_plural = _("cases of channels that went")
        constraints = [
            # Nobody is asked twice for the same going. Also finds what was asked in a case: Index
            # Scan, beside that by the foreign key.
            models.UniqueConstraint(fields=["leaving", "case"], name="stranded_once"),
        ]
        indexes = [
            # EXPLAIN at 300,000 cases, 30,000 of them of one channel that went.
            # its page: whom we have to call: Index Scan Backward
            models.Index(
                fields=["leaving", "-id"],
                condition=Q(to_call=True, chose_at=None),
                name="stranded_to_call",
            ),
            # and who chose again, the newest first: Index Scan
            models.Index(
                fields=["leaving", "-chose_at", "-id"],
                condition=~Q(chose_at=None),
                name="stranded_chose",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.asked_at or ''}".strip()

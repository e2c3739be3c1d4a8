"""Browsers that want to be told of an answer on the own page."""

import hashlib
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import F, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from contacts.models import Case

# Longer than all time-outs of one try: then its worker is gone.
LEASE = timedelta(minutes=2)
MOMENT = timedelta(microseconds=1)


class DeviceQuerySet(models.QuerySet["Device"]):
    """State changes go by conditional UPDATE: go on only where one row changed."""

    def of(self, case_id: int) -> "DeviceQuerySet":
        """Those that are told of a case, and of whatever was joined with it."""
        family = Case.objects.filter(Q(pk=case_id) | Q(root=case_id))
        return self.filter(case__in=family.order_by().values("pk"))

    def owe(self, case_id: int, at: datetime) -> int:
        """There is something to tell of a case, from `at` on; how many devices there are.

        Of one that is told just now, or tried again later, the time moves by a moment only: whoever
        is telling it finds so, and what the push service asked us to wait stays.
        """
        later = models.Case(When(due_at=None, then=Value(at)), default=F("due_at") + MOMENT)
        with transaction.atomic(savepoint=False):
            return self.of(case_id).in_order().update(due_at=later)

    def keep(self, device: "Device", *, most: int) -> bool:
        """Store a browser that wants to be told; False where `most` others of its case do.

        One that is there already gets the keys that it names now.
        """
        with transaction.atomic():
            case_id = device.case.locked().pk
            keys = {"p256dh": device.p256dh, "auth": device.auth}
            if self.filter(case=device.case, digest=device.digest).update(**keys):
                return True
            if self.of(case_id).count() >= most:
                return False
            device.save(force_insert=True)
        return True

    def in_order(self) -> "DeviceQuerySet":
        """These, locked in one order, as of joined cases, and of a browser, there are several.

        After their cases, where those are locked too. Needs a transaction.
        """
        held = self.select_for_update(no_key=True, of=("self",)).order_by("pk")
        return self.model.objects.filter(pk__in=list(held.values_list("pk", flat=True)))

    def due(self, now: datetime) -> "DeviceQuerySet":
        """To be told now, the longest waiting first."""
        return self.filter(due_at__lte=now).order_by("due_at")

    @transaction.atomic
    def move(self, old: str, new: "Device") -> None:
        """A browser's push service gave it another endpoint, and keys: in all its cases."""
        rows = self.filter(digest=self.model.digest_of(old))
        # A page of it may be told yes at this moment (`keep`): its cases first.
        stems = list(rows.values_list(Coalesce("case__root", "case"), flat=True))
        cases = Case.objects.select_for_update(no_key=True).filter(pk__in=stems)
        list(cases.order_by("pk").values_list("pk"))
        held, digest = rows.in_order(), self.model.digest_of(new.endpoint)
        there = self.filter(digest=digest).values_list("case")
        held.filter(case__in=list(there)).exclude(digest=digest).delete()
        held.update(endpoint=new.endpoint, digest=digest, p256dh=new.p256dh, auth=new.auth)

    @transaction.atomic
    def forget(self, digest: str) -> None:
        """That browser is told nothing any more, in none of its cases."""
        self.filter(digest=digest).in_order().delete()


class Device(models.Model):
    """One browser that a customer let tell them of one case (Web Push, RFC 8030).

    `due_at` is its outbox: since when it is to be told, or tried again; empty: nothing waits.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="devices")
    endpoint = models.TextField()  # at the browser's push service; whoever knows it can ring
    digest = models.CharField(max_length=64)  # of the endpoint: it is too long for an index
    p256dh = models.CharField(max_length=128)  # the browser's public key, base64url
    auth = models.CharField(max_length=64)  # the browser's shared secret, base64url
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    # What was written up to then was told, or read.
    told_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(fields=["case", "digest"], name="device_once"),
        ]
        indexes = [
            # the sweep: who is to be told now
            models.Index(fields=["due_at"], condition=~Q(due_at=None), name="device_due"),
            # all cases of a browser that is gone
            models.Index(fields=["digest"], name="device_by_digest"),
        ]

    def __str__(self) -> str:
        return f"device {self.pk}"

    @staticmethod
    def digest_of(endpoint: str) -> str:
        """What an endpoint is found by."""
        return hashlib.sha256(endpoint.encode()).hexdigest()

    def claim(self, now: datetime) -> bool:
        """Hold it for one try; False where another worker was first, or there is more to tell."""
        held = Device.objects.filter(pk=self.pk, due_at=self.due_at)
        until = now + LEASE
        if not held.update(due_at=until, tries=F("tries") + 1):
            return False
        self.due_at, self.tries = until, self.tries + 1
        return True

    def told(self, up_to: datetime | None, now: datetime) -> None:
        """Nothing waits any more; what was written while it was told is due at once."""
        done: dict[str, object] = {"tries": 0}
        if up_to is not None:
            done["told_at"] = up_to
        row = Device.objects.filter(pk=self.pk)
        if not row.filter(due_at=self.due_at).update(due_at=None, **done):
            row.exclude(due_at=None).update(due_at=now, **done)

    def later(self, at: datetime) -> None:
        """It is tried again; what was written meanwhile waits as well."""
        Device.objects.filter(pk=self.pk).exclude(due_at=None).update(due_at=at)

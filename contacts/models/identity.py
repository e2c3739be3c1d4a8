"""Addresses, and who holds them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts import addresses
from contacts.kinds import scheme_choices
from contacts.models.customer import Customer

MAX_GUESSES, GUESS_SPAN = 10, timedelta(hours=1)


class IdentityQuerySet(models.QuerySet["Identity"]):
    """Addresses."""

    def locking(self) -> "IdentityQuerySet":
        """With their row locks, which do not stop others from naming them in rows of their own.

        An answer holds its case and names the address; who holds the address waits for the case.
        """
        return self.select_for_update(no_key=True)


class Identity(models.Model):
    """One address: scheme and normalised value. What is closed or blocked holds for all holders.

    SMS, WhatsApp and phone share one number: bounced and stopped hold for one kind, blocked for
    all of them. `closed` is {kind: {"why": ..., "at": ISO time}}.
    """

    BOUNCED, STOPPED = "bounced", "stopped"  # it does not arrive; its owner wants no more

    scheme = models.CharField(_("sort"), max_length=16, choices=scheme_choices)
    value = models.CharField(_("address"), max_length=addresses.MAX_LENGTH)
    closed = models.JSONField(_("closed"), default=dict, blank=True)
    blocked_at = models.DateTimeField(_("blocked"), null=True, blank=True)
    # Codes that did not fit, in the hour since `guessed_at`.
    guesses = models.PositiveSmallIntegerField(default=0)
    guessed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("last acknowledged"), null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)  # of an appointment, unproved: its turn
    # Since when somebody holds it no more: only then is looked whose it is before it is used.
    moved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    is_new = False  # made a moment ago: nobody holds it, which need not be looked up

    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        constraints = [
            # also finds an address that wrote or was typed: Index Scan, 0.04 ms of 100,000
            models.UniqueConstraint(fields=["scheme", "value"], name="identity_is_one"),
        ]

    def __str__(self) -> str:
        return addresses.display(self.scheme, self.value)

    @property
    def readable(self) -> str:
        """As people read it; "" for what a provider made up, which tells nobody anything."""
        return str(self) if addresses.is_typed(self.scheme) else ""

    @property
    def masked(self) -> str:
        """The address where a passer-by may look along."""
        return addresses.mask(self.scheme, self.value)

    def is_usable_by(self, kind: str) -> bool:
        """Whether anything may still be sent there by that kind."""
        return not self.blocked_at and kind not in self.closed

    def why_closed(self, kind: str) -> str:
        """BOUNCED, STOPPED, or "" where it is open."""
        return str(self.closed.get(kind, {}).get("why", ""))

    def close(self, kind: str, why: str) -> bool:
        """Send nothing there by that kind any more; False if that was so already.

        What its owner stopped stays stopped, though it may bounce as well.
        """

        def change(closed: dict[str, Any]) -> bool:
            if closed.get(kind, {}).get("why") in (why, self.STOPPED):
                return False
            closed[kind] = {"why": why, "at": timezone.now().isoformat()}
            return True

        return self._change(change)

    def open_again(self, kind: str, why: str) -> bool:
        """Take that mark back; False where there is no such one."""

        def change(closed: dict[str, Any]) -> bool:
            if closed.get(kind, {}).get("why") != why:
                return False
            del closed[kind]
            return True

        return self._change(change)

    @property
    def may_guess(self) -> bool:
        """Whether codes that come from there are still looked at."""
        recent = self.guessed_at is not None and self.guessed_at > timezone.now() - GUESS_SPAN
        return not recent or self.guesses < MAX_GUESSES

    def count_guess(self) -> None:
        """A code from there did not fit."""
        now = timezone.now()
        row = Identity.objects.filter(pk=self.pk)
        if not row.filter(guessed_at__gt=now - GUESS_SPAN).update(guesses=F("guesses") + 1):
            row.update(guesses=1, guessed_at=now)

    def take_turn(self, every: timedelta) -> bool:
        """Whether it may be told of an appointment now, unproved as it is: once in so long.

        Who asks holds a case, and whoever holds the address may wait for that: then it is no.
        """
        now = timezone.now()
        free = Q(told_at=None) | Q(told_at__lte=now - every)
        mine = Identity.objects.filter(free, pk=self.pk)
        if not mine.select_for_update(skip_locked=True, no_key=True).values_list("pk"):
            return False
        return bool(mine.update(told_at=now))

    def _change(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        """Two marks at once are both kept: the row is locked while it is read and written."""
        with transaction.atomic():
            row = Identity.objects.locking().only("closed").get(pk=self.pk)
            changed = change(row.closed)
            if changed:
                row.save(update_fields=["closed"])
        self.closed = row.closed
        return changed

    @classmethod
    def of(cls, scheme: str, raw: str) -> "Identity":
        """The identity of what was typed, made if new. Raises addresses.InvalidAddress."""
        value = addresses.normalise(scheme, raw)
        found = cls.objects.filter(scheme=scheme, value=value).first()
        return found or cls._made(scheme, value)

    @classmethod
    def locked(cls, scheme: str, raw: str) -> "Identity":
        """As `of`, and two that write from there at once go one after the other.

        A messenger posts each picture of an album by itself, all in the same moment: the second
        one has to find the case that the first one opened. Needs a transaction.
        """
        value = addresses.normalise(scheme, raw)
        found = cls.objects.locking().filter(scheme=scheme, value=value).first()
        if found is not None:
            return found
        new = cls._made(scheme, value)
        # Else it waited here for somebody else, who made it.
        new.is_new = cls.objects.filter(pk=new.pk, created_at=new.created_at).exists()
        return new

    @classmethod
    def _made(cls, scheme: str, value: str) -> "Identity":
        new = Identity(scheme=scheme, value=value)
        # One statement where get_or_create takes three; two at once get the same row.
        Identity.objects.bulk_create(
            [new],
            update_conflicts=True,
            unique_fields=["scheme", "value"],
            update_fields=["value"],
        )
        new.is_new = True
        return new


class HolderQuerySet(models.QuerySet["Holder"]):
    """Who holds which address."""

    def current(self) -> "HolderQuerySet":
        """Those that did not end."""
        return self.filter(ended_at=None)

    def proved(self) -> "HolderQuerySet":
        """Those whose holder showed that the address is theirs."""
        return self.current().exclude(proved_at=None)

    def best_first(self) -> "HolderQuerySet":
        """With their addresses; what was proved last comes first, what never was comes last."""
        order = F("proved_at").desc(nulls_last=True)  # PostgreSQL would begin with those
        return self.select_related("identity").order_by(order, "-pk")


class Holder(models.Model):
    """Customer x identity. A number that moves ends one holder and starts another."""

    class How(models.TextChoices):
        """How the address came to this customer, or how it was proved."""

        TYPED = "typed", _("typed")
        WROTE = "wrote", _("wrote from it")
        STAFF = "staff", _("noted by staff")
        CODE = "code", _("proved with a code")
        ANSWERED = "answered", _("answered our mail")
        LINK = "link", _("opened our link")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="holders")
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="holders")
    how = models.CharField(max_length=16, choices=How, default=How.TYPED)
    proved_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = HolderQuerySet.as_manager()

    class Meta:
        verbose_name = _("holder")
        verbose_name_plural = _("holders")
        constraints = [
            # The addresses of a case: Index Only Scan, 0.3 ms with all its parts (100,000 cases);
            # the best of a scheme, for routing: Index Scan, 0.05 ms.
            models.UniqueConstraint(
                fields=["customer", "identity"],
                condition=Q(ended_at=None),
                name="holder_once_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.identity}"

    @property
    def is_sure(self) -> bool:
        """Whether it was proved, or staff say so; else somebody only typed it."""
        return self.proved_at is not None or self.how == self.How.STAFF

    def prove(self, how: str) -> None:
        """Note that the holder showed that the address is theirs."""
        if self.proved_at is None:
            self.proved_at, self.how = timezone.now(), how
            self.save(update_fields=["proved_at", "how"])

"""Staff."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

SEEN_EVERY = timedelta(minutes=1)  # `seen_at` is that old at most while a page of the desk is open


class User(AbstractUser):
    """An agent, or an administrator (`is_superuser`). Customers are never users."""

    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en"
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    on_duty = models.BooleanField(_("on duty"), default=True)
    # On duty, and not there at this moment: said by hand, or found by a desk that is not open.
    away_since = models.DateTimeField(null=True, blank=True, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)  # a page of the desk was
    # How much work at once: each kind weighs as contacts/kinds.py says.
    capacity = models.PositiveSmallIntegerField(_("capacity"), default=12)
    assigned_at = models.DateTimeField(null=True, blank=True, editable=False)  # by the rules, last
    # A try-out account: portal.access.StaffBackend lets it in only where DEMO is on.
    is_demo = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff")

    @property
    def is_administrator(self) -> bool:
        """Whether this person may configure the portal."""
        return self.is_active and self.is_superuser

    @property
    def display_name(self) -> str:
        """The name that colleagues see."""
        return self.get_full_name() or self.username

    @property
    def public_name(self) -> str:
        """The name that customers see: a named person answers (R37), by the first name only."""
        return self.first_name or self.display_name

    def was_seen(self, now: datetime) -> None:
        """A page of the desk is open: one UPDATE a minute, however many pages and processes."""
        before = now - SEEN_EVERY
        if self.seen_at is None or self.seen_at < before:
            stale = Q(seen_at=None) | Q(seen_at__lt=before)
            User.objects.filter(stale, pk=self.pk).update(seen_at=now)

"""Staff."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """An agent, or an administrator (`is_superuser`). Customers are never users."""

    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en"
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    on_duty = models.BooleanField(_("on duty"), default=True)
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

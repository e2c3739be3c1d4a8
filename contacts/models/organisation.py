"""The organisation or brand that a customer writes to."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from i18nfield.fields import I18nTextField


def all_languages() -> list[str]:
    """Every language that the portal has a catalogue for."""
    return [code for code, _name in settings.LANGUAGES]


def _later(now: datetime) -> Greatest:
    """Now, and in any case later than before: of two servers the clock of one may be behind."""
    return Greatest(F("due_changed_at") + timedelta(microseconds=1), Value(now))


class Organisation(models.Model):
    """Name, phone number, address and looks of the organisation."""

    name = models.CharField(_("name"), max_length=100)
    logo = models.ImageField(_("logo"), upload_to="logo/", blank=True)
    brand_colour = models.CharField(
        _("brand colour"),
        max_length=7,
        default="#1d4ed8",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Write a colour like #1d4ed8."))],
    )
    phone = models.CharField(_("phone number"), max_length=32, blank=True)
    address = models.TextField(_("postal address"), blank=True)
    languages = models.JSONField(_("languages"), default=all_languages)
    time_zone = models.CharField(_("time zone"), max_length=64, default=settings.TIME_ZONE)
    # A country (ISO 3166) on whose public holidays channels with hours are closed; empty: none.
    holidays = models.CharField(_("public holidays"), max_length=2, blank=True)
    welcome = I18nTextField(_("welcome text"), blank=True)
    asks_outcome = models.BooleanField(_("asks afterwards how it was"), default=True)
    # Customers may tell their age group, and the advice counts it; off, none is kept.
    uses_age_band = models.BooleanField(_("uses age groups"), default=False)
    # Origins like https://www.example.org whose pages may show the widget.
    widget_origins = models.JSONField(_("pages with the widget"), default=list, blank=True)
    # So long may a case be without an owner; empty: as long as it takes.
    owner_within_minutes = models.PositiveIntegerField(
        _("an owner within minutes"), null=True, blank=True
    )
    # When what says until when something is due was changed last: hours, special days, targets.
    due_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    privacy_url = models.URLField(_("privacy statement"), blank=True)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; with another time zone or other holidays what is due is counted anew."""
        if self._state.adding:
            return super().save(*args, **kwargs)
        self.due_changed_at = _later(timezone.now())  # what was read may be older than what is
        if (names := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*names, "due_changed_at"}
        super().save(*args, **kwargs)
        self.refresh_from_db(fields=["due_changed_at"])
        return None

    @staticmethod
    def change_due(key: int | None = None) -> None:
        """What is due is to be counted anew in the open cases of that one, or of all."""
        rows = Organisation.objects.all() if key is None else Organisation.objects.filter(pk=key)
        rows.update(due_changed_at=_later(timezone.now()))

    @classmethod
    def current(cls) -> "Organisation":
        """The organisation of this installation; an unsaved one while nothing is set up."""
        return cls.objects.order_by("pk").first() or cls(name="Onecase")

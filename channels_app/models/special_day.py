"""Days on which other hours hold than those of the week: closed, shorter, or longer."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from i18nfield.fields import I18nCharField

from channels_app import hours, public_holidays
from channels_app.models.channel import Channel
from channels_app.models.counted import CountedWith
from contacts.models import Organisation

NEAR = timedelta(days=hours.MOST_DAYS + 1)
AHEAD = timedelta(days=400)  # so far public holidays are written down; renewed every night


class SpecialDayQuerySet(models.QuerySet["SpecialDay"]):
    """Special days, of which the later one wins; see `of`."""

    def near(self, now: datetime) -> "SpecialDayQuerySet":
        """Those in which opening time is counted from that moment on or back."""
        today = now.astimezone(UTC).date()
        return self.filter(first__lte=today + NEAR, last__gte=today - NEAR).order_by("pk")

    def coming(self, today: date) -> "SpecialDayQuerySet":
        """Those that colleagues made and that are not over."""
        return self.filter(last__gte=today, is_public=False).order_by("first", "pk")

    def of(self, channel: Channel) -> Mapping[date, hours.Day]:
        """What holds for a channel, day by day. Rows that were read once serve every channel.

        Its own day wins over one of all channels, and that over a public holiday. A channel that is
        always open keeps only its own: letters and pages have no holidays.
        """
        own = [row for row in self if row.channel_id == channel.pk]
        every = [row for row in self if row.channel_id is None] if channel.weekly_hours else []
        public = [row for row in every if row.is_public]
        found: dict[date, hours.Day] = {}
        for row in [*public, *(row for row in every if not row.is_public), *own]:
            found |= dict.fromkeys(row.dates, row.day)
        return found

    def renew_public(self, organisation: Organisation) -> None:
        """Write down the public holidays of its country anew, over a year ahead."""
        today = timezone.now().date()
        found = public_holidays.between(organisation.holidays, today - NEAR, today + AHEAD)
        with transaction.atomic():
            self.filter(organisation=organisation, is_public=True).delete()
            self.bulk_create(
                self.model(
                    organisation=organisation, first=day, last=day, name=name, is_public=True
                )
                for day, name in found.items()
            )
            Organisation.change_due(organisation.pk)

    def close(self, channel: Channel, today: date) -> None:
        """Closed for that day, by one click."""
        self.create(organisation=channel.organisation, channel=channel, first=today, last=today)

    def reopen(self, channel: Channel, today: date) -> int:
        """What `close` did is undone; how many rows there were."""
        Organisation.change_due(channel.organisation_id)
        return self.closed_by_click(channel, today).delete()[0]

    def closed_by_click(self, channel: Channel, today: date) -> "SpecialDayQuerySet":
        """That day's rows that say nothing but closed."""
        return self.filter(channel=channel, first=today, last=today, spans=[], name="")


class SpecialDay(CountedWith):
    """One day, or several on end: their spans stand for those of the week; none is closed."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="special_days")
    channel = models.ForeignKey(
        Channel,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="special_days",
        verbose_name=_("channel"),
    )
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    spans = models.JSONField(_("hours"), default=list, blank=True)
    name = I18nCharField(_("name"), max_length=100, blank=True)
    # From the calendar of the organisation's country; renewed, and changed by nobody.
    is_public = models.BooleanField(default=False, editable=False)

    objects = SpecialDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")
        # No index of its own: a few dozen rows, as with channels.
        ordering = ["first", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(last__gte=F("first")), name="day_not_back"),
        ]

    def __str__(self) -> str:
        return str(self.name) or self.first.isoformat()

    def clean(self) -> None:
        """Refuse hours that are no hours, and a last day before the first."""
        if self.first and self.last and self.last < self.first:
            raise ValidationError({"last": _("The last day comes before the first one.")})
        try:
            hours.parse_day(self.spans)
        except ValueError as error:
            raise ValidationError({"spans": str(error)}) from None

    @property
    def day(self) -> hours.Day:
        """As opening hours know it."""
        return hours.Day(tuple(hours.parse_day(self.spans)), self.name)

    @property
    def dates(self) -> list[date]:
        """Every date of it that is near: somebody may be closed for years."""
        today = timezone.now().date()
        first, last = max(self.first, today - 2 * NEAR), min(self.last, today + 2 * NEAR)
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

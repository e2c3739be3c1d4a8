"""One account at one provider."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from i18nfield.fields import I18nCharField

from channels_app import hours, reasons
from channels_app.adapters.base import Account, Capabilities, Reason
from channels_app.adapters.registry import PROVIDERS, adapter_for
from channels_app.models.counted import CountedWith
from contacts.kinds import KINDS, Kind, get, kind_choices
from contacts.models import Organisation

TRIAL = timedelta(minutes=2)  # longer than one message takes
A_DAY = 1440  # minutes
TYPED = "typed"  # the code of a reason that a colleague wrote
LONG = timedelta(minutes=30)  # an outage from which customers should not wait any longer
TRIED = timedelta(minutes=70)  # what waits is tried once an hour: so long a fault says something


def provider_choices() -> list[tuple[str, str]]:
    """For `choices=`, as a callable: a new provider needs no migration."""
    return [(name, name) for name in PROVIDERS]


def with_special_days(channels: Iterable["Channel"]) -> list["Channel"]:
    """Channels that know their special days near today. One query for each organisation of them."""
    found, known = list(channels), {}
    for channel in found:
        owner = channel.organisation
        if owner.pk not in known:
            rows: Any = owner.special_days
            known[owner.pk] = rows.near(timezone.now())
        channel.special = known[owner.pk].of(channel)
    return found


class ChannelQuerySet(models.QuerySet["Channel"]):
    """Channels in the order that an administrator gave them."""

    def offered(self) -> "ChannelQuerySet":
        """Those that customers can choose."""
        return self.filter(is_offered=True)

    def of(self, organisation: Organisation) -> list["Channel"]:
        """Those of an organisation, which know it and their special days. Two queries."""
        found = list(self.filter(organisation=organisation))
        for channel in found:
            channel.organisation = organisation
        return with_special_days(found)

    def working(self) -> "ChannelQuerySet":
        """Those that are not paused at this moment."""
        return self.filter(Q(paused_until=None) | Q(paused_until__lte=timezone.now()))

    def reading(self) -> "ChannelQuerySet":
        """Those whose mail is fetched from a mailbox."""
        return self.filter(config__has_key="imap")

    def fetched(self) -> "ChannelQuerySet":
        """Those whose provider is asked for news, because nothing calls us."""
        return self.filter(provider="telegram").exclude(config__has_key="webhook_secret")


class Channel(CountedWith):
    """One account at one provider: hours, promise, texts and settings (as `env:` references)."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="channels", verbose_name=_("organisation")
    )
    kind = models.CharField(_("kind"), max_length=32, choices=kind_choices)
    provider = models.CharField(_("provider"), max_length=32, choices=provider_choices)
    slug = models.SlugField(_("address part"), unique=True)
    name = models.CharField(_("name for staff"), max_length=100)
    address = models.CharField(
        _("own address"),
        max_length=320,
        blank=True,
        help_text=_("The number, mailbox or place that customers reach."),
    )
    appends_by_sender = models.BooleanField(
        _("messages may join by their number"),
        default=False,
        help_text=_(
            "Messages from a number may join its open case. Numbers can be forged: nothing is shown"
            " on their strength."
        ),
    )
    is_offered = models.BooleanField(_("offered"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    title = I18nCharField(_("name for customers"), max_length=100, blank=True)
    good_for = I18nCharField(_("what it is good for"), max_length=200, blank=True)
    cannot = I18nCharField(_("what it cannot do"), max_length=200, blank=True)
    promise_minutes = models.PositiveIntegerField(
        _("promise in minutes"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(60 * 24 * 60)],
        help_text=_("Within how many minutes of opening time you answer. Empty: no promise."),
    )
    weekly_hours = models.JSONField(_("weekly hours"), default=dict, blank=True)
    takes_appointments = models.BooleanField(_("customers may choose a time"), default=False)
    slot_minutes = models.PositiveSmallIntegerField(
        _("length in minutes"),
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(8 * 60)],
    )
    slot_places = models.PositiveSmallIntegerField(
        _("at the same time"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("How many customers may choose the same time."),
    )
    slot_lead_minutes = models.PositiveIntegerField(
        _("not sooner than in minutes"),
        default=60,
        validators=[MaxValueValidator(14 * 24 * 60)],
        help_text=_("A time can be chosen until so many minutes before it begins."),
    )
    config = models.JSONField(_("provider settings"), default=dict, blank=True)
    max_sending = models.PositiveSmallIntegerField(_("deliveries at once"), default=8)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    paused_for = models.JSONField(_("reason"), default=dict, blank=True, editable=False)
    # Since when nothing goes through it, switched off or paused; empty while it does its work.
    gone_at = models.DateTimeField(_("gone since"), null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    # Where mail is fetched from a mailbox: when that went well last, and what is wrong now.
    last_read_at = models.DateTimeField(_("mail read"), null=True, blank=True, editable=False)
    read_fault = models.JSONField(default=dict, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1)

    objects = ChannelQuerySet.as_manager()
    # Of a chat: the languages in which somebody is there; None where nobody has looked.
    staffed_in: frozenset[str] | None = None
    _opening: hours.Opening | None = None

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        # No index of its own: of a few dozen rows every plan is a Seq Scan, 0.03 ms. So it is with
        # topics, organisations and approved texts.
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new version makes workers open their connections anew."""
        if self.pk and not kwargs.get("update_fields"):
            self.version = (self.version or 0) + 1
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Refuse hours that are no hours, settings that hold a secret, a provider that cannot."""
        try:
            hours.parse(self.weekly_hours)
        except ValueError as error:
            raise ValidationError({"weekly_hours": str(error)}) from None
        if self.provider in PROVIDERS and self.kind not in PROVIDERS[self.provider].kinds:
            raise ValidationError({"provider": _("This provider does not serve this kind.")})
        kind = KINDS.get(self.kind)
        if kind is not None and kind.by_appointment and not self.weekly_hours:
            words = _("Write opening hours: the times that customers choose lie within them.")
            raise ValidationError({"weekly_hours": words})
        if not isinstance(self.config, dict) or not all(
            isinstance(value, str) and value.startswith("env:") for value in self.config.values()
        ):
            raise ValidationError(
                {
                    "config": _(
                        "Write each setting as a reference to the environment,"
                        ' like {"url": "env:EMAIL_URL"}: secrets are never stored here.'
                    )
                }
            )
        seen = PROVIDERS[self.provider].settings_seen if self.provider in PROVIDERS else {}
        for name, ending in seen.items():
            if not self.config.get(name, ending).endswith(ending):
                why = Reason("setting_misnamed", {"name": name, "ending": ending})
                raise ValidationError({"config": reasons.words(why)})

    @property
    def kind_info(self) -> Kind:
        """The registry entry of its kind."""
        return get(self.kind)

    @property
    def label(self) -> str:
        """What customers read: the own title, else the kind's name."""
        return str(self.title) or str(self.kind_info.label)

    @property
    def capabilities(self) -> Capabilities:
        """What its adapter can do for this kind."""
        return PROVIDERS[self.provider].capabilities(self.kind)

    @property
    def account(self) -> Account:
        """What an adapter may know of a channel; it knows no model."""
        return Account(
            kind=self.kind,
            address=self.address,
            config=tuple(sorted(self.config.items())),
            version=self.version,
        )

    def adapter(self) -> Any:
        """The adapter of this channel, cached per thread and version."""
        return adapter_for(self.provider, self.pk, self.account)

    def is_paused(self, now: datetime) -> bool:
        """Whether the breaker, or an administrator, holds it back."""
        return self.paused_until is not None and self.paused_until > now

    @property
    def is_paused_by_hand(self) -> bool:
        """Whether a colleague paused it, and not the breaker."""
        return self.paused_for.get("code") == TYPED

    def is_gone(self, now: datetime) -> bool:
        """Whether its customers should go on another way.

        It is switched off, a colleague paused it, or its provider has not done its work for long.
        """
        if not self.is_offered or self.paused_until is None:
            return not self.is_offered
        if self.is_paused_by_hand:
            return self.paused_until > now
        since = self.gone_at or now
        return since <= now - LONG and self.paused_until > now - TRIED

    @cached_property
    def special(self) -> Mapping[date, hours.Day]:
        """Its special days near today: a query, unless a page has read those of all at once."""
        rows: Any = self.organisation.special_days.near(timezone.now())
        return rows.of(self)

    @property
    def opening(self) -> hours.Opening:
        """When it is open; made once, and anew where its week, zone or special days are others."""
        made = (self.weekly_hours, self.organisation.time_zone, self.special)
        kept = self._opening
        if kept is None or (kept.weekly, kept.zone, kept.special) != made:
            kept = self._opening = hours.Opening(*made)
        return kept

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is there at that moment."""
        return hours.is_open(self.opening, now)

    def due_at(self, since: datetime) -> datetime | None:
        """When the promise breaks for someone who waits since then, in opening time."""
        return self.within(since, self.promise_minutes) if self.promise_minutes else None

    def within(self, since: datetime, minutes: int) -> datetime | None:
        """When so many minutes of opening time are over; None if that is not within MOST_DAYS."""
        opening = self.opening
        # "Within 2 days" is two working days: a day of the promise is a day that is open.
        if minutes % A_DAY == 0 and opening.week:
            return hours.add_days(opening, since, minutes // A_DAY)
        due = hours.add(opening, since, minutes)
        return due.astimezone(ZoneInfo(opening.zone)) if due else None

    @property
    def reads_mailbox(self) -> bool:
        """Whether mail comes in from a mailbox by IMAP."""
        return "imap" in self.config

    @property
    def is_fetched(self) -> bool:
        """Whether its provider is asked for news, as `fetched` says."""
        return self.provider == "telegram" and "webhook_secret" not in self.config

    @property
    def read_error(self) -> str:
        """Why its mailbox is not read, in the reader's language; "" if all is well."""
        return reasons.words(self.read_fault)

    def note_reading(self, why: Reason | None = None) -> None:
        """What became of the last look into its mailbox: it was read, or why not."""
        row = Channel.objects.filter(pk=self.pk)
        if why is not None:
            row.update(read_fault=why.stored)
        else:
            row.update(read_fault={}, last_read_at=timezone.now())

    @property
    def paused_reason(self) -> str:
        """Why it is held back, in the reader's language; as it was typed by a colleague."""
        return reasons.words(self.paused_for)

    def pause(self, until: datetime, reason: Reason | str) -> None:
        """Hold back what waits for this channel; a text is what a colleague typed."""
        why = reason if isinstance(reason, Reason) else Reason(TYPED, {"text": reason[:300]})
        self._go(paused_until=until, paused_for=why.stored)

    def offer(self, wanted: bool) -> None:
        """Offer it to customers; or not any more, and what waits for it is held."""
        if not wanted:
            self._go(is_offered=False)
            Organisation.change_due(self.organisation_id)
            return
        with transaction.atomic():
            Channel.objects.filter(pk=self.pk).update(is_offered=True, version=F("version") + 1)
            self._come_back()
            Organisation.change_due(self.organisation_id)

    @transaction.atomic
    def _go(self, **changes: Any) -> None:
        """Nothing goes through it from now on; since when is kept where that was so already."""
        now, row = timezone.now(), Channel.objects.filter(pk=self.pk)
        over = row.filter(is_offered=True, paused_for__code=TYPED, paused_until__lte=now)
        over.update(gone_at=None)  # that pause has ended, and this is another one
        row.update(gone_at=Coalesce("gone_at", Value(now)), version=F("version") + 1, **changes)

    def _come_back(self) -> None:
        """It does its work again, where nothing else holds it back."""
        well = Q(paused_until=None) | Q(paused_until__lte=timezone.now())
        Channel.objects.filter(well, pk=self.pk, is_offered=True).update(gone_at=None)

    def begin_trial(self, now: datetime) -> bool:
        """The pause is over: whether it is ours to send one message, before anything else goes.

        Until it is known how that went the pause lasts on; no longer where its worker dies.
        """
        row = Channel.objects.filter(pk=self.pk, paused_until=self.paused_until)
        until = now + TRIAL
        if not row.update(paused_until=until):
            return False
        self.paused_until = until
        return True

    def end_trial(self, until: datetime | None) -> None:
        """How that went: None, it is well again; else a time. A new pause meanwhile holds."""
        row = Channel.objects.filter(pk=self.pk, paused_until=self.paused_until)
        if row.update(paused_until=until, **({} if until else {"paused_for": {}})) and not until:
            self._come_back()
        self.paused_until = until

    @transaction.atomic
    def resume(self) -> None:
        """Go on at once."""
        Channel.objects.filter(pk=self.pk).update(paused_until=None, paused_for={})
        self._come_back()

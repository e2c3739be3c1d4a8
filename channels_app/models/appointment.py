"""A time that was agreed: a call or a visit, at one of the places that a channel has at once."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models.channel import Channel
from contacts.kinds import EMAIL
from contacts.models import Case, Code, Event, User

SMS = "sms"


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Appointments, by what became of them."""

    def booked(self) -> "AppointmentQuerySet":
        """Those that are to come, or wait for a word how they went."""
        return self.filter(state=Appointment.State.BOOKED)

    def held(self) -> "AppointmentQuerySet":
        """Those that take a place: all but the cancelled."""
        return self.exclude(state=Appointment.State.CANCELLED)

    def of(self, case: Case) -> "AppointmentQuerySet":
        """Those of a case, with all that was joined to it; the earliest first."""
        return self.filter(case__in=case.member_ids).order_by("starts_at")

    def awaited_in(self, now: datetime) -> models.QuerySet[Any, int]:
        """The cases in which something is agreed for a later time, by the keys of their stems.

        Until then nobody is late there: what was agreed is the promise.
        """
        later = self.booked().filter(starts_at__gt=now)
        return later.values_list(Coalesce("case__root", "case"), flat=True)

    def awaited(self, cases: Collection[Case], now: datetime) -> set[int]:
        """Those of these cases, by their keys, in which something is agreed. One query."""
        keys = [case.pk for case in cases]
        within = Q(case__in=keys) | Q(case__root__in=keys)
        return set(self.filter(within).awaited_in(now))

    def to_remind(self, now: datetime) -> "AppointmentQuerySet":
        """Those whose customer is to be reminded by now."""
        return self.booked().filter(remind_at__lte=now)


class Appointment(models.Model):
    """A slot of a channel for one case. It owns the time; the to-do and what we say point to it.

    The id is its name in calendars; `sequence` counts its moves there.
    """

    class State(models.TextChoices):
        """Booked, until it is one of the others for good."""

        BOOKED = "booked", _("booked")
        CANCELLED = "cancelled", _("cancelled")
        DONE = "done", _("done")
        MISSED = "missed", _("missed")

    class IfMissed(models.TextChoices):
        """What to do when nobody answers, as the customer chose."""

        AGAIN = "again", _("try again later")
        TEXT = "text", _("send a text message")
        EMAIL = "email", _("send an e-mail")

    KINDS = {IfMissed.TEXT: SMS, IfMissed.EMAIL: EMAIL}  # by which kind they hear of it

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(
        Case, models.CASCADE, related_name="appointments", verbose_name=_("case")
    )
    channel = models.ForeignKey(
        Channel, models.PROTECT, related_name="appointments", db_index=False
    )
    code = models.OneToOneField(Code, models.SET_NULL, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    seat = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=16, choices=State, default=State.BOOKED)
    zone = models.CharField(max_length=64)  # in which the customer reads the time
    if_missed = models.CharField(max_length=16, choices=IfMissed, default=IfMissed.AGAIN)
    tries = models.PositiveSmallIntegerField(default=0)
    sequence = models.PositiveIntegerField(default=0)
    remind_at = models.DateTimeField(null=True, blank=True)  # empty: reminded, or too late for it
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        constraints = [
            # Of many who ask for one place at once one gets it. Its index finds what is taken in
            # the 30 days that are shown: Bitmap Index Scan, 1 ms with 2,000 of 100,000 there.
            models.UniqueConstraint(
                fields=["channel", "starts_at", "seat"],
                condition=~Q(state="cancelled"),
                name="appointment_place",
            ),
            # Another time moves it. Its index finds what is booked in a case: Index Scan, 0.03 ms.
            models.UniqueConstraint(
                fields=["case", "channel"], condition=Q(state="booked"), name="appointment_one"
            ),
        ]
        indexes = [
            # my day: what was missed lately: Index Scan Backward, 0.2 ms with 100 of 100,000
            models.Index(
                fields=["closed_at"], condition=Q(state="missed"), name="appointment_missed"
            ),
            # the sweep: who is to be reminded
            models.Index(
                fields=["remind_at"],
                condition=Q(state="booked", remind_at__isnull=False),
                name="appointment_to_remind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return self.starts_at + timedelta(minutes=self.minutes)

    def local(self, at: datetime) -> datetime:
        """A moment as the customer's clock shows it."""
        return at.astimezone(ZoneInfo(self.zone))

    @property
    def is_booked(self) -> bool:
        """Whether it is to come, or waits for a word how it went."""
        return self.state == self.State.BOOKED

    @property
    def rings(self) -> bool:
        """Whether we call; else they come, or both enter a room."""
        return self.channel.kind_info.rings

    @property
    def meeting(self) -> str:
        """What it is: a call, a video call or a visit, as contacts.kinds names them."""
        return self.channel.kind_info.meeting

    @property
    def has_room(self) -> bool:
        """Whether both sides enter a room at its time."""
        return self.channel.capabilities.has_rooms

    @property
    def kind_if_missed(self) -> str:
        """By which kind they hear that we called in vain; "" where we try again."""
        return self.KINDS.get(self.IfMissed(self.if_missed), "") if self.rings else ""

    def told(self, what: str, staff: User | None = None, **more: Any) -> Event:
        """The line of the history that says what became of it."""
        data = {"what": what, "kind": self.channel.kind, "zone": self.zone, **more}
        data["at"] = self.starts_at.isoformat()
        return Event(sort=Event.Sort.APPOINTMENT, staff=staff, data=data)

    def put(self, *, starts_at: datetime, seat: int, **fields: object) -> bool:
        """Give it another time; False if it is over. IntegrityError: that place is taken."""
        changes = {"starts_at": starts_at, "seat": seat, "tries": 0, **fields}
        row = Appointment.objects.booked().filter(pk=self.pk)
        changed = row.update(sequence=F("sequence") + 1, **changes)
        self.refresh_from_db(fields=["state", "sequence", *changes])
        return bool(changed)

    def close(self, state: str, *, staff: User | None = None) -> bool:
        """It was held, missed or cancelled, which the history says; False if it is over already.

        Needs the lock of its case.
        """
        now = timezone.now()
        row = Appointment.objects.booked().filter(pk=self.pk)
        changes = {"state": state, "closed_at": now, "remind_at": None}
        changed = row.update(sequence=F("sequence") + 1, **changes)
        self.refresh_from_db(fields=["sequence", *changes])
        if not changed:
            return False
        if state != self.State.DONE:  # which the outcome says
            self.case.append(self.told(state, staff), changed_at=now)
        return True

    def remind_next(self, at: datetime | None) -> bool:
        """Have it reminded then, None: no more; False if it is over, or somebody was faster."""
        row = Appointment.objects.booked().filter(pk=self.pk, remind_at=self.remind_at)
        self.remind_at = at
        return bool(row.update(remind_at=at))

    def agree(self, if_missed: str) -> None:
        """What to do when nobody answers."""
        self.if_missed = self.IfMissed(if_missed)
        Appointment.objects.filter(pk=self.pk).update(if_missed=self.if_missed)

    def count_try(self) -> None:
        """Nobody was reached."""
        Appointment.objects.filter(pk=self.pk).update(tries=F("tries") + 1)
        self.refresh_from_db(fields=["tries"])

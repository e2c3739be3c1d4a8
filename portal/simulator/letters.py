"""The customer's letter box: letters that an agent printed or sent."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import translation

from channels_app.models import Delivery
from contacts import codes
from portal.desk.letter import Sheet, sheet

MAX_SHOWN = 50


@dataclass(frozen=True)
class Letter:
    """A letter as it lies in the letter box: when it came, and the sheet in the envelope."""

    pk: uuid.UUID
    at: datetime
    sheet: Sheet


def _sent() -> QuerySet[Delivery]:
    """Letters that left the desk, and those that lie printed on it: a demo has no postman."""
    finished = Q(status=Delivery.Status.DONE)
    printed = Q(status=Delivery.Status.TAKEN, message__code__purpose=codes.JOIN)
    rows = Delivery.objects.filter(finished | printed, channel__kind="letter")
    return rows.exclude(message__case=None).order_by("-created_at")


def arrived() -> list[Letter]:
    """The newest first."""
    related = ("message__case__root", "message__case__customer__root", "message__staff")
    more = ("message__case__organisation", "message__code", "identity", "channel")
    rows = _sent().select_related(*related, *more)
    rows = rows.prefetch_related("message__attachments", "message__case__choices")
    return [_letter(row) for row in rows[:MAX_SHOWN]]


def get(pk: uuid.UUID) -> Letter | None:
    """The letter of that address part; None if there is none."""
    row = _sent().filter(pk=pk).first()
    return _letter(row) if row else None


def version() -> str:
    """Changes with every letter that comes."""
    newest = _sent().values_list("pk", flat=True)[:MAX_SHOWN]
    return hashlib.sha256(",".join(map(str, newest)).encode()).hexdigest()[:8]


def _letter(delivery: Delivery) -> Letter:
    message = delivery.message
    assert message.case is not None
    with translation.override(message.language or message.case.language):
        paper = sheet(delivery)  # its title is in words of the customer's language
    return Letter(delivery.pk, delivery.finished_at or delivery.created_at, paper)

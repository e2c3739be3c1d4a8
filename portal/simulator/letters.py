"""The customer's letter box: letters that an agent printed and sent."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from channels_app.models import Delivery
from contacts import codes
from contacts.models import Case, Code, Message

MAX_SHOWN = 50


@dataclass(frozen=True)
class Letter:
    """A letter as it lies in the letter box."""

    delivery: Delivery
    code: str

    @property
    def pk(self) -> str:
        """Its address part."""
        return str(self.delivery.pk)

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return self.delivery.finished_at or self.delivery.created_at

    @property
    def message(self) -> Message:
        """What it says."""
        return self.delivery.message

    @property
    def case(self) -> Case:
        """The case that it belongs to."""
        assert self.delivery.message.case is not None
        return self.delivery.message.case.stem

    @property
    def lines(self) -> list[str]:
        """Name and address, as in the window of the envelope."""
        name = self.case.customer.top.name
        address = self.delivery.identity.value.splitlines() if self.delivery.identity else []
        return [name, *address] if name and address[:1] != [name] else address


def _sent() -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        channel__kind="letter", status=Delivery.Status.DONE, message__case__isnull=False
    )


def arrived() -> list[Letter]:
    """The newest first."""
    related = ("message__case__root", "message__case__customer__root", "message__staff", "identity")
    rows = _sent().select_related(*related, "message__case__organisation", "channel")
    return [_letter(row) for row in rows.order_by("-finished_at")[:MAX_SHOWN]]


def get(pk: uuid.UUID) -> Letter | None:
    """The letter of that address part; None if there is none."""
    return next((letter for letter in arrived() if letter.delivery.pk == pk), None)


def version() -> str:
    """Changes with every letter that comes."""
    newest = _sent().order_by("-finished_at").values_list("pk", flat=True)[:MAX_SHOWN]
    return hashlib.sha256(",".join(map(str, newest)).encode()).hexdigest()[:8]


def _letter(delivery: Delivery) -> Letter:
    case = delivery.message.case
    printed = Code.objects.live().filter(
        purpose=codes.JOIN, form=codes.PAPER, case__in=[case, case.stem] if case else []
    )
    code = printed.order_by("-created_at").first()
    return Letter(delivery, codes.on_paper(code.plain) if code else "")

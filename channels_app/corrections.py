"""What customers do to a message that is there already: changed, taken back, reacted to."""

from django.db import transaction
from django.utils import timezone

from channels_app.adapters.base import Correction
from channels_app.models import Channel, Delivery, InboundItem
from contacts import search, services
from contacts.addresses import InvalidAddress
from contacts.models import Event, Identity, Message

EDITED, DELETED, REACTED = "edited", "deleted", "reacted"
MAX_SIGN = 16  # characters of a reaction: one sign can be several


class NotHere(Exception):
    """It is about a message that is not here, or that somebody else wrote."""


def settle(channel: Channel, correction: Correction) -> Message:
    """Do to the message what its customer did on their telephone; the message. Raises NotHere.

    The history keeps the old words.
    """
    message = _message(channel, correction)
    if message is None or message.case is None:
        raise NotHere
    data = {"message": message.pk, "change": correction.sort}
    if correction.sort == REACTED:
        data["sign"] = services.clean_line(correction.text)[:MAX_SIGN]
        message.case.append(Event(sort=Event.Sort.CORRECTED, data=data))
        return message
    if message.corrected == Message.Corrected.DELETED:
        return message
    if correction.sort == EDITED:
        _edit(message, services.clean_text(correction.text), data)
    elif correction.sort == DELETED:
        message.corrected = Message.Corrected.DELETED
        message.save(update_fields=["corrected"])
        message.case.append(Event(sort=Event.Sort.CORRECTED, data=data))
    return message


def _edit(message: Message, text: str, data: dict[str, object]) -> None:
    assert message.case is not None
    with transaction.atomic():
        # Its case is locked by the event: two edits at once keep both their words.
        event = Event(sort=Event.Sort.CORRECTED, data=data)
        message.case.append(event, changed_at=timezone.now())
        message.refresh_from_db(fields=["text"])
        event.data = {**data, "before": message.text}
        event.save(update_fields=["data"])
        message.text, message.corrected = text, Message.Corrected.EDITED
        message.save(update_fields=["text", "corrected"])
        search.index(text, case=message.case.stem)


def _message(channel: Channel, correction: Correction) -> Message | None:
    """The customer's own message of that address; to ours they may only react."""
    try:
        identity = Identity.of(correction.scheme, correction.sender)
    except InvalidAddress:
        return None
    same = {"channel": channel, "provider_id": correction.provider_id}
    related = ("message__case__root",)
    items = InboundItem.objects.filter(**same, message__identity=identity)
    item = items.select_related(*related).first()
    if item is not None or correction.sort != REACTED:
        return item.message if item else None
    sent = Delivery.objects.filter(**same, identity=identity).select_related(*related)
    delivery = sent.first() if correction.provider_id else None
    return delivery.message if delivery else None

"""A copy of what was said in a case, for its customer to keep: a mail that is made as it goes."""

from django.db import transaction

from channels_app import dispatch, outbox
from channels_app.models import Delivery
from contacts.models import Case, Identity, Message


class Private(Exception):
    """What is said in a sensitive case stays on its page."""


@transaction.atomic
def send(*, case: Case, identity: Identity, language: str) -> Message | None:
    """Send all that was said so far to an address that was proved; None where no mail goes.

    Raises Private.
    """
    stem = case.locked()
    if stem.is_sensitive:
        raise Private
    channel = dispatch.code_channel(stem.organisation, identity)
    if channel is None:
        return None
    message = Message(
        direction=Message.Direction.OUT,
        template=outbox.COPY,
        kind=channel.kind,
        identity=identity,
        language=language,
    )
    stem.append(message)
    outbox.add(message, channel, identity, role=Delivery.Role.COPY)
    return message

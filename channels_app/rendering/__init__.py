"""One answer, many renderings: what one kind can carry of a message, in the customer's language."""

from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone, translation

from channels_app import outbox
from channels_app.adapters.base import Outbound
from channels_app.models import Channel, Delivery, Template
from channels_app.rendering import mail, text
from channels_app.rendering.background import (
    Background,
    appointment_url,
    code_url,
    link_like,
    masked,
    subject_of,
)
from channels_app.rendering.calendar import calendar_file
from channels_app.rendering.second import lead
from channels_app.rendering.text import Listed, Made, without_link
from channels_app.rendering.transcript import written_down
from contacts.kinds import EMAIL, get
from contacts.models import Message

__all__ = [
    "Background",
    "Made",
    "appointment_url",
    "calendar_file",
    "code_url",
    "lead",
    "masked",
    "preview",
    "render",
    "shows_as_written",
    "stays_on_page",
    "subject_of",
    "without_link",
    "written_down",
]


def render(delivery: Delivery, background: Background | None = None) -> Outbound:
    """The Outbound of a delivery; the same key and Message-ID on every try."""
    message, channel = delivery.message, delivery.channel
    language = message.language or settings.LANGUAGE_CODE
    way = mail if is_mail(channel) else text
    with translation.override(language), timezone.override(channel.organisation.time_zone):
        if message.case is None:
            return way.notice(delivery)
        return way.answer(delivery, background or Background([delivery]))


def is_mail(channel: Channel) -> bool:
    """Whether its messages have a subject, HTML and files of any sort."""
    return get(channel.kind).scheme == EMAIL


def shows_as_written(channel: Channel) -> bool:
    """Whether an answer goes there as it was written, files and all."""
    return is_mail(channel) or channel.capabilities.immediate


def preview(
    message: Message,
    channel: Channel,
    files: Iterable[Listed] = (),
    *,
    only_notice: bool = False,
    approved: Template | None = None,
) -> Made | None:
    """An answer as it would go by a channel, but for its link: that is one's own (and as long).

    None where it goes as it was written, files and all.
    """
    assert message.case is not None
    can, case = channel.capabilities, message.case.stem
    if shows_as_written(channel):
        return None
    if not can.automatic:
        return Made("", linked=tuple(file.name for file in files))
    if approved is not None:
        values = approved.values(case.reference, link_like())
        return Made(approved.filled(values), is_notice=True)
    with translation.override(message.language or case.language):
        words = text.words_of(message, message.staff, case.organisation, link_like, lead(message))
        return text.make(words, can, files, only_notice=only_notice)


def stays_on_page(message: Message, channel: Channel) -> bool:
    """Whether an answer is too long for a channel, so that only a notice with a link goes."""
    can, is_text = channel.capabilities, message.template in ("", outbox.UNREAD)
    if not is_text or (can.max_text is None and can.max_segments is None):
        return False
    if message.case is None or shows_as_written(channel) or not can.automatic:
        return False
    made = preview(message, channel, list(message.attachments.all()))
    return made is not None and made.is_notice

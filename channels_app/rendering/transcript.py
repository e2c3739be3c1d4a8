"""What was said in a chat, written down for who was not there: who, when, what, which files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from contacts.models import Case, Message

MOST = 300  # messages of one copy


@dataclass(frozen=True)
class Said:
    """One message. `files`: their names; the files themselves stay on the page."""

    who: str
    at: str
    text: str
    files: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """As it stands in a text."""
        named = [_("File: %(name)s") % {"name": name} for name in self.files]
        return "\n".join(part for part in (f"{self.who}, {self.at}", self.text, *named) if part)


def said(case: Case, messages: Iterable[Message], *, days: bool = False) -> list[Said]:
    """In the language and time zone that are active; `days`: with the day beside the time."""
    return [
        Said(
            _who(case, message),
            _at(message, days),
            message.text.strip(),
            tuple(file.name for file in message.attachments.all()),
        )
        for message in messages
    ]


def _who(case: Case, message: Message) -> str:
    if message.direction == Message.Direction.IN:
        return _("You")
    return message.staff.public_name if message.staff else case.organisation.name


def _at(message: Message, days: bool) -> str:
    at = timezone.localtime(message.created_at)
    time = formats.time_format(at, _("H:i"))
    return f"{formats.date_format(at, 'j F')} {time}" if days else time


def copied(message: Message) -> tuple[list[Said], bool]:
    """What a copy says: all that stands on the page; whether the oldest are left out."""
    assert message.case is not None
    case = message.case.stem
    said_there = Message.objects.of(case).exclude(direction=Message.Direction.NOTE)
    said_there = said_there.exclude(corrected=Message.Corrected.DELETED)
    said_there = said_there.filter(
        template__in=("", Message.SPOKEN), created_at__lte=message.created_at
    )
    newest = said_there.select_related("staff").prefetch_related("attachments")
    rows = list(newest.order_by("-created_at", "-seq")[: MOST + 1])
    return said(case, reversed(rows[:MOST]), days=True), len(rows) > MOST


def written_down(case: Case, messages: Sequence[Message]) -> str:
    """Some messages as one text, in the customer's language and their organisation's time."""
    zone = ZoneInfo(case.organisation.time_zone)
    with translation.override(case.language), timezone.override(zone):
        lines = said(case, messages)
        files = [_("The files are on your page.")] if any(line.files for line in lines) else []
        return "\n\n".join([*(line.plain for line in lines), *files])

"""A message as plain text, for kinds without subject and HTML, within what the kind can carry."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app import outbox, segments
from channels_app.adapters.base import Approved, Button, Capabilities, Outbound, OutFile
from channels_app.adapters.payload import media_type
from channels_app.models import Channel, Delivery, Template
from channels_app.rendering.background import Background, appointment_url, code_url
from channels_app.rendering.second import below, lead
from contacts import codes
from contacts.models import Code, Message, Organisation, User
from contacts.models.question import NO, YES, tap

NUMBERED = re.compile(r"^((\d+) .+)$", re.MULTILINE)
ASKED = "asked"
LINK = "{link}"  # where the address of the page stands in a line; a mail has a button for it
MAX_TAPS = 3  # buttons below one message that every messenger takes


class Listed(Protocol):
    """A file as far as it is asked whether it can go along."""

    @property
    def name(self) -> str:
        """As people call it."""

    @property
    def content_type(self) -> str:
        """What it is."""

    @property
    def size(self) -> int:
        """Bytes."""


@dataclass(frozen=True)
class Words:
    """What is to be said. `link` is asked for only where the text needs it: it makes a code."""

    text: str
    signature: str
    notice: Callable[[str], str] = field(repr=False)
    link: Callable[[], str] = field(repr=False)


@dataclass(frozen=True)
class Made:
    """A text as one kind can carry it.

    `linked`: files that do not go along, so that the text names the page where they are.
    `is_notice`: the answer stays there as well. `size` is None where nobody counts SMS.
    """

    text: str
    linked: tuple[str, ...] = ()
    is_notice: bool = False
    size: segments.Size | None = None


def carries(can: Capabilities, file: Listed) -> bool:
    """Whether a file goes along by that kind."""
    carried = media_type(file.content_type) in can.media
    return carried and (can.max_file is None or file.size <= can.max_file)


def fits(can: Capabilities, text: str) -> bool:
    """Whether a text goes as it is."""
    if can.max_segments is not None and segments.size(text).segments > can.max_segments:
        return False
    return can.max_text is None or len(text) <= can.max_text


def make(words: Words, can: Capabilities, files: Iterable[Listed], *, only_notice: bool) -> Made:
    """The text of an answer: signed where that fits, and a notice with the link where it does not.

    Sensitive answers (`only_notice`) and too long ones stay on the page.
    """
    linked = tuple(file.name for file in files if not carries(can, file))
    if not only_notice:
        body = "\n\n".join(part for part in (words.text, _files(linked, words)) if part)
        for text in (f"{body}\n{words.signature}", body):
            if fits(can, simple := _simple(can, text)):
                return _made(can, simple, linked=linked)
    return _made(can, _simple(can, words.notice(words.link())), is_notice=True)


def _made(
    can: Capabilities, text: str, *, linked: tuple[str, ...] = (), is_notice: bool = False
) -> Made:
    size = None if can.max_segments is None else segments.size(text)
    return Made(text, linked, is_notice, size)


def _simple(can: Capabilities, text: str) -> str:
    return text if can.max_segments is None else segments.plain(text)


def _files(linked: tuple[str, ...], words: Words) -> str:
    """No names: they may say what the case is about, and cost room."""
    if not linked:
        return ""
    count = len(linked)
    text = ngettext("%(count)s file is here:", "%(count)s files are here:", count)
    return f"{text % {'count': count}} {words.link()}"


def words_of(
    message: Message,
    staff: User | None,
    organisation: Organisation,
    link: Callable[[], str],
    first: str = "",
) -> Words:
    """What an answer says: as it was written, and who wrote it (R37); `first` stands above it."""
    name = staff.public_name if staff else ""
    signature = f"{name}, {organisation.name}" if name else organisation.name

    def notice(address: str) -> str:
        return below(first, _template("only_notice", message, organisation, link=address))

    return Words(below(first, message.text.strip()), signature, notice, link)


def answer(delivery: Delivery, background: Background) -> Outbound:
    """A text of a case: an answer, or what we say by ourselves."""
    message, channel = delivery.message, delivery.channel
    assert message.case is not None and delivery.identity is not None
    case, identity, can = message.case.stem, delivery.identity, channel.capabilities

    def link() -> str:
        return code_url(background.link(case, identity))

    if delivery.approved is not None:
        return _approved(delivery, delivery.approved, link())
    if (template := template_of(message)) == ASKED:
        signed = words_of(message, message.staff, case.organisation, link).signature
        text = _template(ASKED, message, case.organisation, asked=asked(delivery), signed=signed)
        return _outbound(delivery, _simple(can, text), buttons=_buttons(message))
    if template == outbox.LINE:
        line = message.text
        line = line.replace(LINK, link()) if LINK in line else line  # asking makes one
        return _outbound(delivery, _simple(can, line))
    if template == outbox.APPOINTMENT:
        return _outbound(delivery, _simple(can, message.text.replace(LINK, agreed_url(delivery))))
    first = lead(message, delivery)
    if template and template != outbox.UNREAD:
        more = background.again(delivery) if template == outbox.CHOOSE_AGAIN else {}
        text = _template(template, message, case.organisation, link=link(), **more)
        return _outbound(delivery, _simple(can, below(first, text)))
    files = list(message.attachments.all())
    words = words_of(message, message.staff, case.organisation, link, first)
    if template:
        words = replace(words, text=f"{words.text}\n\n{_('Go on in the chat:')} {link()}")
    made = make(words, can, files, only_notice=delivery.only_notice)
    along = () if made.is_notice else [file for file in files if carries(can, file)]
    bytes_of = (OutFile(f.name, f.content_type, f.file.read()) for f in along)
    return _outbound(delivery, made.text, files=tuple(bytes_of))


def agreed_url(delivery: Delivery) -> str:
    """Where the appointment that a message tells of is moved or cancelled."""
    agreed = delivery.appointment
    return appointment_url(agreed.code) if agreed is not None and agreed.code else ""


def template_of(message: Message) -> str:
    """The template of a text that we make ourselves: all that asks for yes or no is one."""
    return ASKED if message.template in outbox.ASKS else message.template


def without_link(line: str) -> str:
    """The same line where the page is at hand."""
    return line.replace(f": {LINK}", ".")


def asked(delivery: Delivery) -> str:
    """What is asked; of a sensitive case without the agent's own words below it."""
    text = delivery.message.text
    return text.partition("\n")[0] if delivery.only_notice else text


def notice(delivery: Delivery) -> Outbound:
    """A text without a case: its secret is derived now and stands nowhere else."""
    message, channel = delivery.message, delivery.channel
    code: Code | None = message.code
    link = code_url(code) if code and code.purpose == codes.CASE_LINK else ""
    plain = code.plain if code else ""
    if message.text:  # a line that stands in the message itself, but for its code
        line = _simple(channel.capabilities, message.text.replace("{code}", plain))
        return _outbound(delivery, line, buttons=_buttons(message))
    text = _template(message.template, message, channel.organisation, link=link, code=plain)
    return _outbound(delivery, _simple(channel.capabilities, text))


def _buttons(message: Message) -> tuple[Button, ...]:
    """What answers a line that asks something, where a tap can."""
    if message.template in outbox.ASKS:
        return tuple(Button(tap(word, message.pk), label) for word, label in _yes_and_no())
    if message.template == outbox.ASK_TO_JOIN and message.code is None:
        return tuple(Button(word, label) for word, label in _yes_and_no())
    if message.template != outbox.WHICH:
        return ()
    lines = NUMBERED.findall(message.text)
    return tuple(Button(number, line) for line, number in lines) if len(lines) <= MAX_TAPS else ()


def _yes_and_no() -> tuple[tuple[str, str], ...]:
    return (YES, _("Yes")), (NO, _("No"))


def _approved(delivery: Delivery, template: Template, link: str) -> Outbound:
    message = delivery.message
    assert message.case is not None
    values = template.values(message.case.stem.reference, link)
    said = Approved(template.name, template.language, values)
    return _outbound(delivery, template.filled(values), approved=said)


def _template(name: str, message: Message, organisation: Organisation, **values: Any) -> str:
    case = message.case.stem if message.case else None
    context = {"message": message, "case": case, "organisation": organisation, **values}
    return render_to_string(f"text/{name}.txt", context).strip()


def _outbound(
    delivery: Delivery,
    text: str,
    *,
    files: tuple[OutFile, ...] = (),
    buttons: tuple[Button, ...] = (),
    approved: Approved | None = None,
) -> Outbound:
    assert delivery.identity is not None
    return Outbound(
        key=str(delivery.pk),
        to=delivery.identity.value,
        from_address=delivery.channel.address,
        text=text,
        files=files,
        buttons=buttons,
        approved=approved,
        receipts_to=_receipts_to(delivery.channel),
    )


def _receipts_to(channel: Channel) -> str:
    if not channel.capabilities.receipts:
        return ""
    return settings.PUBLIC_URL + reverse("webhook", args=[channel.slug])

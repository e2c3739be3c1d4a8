"""A letter on paper: address window, text, and the code that leads the answer to the case."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone, translation

from channels_app import rendering, todos
from channels_app.models import Delivery
from contacts import codes
from contacts.models import Code, Message, Organisation
from portal.desk.pages import page, reading, staff_of
from portal.desk.todo import find, gone


@dataclass(frozen=True)
class Sheet:
    """What stands on the paper."""

    organisation: Organisation
    to: tuple[str, ...]
    day: date
    reference: str
    name: str
    title: str
    lead: str  # why it is a letter, where they chose another way
    text: str
    files: tuple[str, ...]
    signed: str
    code: str
    until: datetime | None
    site: str
    code_page: str
    language: str
    only_notice: bool = False

    @property
    def from_lines(self) -> list[str]:
        """The organisation's address without its name, which stands above it."""
        lines = [line.strip() for line in self.organisation.address.splitlines()]
        return [line for line in lines if line and line != self.organisation.name]


def sheet(delivery: Delivery) -> Sheet:
    """The sheet of a letter; its code is "" until it was printed for the first time."""
    message = delivery.message
    assert message.case is not None
    case = message.case.stem
    name = _name(delivery)
    lines = delivery.identity.value.splitlines() if delivery.identity else []
    if name and name not in lines[:1]:
        lines.insert(0, name)
    code, host = live_code(message), urlsplit(settings.PUBLIC_URL).netloc
    language = message.language or case.language
    with translation.override(language):
        lead, title = rendering.lead(message, delivery), rendering.subject_of(case)
    return Sheet(
        organisation=case.organisation,
        to=tuple(lines),
        day=timezone.localdate(
            delivery.finished_at or timezone.now(), ZoneInfo(case.organisation.time_zone)
        ),
        reference=case.reference,
        name=name,
        title=title,
        lead=lead,
        text=message.text,
        files=tuple(file.name for file in message.attachments.all()),
        signed=message.staff.display_name if message.staff else "",
        code=codes.on_paper(code.plain) if code else "",
        until=code.expires_at if code else None,
        site=host,
        code_page=host + reverse("site:paper"),
        language=language,
        only_notice=delivery.only_notice,
    )


def _name(delivery: Delivery) -> str:
    """The name that was typed with this address; else the customer's, however we came to it."""
    case = delivery.message.case
    assert case is not None
    address = delivery.identity_id
    choices = [choice for one in {case, case.stem} for choice in one.choices.all()]
    named = [choice for choice in choices if choice.wish and choice.identity_id == address]
    newest = max(named, key=lambda choice: choice.pk, default=None)
    return newest.wish if newest and address else case.stem.customer.top.name


def live_code(message: Message) -> Code | None:
    """The code that the letter carries, while it works or after it was used."""
    code = message.code
    return code if code and code.purpose == codes.JOIN and code.form == codes.PAPER else None


def issue_code(delivery: Delivery) -> Code:
    """The one code of a letter: made at the first print, the same on every other."""
    with transaction.atomic():
        # In two statements: one would join the code of before the wait for the lock.
        Message.objects.select_for_update().values_list("pk").get(pk=delivery.message_id)
        message = Message.objects.select_related("code").get(pk=delivery.message_id)
        found = live_code(message)
        if found is None or found.expires_at <= timezone.now():
            found = Code.objects.issue(
                codes.JOIN,
                case=message.case,
                identity=delivery.identity,
                form=codes.PAPER,
                lifetime=codes.LETTER_LIFETIME,
            )
            message.code = found
            message.save(update_fields=["code"])
    return found


def print_letter(request: HttpRequest, pk: str) -> HttpResponse:
    """Take the letter and make its code, then show the sheet."""
    delivery, staff = find(pk), staff_of(request)
    if delivery.status == Delivery.Status.TODO:
        try:
            todos.take(delivery, staff)
        except todos.Gone:
            return gone(request)
    if delivery.channel.kind != "letter" or not delivery.is_open:
        return gone(request)
    issue_code(delivery)
    return redirect("admin:letter", pk=delivery.pk)


@reading
def letter(request: HttpRequest, pk: str) -> HttpResponse:
    """The sheet, for the printer, in the customer's language."""
    delivery = find(pk)
    if delivery.channel.kind != "letter" or live_code(delivery.message) is None:
        return redirect("admin:todo_one", pk=delivery.pk)
    paper = sheet(delivery)
    context = {"paper": paper, "back": reverse("admin:todo_one", args=[delivery.pk])}
    zone = paper.organisation.time_zone  # the reader's days, wherever the agent sits
    with translation.override(paper.language), timezone.override(zone):
        response = TemplateResponse(request, "desk/letter.html", context)
        return response.render()


def urls() -> list[URLPattern]:
    """The print page."""
    return [
        page("todo/<uuid:pk>/print/", print_letter, "letter_print", post=True),
        page("todo/<uuid:pk>/letter/", letter, "letter"),
    ]

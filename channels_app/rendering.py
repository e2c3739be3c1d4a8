"""What one kind can carry of a message, in the customer's language."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from channels_app.adapters.base import Outbound, OutFile
from channels_app.adapters.mail import marker, message_id, reply_address
from channels_app.models import Delivery, InboundItem
from contacts import addresses, codes, services
from contacts.kinds import PHONE
from contacts.models import Case, Code, Identity, Message

MAX_REFERENCES = 10
LINK_MARGIN = timedelta(days=15)  # a link in a mail works at least so long


class Background:
    """What the mails of a batch say besides their own rows, read at once for all of them."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        pairs = [
            (row.message.case.stem.pk, row.identity_id) for row in deliveries if row.message.case
        ]
        self._cases = {case for case, _identity in pairs}
        self._people = {identity for _case, identity in pairs}
        self._codes: dict[tuple[int | None, str, int | None], Code] = {}
        self._threads: dict[tuple[int | None, int | None], list[tuple[datetime, str]]] = (
            defaultdict(list)
        )
        self._firsts: dict[int, Message] = {}
        if pairs:
            self._read_codes()
            self._read_threads()
            self._firsts = _firsts(self._cases)

    def _read_codes(self) -> None:
        """Live ones are used again; a link has to last for a while."""
        until = timezone.now() + LINK_MARGIN
        lasting = Q(identity__in=self._people, expires_at__gte=until)
        wanted = Q(purpose=codes.REPLY) | (Q(purpose=codes.CASE_LINK) & lasting)
        rows = Code.objects.live().filter(wanted, case__in=self._cases).order_by("created_at")
        for code in rows:
            who = code.identity_id if code.purpose == codes.CASE_LINK else None
            self._codes[code.case_id, code.purpose, who] = code

    def _read_threads(self) -> None:
        """The newest mails of each case, of those that one address sent or got."""
        kinds = {"message__case__in": self._cases, "channel__kind": "email"}
        came = _newest(
            InboundItem.objects.filter(**kinds, message__identity__in=self._people).exclude(
                provider_id=""
            ),
            "message__identity",
            "pk",
        )
        for case, who, at, value in came.values_list(
            "message__case", "message__identity", "created_at", "provider_id"
        ):
            self._threads[case, who].append((at, value))
        went = _newest(
            Delivery.objects.filter(**kinds, identity__in=self._people).exclude(sent_at=None),
            "identity",
            "created_at",
        )
        for case, who, at, pk, mailbox in went.values_list(
            "message__case", "identity", "created_at", "pk", "channel__address"
        ):
            self._threads[case, who].append((at, message_id(str(pk), mailbox)))

    def reply_code(self, case: Case) -> Code:
        """The reply code of a case."""
        key = (case.pk, codes.REPLY, None)
        if key not in self._codes:
            self._codes[key] = services.reply_code(case)
        return self._codes[key]

    def link(self, case: Case, identity: Identity) -> Code:
        """A link that opens the case, after a button, for one address."""
        key = (case.pk, codes.CASE_LINK, identity.pk)
        if key not in self._codes:
            self._codes[key] = services.case_link(case, identity)
        return self._codes[key]

    def subject(self, case: Case) -> str:
        """What the case is about, fit for the customer's eyes."""
        return _about(case, self._firsts.get(case.pk))

    def thread(self, case: Case, delivery: Delivery) -> list[str]:
        """Message-IDs of the mails of this case, oldest first, so that mail programs thread it.

        Only of those that this address sent or got: to name another's mail is half a forged bounce.
        """
        rows = sorted(self._threads[case.pk, delivery.identity_id])
        known = [f"<{value}>" for _at, value in rows if " " not in value]
        return known[-MAX_REFERENCES:]

    def sent(self, delivery: Delivery) -> None:
        """One of them went: those that follow it in its case refer to it."""
        if delivery.message.case is not None:
            value = message_id(str(delivery.pk), delivery.channel.address)
            whose = (delivery.message.case_id, delivery.identity_id)
            self._threads[whose].append((delivery.created_at, value))


def _newest(rows: QuerySet[Any], who: str, order: str) -> QuerySet[Any]:
    """As many as a mail refers to, of each case and address."""
    place = Window(RowNumber(), partition_by=["message__case", who], order_by=F(order).desc())
    return rows.annotate(place=place).filter(place__lte=MAX_REFERENCES)


def _firsts(cases: Iterable[int]) -> dict[int, Message]:
    """The first message of each case."""
    first = Message.objects.filter(case=OuterRef("pk")).order_by("seq").values("pk")[:1]
    keys = Case.objects.filter(pk__in=cases).values_list(Subquery(first))
    rows = Message.objects.filter(pk__in=keys).only("case", "staff", "kind", "created_at")
    return {row.case_id: row for row in rows if row.case_id is not None}


def render(delivery: Delivery, background: Background | None = None) -> Outbound:
    """The Outbound of a delivery; the same key and Message-ID on every try."""
    message = delivery.message
    language = message.language or settings.LANGUAGE_CODE
    zone = delivery.channel.organisation.time_zone
    with translation.override(language), timezone.override(zone):
        if message.case is None:
            return _notice(delivery)
        return _mail(delivery, background or Background([delivery]))


def code_url(code: Code) -> str:
    """The public address of a link code. The host comes from PUBLIC_URL, never from a request."""
    return settings.PUBLIC_URL + reverse("site:case_link", args=[code.plain])


def _mail(delivery: Delivery, background: Background) -> Outbound:
    message = delivery.message
    assert message.case is not None and delivery.identity is not None
    case = message.case.stem
    organisation = case.organisation
    template = message.template or "answer"
    if delivery.only_notice and not message.template:
        template = "only_notice"
    reply = background.reply_code(case).plain
    mailbox = delivery.channel.address
    context = {
        "message": message,
        "case": case,
        "organisation": organisation,
        "phone": addresses.display(PHONE, organisation.phone),
        "link": code_url(background.link(case, delivery.identity)),
        "marker": marker(case.reference, reply),
        "host": settings.PUBLIC_URL,
    }
    files = tuple(message.attachments.all()) if template == "answer" else ()
    return Outbound(
        key=str(delivery.pk),
        to=delivery.identity.value,
        from_name=_from_name(message, organisation.name),
        from_address=mailbox,
        reply_to=reply_address(mailbox, reply),
        subject=_subject(case, template, background),
        text=render_to_string(f"mail/{template}.txt", context).strip() + "\n",
        html=render_to_string(f"mail/{template}.html", context),
        headers=_headers(background.thread(case, delivery), automatic=bool(message.template)),
        files=tuple(OutFile(f.name, f.content_type, f.file.read()) for f in files),
    )


def subject_of(case: Case) -> str:
    """What a case is about, fit for the customer's eyes: never a note that staff took down."""
    return _about(case, _firsts([case.pk]).get(case.pk))


def _about(case: Case, first: Message | None) -> str:
    if first is None or first.staff_id is None:
        return case.title
    words = {
        "phone": _("Your call of %(day)s"),
        "in_person": _("Your visit of %(day)s"),
        "letter": _("Your letter of %(day)s"),
    }
    zone = ZoneInfo(case.organisation.time_zone)
    day = formats.date_format(first.created_at.astimezone(zone), "j F Y")
    return words.get(first.kind, _("Your question of %(day)s")) % {"day": day}


def _subject(case: Case, template: str, background: Background) -> str:
    """A sensitive case and an automatic mail name no subject: only the reference."""
    if template == "answer":
        return f"Re: {background.subject(case)} [{case.reference}]"
    if template == "acknowledgement":
        return _("We have your question [%(reference)s]") % {"reference": case.reference}
    return _("You have an answer [%(reference)s]") % {"reference": case.reference}


def _from_name(message: Message, organisation: str) -> str:
    """A named person answers (R37)."""
    if message.staff is None:
        return organisation
    return _("%(person)s of %(organisation)s") % {
        "person": message.staff.public_name,
        "organisation": organisation,
    }


def _headers(thread: list[str], *, automatic: bool) -> tuple[tuple[str, str], ...]:
    headers = []
    if thread:
        headers += [("References", " ".join(thread)), ("In-Reply-To", thread[-1])]
    if automatic:
        headers += [("Auto-Submitted", "auto-replied"), ("Precedence", "auto_reply")]
    return tuple(headers)


def _notice(delivery: Delivery) -> Outbound:
    """A mail without a case: its secret is derived now and stands nowhere else."""
    message, identity = delivery.message, delivery.identity
    assert identity is not None
    code = message.code
    organisation = delivery.channel.organisation
    context = {
        "organisation": organisation,
        "phone": addresses.display(PHONE, organisation.phone),
        "code": code.plain if code else "",
        "link": code_url(code) if code and code.purpose == codes.CASE_LINK else "",
        "host": settings.PUBLIC_URL,
    }
    subjects = {
        "sign_in": _("Your code to sign in"),
        "prove": _("Your code to confirm this address"),
        "case_link": _("The link to your question"),
    }
    return Outbound(
        key=str(delivery.pk),
        to=identity.value,
        from_name=organisation.name,
        from_address=delivery.channel.address,
        subject=subjects[message.template],
        text=render_to_string(f"mail/{message.template}.txt", context).strip() + "\n",
        html=render_to_string(f"mail/{message.template}.html", context),
        headers=(("Auto-Submitted", "auto-generated"),),
    )

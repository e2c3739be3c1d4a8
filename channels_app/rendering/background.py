"""What stands beside the rows of a batch, read at once for all of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber
from django.urls import get_script_prefix, reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from channels_app.adapters.mail import message_id
from channels_app.models import Channel, Delivery, InboundItem, Stranded
from contacts import codes, services
from contacts.kinds import EMAIL, get
from contacts.models import Case, Code, Identity, Message

MAX_REFERENCES = 10
LINK_LENGTH = 26  # letters of a link code
LINK_MARGIN = timedelta(days=15)  # a link that is sent works at least so long


class Background:
    """What the messages of a batch say besides their own rows, read at once for all of them."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
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
        if pairs and any(get(row.channel.kind).scheme == EMAIL for row in deliveries):
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

    def again(self, delivery: Delivery) -> dict[str, Any]:
        """What is said where a channel went: its kind, and whether it is switched off or pauses.

        The customer's `others` there are pairs of reference and link.
        """
        message, identity = delivery.message, delivery.identity
        assert identity is not None
        rows = Stranded.objects.waiting().filter(message=message).select_related("case", "leaving")
        links = {row.case: self.link(row.case, identity) for row in rows.order_by("case")}
        off = not Channel.objects.offered().filter(leavings__stranded__message=message).exists()
        others = [(c.reference, code_url(link)) for c, link in links.items() if c != message.case]
        return {"by": get(message.chosen_kind).by, "is_off": off, "others": others}

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


def link_like() -> str:
    """A link as long as those that are sent, which opens nothing."""
    return _link("x" * LINK_LENGTH)


def masked(text: str) -> str:
    """The text of a preview for people's eyes."""
    return text.replace("x" * LINK_LENGTH, "…")


def code_url(code: Code) -> str:
    """The public address of a link code. The host comes from PUBLIC_URL, never from a request."""
    return _link(code.plain)


def appointment_url(code: Code) -> str:
    """The public address where an appointment is moved or cancelled, without signing in."""
    return _link(code.plain, "site:appointment_link")


def _link(code: str, page: str = "site:case_link") -> str:
    """To the site itself, also where a page in a frame asks for it (portal/framed.py)."""
    path = reverse(page, args=[code]).removeprefix(get_script_prefix())
    return f"{settings.PUBLIC_URL}/{path}"


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

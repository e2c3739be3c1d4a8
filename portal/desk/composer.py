"""The composer: says where an answer goes and why, sends it, keeps what was typed.

Drafts live in the browser (localStorage, per staff member and case): a reload, a closed tab or a
server that does not answer loses nothing, and no half-written sentence about a customer is stored
anywhere else. The draft keeps its `client_key`, so that sending it twice is one message.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import away, dispatch, proposals, reasons, routing
from channels_app.models import Channel
from contacts import kinds, services
from contacts.files import File, check, uploaded
from contacts.kinds import Kind
from contacts.models import Case, Event, Message, Question, User
from portal.context import offered
from portal.desk import addresses, leaving, preview, proposing, words
from portal.desk.pages import staff_of
from portal.marks import Change

REFUSED_ONCE = timedelta(minutes=10)  # the same try of the same person is one line of history


@dataclass(frozen=True)
class Read:
    """What a page reads once for all its parts: channels, known addresses, and proposals.

    `unread`: since when an answer by chat lies on the customer's page that followed them nowhere.
    """

    channels: list[Channel]
    addresses: list[addresses.Known]
    proposals: list[Question]
    unread: datetime | None = None

    @classmethod
    def of(cls, case: Case, change: Change | None = None) -> "Read":
        """As it is now; `change` tells whether there were proposals and unread answers at all."""
        is_asked = change is None or Question.Sort.PROPOSAL in change.templates
        found = proposals.of(case) if is_asked else []
        channels = offered(case.organisation)
        lying = away.waiting_on_the_page(case.members) if change and change.is_unread else {}
        unread = min(lying.values(), default=None)
        return cls(channels, addresses.of(case, channels), found, unread)


@dataclass(frozen=True)
class Way:
    """Where the answer would go: a sentence, and what is needed to send it so."""

    kind: str  # "" while the customer's own choice is followed
    used: Kind | None
    sentence: str
    is_override: bool = False
    is_refused: bool = False
    can_propose: bool = False
    only_notice: bool = False
    by_hand: bool = False
    is_unproved: bool = False
    refused: routing.Refused | None = None
    route: routing.Route | None = None
    left: str = ""  # of the time in which one may answer freely
    greets: bool = False  # what is sent has a greeting and a name of its own


@dataclass
class Draft:
    """What stands in the composer, and what is wrong with it."""

    tab: str = "answer"
    text: str = ""
    kind: str = ""
    why: str = ""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    error: str = ""
    error_field: str = "text"
    news: str = ""  # what came while it was written: sending asks first
    files: list[preview.File] = field(default_factory=list)  # as far as a preview needs them
    looks: bool = False  # at a way before it is picked: that is no try


def way_of(case: Case, kind: str = "", read: Read | None = None) -> Way:
    """Where an answer goes by the customer's choice, or by `kind`."""
    read = read or Read.of(case)
    message = Message(case=case, direction=Message.Direction.OUT, kind=kind)
    route = routing.route(message, timezone.now(), among=read.channels)
    chosen = routing.chosen_kind(case)[0]
    asked = "" if kind == chosen else kind
    info = kinds.KINDS.get(kind or chosen)
    if isinstance(route, routing.Refused):
        can = route.can_propose
        return Way(asked, info, route.reason, is_refused=True, can_propose=can, refused=route)
    return Way(
        kind=asked,
        used=route.channel.kind_info,
        sentence=_sentence(case, route),
        is_override=route.why == Message.Why.OVERRIDE,
        only_notice=route.only_notice and route.approved is None,
        route=route,
        left=preview.left(route),
        by_hand=not route.channel.capabilities.automatic,
        is_unproved=bool(route.identity and not _is_proved(route, read)),
        greets=route.channel.kind == "letter" and not route.only_notice,
    )


def _sentence(case: Case, route: routing.Route) -> str:
    """Goes by e-mail to s...@example.org: chosen by the customer today 10:12."""
    address = route.identity.readable if route.identity else ""
    data = {"by": words.by(route.channel.kind), "address": address}
    goes = (_("Goes %(by)s to %(address)s") if address else _("Goes %(by)s")) % data
    return f"{goes}: {_why(case, route)}."


def _why(case: Case, route: routing.Route) -> str:
    choice = case.choice
    if route.why == Message.Why.OVERRIDE:
        chosen = routing.chosen_kind(case)[0]
        return _("the customer chose “%(kind)s”") % {"kind": words.label(chosen)}
    if route.why == Message.Why.FALLBACK:
        return _("%(why)s, and the customer approved %(kind)s as the second way") % {
            "why": reasons.clause(route.because),
            "kind": words.noun(route.channel.kind),
        }
    if route.why == Message.Why.DEFAULT or choice is None:
        return _("the customer's usual channel")
    return words.chosen(choice)


def _is_proved(route: routing.Route, read: Read) -> bool:
    return any(known.is_proved for known in read.addresses if known.identity == route.identity)


def other_ways(case: Case, channels: list[Channel], way: Way) -> list[Kind]:
    """The kinds that are offered besides the customer's own choice, and what it comes to."""
    chosen = {routing.chosen_kind(case)[0]}
    if way.route is not None and way.route.why == Message.Why.FALLBACK:
        chosen.add(way.route.channel.kind)
    names = dict.fromkeys(channel.kind for channel in channels)
    return [kinds.get(name) for name in names if name not in chosen]


def context(
    case: Case, staff: User, draft: Draft | None = None, read: Read | None = None
) -> dict[str, Any]:
    """What the composer's templates need."""
    draft, read = draft or Draft(), read or Read.of(case)
    way = way_of(case, draft.kind, read)
    others = other_ways(case, read.channels, way)
    return {
        "draft": draft,
        "note_key": uuid.uuid4(),
        "way": way,
        "has_preview": preview.has(way.route),
        "preview": preview.of(case, staff, draft.text, draft.files, way.route, whole=draft.looks),
        "gone": leaving.hint(case, read.channels),
        "other_ways": others,
        **proposing.context(case, way.kind, read.proposals),
        "is_theirs": case.answer_kind == kinds.CHAT and case.assignee_id not in (None, staff.pk),
        "unread": read.unread,
        "unread_offer": _to_propose(case, others, read) if read.unread else None,
        "max_text": services.MAX_TEXT,
        "max_files": settings.MAX_FILES,
    }


def _to_propose(case: Case, others: list[Kind], read: Read) -> Kind | None:
    """What who left a chat can be asked for in one click; what they said no to is no such thing."""
    refused = proposals.declined(read.proposals)
    fit = [kind for kind in others if kind.name in (kinds.EMAIL, kinds.PHONE)]
    fit = [kind for kind in fit if kind.name not in refused]
    may = fit and proposals.may_propose(case, "") and not proposals.current(read.proposals, case)
    return min(fit, key=lambda kind: kind.name != kinds.EMAIL) if may else None


def try_way(case: Case, staff: User, draft: Draft) -> None:
    """Another way was picked: a try against the customer's wish is written down."""
    way = way_of(case, draft.kind)
    if way.is_refused and way.can_propose:
        note_refusal(case, staff, way)


def note_refusal(case: Case, staff: User, way: Way) -> None:
    """Write into the history that this person tried it, once in a while."""
    since = timezone.now() - REFUSED_ONCE
    tried = case.events.filter(sort=Event.Sort.REFUSED, staff=staff, created_at__gte=since)
    kinds_tried = {event.data.get("kind") for event in tried}
    if way.used and way.refused and way.used.name not in kinds_tried:
        dispatch.refuse(case, staff=staff, kind=way.used.name, refused=way.refused)


def read(request: HttpRequest, tab: str = "answer") -> Draft:
    """The composer's form as it was sent."""
    data = request.POST
    looked_at = data.get("look", "")
    kind = looked_at or data.get("to", data.get("kind", ""))
    return Draft(
        tab=tab,
        text=services.clean_text(data.get("text", "")),
        kind=kind if kind in kinds.KINDS else "",
        why=data.get("why", "").replace("\x00", "").strip()[:500],
        key=key_of(data.get("client_key", "")) or str(uuid.uuid4()),
        files=preview.listed(request),
        looks=bool(looked_at),
    )


def key_of(raw: str) -> str:
    """A form's own key as it should be; "" for anything else."""
    try:
        return str(uuid.UUID(raw))
    except ValueError:
        return ""


def files_of(request: HttpRequest) -> list[File]:
    """The files that were added. Raises contacts.files.FileRefused."""
    files = [uploaded(f) for f in request.FILES.getlist("files")[: settings.MAX_FILES + 1]]
    check(files)
    return files


def news_since(case: Case, seen: int, staff: User) -> str:
    """What came after the page was opened: the customer's message, or a colleague's answer."""
    answers = Q(direction=Message.Direction.OUT, template="") & ~Q(staff=staff)
    fresh = Message.objects.read_of(case).filter(Message.TO_ANSWER | answers, seq__gt=seen)
    newest = fresh.order_by("-seq").values_list("pk", flat=True).first()
    if newest is None:
        return ""
    message = Message.objects.select_related("staff").get(pk=newest)
    if message.direction == Message.Direction.IN:
        if not message.text:
            return _("The customer sent a file while you were writing.")
        return _("The customer wrote while you were writing: “%(text)s”") % {
            "text": words.shorten(message.text)
        }
    name = message.staff.display_name if message.staff else _("A colleague")
    return _("%(name)s answered while you were writing: “%(text)s”") % {
        "name": name,
        "text": words.shorten(message.text),
    }


def answer(request: HttpRequest, case: Case, draft: Draft) -> Message | None:
    """Send the draft; None with `draft.error` or `draft.news` where it was not sent."""
    staff = staff_of(request)
    if not _valid(draft):
        return None
    news = news_since(case, _number(request.POST.get("seen", "")), staff)
    if news and not sent_already(case, draft):
        draft.news = news
        return None
    message = _try_to_send(request, case, staff, draft)
    if message is not None and message.text != draft.text:
        _ask_again(message, draft)
        return None
    # In a chat it stands there at once.
    if message is not None and message.kind != kinds.CHAT:
        messages.success(request, _("Your answer goes %(by)s.") % {"by": words.by(message.kind)})
    return message


def _try_to_send(request: HttpRequest, case: Case, staff: User, draft: Draft) -> Message | None:
    try:
        return _send(request, case, staff, draft)
    except ValidationError as refused:
        _file_error(draft, refused)
    except dispatch.ReasonMissing:
        draft.error, draft.error_field = _("Say why you use another way."), "why"
    except dispatch.Refusal as refusal:
        try_way(case, staff, draft)
        draft.error = refusal.refused.reason
    return None


def _file_error(draft: Draft, refused: ValidationError) -> None:
    draft.error = " ".join([*refused.messages, _("Then add your other files again.")])
    draft.error_field = "files"


def _ask_again(message: Message, draft: Draft) -> None:
    """This form went out before with other words: what stands in it now was never sent."""
    draft.key = str(uuid.uuid4())
    draft.error = _("Your earlier text was sent %(when)s. Send this one as well?") % {
        "when": words.day_and_time(message.created_at)
    }


def _number(raw: str) -> int:
    return int(raw) if raw.isdecimal() and len(raw) < 10 else 0


def _valid(draft: Draft) -> bool:
    if not draft.text:
        draft.error = _("Write something first.")
    elif len(draft.text) > services.MAX_TEXT:
        draft.error = _("This is too long: at most %(count)s characters.") % {
            "count": services.MAX_TEXT
        }
    return not draft.error


def sent_already(case: Case, draft: Draft) -> bool:
    """Whether this very form was sent before: then it is answered as then."""
    rows = Message.objects.of(case).filter(client_key=draft.key)
    return rows.exists()


def _send(request: HttpRequest, case: Case, staff: User, draft: Draft) -> Message:
    return dispatch.reply(
        case=case,
        staff=staff,
        text=draft.text,
        kind=draft.kind,
        why_text=draft.why,
        files=files_of(request),
        client_key=uuid.UUID(draft.key),
    )


def note(request: HttpRequest, case: Case, draft: Draft) -> bool:
    """Write the draft as a note; False with `draft.error` where it was not written."""
    if sent_already(case, draft):
        return True
    if not _valid(draft):
        return False
    try:
        services.add_note(
            case=case,
            staff=staff_of(request),
            text=draft.text,
            files=files_of(request),
            key=uuid.UUID(draft.key),
        )
    except ValidationError as refused:
        _file_error(draft, refused)
        return False
    return True

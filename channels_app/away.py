"""Who leaves a chat: what they did not read follows them after a while, as one message."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef
from django.db.models.functions import Coalesce
from django.utils import timezone

from channels_app import dispatch, outbox, proved, rendering, routing
from channels_app.adapters.base import Reason
from channels_app.models import Channel, Chat, Delivery
from channels_app.models.delivery import DeliveryQuerySet
from contacts.kinds import ACCOUNT, CHAT, EMAIL, OWN_PAGE
from contacts.models import Alert, Case, Event, Message

logger = logging.getLogger(__name__)
AFTER = timedelta(minutes=10)
LATEST = timedelta(days=1)  # what lay longer, as no worker ran, waits on the page
STEP = 100  # cases of one look
UNREAD = (Delivery.Status.SENT, Delivery.Status.DELIVERED)
NOT_READ = Reason("not_read", {"minutes": str(int(AFTER.total_seconds() // 60))})


def _unread(rows: DeliveryQuerySet, now: datetime) -> DeliveryQuerySet:
    """Of these the answers by chat that nobody read, and that did not follow anybody yet."""
    written = rows.filter(message__template="", status__in=UNREAD, created_at__gt=now - LATEST)
    return written.filter(message__seq__gt=F("message__case__chat__followed_seq"))


def due(now: datetime) -> list[int]:
    """The cases, by their stems' keys, with an answer that nobody read in ten minutes.

    Who waits longest first: where there are more than one look takes, none is passed over.
    """
    chats = list(Channel.objects.filter(kind=CHAT).values_list("pk", flat=True))
    if not chats:
        return []
    # EXPLAIN at 300,000 cases and 825,000 deliveries: Index Scan using delivery_by_status over one
    # day, then messages and chats by their keys, 3.1 ms.
    old = {"created_at__lte": now - AFTER, "sent_at__lte": now - AFTER}
    rows = _unread(Delivery.objects.filter(channel__in=chats, **old), now)
    stems = rows.values(stem=Coalesce("message__case__root", "message__case"))
    since = stems.annotate(since=Min("created_at")).order_by("since", "stem")
    return list(since.values_list("stem", flat=True)[:STEP])


def look() -> int:
    """The beat: what follows whom; how many messages."""
    count = 0
    for key in due(timezone.now()):
        try:
            count += follow(Case.objects.get(pk=key)) is not None
        except Exception:  # one case must not keep the others waiting
            logger.exception("Case %s: what was not read cannot follow.", key)
    return count


@transaction.atomic
def follow(case: Case) -> Delivery | None:
    """Send what was not read in a case after its customer, once; None where nothing goes.

    Without a way to do so it waits on their page, and its agent is told.
    """
    stem, now = case.locked(), timezone.now()
    rows = _unread(Delivery.objects.filter(channel__kind=CHAT), now)
    rows = rows.filter(message__case__in=stem.member_ids).order_by("message__created_at")
    left = list(rows.select_related("message__staff").prefetch_related("message__attachments"))
    if not left or min(row.sent_at or now for row in left) > now - AFTER:
        return None
    if not Chat.objects.follow(stem, stem.seq):
        return None
    message = _message(stem, [row.message for row in left])
    route = way(message, now)
    if isinstance(route, routing.Route):
        return _send(message, route)
    _waits(stem, message)
    return None


def _message(stem: Case, said: Sequence[Message]) -> Message:
    return Message(
        case=stem,
        direction=Message.Direction.OUT,
        template=outbox.UNREAD,
        text=rendering.written_down(stem, said),
        staff=said[-1].staff,
        language=stem.language,
    )


def way(
    message: Message, now: datetime, *, among: Sequence[Channel] | None = None
) -> routing.Route | routing.Refused | None:
    """By which way it follows: the one of now, where that is elsewhere; else the approved second.

    Where they said nothing of it: by e-mail to an address that they proved in this very case. None
    where only a person could bring it, or it would stand on the page once more.
    """
    assert message.case is not None
    stem = message.case.stem
    if routing.chosen_kind(stem)[0] not in OWN_PAGE:
        found: routing.Route | routing.Refused | None
        found = routing.first(message, now, among=among)
    else:
        found = routing.second(message, now, because=NOT_READ, among=among)
        found = found or _by_proved_mail(stem)
    if not isinstance(found, routing.Route):
        return found
    can = found.channel.capabilities
    return replace(found, because=NOT_READ) if can.automatic and not can.immediate else None


def _by_proved_mail(stem: Case) -> routing.Route | None:
    found = None if _wants_none(stem) else proved.in_case(stem, CHAT, {EMAIL})
    if found is None:
        return None
    notice = stem.is_sensitive and not found[0].capabilities.private
    return routing.Route(*found, Message.Why.FALLBACK, only_notice=notice)


def _wants_none(stem: Case) -> bool:
    """Whether they said that what does not reach them waits on their page."""
    said = Event.objects.filter(case__in=stem.member_ids, sort=Event.Sort.SECOND)
    newest = said.order_by("-created_at").values_list("data", flat=True).first()
    return newest is not None and not newest.get("kind")


def _send(message: Message, route: routing.Route) -> Delivery:
    assert message.case is not None
    dispatch.go_by(message, route)
    message.case.append(message)
    return dispatch.deliver(message, route)


def _waits(stem: Case, message: Message) -> None:
    """No way leads to them: the history says so, and the agents of the case are told."""
    data = {"kind": ACCOUNT, "before": CHAT, "reason": NOT_READ.stored}
    people = {pk for pk in (stem.assignee_id, message.staff_id) if pk}
    alerts = [Alert(user_id=pk, sort=Alert.Sort.FAILED) for pk in people]
    stem.append(Event(sort=Event.Sort.FELL_BACK, data=data), alerts=alerts)


def is_over(message: Message) -> bool:
    """Whether all was read while it waited to be sent."""
    assert message.case is not None
    rows = Delivery.objects.filter(
        message__case__in=message.case.stem.family_ids(),
        message__seq__lt=message.seq,
        message__template="",
        channel__kind=CHAT,
    )
    return not rows.filter(status__in=UNREAD).exists()


def waiting_on_the_page(cases: Sequence[Case]) -> dict[int, datetime]:
    """Since when an answer by chat lies unread that followed nobody, by the case's key."""
    later = Message.objects.filter(
        case=Coalesce(OuterRef("message__case__root"), OuterRef("message__case")),
        template=outbox.UNREAD,
        seq__gt=OuterRef("message__seq"),
    )
    # EXPLAIN, of 50 cases of those: message_once, then chats and deliveries by their keys, 0.2 ms.
    rows = Delivery.objects.filter(
        message__case__in=cases,
        message__template="",
        message__seq__lte=F("message__case__chat__followed_seq"),
        channel__kind=CHAT,
        status__in=UNREAD,
    )
    since: dict[int, datetime] = {}
    lying = rows.exclude(Exists(later)).order_by("-created_at")
    for key, at in lying.values_list("message__case", "created_at"):
        since[key] = at
    return since

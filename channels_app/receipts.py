"""How deliveries went, by what providers and mail servers say afterwards: forward only."""

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # reasons: stored in English

from channels_app import dispatch, fallback, routing
from channels_app.adapters.base import Reason, Receipt
from channels_app.models import Attempt, Channel, Delivery
from contacts import codes
from contacts.models import Code, Event, Identity, Message

S = Delivery.Status
WENT = (S.SENDING, S.SENT, S.UNCERTAIN)


class Unknown(Exception):
    """A receipt for nothing of ours, or without proof; the reason is for staff."""


def settle(channel: Channel, receipt: Receipt) -> Message:
    """Move the delivery that a receipt is about; its message. Raises Unknown.

    Said by the provider itself, or by a mail that brings back our own MAC.
    """
    key = dispatch.key_of(receipt.key)
    related = ("message__case__root", "channel", "identity")
    delivery = key and Delivery.objects.filter(pk=key).select_related(*related).first()
    if not delivery:
        raise Unknown(_("A report on something that we did not send."))
    if receipt.signed and delivery.channel_id != channel.pk:
        raise Unknown(_("A report on what went through another channel."))
    if not receipt.signed and not _brings_our_code(delivery, receipt):
        raise Unknown(_("A report without our own proof."))
    _move(delivery, receipt)
    return delivery.message


def _brings_our_code(delivery: Delivery, receipt: Receipt) -> bool:
    if delivery.message.case is None:
        return False
    stem = delivery.message.case.stem
    found = (Code.objects.find(codes.REPLY, value) for value in receipt.reply_codes)
    return any(code and code.case and code.case.stem == stem for code in found)


def _move(delivery: Delivery, receipt: Receipt) -> None:
    """Forward only, in whatever order receipts come; a receipt may overtake the answer to us."""
    # Waiting for another try, and yet the provider took the last one: it must not go twice.
    went = (*WENT, S.QUEUED) if receipt.signed else WENT
    if receipt.status in ("complained", "returned", "failed"):  # staff are told, in the case
        if delivery.identity_id is not None:  # first, as whoever files what is written from there
            Identity.objects.locking().only("pk").get(pk=delivery.identity_id)
        delivery.hold_case()
    if receipt.status == "read":
        sent_at = delivery.sent_at or timezone.now()
        frm = (*went, S.DELIVERED)
        delivery.move(S.READ, frm=frm, sent_at=sent_at, leased_until=None, reason={})
    if receipt.status in ("delivered", "complained"):
        sent_at = delivery.sent_at or timezone.now()
        delivery.move(S.DELIVERED, frm=went, sent_at=sent_at, leased_until=None, reason={})
    if receipt.status == "complained":
        _complained(delivery, receipt)
    elif receipt.status == "returned":
        _lost(delivery, receipt, S.RETURNED, (*went, S.DELIVERED, S.READ))
    elif receipt.status == "failed":  # the provider never let it go
        _lost(delivery, receipt, S.FAILED, went)


def _lost(delivery: Delivery, receipt: Receipt, status: str, frm: tuple[str, ...]) -> None:
    now = timezone.now()
    why = Reason(routing.WINDOW_CLOSED) if receipt.too_late else Reason.said(receipt.detail)
    if not delivery.move(status, frm=frm, reason=why.stored, finished_at=now, leased_until=None):
        return
    if (receipt.gone or receipt.stopped) and delivery.identity is not None:
        mark = Identity.STOPPED if receipt.stopped else Identity.BOUNCED
        delivery.identity.close(delivery.channel.kind, mark)
    if not (receipt.too_late and _goes_approved(delivery)):
        fallback.fall_back(delivery)


def _goes_approved(delivery: Delivery) -> bool:
    """Taken, and then found to be too late: routing hears of it; whether the approved text goes."""
    same = Q(delivery=delivery.pk) | Q(delivery=delivery.replaces_id)
    again = Attempt.objects.filter(same, reason__code=routing.WINDOW_CLOSED).exists()
    started = delivery.sent_at or timezone.now()
    delivery.correct("rejected", started, Reason(routing.WINDOW_CLOSED))
    return not again and dispatch.send_approved(delivery) is not None


def _complained(delivery: Delivery, receipt: Receipt) -> None:
    """Marked as spam: nothing goes there any more (the provider holds it back), staff are told."""
    if delivery.identity is None:
        return
    if delivery.identity.close(delivery.channel.kind, Identity.STOPPED):
        delivery.reason = Reason("spam").stored  # for the event: the delivery itself arrived
        dispatch.tell(delivery, Event.Sort.FAILED)

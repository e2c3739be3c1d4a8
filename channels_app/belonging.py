"""Which case a message belongs to (design.md section 5)."""

from channels_app import dispatch
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, Delivery, InboundItem
from contacts import codes, services
from contacts.models import Case, Code, Customer, Holder, Identity, Message


def by_reply(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """(b) Our reply MAC and a sender who holds an identity of that case: both."""
    for value in inbound.reply_codes:
        code = Code.objects.find(codes.REPLY, value)
        if code is None or code.case is None:
            continue
        holders = services.holders_in(code.case, identity)
        # An address of the case: its customer's, or one that was chosen in it.
        if holders or code.case.stem.choices.filter(identity=identity).exists():
            services.prove_by_answer(holders)
            # Who writes from there is there: a full mailbox, or a refusal for a day, is over.
            if identity.closed:
                identity.open_again(channel.kind, Identity.BOUNCED)
            return code.case
    return None


def by_sender(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """(c) The only open case of a proved holder, where the sender is authenticated.

    And only one that this address wrote in before: anybody can type a stranger's address on the
    start page, keep that case's page open, and wait for what the stranger writes.
    """
    if not (inbound.authenticated or channel.capabilities.authenticates_sender):
        return None
    holders = Holder.objects.proved().filter(identity=identity).select_related("customer")
    tops = {holder.customer.top_id for holder in holders}
    if not tops:
        return None
    cases = Case.objects.open().filter(customer__in=Customer.objects.family(tops))
    found = list(cases.order_by("pk")[:2])
    if len(found) != 1:
        return None
    wrote = Message.objects.of(found[0]).filter(
        direction=Message.Direction.IN, identity=identity, staff=None
    )
    return found[0] if wrote.exists() else None


def hint(inbound: Inbound) -> Case | None:
    """What a mail refers to without proof: a hint for staff, who may join it."""
    for value in inbound.reply_codes:
        code = Code.objects.known(codes.REPLY, value).first()
        if code is not None and code.case is not None:
            return code.case.stem
    if not inbound.refers_to:
        return None
    keys = [key for key in map(dispatch.key_of, inbound.refers_to) if key]
    items = InboundItem.objects.filter(provider_id__in=inbound.refers_to)
    for rows in (Delivery.objects.filter(pk__in=keys) if keys else None, items):
        found = rows and rows.exclude(message__case=None).values("message__case").first()
        if found:
            return Case.objects.select_related("root").get(pk=found["message__case"]).stem
    return None

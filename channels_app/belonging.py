"""Which case a message belongs to (design.md section 5)."""

from django.db.models import Q
from django.db.models.functions import Coalesce

from channels_app import dispatch
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, Delivery, InboundItem
from contacts import codes, services
from contacts.kinds import EMAIL
from contacts.models import Case, Code, Customer, Holder, Identity, Message

OPEN = Case.State.OPEN


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
    """(c) The only open case that this address wrote in, where the channel says who writes.

    For SMS, which does not, where an administrator allows it. A mail needs a proved holder besides.
    """
    if identity.is_new:
        return None
    if trusts_sender(channel):
        found = wrote_in(identity)
        return found[0] if len(found) == 1 else None
    return _by_proved_mail(identity) if inbound.authenticated else None


def trusts_sender(channel: Channel) -> bool:
    """Whether who wrote may be taken from the channel: it says so, or an administrator does."""
    return channel.capabilities.authenticates_sender or channel.appends_by_sender


def wrote_in(identity: Identity, most: int = 2) -> list[Case]:
    """The newest open cases that an address itself wrote in, also those it joined by a code."""
    is_open = Q(case__root=None, case__state=OPEN) | Q(case__root__state=OPEN)
    wrote = Message.objects.filter(direction=Message.Direction.IN, identity=identity, staff=None)
    stems = wrote.filter(is_open).annotate(stem=Coalesce("case__root_id", "case_id"))
    keys = stems.values_list("stem", flat=True).distinct().order_by("-stem")[:most]
    return list(Case.objects.filter(pk__in=list(keys)).order_by("-pk"))


def _by_proved_mail(identity: Identity) -> Case | None:
    """The only open case of a proved holder, if this address wrote in it before.

    Anybody can type a stranger's address on the start page, keep that case's page open, and wait
    for what the stranger writes.
    """
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


def hint(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """What a message refers to without proof: a hint for staff, who may join it.

    A mail says so itself; of a messenger it is the newest open case that this address wrote in.
    """
    if channel.kind != EMAIL and not identity.is_new:
        return next(iter(wrote_in(identity)), None)
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

"""Which case a message belongs to (design.md section 5)."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from channels_app import dispatch, routing
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, Delivery, InboundItem
from contacts import codes, holding, whose
from contacts.kinds import EMAIL
from contacts.models import Case, Choice, Code, Customer, Event, Holder, Identity, Message

OPEN = Case.State.OPEN


def by_reply(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """(b) Our reply MAC and a sender who holds an identity of that case: both."""
    for value in inbound.reply_codes:
        code = Code.objects.find(codes.REPLY, value)
        if code is None or code.case is None:
            continue
        holders = holding.holders_in(code.case, identity)
        # An address of the case: its customer's, one that was chosen or approved in it, or proved.
        if (holders or _is_of(code.case.stem, identity)) and not whose.is_gone(code.case, identity):
            if not whose.is_taken_back(code.case, identity):
                holding.prove_by_answer(holders)
            # Who writes from there is there: a full mailbox, or a refusal for a day, is over.
            if identity.closed:
                identity.open_again(channel.kind, Identity.BOUNCED)
            return code.case
    return None


def _is_of(stem: Case, identity: Identity) -> bool:
    chosen = Q(identity=identity) | Q(fallback_identity=identity)
    return stem.choices.filter(chosen).exists() or identity.pk in whose.proved_in(stem)


def may_lead(channel: Channel, case: Case, identity: Identity) -> bool:
    """Whether the case is answered where this was written from, from now on.

    Not where only the address says who writes, and its approval as the second way was withdrawn:
    perhaps another reads that mailbox, and answers an old mail of ours. Unless it is the customer's
    own second way for all their cases, by which answers do go there.
    """
    if channel.capabilities.authenticates_sender or not whose.is_taken_back(case, identity):
        return True
    return routing.approved_second(case.stem)[1] == identity


def by_sender(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """(c) The only open case that is surely this address's, where the channel says who writes.

    For SMS, which does not, where an administrator allows it. A mail needs a proved holder besides.
    """
    if identity.is_new:
        return None
    if trusts_sender(channel):
        found = sure_in(identity)
        return _part_of(found[0], identity) if len(found) == 1 else None
    return _by_proved_mail(identity) if inbound.authenticated else None


def trusts_sender(channel: Channel) -> bool:
    """Whether who wrote may be taken from the channel: it says so, or an administrator does."""
    return channel.capabilities.authenticates_sender or channel.appends_by_sender


def sure_in(identity: Identity, most: int = 2) -> list[Case]:
    """The newest open cases that an address wrote in, or proved with a code and was chosen in.

    Not those of people whose it is no more.
    """
    said = Message.objects.filter(direction=Message.Direction.IN, identity=identity, staff=None)
    wrote = _newest(whose.since_it_moved(said, identity), most)
    keys = sorted(wrote | _newest(_proved(identity), most))[-most:]
    cases = Case.objects.filter(pk__in=keys).with_family().order_by("-pk")
    return [case for case in cases if case.pk in wrote or not whose.is_gone(case, identity)]


def _proved(identity: Identity) -> QuerySet[Choice]:
    """Choices of an address in cases where its owner typed the code that we sent there.

    Few rows by the index of the identity; for each the events of its case, by theirs.
    """
    proofs = Event.objects.filter(sort=Event.Sort.PROVED, data__identity=identity.pk)
    here, joined = proofs.filter(case=OuterRef("case")), proofs.filter(case__root=OuterRef("case"))
    return Choice.objects.filter(Exists(here) | Exists(joined), identity=identity)


def _newest(rows: QuerySet[Any], most: int) -> set[int]:
    """The newest open cases of rows."""
    is_open = Q(case__root=None, case__state=OPEN) | Q(case__root__state=OPEN)
    stems = rows.filter(is_open).annotate(stem=Coalesce("case__root_id", "case_id"))
    return set(stems.values_list("stem", flat=True).distinct().order_by("-stem")[:most])


def _part_of(stem: Case, identity: Identity) -> Case:
    """The part of a joined case that an address wrote in: taken apart, it has what came to it."""
    if not stem.has_family:
        return stem
    rows = Message.objects.of(stem).filter(direction=Message.Direction.IN, identity=identity)
    last = rows.filter(staff=None).select_related("case__root").order_by("-pk").first()
    return last.case if last is not None and last.case is not None else stem


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
    return _part_of(found[0], identity) if wrote.exists() else None


def hint(channel: Channel, inbound: Inbound, identity: Identity) -> Case | None:
    """What a message refers to without proof: a hint for staff, who may join it.

    A mail says so itself; of a messenger it is the newest open case that is surely this address's.
    """
    if channel.kind != EMAIL and not identity.is_new:
        return next(iter(sure_in(identity)), None)
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

"""Where a customer can be written to without their asking: an address that they proved."""

from collections.abc import Container, Sequence

from django.utils import timezone

from channels_app import routing
from channels_app.models import Channel
from contacts import whose
from contacts.kinds import KINDS
from contacts.models import Case, Choice, Consent, Customer, Holder, Identity

Way = tuple[Channel, Identity]


def by_customer(case: Case, gone: str) -> Way | None:
    """At an address that they proved, and want to be written at; not by the kind that is `gone`."""
    people = Customer.objects.family({case.customer.top_id})
    holders = Holder.objects.proved().filter(customer__in=people).best_first()
    return _first(case, gone, [holder.identity for holder in holders])


def in_case(case: Case, gone: str, kinds: Container[str] = KINDS) -> Way | None:
    """The same by an address that this very case proved, or was written to from for certain."""
    sure = {
        channel.kind
        for channel in Channel.objects.filter(organisation=case.organisation_id)
        if channel.capabilities.authenticates_sender
    }
    wrote = Choice.objects.filter(case=case, by=Choice.By.WRITING, kind__in=sure)
    keys = {*whose.proved_in(case), *wrote.values_list("identity", flat=True)} - {None}
    return _first(case, gone, list(Identity.objects.filter(pk__in=keys).order_by("-pk")), kinds)


def _first(
    case: Case, gone: str, identities: Sequence[Identity], kinds: Container[str] = KINDS
) -> Way | None:
    now, said = timezone.now(), routing.consents(case.customer)
    unwanted = {kind for kind, word in said.items() if word.level != Consent.Level.GLADLY}
    offered = Channel.objects.offered().filter(organisation=case.organisation_id)
    channels = [
        channel
        for channel in offered.exclude(kind__in=[gone, *unwanted])
        if channel.kind in kinds and channel.capabilities.takes_codes and not channel.is_gone(now)
    ]
    for identity in identities:
        if whose.is_gone(case, identity):
            continue
        for channel in channels:
            fits = channel.kind_info.scheme == identity.scheme
            if fits and identity.is_usable_by(channel.kind):
                return channel, identity
    return None

"""The addresses that somebody may be offered in a case, and by which kinds we may use them."""

from collections.abc import Sequence
from dataclasses import dataclass

from channels_app.promises import Offer
from contacts import whose
from contacts.kinds import EMAIL
from contacts.models import Case, Choice, Customer, Holder, Identity
from contacts.viewers import Viewer
from portal import access


@dataclass(frozen=True)
class Known:
    """Known addresses; `sure`: keys of those that were proved, or written from.

    `chosen`: by which kind which of them answered before. A number that was typed to be called at
    is not yet one to write to.
    """

    identities: list[Identity]
    sure: frozenset[int] = frozenset()
    chosen: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def to(cls, viewer: Viewer, case: Case) -> "Known":
        """What this viewer may be offered: a link alone tells nothing of the customer's others."""
        known = access.known_identities(viewer, case)
        if not known:
            return cls([])
        choices = Choice.objects.filter(identity__in=known)
        sure = _sure_in(case)
        if access.owns(viewer, case):
            people = Customer.objects.family({case.customer.top_id})
            held = Holder.objects.proved().filter(customer__in=people, identity__in=known)
            sure |= set(held.values_list("identity_id", flat=True))
            choices = choices.filter(case__customer__in=people)
        else:
            choices = choices.filter(case__in=case.member_ids)
        chosen = choices.values_list("kind", "identity_id").distinct()
        return cls(known, frozenset(sure), frozenset(chosen))

    @classmethod
    def of(cls, customer: Customer, held: Sequence[Holder]) -> "Known":
        """All that a customer holds, for who proved to be that customer."""
        people = Customer.objects.family({customer.top_id})
        rows = {holder.identity_id: holder.identity for holder in held}
        sure = frozenset(holder.identity_id for holder in held if holder.proved_at)
        choices = Choice.objects.filter(identity__in=rows, case__customer__in=people)
        chosen = choices.values_list("kind", "identity_id").distinct()
        return cls(list(rows.values()), sure, frozenset(chosen))

    def fitting(self, offer: Offer) -> list[Identity]:
        """Those that we may answer to by that kind at once."""
        name, scheme = offer.kind.name, offer.kind.scheme
        usable = [i for i in self.identities if i.scheme == scheme and i.is_usable_by(name)]
        return [identity for identity in usable if self._may(offer, identity)]

    def _may(self, offer: Offer, identity: Identity) -> bool:
        if (offer.kind.name, identity.pk) in self.chosen:
            return True
        if offer.writes_first:
            return False
        needs_proof = offer.takes_codes and offer.kind.scheme != EMAIL
        return identity.pk in self.sure or not needs_proof


def _sure_in(case: Case) -> set[int]:
    """Addresses that this very case proved, or was written to from."""
    wrote = case.stem.choices.filter(by=Choice.By.WRITING).exclude(identity=None)
    return whose.proved_in(case) | set(wrote.values_list("identity_id", flat=True))

"""The second way: used only where the first one fails for good, and only if it was approved."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from channels_app import promises, routing
from channels_app.promises import Offer
from contacts.kinds import ACCOUNT, POST, Kind, get
from contacts.models import Case, Consent, Customer, Event, Holder, Identity
from contacts.viewers import Viewer
from portal import access
from portal.context import site_of
from portal.site.known import Known


@dataclass(frozen=True)
class Second:
    """One way that can be approved: a kind, and the address that belongs to it."""

    kind: Kind
    identity: Identity | None = None
    to: str = ""
    is_of_case: bool = True  # else it is what they prefer in all their questions

    @property
    def value(self) -> str:
        """What its button posts."""
        return f"{self.kind.name}:{self.identity.pk}" if self.identity else self.kind.name

    @property
    def follows(self) -> bool:
        """Whether it can bring what was written to who went away: by itself, within minutes."""
        return bool(self.kind.scheme) and not self.kind.spoken and self.kind.scheme != POST

    @property
    def words(self) -> str:
        """ "by e-mail to s…@example.org"."""
        if not self.to:
            return str(self.kind.by)
        return _("%(by)s to %(address)s") % {"by": self.kind.by, "address": self.to}

    @property
    def line(self) -> str:
        """The same for a running text: the address stays on one row."""
        return (
            self.words.replace(self.to, self.to.replace(" ", "\u00a0")) if self.to else self.words
        )


def offers(
    board: Iterable[Offer], known: Known, never: Container[str], *, masked: bool, proved: bool
) -> list[Second]:
    """What can be approved: nothing that they `never` want, no address that may be wrong.

    Nor what needs a time: a visit, or what is by appointment. `proved`: only addresses
    that were; else also those that answers went to before.
    """
    found = []
    for offer in board:
        name = offer.kind.name
        if name in never or name == promises.MEETING or offer.kind.by_appointment:
            continue
        if not offer.kind.scheme:
            found.append(Second(offer.kind))
            continue
        for identity in known.fitting(offer):
            is_sure = identity.pk in known.sure or not offer.channel.capabilities.automatic
            if is_sure or (not proved and (name, identity.pk) in known.chosen):
                to = identity.masked if masked else " ".join(str(identity).split())
                found.append(Second(offer.kind, identity, to))
    return found


def of_customer(
    request: HttpRequest, customer: Customer, held: Sequence[Holder], never: Container[str]
) -> list[Second]:
    """What a customer can approve for all their questions."""
    known = Known.of(customer, held)
    return offers(site_of(request).board, known, never, masked=False, proved=True)


def value_of(customer: Customer) -> str:
    """What they approved for all their questions, as its option posts it."""
    if not customer.fallback_kind:
        return ""
    return Second(get(customer.fallback_kind), customer.fallback_identity).value


def of_case(request: HttpRequest, viewer: Viewer, case: Case) -> list[Second]:
    """What its viewer can approve in a case: not the way that it has, nor this page."""
    known, own = Known.to(viewer, case), access.owns(viewer, case)
    words = routing.consents(case.customer)
    never = {kind for kind, word in words.items() if word.level == Consent.Level.NEVER}
    found = offers(site_of(request).board, known, never, masked=not own, proved=False)
    first = routing.chosen_kind(case)[0]
    return [second for second in found if second.kind.name not in (first, ACCOUNT)]


def to_ask(request: HttpRequest, viewer: Viewer, case: Case) -> list[Second]:
    """What is asked about after a first failure: nothing, where it was answered before."""
    if case.choice is None or routing.approved_second(case)[0]:
        return []
    if Event.objects.filter(case__in=case.member_ids, sort=Event.Sort.SECOND).exists():
        return []
    return of_case(request, viewer, case)


def standing(viewer: Viewer, case: Case, known: Sequence[Identity] = ()) -> Second | None:
    """The second way that holds now; its address only where it is among the `known` ones.

    What a customer approved for all their questions is told to that customer alone: whoever types a
    stranger's address has a case of theirs open.
    """
    kind, identity = routing.approved_second(case)
    own = access.owns(viewer, case)
    of_case = bool(case.choice and case.choice.fallback_kind == kind)
    if not kind or not (own or of_case):
        return None
    if identity is None or identity not in known:
        return Second(get(kind), is_of_case=of_case)
    to = " ".join(str(identity).split()) if own else identity.masked
    return Second(get(kind), identity, to, is_of_case=of_case)

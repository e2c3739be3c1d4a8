"""Who holds which address: the customers that one may mean, and what proves it."""

from collections.abc import Sequence

from django.utils import timezone

from contacts import one_person, search
from contacts.kinds import EMAIL
from contacts.models import Case, Consent, Customer, Holder, Identity
from contacts.texts import clean_line


def holders_of(identity: Identity) -> list[Customer]:
    """The customers that an address may mean: who proved it, else who staff say, else who typed it.

    Of those that were joined, the one who holds it: what comes is theirs again once they part.
    Anybody can type a stranger's address. So somebody who proved another address and only typed
    this one is left out: or the stranger's questions would come to lie in that person's list.
    """
    holders = _current(identity)
    sure = [h for h in holders if h.proved_at] or [h for h in holders if h.how == Holder.How.STAFF]
    return _people(sure) or _only_typed(holders)


def may_be(identity: Identity) -> list[Customer]:
    """Who may have written from an address: who proved it, and who staff say has it too.

    A family shares a number, and the one of them who proved it is not who always writes.
    """
    if identity.is_new:
        return []
    holders = _current(identity)
    sure = [h for h in holders if h.is_sure]
    return _people(sure) or _only_typed(holders)


def _current(identity: Identity) -> list[Holder]:
    rows = Holder.objects.current().filter(identity=identity).select_related("customer__root")
    return list(rows.order_by("pk")[:20])


def _people(holders: Sequence[Holder]) -> list[Customer]:
    """Each person once; of those who were joined, the one who holds it."""
    found: dict[int, Customer] = {}
    for holder in holders:
        found.setdefault(holder.customer.top_id, holder.customer)
    return list(found.values())


def _only_typed(holders: Sequence[Holder]) -> list[Customer]:
    """Those who proved no other address."""
    people = _people(holders)
    if not people:
        return []
    family = Customer.objects.family({customer.top_id for customer in people})
    others = Holder.objects.proved().filter(customer__in=family).select_related("customer")
    proved = {holder.customer.top_id for holder in others}
    return [customer for customer in people if customer.top_id not in proved]


def known_customer(identity: Identity) -> Customer | None:
    """The customer that holds an address; None if nobody or several do (then ask)."""
    found = may_be(identity)
    return found[0] if len(found) == 1 else None


def customer_for(
    identity: Identity | None, *, name: str = "", language: str, how: str = Holder.How.TYPED
) -> Customer:
    """The known customer of an address, or a new one that holds it, unproved.

    Where several hold it, a new one without an address: staff say who of them it is.
    """
    found = may_be(identity) if identity else []
    if len(found) == 1:
        return found[0]
    return new_customer(None if found else identity, name=name, language=language, how=how)


def new_customer(
    identity: Identity | None, *, name: str = "", language: str, how: str = Holder.How.TYPED
) -> Customer:
    """A customer who holds an address, unproved, if there is one."""
    name = clean_line(name)[:200]
    customer = Customer.objects.create(name=name, language=language)
    if identity is None:
        search.index(name, customer=customer)
    else:
        _first_held(Holder.objects.create(customer=customer, identity=identity, how=how), name)
    return customer


def hold(customer: Customer, identity: Identity, *, how: str, proved: bool = False) -> Holder:
    """Note that a customer holds an address; who e-mails is called only if asked (R12).

    Where one of those who were joined with them holds it already, that is noted there.
    """
    own = Holder.objects.current().filter(identity=identity)
    own = own.filter(customer__in=Customer.objects.family({customer.top_id}))
    found = sorted(own, key=lambda row: (row.customer_id != customer.pk, row.pk))
    if found:
        if proved:
            found[0].prove(how)
        return found[0]
    holder, made = Holder.objects.get_or_create(
        customer=customer,
        identity=identity,
        ended_at=None,
        defaults={"how": how, "proved_at": timezone.now() if proved else None},
    )
    if proved and not made:
        holder.prove(how)
    if made:
        _first_held(holder, is_known=True)
    return holder


def _first_held(holder: Holder, name: str = "", *, is_known: bool = False) -> None:
    identity, customer = holder.identity, holder.customer
    identity.is_new = False
    # people look for a part of it
    search.index(search.spelled(identity), name, customer=customer)
    # What they said of calls themselves stays as they said it.
    if identity.scheme == EMAIL and not (is_known and "phone" in one_person.consents(customer)):
        Consent.objects.create(customer=customer, kind="phone", level=Consent.Level.ON_REQUEST)


def holders_in(case: Case, identity: Identity) -> list[Holder]:
    """The holders of an address who are the customer of a case, also by a merge."""
    family = Customer.objects.family({case.customer.top_id, case.stem.customer.top_id})
    rows = Holder.objects.current().filter(identity=identity, customer__in=family)
    return list(rows.select_related("customer"))


def prove_by_answer(holders: Sequence[Holder], how: str = Holder.How.ANSWERED) -> None:
    """Who answers a mail of ours reads that mailbox: it proves the holders that are there already.

    It makes no holder: an address that was only chosen in a case belongs to that case alone, or
    whoever typed a stranger's address could answer from an own one and become that stranger. For
    the same reason nothing is proved where the customer proved another address and typed this one.
    """
    for holder in holders:
        if holder.proved_at:
            continue
        own = Customer.objects.family({holder.customer.top_id})
        others = Holder.objects.proved().filter(customer__in=own)
        is_typed = holder.how == Holder.How.TYPED
        if not (is_typed and others.exclude(identity=holder.identity_id).exists()):
            holder.prove(how)


def rename(customer: Customer, name: str) -> None:
    """Give a customer a name, and make it findable."""
    search.forget(customer.name, customer=customer)
    customer.name = clean_line(name)[:200]
    customer.save(update_fields=["name"])
    search.index(customer.name, customer=customer)

"""Who is it? Known customers by name, number, address, reference or the code on a letter."""

from dataclasses import dataclass, field

from contacts import addresses, codes, search
from contacts.kinds import EMAIL, PHONE
from contacts.models import Case, Code, Customer, Holder

MAX_PEOPLE = 8
MAX_CASES = 5


@dataclass
class Person:
    """A known customer with addresses and open cases."""

    customer: Customer
    addresses: list[str] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)


@dataclass
class Found:
    """What a search found. `into` is what fits exactly: "case:K7Q-4MP", "customer:12" or ""."""

    people: list[Person] = field(default_factory=list)
    into: str = ""
    code: Code | None = None
    is_dead_code: bool = False  # it looks like a code, and none of that value works

    @property
    def is_empty(self) -> bool:
        """Nobody."""
        return not self.people


def find(query: str) -> Found:
    """The people that fit, in a fixed number of queries."""
    query = query.replace("\x00", "").strip()[:200]
    if len(query) < 2:
        return Found()
    code = find_code(query)
    if code is not None and code.case is not None:
        stem = code.case.stem
        return Found(_people([stem.customer.top], always=stem), f"case:{stem.reference}", code)
    cases = search.cases(query).select_related("customer__root", "root").order_by("-changed_at")
    hits = list(cases[:60])
    scheme = address_scheme(query)
    tops = list(dict.fromkeys(case.customer.top for case in hits))
    if scheme:  # also who asked nothing yet
        tops = list(dict.fromkeys([*tops, *_who_holds(scheme, query)]))
    tops = tops[:MAX_PEOPLE]
    exact = _exact_case(query, hits)
    into = f"case:{exact.reference}" if exact else ""
    if not into and len(tops) == 1 and scheme:
        into = f"customer:{tops[0].pk}"
    is_dead = not hits and _looks_like_code(query)
    return Found(_people(tops, always=exact), into, is_dead_code=is_dead)


def _looks_like_code(query: str) -> bool:
    """The digits that a caller says, or ten letters and digits."""
    value = codes.normalise(query)
    is_said = len(value) == 4 and value.isdecimal()
    return is_said or (len(value) == 10 and not value.isalpha() and not value.isdecimal())


def _who_holds(scheme: str, query: str) -> list[Customer]:
    value = addresses.normalise(scheme, query)
    rows = Holder.objects.current().filter(identity__scheme=scheme, identity__value=value)
    found = rows.select_related("customer__root").order_by("pk")[:MAX_PEOPLE]
    return [holder.customer.top for holder in found]


def find_code(query: str) -> Code | None:
    """The live code on a letter, or the digits that a caller says."""
    value = codes.normalise(query)
    if len(value) == 10 or (len(value) == 4 and value.isdecimal()):
        found = Code.objects.live().filter(
            purpose=codes.JOIN, digest=codes.digest(codes.JOIN, value)
        )
        return found.select_related("case__root__customer__root", "case__customer__root").first()
    return None


def address_scheme(query: str) -> str:
    """Which sort of address was typed; "" for a name."""
    for scheme in (EMAIL, PHONE):
        try:
            addresses.normalise(scheme, query)
        except addresses.InvalidAddress:
            continue
        return scheme
    return ""


def _exact_case(query: str, hits: list[Case]) -> Case | None:
    plain = "".join(c for c in query.upper() if c.isalnum())
    for case in hits:
        if case.reference.replace("-", "") == plain:
            return case.stem
    return None


def _people(tops: list[Customer], always: Case | None) -> list[Person]:
    found = {top.pk: Person(top) for top in tops}
    family = {pk: pk for pk in found}
    for pk, root in Customer.objects.filter(root__in=found).values_list("pk", "root"):
        family[pk] = root or pk
    for holder in Holder.objects.current().filter(customer__in=family).select_related("identity"):
        found[family[holder.customer_id]].addresses.append(str(holder.identity))
    if always is not None:
        found[always.customer.top.pk].cases.append(always)
    rows = Case.objects.open().filter(customer__in=family).select_related("choice__identity")
    for case in rows.order_by("-changed_at")[: MAX_PEOPLE * MAX_CASES]:
        cases = found[family[case.customer_id]].cases
        if case not in cases and len(cases) < MAX_CASES:
            cases.append(case)
    return list(found.values())

"""A look at two customers: joined to be one person, kept apart, parted again."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from contacts import kinds, one_person, several
from contacts.models import Case, Consent, Customer
from portal.desk import same, words
from portal.desk.actions import typed_case
from portal.desk.addresses import Known, held_by
from portal.desk.case import address, find
from portal.desk.pages import done, page, show, staff_of

MOST_CASES = 5  # that are named, of each


@dataclass(frozen=True)
class Side:
    """One of the two, as the preview shows them."""

    customer: Customer
    name: str
    addresses: list[Known]
    cases: list[Case]
    open_count: int
    done_count: int
    joined: list[str]

    @property
    def usual(self) -> str:
        """How they usually want the answer, and by which second way; "" where they did not say."""
        ways = (self.customer.preferred_kind, self.customer.fallback_kind)
        return ", ".join(words.label(kind) for kind in ways if kind in kinds.KINDS)


def _side(top: Customer) -> Side:
    family = Customer.objects.family({top.pk})
    rows = Case.objects.stems().filter(customer__in=family)
    is_open = Q(state=Case.State.OPEN)
    counts = rows.aggregate(opened=Count("pk", filter=is_open), done=Count("pk", filter=~is_open))
    return Side(
        customer=top,
        name=words.own_name(top),
        addresses=held_by(top),
        cases=list(rows.filter(is_open).order_by("-changed_at")[:MOST_CASES]),
        open_count=counts["opened"],
        done_count=counts["done"],
        joined=[words.own_name(row) for row in same.members(top)],
    )


def look(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Both people side by side, and what would hold; a POST joins them."""
    case = find(request, reference)
    mine, other = case.customer.top, _customer(pk)
    if mine == other:
        messages.info(request, _("They are one person already."))
        return redirect(address(case))
    if request.method == "POST":
        return _join(request, case, mine, other)
    sides = [_side(mine), _side(other)]
    is_named = bool(mine.name) or not other.name
    return show(
        request,
        "desk/one_person.html",
        title=_("Are they one person?"),
        case=case,
        other=other,
        sides=sides,
        goes_on=mine if is_named else other,
        unwelcome=_unwelcome(mine, other),
    )


def _customer(pk: int) -> Customer:
    row = Customer.objects.select_related("root").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row.top


def _unwelcome(*both: Customer) -> list[tuple[kinds.Kind, Consent]]:
    words_of = one_person.consents(*both)
    return [
        (kinds.get(kind), row)
        for kind, row in words_of.items()
        if row.level != Consent.Level.GLADLY and kind in kinds.KINDS
    ]


def _join(request: HttpRequest, case: Case, mine: Customer, other: Customer) -> HttpResponse:
    is_other = request.POST.get("as") == str(other.pk)
    source, target = (mine, other) if is_other else (other, mine)
    names = {"one": words.own_name(source), "other": words.own_name(target)}
    try:
        one_person.join(customer=source, into=target, by=staff_of(request))
    except ValueError:  # a colleague was faster
        messages.error(request, _("A colleague changed this meanwhile. Look at both once more."))
        return redirect(address(case))
    undo = reverse("admin:case_part", args=[case.reference, source.pk])
    done(request, _("%(one)s and %(other)s are one person now.") % names, undo=undo)
    return redirect(address(case))


def look_by_reference(request: HttpRequest, reference: str) -> HttpResponse:
    """The same look, from a case of theirs that was typed."""
    case = find(request, reference)
    other = typed_case(request.GET.get("with", ""))
    if other is None:
        messages.error(request, _("There is no case with that reference."))
        return redirect(address(case))
    return redirect("admin:case_same", case.reference, other.stem.customer.top_id)


def not_the_same(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Two people: it is not proposed again."""
    case, other = find(request, reference), _customer(pk)
    if other != case.customer.top and not one_person.is_apart(case.customer, other):
        one_person.keep_apart(case=case, other=other, by=staff_of(request))
    names = {"one": words.own_name(case.customer.top), "other": words.own_name(other)}
    done(request, _("%(one)s and %(other)s stay two people.") % names)
    return redirect(address(case))


def part(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """They are two people after all."""
    case = find(request, reference)
    row = Customer.objects.select_related("root").filter(pk=pk, root=case.customer.top).first()
    try:
        if row is None:
            raise ValueError
        one_person.part(customer=row, by=staff_of(request))
    except ValueError:
        messages.error(request, _("They are not joined."))
        return redirect(address(case))
    done(request, _("%(name)s is a customer of their own again.") % {"name": words.own_name(row)})
    return redirect(address(case))


def who(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """It came from an address of several people, and this is who it is; 0 is somebody else."""
    case = find(request, reference)
    asked = several.asked(case)
    if asked is None:
        messages.info(request, _("A colleague said already who it is."))
        return redirect(address(case))
    identity, people = asked
    if pk == 0:
        several.somebody_else(case=case, identity=identity, by=staff_of(request))
        done(request, _("It is somebody else, who has %(address)s too.") % {"address": identity})
        return redirect(address(case))
    chosen = next((row for row in people if row.top_id == pk), None)
    if chosen is None:
        raise Http404
    made = case.customer
    try:
        several.recognise(case=case, customer=chosen, by=staff_of(request))
    except ValueError:
        messages.error(request, _("A colleague changed this meanwhile. Look at both once more."))
        return redirect(address(case))
    undo = reverse("admin:case_part", args=[case.reference, made.pk])
    done(request, _("It is %(name)s.") % {"name": words.own_name(chosen.top)}, undo=undo)
    return redirect(address(case))


def urls() -> list[URLPattern]:
    """The look at both, and its buttons."""
    base = "cases/<str:reference>/same/"
    return [
        page(base, look_by_reference, "case_same_as"),
        page(base + "<int:pk>/", look, "case_same"),
        page(base + "<int:pk>/who/", who, "case_who", post=True),
        page(base + "<int:pk>/no/", not_the_same, "case_not_same", post=True),
        page(base + "<int:pk>/part/", part, "case_part", post=True),
    ]

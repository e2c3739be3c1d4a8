"""What a row alone says of who may see it is what the rule says; a history goes by it as well."""

from itertools import product

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from channels_app import opening
from contacts import merging, one_person, services
from contacts.models import Case, Message, Organisation, User
from contacts.viewers import NOBODY, Viewer
from portal import access

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(organisation: Organisation, agent: User) -> list[Case]:
    """Two of Sam, two of Kim, two of Lee; Sam's second is joined to Kim's, Lee is Kim as well."""
    found = [
        opening.open_case(
            organisation=organisation,
            text=f"Of {name}, {number}",
            came_by="account",
            kind="email",
            language="en",
            address=f"{name}@example.org",
        )
        for name, number in product(("sam", "kim", "lee"), (1, 2))
    ]
    for case in found:
        services.add_note(case=case, staff=agent, text="For staff only")
    merging.join(case=found[1], into=found[2], by=agent)
    one_person.join(customer=found[4].customer, into=found[2].customer, by=agent)
    return list(Case.objects.select_related("root").order_by("pk"))


def viewers(cases: list[Case]) -> list[Viewer]:
    """Everybody who may look: a person, a link, both, staff, a program and nobody."""
    people = [None, *sorted({case.customer_id for case in cases})]
    links = [frozenset[int](), *(frozenset({case.pk}) for case in cases)]
    found = [Viewer(customer_id=who, case_ids=link) for who, link in product(people, links)]
    return [*found, Viewer(staff_id=1), Viewer(client_id=1), NOBODY]


def test_who_holds_a_row_may_see_it_and_its_history(cases: list[Case]) -> None:
    held = 0
    for viewer, case in product(viewers(cases), cases):
        seen = Case.objects.visible_to(viewer).filter(pk=case.pk).exists()
        if case.is_held_by(viewer):
            held += 1
            assert seen
        with_rule = Message.objects.read_of(case.stem).visible_to(viewer)
        assert {*Message.objects.shown_of(case.stem, viewer)} == {*with_rule}
        try:
            found = access.visible_case(viewer, case.reference)
        except Http404:
            assert not seen
        else:
            assert seen and found == case.stem
    assert held > 20


def test_nobody_holds_anything(cases: list[Case]) -> None:
    assert not any(case.is_held_by(NOBODY) for case in cases)
    assert access.staff_viewer(AnonymousUser()) == NOBODY

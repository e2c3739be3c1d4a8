"""Customers who turn out to be one person: joined, and parted again exactly."""

from typing import Any

import pytest
from django.test import Client

from channels_app import dispatch, opening, routing
from contacts import holding, one_person, search, services
from contacts.models import Case, Consent, Customer, Event, Holder, Identity, Organisation, User
from contacts.viewers import Viewer
from tests import shop
from tests.core.test_rules import in_threads
from tests.site.conftest import newest_code, sign_in

ANNA, BRAM = "anna@example.org", "bram@example.org"


@pytest.fixture
def agent(db: None) -> User:
    """A colleague."""
    return shop.make_agent("eva")


def ask(organisation: Organisation, address: str, text: str = "Is it there?", **more: Any) -> Case:
    """A question by mail."""
    return opening.open_case(
        organisation=organisation,
        text=text,
        came_by="account",
        kind="email",
        address=address,
        language="en",
        name=address.partition("@")[0].title(),
        **more,
    )


@pytest.fixture
def cases(organisation: Organisation) -> tuple[Case, Case]:
    """A question of Anna, and one of Bram."""
    return ask(organisation, ANNA), ask(organisation, BRAM)


def now(row: Customer) -> Customer:
    """The row as it is stored."""
    return Customer.objects.select_related("root").get(pk=row.pk)


def join(source: Customer, target: Customer, by: User | None = None) -> None:
    """Say that they are one person."""
    one_person.join(customer=now(source), into=now(target), by=by)


def part(customer: Customer, by: User | None = None) -> None:
    """Say that they are two."""
    one_person.part(customer=now(customer), by=by)


def seen(customer: Customer) -> set[Case]:
    """What whoever is signed in as that customer may see."""
    return set(Case.objects.visible_to(Viewer(customer_id=customer.pk)))


def stored() -> list[Any]:
    """All that a merge must leave as it is."""
    return [
        list(Customer.objects.order_by("pk").values()),
        list(Holder.objects.order_by("pk").values()),
        list(Consent.objects.order_by("pk").values()),
        list(Case.objects.order_by("pk").values_list("customer", "choice", "root")),
    ]


def test_joining_moves_no_row_and_parting_is_exact(cases: tuple[Case, Case], agent: User) -> None:
    anna, bram = (case.customer for case in cases)
    before = stored()
    join(bram, anna, agent)
    assert now(bram).top == anna and now(bram).merged_into == anna
    assert stored()[1:] == before[1:]
    assert seen(anna) == seen(bram) == set(cases)
    part(bram, agent)
    assert stored() == before
    assert (seen(anna), seen(bram)) == ({cases[0]}, {cases[1]})
    said = [event.data["what"] for event in Event.objects.filter(sort=Event.Sort.PEOPLE)]
    assert sorted(said) == ["joined", "joined", "parted", "parted"]


def test_only_open_cases_are_told(cases: tuple[Case, Case], agent: User) -> None:
    services.resolve(case=cases[0], by=agent)
    join(cases[1].customer, cases[0].customer, agent)
    assert [event.case for event in Event.objects.filter(sort=Event.Sort.PEOPLE)] == [cases[1]]


def test_what_cannot_be(organisation: Organisation, cases: tuple[Case, Case]) -> None:
    anna, bram = (case.customer for case in cases)
    carl = ask(organisation, "carl@example.org").customer
    with pytest.raises(ValueError, match="itself"):
        join(anna, anna)
    with pytest.raises(ValueError, match="not joined"):
        part(anna)
    join(bram, anna)
    before = stored()
    for source, target in ((bram, anna), (anna, bram), (bram, carl), (carl, bram)):
        with pytest.raises(ValueError, match="already"):
            join(source, target)
    assert stored() == before


def test_a_merge_of_merged_ones_is_taken_back_from_any_end(
    organisation: Organisation, cases: tuple[Case, Case]
) -> None:
    anna, bram = (case.customer for case in cases)
    carl = ask(organisation, "carl@example.org").customer
    before = stored()
    join(carl, bram)
    join(bram, anna)
    assert {now(row).top for row in (anna, bram, carl)} == {anna}
    part(bram)  # Carl goes along, as he was joined to Bram
    assert (now(carl).top, now(bram).top) == (bram, bram)
    assert seen(anna) == {cases[0]} and len(seen(carl)) == 2
    join(bram, anna)
    part(carl)
    assert (now(carl).root, now(bram).top) == (None, anna)
    part(bram)
    assert stored() == before


def test_what_comes_meanwhile_stays_with_whose_it_is(
    organisation: Organisation, cases: tuple[Case, Case]
) -> None:
    anna, bram = (case.customer for case in cases)
    join(bram, anna)
    of_bram, of_anna = ask(organisation, BRAM, "Bram again"), ask(organisation, ANNA, "Anna again")
    recorded = ask(organisation, BRAM, "By staff", customer=now(bram).top)
    number = Identity.of("phone", "+31201112233")
    holding.hold(now(bram), number, how=Holder.How.STAFF)
    assert Holder.objects.filter(identity__value=BRAM).count() == 1  # it is held already
    part(bram)
    assert seen(bram) == {cases[1], of_bram}
    assert seen(anna) == {cases[0], of_anna, recorded}
    assert holding.known_customer(number) == bram


def test_signing_in_as_either_shows_both_and_after_parting_ones_own(
    cases: tuple[Case, Case],
) -> None:
    anna, bram = (case.customer for case in cases)
    early, late = Client(), Client()
    sign_in(early, BRAM)
    join(bram, anna)
    sign_in(late, BRAM)
    for browser in (early, late):
        page = browser.get("/questions/").content.decode()
        assert all(case.reference in page for case in cases)
        assert browser.get(f"/q/{cases[0].reference}/").status_code == 200
        assert BRAM in browser.get("/preferences/").content.decode()
    part(bram)
    for browser in (early, late):
        page = browser.get("/questions/").content.decode()
        assert cases[1].reference in page and cases[0].reference not in page
        assert browser.get(f"/q/{cases[0].reference}/").status_code == 404
        assert ANNA not in browser.get("/preferences/").content.decode()
    assert list(Holder.objects.filter(identity__value=BRAM)) == list(bram.holders.all())


def say(customer: Customer, level: str, kind: str = "sms") -> None:
    """Their word on a kind."""
    Consent.objects.create(customer=customer, kind=kind, level=level)


def levels(customer: Customer, kind: str = "sms") -> str:
    """The word that holds."""
    return one_person.consents(now(customer))[kind].level


@pytest.mark.parametrize("turned", [False, True])
def test_the_stricter_word_holds_until_a_newer_one_is_said(
    cases: tuple[Case, Case], turned: bool
) -> None:
    anna, bram = (case.customer for case in cases)
    say(anna, "gladly" if turned else "never")
    say(bram, "never" if turned else "on_request")
    assert one_person.consents(anna, bram)["sms"].level == "never"  # as the preview says
    join(bram, anna)
    assert (levels(anna), levels(bram)) == ("never", "never")
    say(bram, "gladly")
    assert (levels(anna), levels(bram)) == ("gladly", "gladly")
    part(bram)
    assert (levels(anna), levels(bram)) == ("gladly" if turned else "never", "gladly")


def test_a_call_is_refused_by_the_word_of_the_other(cases: tuple[Case, Case], agent: User) -> None:
    anna, bram = (case.customer for case in cases)
    holding.hold(anna, Identity.of("phone", "+31201112233"), how=Holder.How.STAFF)
    for customer in (anna, bram):
        say(customer, "gladly", "phone")
    join(anna, bram)
    case = Case.objects.get(pk=cases[1].pk)  # Bram's case reaches Anna's number
    sent = dispatch.reply(case=case, staff=agent, text="Hello", kind="phone", why_text="Asked.")
    assert sent.identity is not None and sent.identity.value == "+31201112233"
    part(anna)
    say(anna, "never", "phone")
    join(anna, bram)
    with pytest.raises(dispatch.Refusal) as refused:
        fresh = Case.objects.get(pk=cases[1].pk)
        dispatch.reply(case=fresh, staff=agent, text="Hello", kind="phone", why_text="Asked.")
    assert refused.value.refused.why.code == "no_calls"
    assert isinstance(refused.value.refused, routing.Refused)


def test_another_mail_address_does_not_weaken_a_never(cases: tuple[Case, Case]) -> None:
    anna = cases[0].customer
    say(anna, "never", "phone")
    holding.hold(anna, Identity.of("email", "second@example.org"), how=Holder.How.STAFF)
    assert levels(anna, "phone") == "never"


def test_both_are_found_by_the_name_of_either(cases: tuple[Case, Case]) -> None:
    anna, bram = (case.customer for case in cases)
    assert set(search.cases("Bram")) == {cases[1]}
    join(bram, anna)
    for query in ("Anna", "Bram", BRAM, ANNA):
        assert set(search.cases(query)) == set(cases), query


def test_an_address_of_several_people_signs_nobody_in(cases: tuple[Case, Case]) -> None:
    anna, bram = (case.customer for case in cases)
    shared = Identity.of("email", "home@example.org")
    for customer in (anna, bram):
        holding.hold(customer, shared, how=Holder.How.CODE, proved=True)
    browser = Client()
    browser.post("/sign-in/", {"email": "home@example.org"})
    answer = browser.post("/sign-in/code/", {"code": newest_code("sign_in").plain})
    assert answer["Location"] == "/sign-in/"
    assert browser.get("/questions/")["Location"] == "/sign-in/"
    assert "Several people use this address" in browser.get("/sign-in/").content.decode()
    for case in cases:
        assert browser.get(f"/q/{case.reference}/").status_code == 404
    join(bram, anna)  # now they are one
    sign_in(browser, "home@example.org")
    page = browser.get("/questions/").content.decode()
    assert all(case.reference in page for case in cases)


def join_all_at_once(people: list[Customer]) -> list[object]:
    """Three join each other in a circle, and one the other way round."""
    pairs = [(0, 1), (1, 2), (2, 0), (1, 0)]
    return in_threads(4, lambda n: join(people[pairs[n][0]], people[pairs[n][1]]))


def part_all_at_once(joined: list[Customer]) -> list[object]:
    """Whoever is joined is taken out, all in the same moment."""
    return in_threads(len(joined), lambda n: part(joined[n]))


@pytest.mark.django_db(transaction=True)
def test_those_who_are_joined_at_once_make_no_circle() -> None:
    organisation = shop.make_shop()
    people = [ask(organisation, f"p{n}@example.org").customer for n in range(3)]
    for _round in range(4):
        faults = [row for row in join_all_at_once(people) if isinstance(row, Exception)]
        assert all(isinstance(fault, ValueError) for fault in faults), faults
        rows = {row.pk: row for row in Customer.objects.all()}
        for row in rows.values():
            top, steps = row, 0
            while top.merged_into_id:
                top, steps = rows[top.merged_into_id], steps + 1
                assert steps < 4
            assert row.root_id == (top.pk if top != row else None)
        joined = [row for row in rows.values() if row.merged_into_id]
        assert joined
        assert part_all_at_once(joined) == [None] * len(joined)
        assert not Customer.objects.exclude(root=None).exists()

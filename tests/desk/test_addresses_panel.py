"""The addresses on the case page, their proof, and the one that mail came back from."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import routing, switching
from contacts.models import Case, Event, Holder, Identity, Message, User
from portal.desk import addresses, composer
from tests.desk.conftest import MakeCase


def page_of(desk: Client, case: Case) -> str:
    """The case page."""
    return desk.get(f"/admin/cases/{case.reference}/").content.decode()


def switch_to(case: Case, number: str = "020 111 22 33") -> Identity:
    """The customer goes on by phone, at a number that was not known."""
    identity = Identity.of("phone", number)
    switching.switch(case=case, kind="phone", identity=identity)
    case.refresh_from_db()
    return identity


def test_a_number_given_by_switching_is_listed_unproved(desk: Client, case: Case) -> None:
    number = switch_to(case)
    assert not Holder.objects.filter(identity=number).exists()
    known = {row.identity: row for row in addresses.of(case)}
    assert set(known) == {number, Identity.objects.get(value="sam@example.org")}
    assert not known[number].is_proved
    assert f"{number}</span>" in page_of(desk, case) and "given in this case" in page_of(desk, case)


def test_an_address_of_another_case_is_not_listed(make_case: MakeCase) -> None:
    case, foreign = make_case(), make_case("Other", address="else@example.org")
    number = switch_to(foreign)
    assert number not in {row.identity for row in addresses.of(case)}


def test_a_code_that_came_back_proves_it_for_the_case(desk: Client, case: Case) -> None:
    number = switch_to(case)
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": number.pk}))
    first = addresses.of(case)[0]
    assert first.is_proved and first.identity == number
    assert "proved with a code on " in first.proof and first.proof in page_of(desk, case)


def test_the_composer_says_that_nobody_proved_the_address(desk: Client, case: Case) -> None:
    words = "Nobody has proved this address yet."
    assert composer.way_of(case).is_unproved and words in page_of(desk, case)
    Holder.objects.get().prove(Holder.How.CODE)
    assert not composer.way_of(case).is_unproved and words not in page_of(desk, case)


def test_the_proof_of_another_customer_counts_for_nobody_else(
    case: Case, make_case: MakeCase
) -> None:
    other = make_case("Other", address="else@example.org")
    number = switch_to(case)
    Holder.objects.create(customer=other.customer, identity=number, proved_at=timezone.now())
    assert composer.way_of(case).is_unproved


def test_what_needs_no_address_has_nothing_to_prove(make_case: MakeCase) -> None:
    assert not composer.way_of(make_case(kind="account", address="")).is_unproved


def test_the_composer_says_what_a_letter_adds(desk: Client, make_case: MakeCase) -> None:
    words = "The letter adds"
    assert words not in page_of(desk, make_case())
    assert words in page_of(desk, make_case(kind="letter", address="Kade 1\n1000 AA Stad"))


def use_again(desk: Client, case: Case, identity: Identity) -> int:
    """Press *Use again*."""
    url = reverse("admin:case_use_again", args=[case.reference, identity.pk])
    return desk.post(url, {"kind": "email"}).status_code


def test_an_address_that_bounced_is_used_again(desk: Client, agent: User, case: Case) -> None:
    identity = Identity.objects.get()
    identity.close("email", Identity.BOUNCED)
    case.refresh_from_db()
    answer = Message(case=case, direction=Message.Direction.OUT)
    assert isinstance(routing.route(answer, timezone.now()), routing.Refused)
    assert "Use again" in page_of(desk, case)
    for _n in range(2):
        assert use_again(desk, case, identity) == 302
    identity.refresh_from_db()
    event = Event.objects.get(sort=Event.Sort.ADDRESS)
    assert identity.is_usable_by("email") and event.staff == agent
    body = page_of(desk, case)
    assert "Anna says that this address works again: sam@example.org." in body
    assert "Use again" not in body


def test_a_foreign_or_blocked_address_stays_as_it_is(
    desk: Client, case: Case, make_case: MakeCase
) -> None:
    make_case("Other", address="else@example.org")
    foreign = Identity.objects.get(value="else@example.org")
    foreign.close("email", Identity.BOUNCED)
    assert use_again(desk, case, foreign) == 404
    foreign.refresh_from_db()
    assert not foreign.is_usable_by("email")
    Identity.objects.update(closed={}, blocked_at=timezone.now())
    assert "wants no messages here" in page_of(desk, case)
    assert "Use again" not in page_of(desk, case)

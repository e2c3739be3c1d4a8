"""Perhaps the same person: proposed from proofs alone, looked at, joined, kept apart, parted."""

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import switching
from channels_app.models import Channel
from contacts import holding, services
from contacts.models import Case, Choice, Consent, Customer, Event, Holder, Identity, User
from portal.desk import addresses, same
from tests.desk.conftest import MakeCase

NUMBER = "+31612345678"


@pytest.fixture
def other(make_case: MakeCase) -> Case:
    """The case of somebody else."""
    return make_case("Where is my lease?", address="lee@example.org", name="Lee Moor")


@pytest.fixture
def both_proved(case: Case, other: Case) -> Identity:
    """A number that both showed to be theirs."""
    number = Identity.of("phone", NUMBER)
    for row in (case, other):
        holding.hold(row.customer, number, how=Holder.How.CODE, proved=True)
    return number


def page_of(desk: Client, case: Case) -> str:
    """The case page."""
    return desk.get(f"/admin/cases/{case.reference}/").content.decode()


def press(desk: Client, name: str, case: Case, customer: Customer, **data: str) -> str:
    """Press a button; the page that follows."""
    url = reverse(f"admin:{name}", args=[case.reference, customer.pk])
    return desk.post(url, data, follow=True).content.decode()


def proposed(case: Case) -> list[str]:
    """Who is perhaps the same person."""
    fresh = Case.objects.select_related("customer__root").get(pk=case.pk)
    return [row.name for row in same.proposals(fresh, addresses.of(fresh))]


def test_what_both_proved_is_proposed_to_both(
    desk: Client, case: Case, other: Case, both_proved: Identity
) -> None:
    assert (proposed(case), proposed(other)) == (["Lee Moor"], ["Sam Sample"])
    body = page_of(desk, case)
    assert "Perhaps the same person: <strong>Lee Moor</strong>" in body
    assert f"(both proved {both_proved})" in body


@pytest.mark.parametrize("how", [Holder.How.TYPED, Holder.How.STAFF, Holder.How.WROTE])
def test_what_somebody_typed_proposes_nothing(case: Case, other: Case, how: str) -> None:
    number = Identity.of("phone", NUMBER)
    holding.hold(case.customer, number, how=Holder.How.CODE, proved=True)
    holding.hold(other.customer, number, how=how)
    assert proposed(case) == proposed(other) == []


def test_a_proved_address_of_another_that_joined_by_a_code_is_proposed(
    case: Case, other: Case
) -> None:
    number = Identity.of("phone", NUMBER)
    holding.hold(other.customer, number, how=Holder.How.CODE, proved=True)
    switching.switch(case=case, kind="phone", identity=number)
    assert proposed(case) == []  # typed here: it may be anybody's
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": number.pk}))
    assert proposed(case) == ["Lee Moor"]


def test_no_is_remembered_in_every_case_of_both(
    desk: Client, case: Case, other: Case, both_proved: Identity, make_case: MakeCase
) -> None:
    assert "stay two people" in press(desk, "case_not_same", case, other.customer)
    assert "Perhaps the same person" not in page_of(desk, case)
    press(desk, "case_not_same", case, other.customer)  # a second click is none
    assert proposed(other) == proposed(make_case("One more")) == []
    assert Event.objects.filter(sort=Event.Sort.PEOPLE).count() == 1
    third = make_case("A third", address="third@example.org", name="Third")
    holding.hold(third.customer, both_proved, how=Holder.How.CODE, proved=True)
    assert proposed(case) == ["Third"]


def test_a_look_shows_both_and_what_will_hold(
    desk: Client, case: Case, other: Case, both_proved: Identity
) -> None:
    Consent.objects.create(customer=other.customer, kind="sms", level=Consent.Level.NEVER)
    Customer.objects.filter(pk=other.customer_id).update(note="Calls back late", name="<b>Lee</b>")
    url = reverse("admin:case_same", args=[case.reference, other.customer_id])
    body = desk.get(url).content.decode()
    for words in (
        *("Sam Sample", "&lt;b&gt;Lee&lt;/b&gt;", "sam@example.org", "lee@example.org"),
        *(case.reference, other.reference, "Calls back late", "proved with a code on", "typed on"),
        *("SMS: <strong>never</strong>", "Phone: <strong>only if they ask</strong>"),
    ):
        assert words in body, words
    assert not Customer.objects.exclude(root=None).exists()


@pytest.mark.parametrize("is_other", [False, True])
def test_joined_under_either_name_and_taken_apart_from_the_page(
    desk: Client, agent: User, case: Case, other: Case, is_other: bool
) -> None:
    goes_on = other.customer if is_other else case.customer
    body = press(desk, "case_same", case, other.customer, **{"as": str(goes_on.pk)})
    joined = Customer.objects.exclude(root=None).get()
    assert joined.top == goes_on and joined != goes_on
    undo = reverse("admin:case_part", args=[case.reference, joined.pk])
    assert body.count(f'action="{undo}"') == 2  # in the message, and for as long as it stands
    assert "are one person" in body and other.reference in body
    services.file_message(case=other, kind="email", text="And this?")
    later = page_of(desk, other)
    assert reverse("admin:case_part", args=[other.reference, joined.pk]) in later
    body = press(desk, "case_part", case, joined)
    assert "is a customer of their own again" in body and "two people" in body
    assert not Customer.objects.exclude(root=None).exists()
    assert "They are not joined." in press(desk, "case_part", case, joined)


def test_into_itself_or_once_more_is_said(desk: Client, case: Case, other: Case) -> None:
    assert "They are one person already." in press(desk, "case_same", case, case.customer)
    press(desk, "case_same", case, other.customer)
    assert "They are one person already." in press(desk, "case_same", case, other.customer)
    assert Customer.objects.exclude(root=None).count() == 1


def test_somebody_else_may_be_named_by_a_case_of_theirs(
    desk: Client, case: Case, other: Case
) -> None:
    url = reverse("admin:case_same_as", args=[case.reference])
    typed = other.reference.lower().replace("-", " ")
    goal = desk.get(url, {"with": typed})["Location"]
    assert goal == reverse("admin:case_same", args=[case.reference, other.customer_id])
    for nonsense in ("ZZZ-ZZZ", "", "\x00"):
        body = desk.get(url, {"with": nonsense}, follow=True).content.decode()
        assert "There is no case with that reference." in body
    assert desk.get(url + "999999999999999999999/").status_code == 404


def test_a_stranger_and_a_customer_press_nothing(case: Case, other: Case) -> None:
    for name in ("case_same", "case_not_same", "case_part"):
        url = reverse(f"admin:{name}", args=[case.reference, other.customer_id])
        assert "/login/" in Client().post(url)["Location"]
    assert not Customer.objects.exclude(root=None).exists()


def test_where_one_wrote_by_a_kind_that_says_who_writes_is_a_proof(case: Case) -> None:
    channel = Channel.objects.create(
        organisation=case.organisation,
        kind="whatsapp",
        provider="whatsapp",
        slug="wa",
        name="wa",
        address="+31201234567",
    )
    number = Identity.of("phone", NUMBER)
    case.append(Choice(kind="whatsapp", identity=number, by=Choice.By.WRITING))
    case.refresh_from_db()
    known = addresses.of(case, [channel])[0]
    assert known.identity == number and known.is_proved
    assert "by WhatsApp on" in known.proof and "which says who writes" in known.proof
    assert not addresses.of(case)[-1].is_proved

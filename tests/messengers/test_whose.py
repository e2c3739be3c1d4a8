"""A number of several people, and one that moves to another: nobody guesses, nothing leaks."""

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import belonging, dispatch, joining, moving, routing
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, Delivery
from contacts import codes, holding, services, whose
from contacts.models import (
    Alert,
    Case,
    Code,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Organisation,
    User,
)
from contacts.viewers import Viewer
from portal import access
from tests.access.test_matrix import browser
from tests.messengers import pocket
from tests.messengers.people import SAM, by_mail, choice_of, own_page, texts


def newest() -> Case:
    """The case that was opened last."""
    return Case.objects.select_related("customer__root").latest("pk")


def now(case: Case) -> Case:
    """As a page reads it."""
    return Case.objects.select_related("root", "customer__root", "choice__identity").get(pk=case.pk)


@pytest.fixture
def desk(agent: User) -> Client:
    """A browser in which an agent is signed in."""
    client = Client()
    client.force_login(agent)
    return client


def press(desk: Client, name: str, case: Case, pk: int) -> str:
    """Press a button of the case page; the page that follows."""
    url = reverse(f"admin:{name}", args=[case.reference, pk])
    return desk.post(url, follow=True).content.decode()


def holder_of(number: Identity, name: str, how: str = Holder.How.CODE) -> Customer:
    """Somebody who has that number too."""
    customer = holding.new_customer(None, name=name, language="en")
    holding.hold(customer, number, how=how, proved=how == Holder.How.CODE)
    return customer


@pytest.fixture
def family(organisation: Organisation) -> tuple[Customer, Customer]:
    """Two people, one number; Bram was only noted by staff."""
    number = Identity.of("phone", SAM)
    anna = holder_of(number, "Anna Vries")
    own_page(organisation, "Anna's own")
    Case.objects.filter(title="Anna's own").update(customer=anna)
    return anna, holder_of(number, "Bram Vries", Holder.How.STAFF)


def test_a_number_of_several_is_nobodys_until_staff_say_so(
    family: tuple[Customer, Customer], whatsapp: Channel, desk: Client
) -> None:
    anna, bram = family
    pocket.write(whatsapp, SAM, "Is it there?")
    case = newest()
    assert case.customer not in family and not case.customer.holders.exists()
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "belongs to several people. Who is it?" in body
    assert "Perhaps the same person" not in body  # one question at a time
    assert "Anna Vries</button>" in body and "Bram Vries</button>" in body
    for one in family:
        assert case not in Case.objects.visible_to(Viewer(customer_id=one.pk))
    body = press(desk, "case_who", case, bram.pk)
    assert now(case).customer.top == bram and "Anna says that this is Bram Vries." in body
    assert "Who is it?" not in body
    assert case in Case.objects.visible_to(Viewer(customer_id=bram.pk))
    assert case not in Case.objects.visible_to(Viewer(customer_id=anna.pk))
    assert "Anna's own" not in browser(customer=bram.pk).get("/questions/").content.decode()
    press(desk, "case_part", case, case.customer_id)
    assert "Who is it?" in desk.get(f"/admin/cases/{case.reference}/").content.decode()
    pocket.write(whatsapp, SAM, "And this?")
    assert texts(case) == ["Is it there?", "And this?"]  # the only one this number wrote in


def test_somebody_else_has_it_too_and_is_asked_for_the_next_time(
    family: tuple[Customer, Customer], whatsapp: Channel, desk: Client, agent: User
) -> None:
    pocket.write(whatsapp, SAM, "Is it there?", sender_name="Cor")
    first = newest()
    assert "is somebody else who has" in press(desk, "case_who", first, 0)
    assert now(first).customer.top == first.customer
    assert "said already who it is" in press(desk, "case_who", first, family[0].pk)
    services.resolve(case=first, by=agent)
    pocket.write(whatsapp, SAM, "Another matter")
    body = desk.get(f"/admin/cases/{newest().reference}/").content.decode()
    assert all(f"{name}</button>" in body for name in ("Anna Vries", "Bram Vries", "Cor"))
    assert Customer.objects.filter(name="Cor").count() == 1


def test_who_is_none_of_them_cannot_be_chosen(
    family: tuple[Customer, Customer], whatsapp: Channel, desk: Client
) -> None:
    stranger = holding.new_customer(None, name="Stranger", language="en")
    pocket.write(whatsapp, SAM, "Is it there?")
    url = reverse("admin:case_who", args=[newest().reference, stranger.pk])
    assert desk.post(url).status_code == 404
    assert now(newest()).customer.root is None


def test_where_one_holds_it_nobody_is_asked(
    organisation: Organisation, whatsapp: Channel, desk: Client
) -> None:
    anna = holder_of(Identity.of("phone", SAM), "Anna Vries")
    pocket.write(whatsapp, SAM, "Is it there?")
    assert newest().customer == anna
    assert "Who is it?" not in desk.get(f"/admin/cases/{newest().reference}/").content.decode()


def test_recording_a_call_lists_all_who_have_the_number(
    family: tuple[Customer, Customer], desk: Client
) -> None:
    body = desk.get(f"/admin/record/?q={SAM.replace('+', '%2B')}").content.decode()
    assert "Anna Vries" in body and "Bram Vries" in body
    chosen = f'value="customer:{family[0].pk}" checked'
    assert chosen not in body


@pytest.fixture
def case(organisation: Organisation, whatsapp: Channel) -> Case:
    """A question by WhatsApp, of Anna, who proved the number."""
    pocket.write(whatsapp, SAM, "Where is my order?", sender_name="Anna")
    number = Identity.objects.get(value=SAM)
    holding.hold(newest().customer, number, how=Holder.How.CODE, proved=True)
    return newest()


def test_a_number_that_moved_reaches_nobody_and_brings_nobody_in(
    case: Case, whatsapp: Channel, desk: Client, agent: User
) -> None:
    number, old = Identity.objects.get(value=SAM), case.customer
    colleague = User.objects.create_user("bo", is_staff=True)
    services.assign(case=case, to=colleague, by=agent)
    waits = dispatch.reply(case=now(case), staff=agent, text="It comes on Monday.")
    body = press(desk, "case_not_theirs", case, number.pk)
    assert "is theirs no more" in body and "not theirs since" in body
    assert not pocket.send_all()
    delivery = Delivery.objects.filter(message=waits).latest("created_at")
    assert (delivery.status, delivery.reason["code"]) == ("failed", "moved")
    assert Event.objects.filter(case=case, sort=Event.Sort.FAILED).exists()
    assert Alert.objects.filter(user=colleague, sort=Alert.Sort.FAILED).exists()
    with pytest.raises(dispatch.Refusal) as refused:
        dispatch.reply(case=now(case), staff=agent, text="Hello?")
    assert refused.value.refused.why.code == "moved"
    # Somebody else has it now.
    pocket.write(whatsapp, SAM, "Hello, I am new here", sender_name="Cor")
    assert newest() != case and newest().customer != old and newest().may_belong_to is None
    assert texts(case) == ["Where is my order?"]
    dispatch.reply(case=newest(), staff=agent, text="Welcome")
    sent = pocket.send_all()
    assert [out.to for out in sent] == [SAM] and "Welcome" in sent[0].text
    assert case.reference not in sent[0].text and "order" not in sent[0].text
    # The old one's own page stays theirs, and offers the number no more.
    assert number not in access.known_identities(Viewer(customer_id=old.pk), now(case))
    page = browser(customer=old.pk).get(f"/q/{case.reference}/")
    assert page.status_code == 200 and "is no longer yours" in page.content.decode()
    new = browser(customer=newest().customer_id)
    assert new.get(f"/q/{case.reference}/").status_code == 404


def test_it_is_theirs_after_all(case: Case, whatsapp: Channel, desk: Client, agent: User) -> None:
    number = Identity.objects.get(value=SAM)
    before = list(Holder.objects.order_by("pk").values())
    for _time in range(2):
        press(desk, "case_not_theirs", case, number.pk)
    body = press(desk, "case_theirs", case, number.pk)
    assert "is theirs again" in body and "not theirs since" not in body
    assert list(Holder.objects.order_by("pk").values()) == before
    pocket.write(whatsapp, SAM, "And?")
    assert texts(case) == ["Where is my order?", "And?"]
    dispatch.reply(case=now(case), staff=agent, text="On Monday")
    assert "On Monday" in "".join(out.text for out in pocket.send_all())


def test_a_number_that_only_a_case_used_ends_and_comes_back_as_it_was(
    organisation: Organisation, whatsapp: Channel, agent: User
) -> None:
    case = own_page(organisation)
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
    number = Identity.objects.get(value=SAM)
    assert not Holder.objects.filter(identity=number).exists()
    assert moving.end(case.customer, number, by=agent, case=now(case))
    assert not moving.end(case.customer, number, by=agent, case=now(case))
    pocket.write(whatsapp, SAM, "Who are you?")
    assert texts(case) == ["My kettle leaks", ""] and newest() != case
    assert moving.give_back(case.customer, number, by=agent, case=now(case))
    assert Holder.objects.filter(identity=number).exclude(customer=newest().customer).count() == 0
    assert not whose.is_gone(now(case), Identity.objects.get(pk=number.pk))


def test_who_proves_it_anew_in_the_case_has_it_again(
    case: Case, whatsapp: Channel, agent: User
) -> None:
    number = Identity.objects.get(value=SAM)
    moving.end(case.customer, number, by=agent, case=case)
    number.refresh_from_db()
    assert whose.is_gone(now(case), number)
    pocket.write(whatsapp, SAM, joining.invite(now(case), whatsapp).text)
    pocket.write(whatsapp, SAM, "yes")
    assert not whose.is_gone(now(case), number) and choice_of(case) == ("whatsapp", SAM)
    pocket.write(whatsapp, SAM, "It is me")
    assert texts(case)[-1] == "It is me"
    message = Message(case=now(case), direction=Message.Direction.OUT)
    assert isinstance(routing.route(message, case.opened_at), routing.Route)


def test_a_code_used_before_it_moved_brings_nobody_in(
    organisation: Organisation, whatsapp: Channel, agent: User
) -> None:
    case = own_page(organisation)
    text = joining.invite(case, whatsapp).text
    pocket.write(whatsapp, SAM, text)
    assert Code.objects.filter(purpose=codes.JOIN).exclude(redeemed_at=None).exists()
    number = Identity.objects.get(value=SAM)
    moving.end(case.customer, number, by=agent, case=now(case))
    pocket.write(whatsapp, SAM, text + " And who am I?")
    assert texts(case) == ["My kettle leaks", ""]


def test_a_mailbox_that_moved_proves_nothing_by_its_reply_address(
    organisation: Organisation, desk: Client, agent: User
) -> None:
    case = by_mail(organisation, "sam@example.org")
    mailbox, channel = Identity.objects.get(), Channel.objects.get(slug="email")
    mac = services.reply_code(case).plain
    mail = Inbound("1", "1", "email", mailbox.value, text="Hi", reply_codes=(mac,))
    assert belonging.by_reply(channel, mail, mailbox) == case
    press(desk, "case_not_theirs", case, mailbox.pk)
    mailbox.refresh_from_db()
    assert belonging.by_reply(channel, mail, mailbox) is None


def test_who_removes_an_address_is_not_answered_there(
    organisation: Organisation, case: Case, agent: User
) -> None:
    own = Identity.of("email", "anna@example.org")
    holding.hold(case.customer, own, how=Holder.How.CODE, proved=True)
    holder = Holder.objects.get(identity__value=SAM)
    client = browser(customer=case.customer_id)
    assert client.post(f"/preferences/addresses/{holder.pk}/remove/").status_code == 302
    with pytest.raises(dispatch.Refusal):
        dispatch.reply(case=now(case), staff=agent, text="Hello?")
    assert Event.objects.filter(case=case, sort=Event.Sort.ADDRESS).exists()


def test_a_foreign_address_cannot_be_ended(case: Case, desk: Client) -> None:
    foreign = Identity.of("phone", "+31699999999")
    for name in ("case_not_theirs", "case_theirs"):
        url = reverse(f"admin:{name}", args=[case.reference, foreign.pk])
        assert desk.post(url).status_code == 404
    assert not Holder.objects.filter(identity=foreign).exists()

"""Rule (c): what an address writes without a code, and a message out of the blue."""

import pytest
from django.test import Client

from channels_app import joining, switching
from channels_app.models import Channel, Delivery
from contacts import merging, services, whose
from contacts.models import Case, Event, Identity, Message, Organisation, User
from portal.desk.channel_form import ChannelForm
from tests.messengers import pocket
from tests.messengers.people import SAM, choice_of, known, own_page, texts


def newest() -> Case:
    """The case that was opened last."""
    return Case.objects.latest("pk")


def test_out_of_the_blue_a_case_is_opened_in_the_senders_language(whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "Mijn ketel lekt en ik heb geen warm water", sender_name="Sam")
    case = newest()
    assert (case.language, case.customer.name, case.title) == (
        "nl",
        "Sam",
        "Mijn ketel lekt en ik heb geen warm water",
    )
    assert choice_of(case) == ("whatsapp", SAM)
    said = Message.objects.get(template="acknowledgement")
    assert (said.kind, said.deliveries.get().channel) == ("whatsapp", whatsapp)
    assert said.deliveries.get().status == Delivery.Status.QUEUED


@pytest.mark.parametrize(("kind", "is_warned"), [("whatsapp", False), ("sms", True)])
def test_staff_are_warned_only_where_a_sender_can_be_forged(
    organisation: Organisation, agent: User, kind: str, is_warned: bool
) -> None:
    pocket.write(pocket.channel(organisation, kind), SAM, "My kettle leaks")
    desk = Client()
    desk.force_login(agent)
    page = desk.get(f"/admin/cases/{newest().reference}/").content.decode()
    assert ("Nobody has proved this address yet." in page) == is_warned


@pytest.mark.parametrize(("told", "language"), [("nl", "nl"), ("en", "en"), ("fr", "en")])
def test_where_words_do_not_tell_the_telephone_does(
    whatsapp: Channel, told: str, language: str
) -> None:
    pocket.write(whatsapp, SAM, "Vraag 12?", language=told)
    assert (newest().language, newest().customer.language) == (language, language)


def test_a_picture_without_words_has_a_title(whatsapp: Channel) -> None:
    file = {"name": "leak.jpg", "type": "image/jpeg", "content": "/9j/", "id": ""}
    pocket.write(whatsapp, SAM, "", files=[file])
    assert newest().title == "leak.jpg"


def test_the_next_message_joins_the_only_open_case(whatsapp: Channel) -> None:
    for text in ("My kettle leaks", "And its lid is loose"):
        pocket.write(whatsapp, SAM, text)
    assert texts(Case.objects.get()) == ["My kettle leaks", "And its lid is loose"]


def test_also_after_a_join(organisation: Organisation, whatsapp: Channel) -> None:
    case = own_page(organisation)
    pocket.write(whatsapp, SAM, joining.invite(case, whatsapp).text)
    pocket.write(whatsapp, SAM, "Its lid is loose")
    assert Case.objects.count() == 1 and texts(case)[-1] == "Its lid is loose"


def test_an_address_that_staff_only_noted_joins_nothing(
    organisation: Organisation, whatsapp: Channel
) -> None:
    identity = known(SAM)
    case = own_page(organisation)
    services.file_message(case=case, kind="phone", text="Called", identity=None)
    pocket.write(whatsapp, SAM, "Hello")
    assert Case.objects.count() == 2 and newest().customer.holders.get().identity == identity


def test_cases_that_were_joined_are_one(whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "One")
    first = newest()
    services.resolve(case=first)
    pocket.write(whatsapp, SAM, "Two")
    merging.join(case=newest(), into=first, by=None)
    pocket.write(whatsapp, SAM, "Three")
    assert Case.objects.count() == 2 and texts(first) == ["One", "Two", "Three"]


def test_a_number_by_sms_joins_only_where_an_administrator_allows_it(sms: Channel) -> None:
    for text in ("One", "Two"):
        pocket.write(sms, SAM, text)
    first, second = Case.objects.order_by("pk")
    assert second.may_belong_to == first
    services.resolve(case=second)
    sms.appends_by_sender = True
    sms.save()
    pocket.write(sms, SAM, "Three")
    assert texts(first) == ["One", "Three"]


def chosen(organisation: Organisation, *, proved: bool) -> Case:
    """A case that is to be answered by SMS to Sam's number, whose code was typed or not."""
    case, identity = own_page(organisation), Identity.of("phone", SAM)
    if not Channel.objects.filter(kind="sms").exists():
        pocket.channel(organisation, "sms")
    if proved:
        case.append(Event(sort=Event.Sort.PROVED, data={"identity": identity.pk}))
    switching.switch(case=case, kind="sms", identity=identity)
    return case


@pytest.mark.parametrize("proved", [True, False])
@pytest.mark.parametrize("kind", ["sms", "whatsapp"])
def test_whose_code_was_typed_back_answers_us_there(
    organisation: Organisation, kind: str, proved: bool
) -> None:
    channel, case = pocket.channel(organisation, kind), chosen(organisation, proved=proved)
    Channel.objects.filter(pk=channel.pk).update(appends_by_sender=kind == "sms")
    pocket.write(channel, SAM, "Tuesday is fine")
    assert Case.objects.count() == (1 if proved else 2)
    assert texts(case)[1:] == (["Tuesday is fine"] if proved else [])
    assert choice_of(case) == (kind if proved else "sms", SAM)


def test_where_an_sms_is_not_believed_staff_read_to_what_it_may_belong(
    organisation: Organisation, sms: Channel
) -> None:
    case = chosen(organisation, proved=True)
    pocket.write(sms, SAM, "Tuesday is fine")
    assert newest() != case and newest().may_belong_to == case


def test_a_code_of_before_the_number_moved_says_nothing(
    organisation: Organisation, whatsapp: Channel
) -> None:
    case = chosen(organisation, proved=True)
    whose.end(case.customer, Identity.of("phone", SAM))
    pocket.write(whatsapp, SAM, "Hello, this number is mine now")
    assert newest() != case and newest().may_belong_to is None


def test_a_code_typed_on_the_page_of_a_case_that_was_joined(
    organisation: Organisation, whatsapp: Channel
) -> None:
    first, second = own_page(organisation), own_page(organisation)
    merging.join(case=second, into=first, by=None)
    second = Case.objects.get(pk=second.pk)
    identity = Identity.of("phone", SAM)
    second.append(Event(sort=Event.Sort.PROVED, data={"identity": identity.pk}))
    switching.switch(case=second, kind="whatsapp", identity=identity)
    pocket.write(whatsapp, SAM, "Tuesday is fine")
    assert Case.objects.count() == 2 and texts(first)[-1] == "Tuesday is fine"


def test_a_number_in_every_spelling_is_one(whatsapp: Channel) -> None:
    for spelled in ("+31 6 12345678", "0612345678", "+31612345678"):
        pocket.write(whatsapp, spelled, "Hello")
    assert Identity.objects.filter(scheme="phone").count() == 1 and Case.objects.count() == 1


@pytest.mark.parametrize("sender", ["not a number", ""])
def test_a_sender_that_is_none_waits_for_staff(whatsapp: Channel, sender: str) -> None:
    event = pocket.write(whatsapp, sender, "Hello")
    assert event.state == event.State.QUARANTINED and not Case.objects.exists()


def test_who_writes_from_there_is_there_again(whatsapp: Channel, sms: Channel) -> None:
    identity = known(SAM)
    identity.close("whatsapp", Identity.BOUNCED)
    identity.close("sms", Identity.BOUNCED)
    pocket.write(whatsapp, SAM, "Hello")
    pocket.write(sms, SAM, "Hello")
    identity.refresh_from_db()
    assert list(identity.closed) == ["sms"]  # a forged sender opens nothing


@pytest.mark.parametrize(("kind", "offered"), [("sms", True), ("whatsapp", False)])
def test_an_administrator_is_asked_only_where_numbers_can_be_forged(
    organisation: Organisation, kind: str, offered: bool
) -> None:
    fields = ChannelForm(instance=pocket.channel(organisation, kind)).fields
    assert ("appends_by_sender" in fields) == offered


def test_mail_is_no_number(organisation: Organisation) -> None:
    form = ChannelForm(instance=Channel.objects.get(slug="email"))
    assert "appends_by_sender" not in form.fields

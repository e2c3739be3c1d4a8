"""The reply window of a messenger: asked when an answer is written, and again before it goes."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from channels_app import dispatch, routing
from channels_app.models import Channel, Delivery, InboundItem, Template
from contacts.models import Case, Choice, Event, Message, User
from tests.rendering.conftest import MakeCase, send_all, wrote

DAY, MOMENT = timedelta(hours=24), timedelta(microseconds=1)
Asked = routing.Route | routing.Refused


def ask(case: Case, now: datetime) -> Asked:
    return routing.route(Message(case=case, direction="out", language=case.language), now)


def approve(language: str = "en", state: str = "approved") -> Template:
    channel = Channel.objects.get(kind="whatsapp")
    body = "You have an answer to {{1}}. Read it: {{2}} ."
    return Template.objects.create(
        channel=channel, name=f"answer_{language}", language=language, body=body, state=state
    )


def later(item: InboundItem, by: timedelta) -> None:
    """Time goes by."""
    InboundItem.objects.filter(pk=item.pk).update(created_at=timezone.now() - by)


def test_it_is_open_to_the_last_moment(make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    at = InboundItem.objects.get(pk=wrote("whatsapp").pk).created_at
    inside, outside = ask(case, at + DAY - MOMENT), ask(case, at + DAY)
    assert isinstance(inside, routing.Route) and inside.until == at + DAY
    assert isinstance(outside, routing.Refused)
    assert outside.why.stored == {"code": "window_closed", "kind": "whatsapp", "hours": "24"}
    assert outside.reason == (
        "WhatsApp lets us answer only within 24 hours after the customer wrote there."
        " Choose another way."
    )


def test_who_never_wrote_there_is_not_written_to(make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    wrote("sms")  # the same number, by another channel
    assert isinstance(ask(case, timezone.now()), routing.Refused)


def test_the_last_word_counts(make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp", timedelta(hours=3))
    wrote("whatsapp", timedelta(days=3))
    way = ask(case, timezone.now())
    assert isinstance(way, routing.Route) and way.until is not None
    assert timedelta(hours=20) < way.until - timezone.now() < timedelta(hours=22)


def test_sms_has_none(make_case: MakeCase) -> None:
    way = ask(make_case("sms"), timezone.now())
    assert isinstance(way, routing.Route) and way.until is None


def test_outside_an_approved_text_goes(make_case: MakeCase, agent: User) -> None:
    case, text = make_case("whatsapp"), approve()
    wrote("whatsapp", DAY)
    dispatch.reply(case=case, staff=agent, text="Come at ten.")
    assert Delivery.objects.get().only_notice
    (sent,) = send_all()
    assert sent.approved is not None
    assert (sent.approved.name, sent.approved.language) == (text.name, "en")
    reference, link = sent.approved.values
    assert reference == case.reference and link.startswith("http")
    assert sent.text == f"You have an answer to {reference}. Read it: {link} ."
    assert "ten" not in sent.text and not sent.files


def test_the_customers_language_goes_first(make_case: MakeCase) -> None:
    english, case = approve("en"), make_case("whatsapp", "nl")
    way = ask(case, timezone.now())
    assert isinstance(way, routing.Route) and way.approved == english
    dutch = approve("nl")
    way = ask(case, timezone.now())
    assert isinstance(way, routing.Route) and way.approved == dutch and way.only_notice


@pytest.mark.parametrize("state", ["draft", "rejected"])
def test_a_text_that_is_not_approved_is_not_used(state: str, make_case: MakeCase) -> None:
    approve(state=state)
    assert isinstance(ask(make_case("whatsapp"), timezone.now()), routing.Refused)


def test_it_is_asked_again_before_it_goes(make_case: MakeCase, agent: User) -> None:
    case, item = make_case("whatsapp"), wrote("whatsapp")
    dispatch.reply(case=case, staff=agent, text="Come at ten.")
    later(item, DAY)
    assert not send_all()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason["code"]) == ("failed", "window_closed")
    assert case.events.filter(sort=Event.Sort.FAILED).exists()


def test_what_went_in_the_end_is_written_down(make_case: MakeCase, agent: User) -> None:
    case, item = make_case("whatsapp"), wrote("whatsapp")
    approve()
    dispatch.reply(case=case, staff=agent, text="Come at ten.")
    assert not Delivery.objects.get().only_notice
    later(item, DAY)
    (sent,) = send_all()
    assert sent.approved is not None and Delivery.objects.get().only_notice


def test_the_second_channel_that_was_approved_takes_over(make_case: MakeCase, agent: User) -> None:
    case, item = make_case("whatsapp"), wrote("whatsapp")
    Choice.objects.filter(case=case).update(fallback_kind="account")
    case = Case.objects.get(pk=case.pk)
    dispatch.reply(case=case, staff=agent, text="Come at ten.")
    later(item, DAY)
    assert not send_all()
    second = Delivery.objects.get(role="fallback")
    assert (second.channel.kind, second.status, second.only_notice) == ("account", "sent", False)


def test_a_second_channel_has_its_window_as_well(make_case: MakeCase, agent: User) -> None:
    case, item = make_case("whatsapp"), wrote("whatsapp")
    message = dispatch.reply(case=case, staff=agent, text="Come at ten.")
    Delivery.objects.update(role="fallback")
    later(item, DAY)
    assert not send_all()
    assert message.deliveries.get().reason["code"] == "window_closed"


@pytest.mark.parametrize("body", ["Hello", "{{1}}", "{{1}} {{2}} {{3}}", "{{1}} {{2}} {{name}}"])
def test_a_text_needs_its_two_places(body: str) -> None:
    with pytest.raises(ValidationError):
        Template(name="x", language="en", body=body).clean()
    Template(name="x", language="en", body="{{1}} {{ 2 }} {{1}}").clean()

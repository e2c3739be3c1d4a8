"""The second way: used only where it was approved, and the first one is closed for good (A7)."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from channels_app import dispatch, fallback, routing, switching
from channels_app.models import Channel, Delivery
from contacts import holding, whose
from contacts.models import (
    Case,
    Choice,
    Consent,
    Customer,
    Holder,
    Identity,
    Topic,
    User,
)
from tests import shop, worker
from tests.rendering.conftest import MakeCase, Telephone, send_all, wrote
from tests.rendering.second_ways import (
    DAY,
    MAIL,
    S,
    answer,
    closed_too,
    history,
    moved_on,
    now,
    number,
    routed,
    switched_off_too,
    the_day_is_over,
    unwanted_too,
    with_second,
    words_of,
)
from tests.rendering.second_ways import case as case
from tests.rendering.test_window import approve as approve_text

# Before it is sent: the one place that says which way is routing.


def close_window(_case: Case) -> None:
    the_day_is_over()


def block(_case: Case) -> None:
    Identity.objects.filter(scheme="phone").update(blocked_at=timezone.now())


def bounce(_case: Case) -> None:
    number().close("whatsapp", Identity.BOUNCED)


def stop(_case: Case) -> None:
    number().close("whatsapp", Identity.STOPPED)


FOR_GOOD: dict[Callable[[Case], None], str] = {
    close_window: "window_closed",
    block: "address_dead",
    bounce: "not_reached",
    stop: "stopped",
}


@pytest.mark.parametrize("happens", FOR_GOOD)
def test_where_the_first_way_is_closed_for_good(
    case: Case, sink: shop.Sink, happens: Callable[[Case], None]
) -> None:
    assert isinstance(way := routed(case), routing.Route) and way.channel.kind == "whatsapp"
    happens(case)
    way = routed(case)
    assert isinstance(way, routing.Route) and way.because is not None
    assert (way.channel.kind, way.why, way.because.code) == (
        "email",
        "fallback",
        FOR_GOOD[happens],
    )
    message = answer(case)  # and no reason is asked for
    assert (message.chosen_kind, message.kind, message.why) == ("whatsapp", "email", "fallback")
    assert message.deliveries.get().role == "fallback"
    assert history(case) == ["fell_back"]
    worker.send_due()
    (mail,) = sink.mails
    assert mail["To"] == MAIL
    text = words_of(mail)
    assert text.startswith("We could not reach you by WhatsApp, so this comes by e-mail.\n\nCome.")
    html = words_of(mail, "html")
    assert "We could not reach you by WhatsApp, so this comes by e-mail." in html
    assert not Telephone.sent and message.deliveries.get().status == S.SENT


@pytest.mark.parametrize("happens", FOR_GOOD)
def test_without_an_approval_nothing_else_is_used(
    make_case: MakeCase, happens: Callable[[Case], None]
) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")
    holding.hold(case.customer, Identity.of("email", MAIL), how=Holder.How.CODE, proved=True)
    happens(case)
    assert isinstance(way := routed(case), routing.Refused) and way.why.code == FOR_GOOD[happens]
    with pytest.raises(dispatch.Refusal):
        answer(case)
    assert not Delivery.objects.exists()


def switch_off(case: Case) -> None:
    Channel.objects.filter(kind="whatsapp").update(is_offered=False)


def say_never(case: Case) -> None:
    Choice.objects.filter(case=case).update(kind="sms")
    Consent.objects.create(customer=case.customer, kind="whatsapp", level="never")
    Case.objects.filter(pk=case.pk).update(choice=None)
    Customer.objects.update(
        preferred_kind="whatsapp",
        fallback_kind="email",
        fallback_identity=Identity.of("email", MAIL),
    )


@pytest.mark.parametrize(
    ("happens", "why"), [(switch_off, "switched_off"), (say_never, "unwanted")]
)
def test_what_is_no_failure_for_good_is_refused(
    case: Case, happens: Callable[[Case], None], why: str
) -> None:
    happens(case)
    assert isinstance(way := routed(case), routing.Refused) and way.why.code == why


def test_an_approved_text_goes_before_the_second_way(case: Case) -> None:
    approve_text()
    the_day_is_over()
    assert isinstance(way := routed(case), routing.Route) and way.approved is not None
    assert way.channel.kind == "whatsapp"


def test_an_agents_own_other_way_has_no_second_one(case: Case) -> None:
    number().close("sms", Identity.BOUNCED)
    assert isinstance(routed(case, kind="sms"), routing.Refused)


@pytest.mark.parametrize("happens", [closed_too, unwanted_too, switched_off_too, moved_on])
def test_a_second_way_that_is_closed_too_is_none(
    case: Case, happens: Callable[[Case], None]
) -> None:
    the_day_is_over()
    happens(case)
    assert isinstance(way := routed(case), routing.Refused)
    assert way.why.code == "window_closed"  # of the first way: that is what staff can mend


def test_a_first_way_that_moved_to_somebody_else_is_over_for_good(case: Case) -> None:
    whose.end(case.customer, number())
    assert isinstance(way := routed(case), routing.Route)
    assert way.because is not None and way.because.code == "moved"


def test_a_second_way_has_its_window_too(make_case: MakeCase) -> None:
    case = make_case("sms")
    number().close("sms", Identity.STOPPED)
    item = wrote("whatsapp")
    fallback.approve(case=case, kind="whatsapp", identity=number())
    assert isinstance(way := routed(case), routing.Route) and way.channel.kind == "whatsapp"
    item.__class__.objects.update(created_at=timezone.now() - DAY)
    assert isinstance(routed(case), routing.Refused)


@pytest.mark.parametrize(("level", "rings"), [("never", False), ("on_request", True)])
def test_who_said_never_is_not_called(
    make_case: MakeCase, agent: User, level: str, rings: bool
) -> None:
    case = make_case("whatsapp")
    Consent.objects.create(customer=case.customer, kind="phone", level=level)
    fallback.approve(case=case, kind="phone", identity=number())
    way = routed(case)  # they never wrote there
    assert isinstance(way, routing.Route) is rings
    if rings:
        answer(case)
        assert Delivery.objects.to_do().get().channel.kind == "phone"


def test_the_cases_own_goes_before_the_customers(make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    other = Identity.of("email", "other@example.org")
    Customer.objects.update(fallback_kind="email", fallback_identity=other)
    assert isinstance(way := routed(case), routing.Route) and way.identity == other
    case = with_second(case)
    assert isinstance(way := routed(case), routing.Route) and str(way.identity) == MAIL
    fallback.approve(case=case, kind="")
    assert isinstance(way := routed(case), routing.Route) and way.identity == other
    fallback.approve(case=now(case), kind="whatsapp", identity=number())  # is its first one
    assert isinstance(way := routed(case), routing.Route) and way.identity == other


def test_who_goes_on_by_the_second_way_has_no_second_one(case: Case) -> None:
    Customer.objects.update(fallback_kind="sms", fallback_identity=number())
    switching.switch(case=case, kind="email", identity=Identity.of("email", MAIL))
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)
    way = routed(case)  # but for the one that they prefer in all their questions
    assert isinstance(way, routing.Route) and way.channel.kind == "sms"


def test_a_sensitive_answer_stays_on_the_page_by_the_second_way_as_well(
    case: Case, sink: shop.Sink
) -> None:
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="invoice"))
    the_day_is_over()
    answer(case)
    worker.send_due()
    text = words_of(sink.mails[0])
    assert text.startswith("We could not reach you by WhatsApp") and "Come." not in text
    assert "it is on your own page" in text


def test_a_text_says_it_too_within_its_length(make_case: MakeCase) -> None:
    case = make_case("whatsapp", "nl")
    fallback.approve(case=case, kind="sms", identity=number())
    answer(case)
    (sent,) = send_all()
    first, _empty, second = sent.text.split("\n")[:3]
    assert "WhatsApp" in first and second == "Come."
    dispatch.reply(case=now(case), staff=None, text="Word " * 85)  # three SMS, but for that line
    assert Delivery.objects.latest("created_at").only_notice

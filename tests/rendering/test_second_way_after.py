"""The second way, after the first one failed; what changes in between; tries that are repeated."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from channels_app import dispatch, fallback, routing, sending, switching
from channels_app.adapters.base import (
    Outbound,
    RecipientGone,
    Rejected,
    Sent,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.email import EmailAdapter
from channels_app.models import Attempt, Delivery
from contacts import holding, services
from contacts.models import (
    Alert,
    Case,
    Choice,
    Customer,
    Event,
    Holder,
    Identity,
    User,
)
from tests import shop, worker
from tests.rendering.conftest import MakeCase, Telephone, send_all, wrote
from tests.rendering.second_ways import (
    MAIL,
    Fails,
    S,
    answer,
    closed_too,
    history,
    moved_on,
    now,
    number,
    report,
    routed,
    the_day_is_over,
    unwanted_too,
    with_second,
)
from tests.rendering.second_ways import case as case
from tests.rendering.second_ways import fails as fails

# After it failed.


@pytest.mark.parametrize("error", [Rejected("no"), RecipientGone("nobody")])
def test_a_final_failure_falls_back(case: Case, sink: shop.Sink, fails: Fails, error: Any) -> None:
    fails(error)
    message = answer(case)
    worker.send_due()
    first, second = message.deliveries.order_by("created_at")
    assert (first.status, second.status, second.role) == (S.FAILED, S.QUEUED, "fallback")
    assert second.replaces == first and history(case) == ["failed", "fell_back"]
    message.refresh_from_db()
    assert (message.chosen_kind, message.kind, message.why) == ("whatsapp", "email", "fallback")
    worker.send_due()
    assert len(sink.mails) == 1 and now(case).waiting_since is None
    assert number().is_usable_by("whatsapp") is not isinstance(error, RecipientGone)


def test_what_may_have_arrived_does_not_fall_back(
    case: Case, sink: shop.Sink, fails: Fails
) -> None:
    fails(Uncertain("lost the line"))
    message = answer(case)
    for _n in range(2):
        worker.send_due()
    assert message.deliveries.get().status == S.UNCERTAIN and not sink.mails
    assert history(case) == ["uncertain"]


def test_what_may_still_go_does_not_fall_back(case: Case, sink: shop.Sink, fails: Fails) -> None:
    fails(Unavailable("busy"))
    message = answer(case)
    worker.send_due()
    assert message.deliveries.get().status == S.QUEUED and not sink.mails


def test_one_failure_told_twice_falls_back_once(case: Case, sink: shop.Sink) -> None:
    message = answer(case)
    send_all()
    (first,) = message.deliveries.all()
    for status in ("failed", "returned", "failed", "delivered"):
        report(str(first.pk), status=status, gone=True)
    assert message.deliveries.count() == 2 and history(case) == ["failed", "fell_back"]
    worker.send_due()
    assert len(sink.mails) == 1


def test_a_late_bounce_of_what_was_delivered_falls_back(case: Case, sink: shop.Sink) -> None:
    message = answer(case)
    send_all()
    (first,) = message.deliveries.all()
    services.resolve(case=now(case))
    for status in ("delivered", "returned"):
        report(str(first.pk), status=status, gone=True)
    worker.send_due()
    assert len(sink.mails) == 1 and now(case).state == Case.State.RESOLVED


def test_a_second_way_that_fails_as_well_ends_there(
    case: Case, sink: shop.Sink, fails: Fails
) -> None:
    fails(Rejected("no"))
    sink.answer = "554 no such mailbox"
    message = answer(case)
    Customer.objects.update(fallback_kind="sms", fallback_identity=number())  # no third one
    for _n in range(3):
        worker.send_due()
    assert [d.status for d in message.deliveries.order_by("created_at")] == [S.FAILED, S.FAILED]
    assert history(case) == ["failed", "fell_back", "failed"]
    assert now(case).waiting_since == message.created_at
    assert Alert.objects.filter(sort="failed").count() == 2


# Without an approval: the agent's, who cannot overlook it.


@pytest.mark.parametrize("is_over", [False, True])
def test_without_an_approval_the_case_needs_an_answer_again(
    make_case: MakeCase, fails: Fails, agent: User, is_over: bool
) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")
    holding.hold(case.customer, Identity.of("email", MAIL), how=Holder.How.CODE, proved=True)
    fails(Rejected("no"))
    message = answer(case)
    if is_over:
        services.resolve(case=now(case), by=agent)
    worker.send_due()
    assert message.deliveries.get().status == S.FAILED  # nothing goes to the other address
    case = now(case)
    assert case in Case.objects.waiting() and case.waiting_since == message.created_at
    assert Alert.objects.get().sort == "failed"
    assert case.events.filter(sort=Event.Sort.REOPENED).exists() is is_over


def test_a_later_answer_that_arrived_leaves_nobody_waiting(
    make_case: MakeCase, agent: User
) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")
    first = answer(case).deliveries.get()
    answer(case)
    send_all()
    report(str(first.pk), "returned")
    assert now(case).waiting_since is None
    assert history(case)[-1] == "failed"


def test_an_agents_own_other_way_that_fails_is_the_agents(
    case: Case, sink: shop.Sink, fails: Fails
) -> None:
    fails(Rejected("no"))
    message = answer(case, kind="sms", why_text="It is short.")
    worker.send_due()
    worker.send_due()
    assert message.deliveries.get().status == S.FAILED and not sink.mails
    assert now(case) in Case.objects.waiting()


def test_a_failed_acknowledgement_is_no_answer(
    make_case: MakeCase, fails: Fails, sink: shop.Sink
) -> None:
    fails(Rejected("no"))
    case = with_second(make_case("whatsapp"))
    wrote("whatsapp")
    found = dispatch.acknowledgement(now(case))
    assert found is not None
    message, route = found
    case.append(message)
    dispatch.deliver(message, route)
    worker.send_due()
    assert message.deliveries.get().status == S.FAILED and not sink.mails


def test_an_acknowledgement_takes_no_second_way(make_case: MakeCase) -> None:
    case = with_second(make_case("whatsapp"))  # they never wrote there
    assert isinstance(routed(case), routing.Route)
    assert dispatch.acknowledgement(now(case)) is None


# What changes in between.


def test_a_switch_while_it_fails_is_followed(
    case: Case, monkeypatch: pytest.MonkeyPatch, sink: shop.Sink
) -> None:
    def send(_self: Telephone, outbound: Outbound) -> Sent:
        if not Telephone.sent:
            Telephone.sent.append(outbound)
            switching.switch(case=now(case), kind="sms", identity=number())
            raise Rejected("no")
        Telephone.sent.append(outbound)
        return Sent("x")

    monkeypatch.setattr(Telephone, "send", send)
    message = answer(case)
    for _n in range(2):
        worker.send_due()
    message.refresh_from_db()
    assert (message.kind, message.why) == ("sms", "chosen") and not sink.mails
    assert [d.status for d in message.deliveries.order_by("created_at")] == [S.FAILED, S.SENT]
    assert Telephone.sent[1].text.startswith("Come.")  # what they chose needs no excuse


def test_a_switch_takes_along_what_waits_for_the_second_way(case: Case, sink: shop.Sink) -> None:
    the_day_is_over()
    message = answer(case)
    switching.switch(case=now(case), kind="sms", identity=number())
    worker.send_due()
    assert len(Telephone.sent) == 1 and not sink.mails
    message.refresh_from_db()
    assert (message.kind, message.why) == ("sms", "chosen")


def test_an_approval_that_is_taken_back_stops_what_waits(case: Case, sink: shop.Sink) -> None:
    the_day_is_over()
    message = answer(case)
    fallback.approve(case=now(case), kind="")
    assert message.deliveries.get().status == S.FAILED
    worker.send_due()
    assert not sink.mails and now(case) in Case.objects.waiting()


@pytest.mark.parametrize(
    ("instead", "other"),
    [({"fallback_kind": ""}, None), ({"fallback_kind": "email"}, "other@example.org")],
)
def test_a_preference_that_is_taken_back_stops_what_waits(
    make_case: MakeCase, sink: shop.Sink, instead: dict[str, Any], other: str | None
) -> None:
    case, mail = make_case("whatsapp"), Identity.of("email", MAIL)
    Customer.objects.update(fallback_kind="email", fallback_identity=mail)
    message = answer(case)
    Customer.objects.update(**instead, fallback_identity=other and Identity.of("email", other))
    worker.send_due()
    assert not sink.mails
    assert message.deliveries.get().reason == {"code": "taken_back", "kind": "email"}


def test_a_preference_that_is_taken_back_in_mid_batch_stops_the_rest(
    make_case: MakeCase, sink: shop.Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, mail = [make_case("whatsapp") for _n in range(2)], Identity.of("email", MAIL)
    Customer.objects.update(fallback_kind="email", fallback_identity=mail)
    for one in cases:
        answer(one)
    real = EmailAdapter.send

    def send(self: EmailAdapter, outbound: Outbound) -> Sent:
        Customer.objects.update(fallback_kind="", fallback_identity=None)
        return real(self, outbound)

    monkeypatch.setattr(EmailAdapter, "send", send)
    worker.send_due()
    assert len(sink.mails) == 1
    assert sorted(Delivery.objects.values_list("status", flat=True)) == [S.FAILED, S.SENT]


@pytest.mark.parametrize("happens", [closed_too, unwanted_too, moved_on])
def test_a_no_that_came_meanwhile_holds(
    case: Case, sink: shop.Sink, happens: Callable[[Case], None]
) -> None:
    the_day_is_over()
    message = answer(case)
    happens(case)
    worker.send_due()
    assert not sink.mails and message.deliveries.get().status == S.FAILED
    assert now(case) in Case.objects.waiting()


def test_only_the_next_answer_comes_back_to_the_usual_way(case: Case, sink: shop.Sink) -> None:
    """Its own first way is closed, so that the next answer goes by the second one."""
    number().close("sms", Identity.STOPPED)
    switching.switch(case=case, kind="sms", identity=number(), once=True)
    message = answer(case)
    assert (message.kind, message.chosen_kind) == ("email", "sms")
    choice = now(case).choice
    assert choice is not None and (choice.kind, choice.once) == ("whatsapp", False)
    assert choice.fallback_kind == "email"


def test_an_agent_tries_again_by_the_way_of_today(
    case: Case, agent: User, fails: Fails, sink: shop.Sink
) -> None:
    fails(Rejected("no"))
    sink.answer = "554 no"
    message = answer(case)
    for _n in range(2):
        worker.send_due()
    the_day_is_over()
    sink.answer = "250 OK"
    last = message.deliveries.latest("created_at")
    again = dispatch.try_again(last, agent)
    assert again is not None and (again.channel.kind, again.role) == ("email", "fallback")
    worker.send_due()
    assert len(sink.mails) == 1


def test_approving_changes_nothing_else_of_the_choice(make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    switching.switch(case=case, kind="sms", identity=number(), once=True, by=Choice.By.WRITING)
    before = now(case).choice
    after = with_second(now(case)).choice
    assert before is not None and after is not None and before.pk != after.pk
    for name in ("kind", "identity", "once", "by", "wish", "created_at", "replaces"):
        assert getattr(before, name) == getattr(after, name), name


# One home for tries.


def test_a_receipt_corrects_its_try_and_adds_none(make_case: MakeCase, agent: User) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")
    message = answer(case)
    send_all()
    (first,) = message.deliveries.all()
    assert [(a.number, a.outcome) for a in first.attempts.all()] == [(1, "sent")]
    report(str(first.pk), status="failed", too_late=True)
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.outcome) == (1, "rejected")
    assert attempt.reason == {"code": "provider_window"}


def test_a_receipt_that_overtakes_is_not_contradicted(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")

    def send(_self: Telephone, outbound: Outbound) -> Sent:
        report(outbound.key, status="failed", too_late=True)
        return Sent("x")

    monkeypatch.setattr(Telephone, "send", send)
    message = answer(case)
    worker.send_due()
    assert message.deliveries.get().status == S.FAILED
    assert [a.outcome for a in Attempt.objects.all()] == ["rejected"]


def test_who_answers_late_corrects_the_same_try(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")

    def send(_self: Telephone, _outbound: Outbound) -> Sent:
        Delivery.objects.update(leased_until=timezone.now())
        sending.recover()
        return Sent("x")

    monkeypatch.setattr(Telephone, "send", send)
    message = answer(case)
    worker.send_due()
    assert message.deliveries.get().status == S.SENT
    assert [(a.number, a.outcome) for a in Attempt.objects.all()] == [(1, "sent")]

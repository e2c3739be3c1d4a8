"""The first slice by its services: open, acknowledge, answer, reply by mail, switch."""

import pytest

from channels_app import dispatch, inbound, opening, sending, switching
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, Choice, Event, Holder, Identity, Message, Organisation, User
from tests import shop, worker

S = Delivery.Status
TEXT = "Is the blue bicycle still there?\nI would like to try it."


def open_by_mail(organisation: Organisation, **values: object) -> Case:
    return opening.open_case(
        organisation=organisation,
        text=TEXT,
        came_by="account",
        kind="email",
        address="Sam@Example.org",
        language="en",
        **values,  # type: ignore[arg-type]
    )


def send_all() -> None:
    for delivery in Delivery.objects.filter(status=S.QUEUED).order_by("created_at"):
        sending.deliver(delivery.channel_id)


def receive(raw: bytes, *, to: str = "") -> InboundEvent:
    channel = Channel.objects.get(slug="email")
    event = inbound.receive(channel, Request(body=raw, envelope_to=(to,) if to else ()))
    worker.file(event)
    event.refresh_from_db()
    return event


def test_a_case_from_the_browser_to_the_mailbox_and_back(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    assert case.title == "Is the blue bicycle still there?"
    send_all()
    acknowledgement = sink.mails[0]
    assert acknowledgement["To"] == "sam@example.org"
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert "bicycle" not in sink.raw[0].decode()

    message = dispatch.reply(case=case, staff=agent, text="Yes, it is here.")
    send_all()
    mail = sink.mails[1]
    assert "Yes, it is here." in sink.raw[1].decode()
    assert mail["Subject"] == f"Re: Is the blue bicycle still there? [{case.reference}]"
    assert mail["From"] == "Anna of Test Shop <help@mail.example.org>"
    assert acknowledgement["Message-ID"] in mail["References"]
    delivery = message.deliveries.get()
    assert delivery.status == S.SENT and str(delivery.pk) in mail["Message-ID"]
    case.refresh_from_db()
    assert case.waiting_since is None and case.assignee == agent

    answer = shop.mail(
        sender="Sam <sam@example.org>",
        to=mail["Reply-To"],
        subject=f"Re: {mail['Subject']}",
        text="Great, I come on Friday.\n\nOn Sunday Anna wrote:\n> Yes, it is here.\n",
    )
    event = receive(answer)
    assert event.state == InboundEvent.State.PROCESSED
    came = case.messages.filter(direction="in").latest("pk")
    assert came.text == "Great, I come on Friday."
    assert "> Yes, it is here." in came.whole_text
    assert Holder.objects.proved().filter(identity__value="sam@example.org").count() == 1
    case.refresh_from_db()
    assert case.waiting_since is not None
    assert Case.objects.count() == 1

    switching.switch(case=case, kind="account")
    page = dispatch.reply(case=case, staff=agent, text="Friday is fine.")
    assert page.kind == "account" and page.deliveries.get().status == S.SENT
    assert len(sink.raw) == 2
    assert case.events.filter(sort=Event.Sort.SWITCHED).count() == 1


def test_the_same_mail_by_two_doors_is_one_message(
    organisation: Organisation, sink: shop.Sink
) -> None:
    raw = shop.mail(sender="new@example.org", to=shop.MAILBOX, text="Do you have tyres?")
    receive(raw)
    receive(b"Received: from elsewhere\r\n" + raw)
    assert InboundEvent.objects.count() == 2
    assert Message.objects.filter(direction="in").count() == 1


def test_a_forged_from_with_our_message_id_joins_nothing(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    ours = f"<{message.deliveries.get().pk}@mail.example.org>"
    for sender in ("sam@example.org", "mallory@example.net"):
        raw = shop.mail(sender=sender, to=shop.MAILBOX, text="Ship it elsewhere.", In_Reply_To=ours)
        receive(raw)
    assert case.messages.filter(direction="in").count() == 1
    others = Case.objects.exclude(pk=case.pk)
    assert others.count() == 2
    assert {c.may_belong_to for c in others} == {case}


def test_our_code_from_a_stranger_joins_nothing(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    dispatch.reply(case=case, staff=agent, text="Yes.")
    send_all()
    raw = shop.mail(sender="mallory@example.net", to=sink.mails[-1]["Reply-To"], text="Hi")
    receive(raw)
    assert case.messages.filter(direction="in").count() == 1
    assert Case.objects.exclude(pk=case.pk).get().may_belong_to == case


def test_who_emailed_is_not_called_unless_they_ask(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    with pytest.raises(dispatch.Refusal, match="calls_on_request"):
        dispatch.reply(case=case, staff=agent, text="Ring", kind="phone", why_text="faster")
    phone = Identity.of("phone", "020 123 45 67")
    switching.switch(case=case, kind="phone", identity=phone)
    message = dispatch.reply(case=case, staff=agent, text="Call: it is here.")
    assert message.deliveries.get().status == S.TODO


def test_another_way_needs_a_reason_and_stands_in_the_history(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    with pytest.raises(dispatch.ReasonMissing):
        dispatch.reply(case=case, staff=agent, text="Yes", kind="account")
    message = dispatch.reply(
        case=case, staff=agent, text="Yes", kind="account", why_text="The file is too large"
    )
    assert (message.chosen_kind, message.kind, message.why) == ("email", "account", "override")
    assert case.events.get(sort=Event.Sort.OVERRIDDEN).data["why"] == "The file is too large"


def test_what_is_queued_follows_the_switch_once(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    choice = switching.switch(case=case, kind="account")
    states = sorted(message.deliveries.values_list("status", "channel__kind"))
    assert states == [("cancelled", "email"), ("sent", "account")]
    back = switching.undo(case=case, choice=choice)
    assert back is not None and back.kind == "email"
    send_all()
    assert not any("Yes." in raw.decode() for raw in sink.raw)


def test_only_the_next_answer_comes_back_by_itself(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    switching.switch(case=case, kind="account", once=True)
    first = dispatch.reply(case=case, staff=agent, text="One")
    second = dispatch.reply(case=case, staff=agent, text="Two")
    assert (first.kind, first.why, second.kind) == ("account", "once", "email")
    case.refresh_from_db()
    assert case.choice and case.choice.by == Choice.By.RETURNING


def test_a_sensitive_case_sends_only_a_notice(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    from contacts.models import Topic

    case = open_by_mail(organisation, topic=Topic.objects.get(slug="invoice"))
    message = dispatch.reply(case=case, staff=agent, text="You owe 12.50 euro.")
    assert message.deliveries.get().only_notice
    send_all()
    text = sink.raw[-1].decode()
    assert "12.50" not in text and "bicycle" not in text and case.reference in text


def test_a_double_submit_is_one(organisation: Organisation, agent: User, sink: shop.Sink) -> None:
    key = shop.key()
    one = open_by_mail(organisation, client_key=key)
    assert open_by_mail(organisation, client_key=key) == one
    first = dispatch.reply(case=one, staff=agent, text="Yes", client_key=key)
    assert dispatch.reply(case=one, staff=agent, text="Yes", client_key=key) == first
    assert first.deliveries.count() == 1


def test_a_refused_recipient_fails_and_marks_the_address(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    send_all()
    message = dispatch.reply(case=case, staff=agent, text="Yes")
    sink.refuse_recipient = "550 5.1.1 no such user"
    send_all()
    delivery = message.deliveries.get()
    assert (delivery.status, delivery.attempt_count) == (S.FAILED, 1)
    assert not Identity.objects.get(value="sam@example.org").is_usable_by("email")
    assert case.events.filter(sort=Event.Sort.FAILED).exists()
    assert agent.alerts.filter(sort="failed").exists()
    with pytest.raises(dispatch.Refusal):
        dispatch.try_again(delivery, agent)


def test_a_temporary_refusal_is_tried_later(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    sink.answer = "451 later"
    message = dispatch.reply(case=case, staff=agent, text="Yes")
    send_all()
    delivery = message.deliveries.get()
    assert delivery.status == S.QUEUED and delivery.reason == {"code": "said", "text": "451 later"}
    assert (delivery.next_attempt_at - delivery.created_at).total_seconds() > 29


def test_a_bounce_with_our_proof_returns_the_answer(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = open_by_mail(organisation)
    message = dispatch.reply(case=case, staff=agent, text="Yes")
    send_all()
    mail = sink.mails[-1]
    report = f"""From: MAILER-DAEMON@mx.example.net
To: {mail["Reply-To"]}
Subject: Undelivered
Message-ID: <b1@mx.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; sam@example.org
Action: failed
Status: 5.1.1
--b
Content-Type: text/rfc822-headers

Message-ID: {mail["Message-ID"]}
--b--
"""
    forged = report.replace(mail["Reply-To"], shop.MAILBOX)
    receive(forged.encode())
    assert message.deliveries.get().status == S.SENT
    event = receive(report.replace("b1@", "b2@").encode())
    assert event.items.get().state == "filed"
    assert message.deliveries.get().status == S.RETURNED

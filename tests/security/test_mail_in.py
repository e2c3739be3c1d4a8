"""Mails of strangers, of machines and of ourselves: what opens nothing, and what joins nothing."""

from email import message_from_bytes

import pytest

from channels_app import dispatch, filing, inbound, opening, sending
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundItem
from contacts.models import Case, Holder, Identity, Message, Organisation, Topic, User
from tests import shop, worker
from tests.security.test_strangers import VICTIM, send_all

PASS = "mx.example.org; dmarc=pass header.from=example.org"


def receive(raw: bytes) -> InboundItem:
    """A mail by the door, read and filed."""
    event = inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))
    worker.file(event)
    return event.items.get()


def test_a_second_sender_below_the_authenticated_one_joins_nothing(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTED_AUTHSERV", "mx.example.org")
    config = {"url": "env:EMAIL_URL", "authserv": "env:TRUSTED_AUTHSERV"}
    Channel.objects.filter(slug="email").update(config=config)
    receive(shop.mail(sender=VICTIM, to=shop.MAILBOX))
    Holder.objects.get().prove(Holder.How.CODE)
    twice = shop.mail(sender=VICTIM, to=shop.MAILBOX, Authentication_Results=PASS)
    receive(twice.replace(b"\nTo:", b"\nFrom: mallory@example.net\nTo:", 1))
    assert Case.objects.count() == 2
    receive(shop.mail(sender=VICTIM, to=shop.MAILBOX, Authentication_Results=PASS))
    assert Case.objects.count() == 3  # two open ones: not guessed between


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Onecase": shop.MAILBOX},
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example.org>"},
        {"Return_Path": "<>"},
    ],
)
def test_a_machine_gets_no_case_and_no_answer(
    organisation: Organisation, headers: dict[str, str]
) -> None:
    item = receive(shop.mail(sender="other@example.org", to=shop.MAILBOX, **headers))
    assert item.state == InboundItem.State.IGNORED and item.reason
    assert not Case.objects.exists() and not Delivery.objects.exists()


def test_our_own_mail_is_a_loop_even_without_its_marks(organisation: Organisation) -> None:
    item = receive(shop.mail(sender=shop.MAILBOX.upper(), to=shop.MAILBOX))
    assert item.state == InboundItem.State.IGNORED and not Case.objects.exists()


def test_two_portals_stop_answering_each_other(organisation: Organisation, sink: shop.Sink) -> None:
    """The other one opens a case for our mail, and acknowledges it as we do."""
    receive(shop.mail(sender="desk@other.example", to=shop.MAILBOX))
    send_all()
    ours = message_from_bytes(sink.raw[0])
    assert ours["To"] == "desk@other.example" and ours["Auto-Submitted"] == "auto-replied"
    theirs = shop.mail(
        sender="desk@other.example",
        to=str(ours["Reply-To"]),
        Auto_Submitted="auto-replied",
        X_Onecase="desk@other.example",
    )
    assert receive(theirs).state == InboundItem.State.FILED
    send_all()
    assert len(sink.raw) == 1 and Case.objects.count() == 1
    assert Message.objects.get(template=filing.AUTO_REPLY)


def test_a_machine_that_hides_it_is_acknowledged_once_and_stopped(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "MAX_NEW_CASES", 3)
    states = [receive(shop.mail(sender=VICTIM, to=shop.MAILBOX)).state for _n in range(5)]
    assert states == ["filed"] * 3 + ["quarantined"] * 2
    assert Case.objects.count() == 3 and Delivery.objects.count() == 1


def test_a_blocked_sender_opens_and_joins_nothing(organisation: Organisation) -> None:
    receive(shop.mail(sender=VICTIM, to=shop.MAILBOX))
    case = Case.objects.get()
    Identity.objects.update(blocked_at=case.opened_at)
    assert receive(shop.mail(sender=VICTIM, to=shop.MAILBOX)).state == InboundItem.State.IGNORED
    assert Case.objects.get().messages.filter(direction="in").count() == 1


def test_what_becomes_sensitive_while_it_waits_goes_as_a_notice(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = opening.open_case(
        organisation=organisation,
        text="A bill",
        came_by="account",
        kind="email",
        address=VICTIM,
        language="en",
    )
    message = dispatch.reply(case=case, staff=agent, text="You owe us 4711.")
    Case.objects.update(topic=Topic.objects.get(is_sensitive=True))
    sending.deliver(message.deliveries.get().channel_id)
    went = [raw for raw in sink.raw if b"4711" in raw]
    assert sink.raw and not went and all(b"A bill" not in raw for raw in sink.raw)


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: evil@example.org", "=?utf-8?q?a=0D=0ABcc:_evil@example.org?=", "a\x00b\u2028c"],
)
def test_nothing_of_a_subject_or_a_name_becomes_a_header(
    organisation: Organisation, agent: User, sink: shop.Sink, subject: str
) -> None:
    name = f'Eve" <evil@example.org>{subject}'
    User.objects.filter(pk=agent.pk).update(first_name=name.replace("\x00", "")[:150])
    agent.refresh_from_db()
    case = opening.open_case(
        organisation=organisation,
        text=subject,
        title=subject,
        name=name,
        came_by="account",
        kind="email",
        address=VICTIM,
        language="en",
    )
    dispatch.reply(case=case, staff=agent, text="Yes\n.\nRCPT TO:<evil@example.org>\n\n")
    send_all()
    assert sink.recipients == [[VICTIM]] * 2
    for mail in sink.mails:
        assert mail["Bcc"] is None and len(mail.get_all("From") or []) == 1
        assert [a.addr_spec for a in mail["From"].addresses] == [shop.MAILBOX]

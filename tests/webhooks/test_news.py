"""What became of our mails: forward only, and an address that is no more is marked."""

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from channels_app import dispatch, inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundItem
from contacts.models import Alert, Case, Event, Identity, Organisation, User
from tests import shop, worker
from tests.webhooks.conftest import MAILGUN, Post, work
from tests.webhooks.providers import (
    Call,
    mailgun_mail,
    mailgun_news,
    postmark_news,
)

pytestmark = pytest.mark.once  # what a provider tells

S = Delivery.Status
SAM = "sam@example.org"
HARD = {"severity": "permanent", "reason": "bounce"}
NEWS: dict[str, dict[str, Callable[[str], Call]]] = {
    "mailgun": {
        "delivered": lambda key: mailgun_news("delivered", key),
        "gone": lambda key: mailgun_news(
            "failed", key, **HARD, **{"delivery-status": {"message": "550 5.1.1 No such user"}}
        ),
        "full": lambda key: mailgun_news(
            "failed", key, **HARD, **{"delivery-status": {"message": "552 5.2.2 Mailbox full"}}
        ),
        "later": lambda key: mailgun_news("failed", key, severity="temporary", reason="generic"),
        "refused": lambda key: mailgun_news("rejected", key, reject={"reason": "Policy"}),
        "spam": lambda key: mailgun_news("complained", key),
    },
    "postmark": {
        "delivered": lambda key: postmark_news("Delivery", key),
        "gone": lambda key: postmark_news("Bounce", key, Type="HardBounce", Email=SAM, ID=4),
        "full": lambda key: postmark_news("Bounce", key, Type="SoftBounce", Email=SAM, ID=5),
        "later": lambda key: postmark_news("Bounce", key, Type="Transient", Email=SAM, ID=6),
        "refused": lambda key: postmark_news("Bounce", key, Type="Blocked", Email=SAM, ID=7),
        "spam": lambda key: postmark_news("SpamComplaint", key, Type="SpamComplaint", Email=SAM),
    },
}


@pytest.fixture(params=sorted(NEWS))
def channel(request: pytest.FixtureRequest) -> Channel:
    """The shop's mailbox, once at each provider."""
    found: Channel = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def delivery(organisation: Organisation, agent: User) -> Delivery:
    """An answer that was sent by a channel's provider."""
    case = bring(Channel.objects.get(kind="email"))
    message = dispatch.reply(case=case, staff=agent, text="It is.")
    work()
    return message.deliveries.get()


def bring(channel: Channel) -> Case:
    """A mail of Sam's by a door of our own, filed."""
    raw = shop.mail(sender=SAM, to=shop.MAILBOX)
    worker.file(inbound.receive(channel, Request(body=raw)))
    return Case.objects.get()


@pytest.fixture
def tell(channel: Channel, post: Post) -> Callable[..., str]:
    """Let the provider say these things of a delivery; what became of it."""

    def say(delivery: Delivery, *words: str) -> str:
        for word in words:
            call = NEWS[channel.provider][word](str(delivery.pk))
            assert post(channel.slug, call).status_code == 200
            work()
        delivery.refresh_from_db()
        return str(delivery.status)

    return say


@pytest.mark.parametrize(
    ("words", "status", "bounced"),
    [
        (["delivered"], S.DELIVERED, False),
        (["later"], S.SENT, False),
        (["later", "delivered"], S.DELIVERED, False),
        (["delivered", "later"], S.DELIVERED, False),
        (["delivered", "gone"], S.RETURNED, True),
        (["gone", "delivered"], S.RETURNED, True),
        (["full"], S.RETURNED, False),
        (["refused"], S.FAILED, False),
        (["refused", "delivered"], S.FAILED, False),
        (["delivered", "refused"], S.DELIVERED, False),
    ],
)
def test_a_delivery_moves_forward_only(
    channel: Channel,
    delivery: Delivery,
    tell: Callable[..., str],
    words: list[str],
    status: str,
    bounced: bool,
) -> None:
    assert delivery.status == S.SENT
    assert tell(delivery, *words) == status
    assert Identity.objects.get(value=SAM).is_usable_by("email") != bounced
    failed = status in (S.RETURNED, S.FAILED)
    assert Event.objects.filter(sort=Event.Sort.FAILED).count() == failed
    assert Alert.objects.filter(sort=Event.Sort.FAILED).exists() == failed
    assert bool(delivery.reason) == failed


def test_marked_as_spam_nothing_goes_there_any_more(
    channel: Channel, delivery: Delivery, tell: Callable[..., str], agent: User
) -> None:
    assert tell(delivery, "spam", "spam") == S.DELIVERED
    assert Identity.objects.get(value=SAM).why_closed("email") == Identity.STOPPED
    assert Event.objects.filter(sort=Event.Sort.FAILED).count() == 1
    with pytest.raises(dispatch.Refusal):
        dispatch.reply(case=Case.objects.get(), staff=agent, text="And another thing")


def test_the_news_may_overtake_the_answer_to_our_request(
    channel: Channel, delivery: Delivery, tell: Callable[..., str]
) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(status=S.SENDING, sent_at=None)
    assert tell(delivery, "delivered") == S.DELIVERED and delivery.sent_at


def test_what_went_in_spite_of_an_error_does_not_go_again(
    mailgun: Channel, agent: User, post: Post, provider: Any
) -> None:
    """Mailgun said 500 and sent it all the same: it waits for another try, which must not come."""
    case = bring(mailgun)
    Delivery.objects.all().delete()
    provider.answers = [(500, {}, b"{}")]
    delivery = dispatch.reply(case=case, staff=agent, text="Yes").deliveries.get()
    work()
    delivery.refresh_from_db()
    assert delivery.status == S.QUEUED and len(provider.calls) == 1
    post("mailgun", mailgun_news("delivered", str(delivery.pk)))
    work()
    Delivery.objects.update(next_attempt_at=delivery.created_at)
    work()
    delivery.refresh_from_db()
    assert delivery.status == S.DELIVERED and len(provider.calls) == 1


def test_by_the_message_id_where_our_key_is_missing(
    mailgun: Channel, delivery: Delivery, post: Post
) -> None:
    post("mailgun", mailgun_news("delivered", str(delivery.pk), **{"user-variables": {}}))
    work()
    delivery.refresh_from_db()
    assert delivery.status == S.DELIVERED


@pytest.mark.parametrize("key", [str(uuid.uuid4()), "", "x", "1\x00", "\ud800", "../" * 200])
def test_news_of_nothing_of_ours_is_ignored(
    channel: Channel, delivery: Delivery, tell: Callable[..., str], post: Post, key: str
) -> None:
    assert post(channel.slug, NEWS[channel.provider]["gone"](key)).status_code == 200
    work()
    delivery.refresh_from_db()
    assert delivery.status == S.SENT and Identity.objects.get(value=SAM).is_usable_by("email")
    item = InboundItem.objects.get(sort="receipt")
    assert item.state == InboundItem.State.IGNORED


def test_another_channels_provider_has_no_say(
    mailgun: Channel, delivery: Delivery, organisation: Organisation, post: Post
) -> None:
    Channel.objects.create(
        organisation=organisation, kind="email", provider="mailgun", slug="second",
        name="Second", address="second@mail.example.org", config=MAILGUN,
    )  # fmt: skip
    post("second", NEWS["mailgun"]["gone"](str(delivery.pk)))
    work()
    delivery.refresh_from_db()
    assert delivery.status == S.SENT and Identity.objects.get(value=SAM).is_usable_by("email")


def test_a_report_by_mail_proves_nothing_though_the_request_was_signed(
    mailgun: Channel, delivery: Delivery, post: Post
) -> None:
    """The provider vouches for having got a mail, not for who wrote it."""
    report = (
        f"From: MAILER-DAEMON@example.net\r\nTo: {shop.MAILBOX}\r\nSubject: failure notice\r\n"
        f"X-Failed-Recipients: {SAM}\r\nMessage-ID: <{uuid.uuid4()}@example.net>\r\n\r\n"
        f"550 5.1.1 <{SAM}> unknown\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
        f"Message-ID: <{delivery.pk}@mail.example.org>\r\n"
    )
    assert post("mailgun", mailgun_mail(report.encode(), to=shop.MAILBOX)).status_code == 200
    work()
    delivery.refresh_from_db()
    item = InboundItem.objects.get(sort="receipt")
    assert item.reason == "A report without our own proof."
    assert delivery.status == S.SENT and Identity.objects.get(value=SAM).is_usable_by("email")


def test_every_order_of_three_ends_at_the_same(
    channel: Channel, delivery: Delivery, tell: Callable[..., str]
) -> None:
    for words in itertools.permutations(("delivered", "later", "gone")):
        Delivery.objects.filter(pk=delivery.pk).update(status=S.SENT, reason={})
        delivery.refresh_from_db()
        assert tell(delivery, *words) == S.RETURNED, words

"""The reply window is the provider's: it is counted from when they wrote, whatever delayed us."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from channels_app import dispatch, inbound, routing
from channels_app.adapters.base import (
    Capabilities,
    Inbound,
    Outbound,
    Parsed,
    Reason,
    Rejected,
    Request,
    Sent,
)
from channels_app.adapters.meta import read
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, Delivery, InboundEvent, InboundItem, Template
from contacts.models import Case, Event, Identity, User
from tests import worker
from tests.messengers import pocket
from tests.messengers.people import SAM
from tests.messengers.pocket import Pocket

DAY, HOUR = timedelta(hours=24), timedelta(hours=1)


class Windowed(Pocket):
    """A pocket that may be answered for a day."""

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """As WhatsApp."""
        return PROVIDERS["whatsapp"].capabilities("whatsapp")

    def parse(self, request: Request) -> list[Parsed]:
        """A list of things, which say when they were written."""
        said = json.loads(request.body)
        times = [one.pop("at", None) for one in said]
        things = super().parse(Request(json.dumps(said).encode()))
        return [_at(thing, time) for thing, time in zip(things, times, strict=True)]


def _at(thing: Parsed, time: float | None) -> Parsed:
    if time is not None:
        object.__setattr__(thing, "written_at", datetime.fromtimestamp(time, UTC))
    return thing


@pytest.fixture
def channel(whatsapp: Channel, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """WhatsApp with its window."""
    monkeypatch.setitem(PROVIDERS, "windowed", Windowed)
    version = random.randrange(2, 10**6)  # adapters are kept by it
    Channel.objects.filter(pk=whatsapp.pk).update(provider="windowed", version=version)
    return Channel.objects.get(pk=whatsapp.pk)


def until(channel: Channel) -> datetime | None:
    """Until when Sam may be answered."""
    return routing.window_end(channel, Identity.objects.get(value=SAM))


def is_closed(channel: Channel) -> bool:
    """Whether Sam may be answered no more."""
    end = until(channel)
    return end is not None and end <= timezone.now()


def ago(span: timedelta) -> float:
    """A moment, as a provider writes it."""
    return (timezone.now() - span).timestamp()


def test_a_message_that_comes_a_day_late_opens_nothing(channel: Channel) -> None:
    """Meta tries again for a week where we were not there."""
    pocket.write(channel, SAM, "Is it there?", at=ago(DAY + HOUR))
    end = until(channel)
    assert end is not None and end < timezone.now()
    case = Case.objects.get()
    assert case.choice is not None and case.choice.kind == "whatsapp"


def test_an_older_message_that_comes_later_closes_nothing(channel: Channel) -> None:
    pocket.write(channel, SAM, "Now", at=ago(timedelta(minutes=1)))
    now = until(channel)
    pocket.write(channel, SAM, "Long ago", at=ago(DAY + HOUR))
    assert until(channel) == now


@pytest.mark.parametrize("ahead", [HOUR, 300 * DAY])
def test_a_clock_that_is_ahead_opens_it_no_longer(channel: Channel, ahead: timedelta) -> None:
    pocket.write(channel, SAM, "From tomorrow", at=ago(-ahead))
    end = until(channel)
    assert end is not None and end <= timezone.now() + DAY


def test_what_waited_in_our_own_queue_is_no_newer_for_that(channel: Channel) -> None:
    """A backlog, or a quarantine that was tried again a day later."""
    event = pocket.write(channel, SAM, "Is it there?")
    InboundItem.objects.all().delete()
    InboundEvent.objects.update(
        state="quarantined", received_at=timezone.now() - DAY - HOUR, leased_until=None
    )
    inbound.again(event)
    worker.file(event)
    end = until(channel)
    assert end is not None and end < timezone.now()


@pytest.mark.parametrize(
    ("said", "is_told"),
    [("1749854575", True), (1749854575, True), ("", False), ("9" * 12, False), ("-1", False),
     ("1e9", False), (None, False), ({}, False), ("١٧٤٩٨٥٤٥٧٥", False), (True, False)],
)  # fmt: skip
def test_when_meta_says_it_was_written(said: object, is_told: bool) -> None:
    message = {
        "from": SAM[1:],
        "id": "w",
        "type": "text",
        "text": {"body": "Hi"},
        "timestamp": said,
    }
    value = {"metadata": {"phone_number_id": "1"}, "messages": [message]}
    body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]})
    (thing,) = read(body.encode(), "1")
    assert isinstance(thing, Inbound)
    told = datetime(2025, 6, 13, 22, 42, 55, tzinfo=UTC)
    assert thing.written_at == (told if is_told else None)


def test_no_word_about_a_request_holds_the_token_in_its_address() -> None:
    """Meta asks with the agreed word in the query."""
    url = "https://portal.example.org/webhooks/whatsapp/?hub.verify_token=s3cret"
    request = Request(b"", method="GET", url=url, query=(("hub.verify_token", "s3cret"),))
    assert "s3cret" not in f"{request!r} {request}"


def refuses(adapter: Pocket, outbound: Outbound) -> Sent:
    """The provider's clock is a moment ahead of ours."""
    if outbound.approved is None:
        raise Rejected(Reason("provider_window"))
    Pocket.sent.append(outbound)
    return Sent("out")


@pytest.fixture
def closing(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Sam's case, whose window closes between our look and the provider's."""
    pocket.write(channel, SAM, "Is it there?")
    pocket.send_all()
    Pocket.sent.clear()
    monkeypatch.setattr(Windowed, "send", refuses)
    return Case.objects.get()


def test_it_closes_between_our_look_and_the_provider_s(
    closing: Case, channel: Channel, agent: User
) -> None:
    Template.objects.create(
        channel=channel, name="a", language="en", body="{{1}} {{2}}", state="approved"
    )
    message = dispatch.reply(case=closing, staff=agent, text="Come at ten.")
    for _sweep in range(2):
        pocket.send_all()
    (sent,) = Pocket.sent
    delivery = message.deliveries.get()
    assert sent.approved is not None and "ten" not in sent.text
    assert (delivery.status, delivery.only_notice, delivery.attempt_count) == ("sent", True, 2)
    assert is_closed(channel)  # and the composer says so from now on
    assert InboundItem.objects.get().identity is not None  # who wrote is still known
    pocket.write(channel, SAM, "Ten is fine.")
    assert not is_closed(channel)


def test_without_an_approved_text_staff_are_told(
    closing: Case, channel: Channel, agent: User
) -> None:
    message = dispatch.reply(case=closing, staff=agent, text="Come at ten.")
    pocket.send_all()
    delivery = message.deliveries.get()
    assert (delivery.status, delivery.attempt_count) == ("failed", 1) and not Pocket.sent
    assert closing.events.filter(sort=Event.Sort.FAILED).exists() and is_closed(channel)


# Meta takes a message first, and says afterwards that it was too late.


def too_late(channel: Channel, delivery: Delivery) -> None:
    """What it posts then."""
    said = {"external_id": f"{delivery.pk} failed", "key": str(delivery.pk), "status": "failed"}
    pocket.post(channel, {"sort": "receipt", **said, "signed": True, "too_late": True})
    delivery.refresh_from_db()


@pytest.fixture
def answered(channel: Channel, agent: User) -> Delivery:
    """An answer that the provider took, while we believe the window open."""
    pocket.write(channel, SAM, "Is it there?")
    pocket.send_all()
    message = dispatch.reply(case=Case.objects.get(), staff=agent, text="Come at ten.")
    pocket.send_all()
    return message.deliveries.get()


@pytest.mark.parametrize("state", ["sent", "sending", "uncertain"])
def test_what_was_taken_and_found_too_late_goes_as_an_approved_text(
    answered: Delivery, channel: Channel, state: str
) -> None:
    """Also where that overtakes the answer to our own call."""
    Delivery.objects.filter(pk=answered.pk).update(status=state)
    texts = channel.templates
    texts.create(name="a", language="en", body="{{1}} {{2}}", state="approved")
    too_late(channel, answered)
    assert (answered.status, answered.reason) == ("failed", {"code": "provider_window"})
    assert is_closed(channel)  # and the composer says so from now on
    (sent,) = pocket.send_all()
    new = Delivery.objects.get(replaces=answered)
    assert sent.approved is not None and (new.status, new.only_notice) == ("sent", True)
    too_late(channel, answered)  # the same news once more
    too_late(channel, new)  # and if not even that may go, it is over: no answer goes round for ever
    assert new.status == "failed" and not pocket.send_all()
    assert Event.objects.filter(sort=Event.Sort.FAILED).count() == 1
    pocket.write(channel, SAM, "Ten is fine.")
    assert not is_closed(channel)


def test_what_they_wrote_since_keeps_the_window_open(answered: Delivery, channel: Channel) -> None:
    pocket.write(channel, SAM, "Hello?")
    too_late(channel, answered)
    assert not is_closed(channel) and answered.status == "failed"
    assert not pocket.send_all()


def test_a_message_that_came_too_late_and_has_no_approved_text(
    answered: Delivery, channel: Channel
) -> None:
    too_late(channel, answered)
    assert not pocket.send_all() and is_closed(channel)
    assert Event.objects.filter(sort=Event.Sort.FAILED).count() == 1

"""Sending by a provider's interface: what it is told, and what its answers mean to us."""

import email.policy
import json
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from urllib.parse import parse_qs

import pytest

from channels_app import dispatch, opening, reasons
from channels_app.adapters import anymail
from channels_app.adapters.base import SendError
from channels_app.models import Channel, Delivery
from contacts.files import File
from contacts.models import Identity, Message, Organisation, User
from tests import shop
from tests.webhooks.conftest import work
from tests.webhooks.providers import Provider

pytestmark = pytest.mark.once  # what a provider is told

S = Delivery.Status
SAM = "sam@example.org"


@pytest.fixture(params=["mailgun", "postmark"])
def channel(request: pytest.FixtureRequest) -> Channel:
    """The shop's mailbox, once at each provider."""
    found: Channel = request.getfixturevalue(request.param)
    return found


def answer(agent: User, files: tuple[File, ...] = ()) -> Message:
    """An answer by mail that waits for the worker; what went before it is gone."""
    case = opening.open_case(
        organisation=Organisation.objects.get(),
        text="Is it there?",
        came_by="account",
        kind="email",
        address=SAM,
        language="en",
    )
    Delivery.objects.all().delete()
    return dispatch.reply(case=case, staff=agent, text="Déjà: it is.", files=files)


def outcome(message: Message) -> Delivery:
    """Its delivery after one try."""
    work()
    return message.deliveries.get()


def fields(provider: Provider) -> dict[str, str]:
    """What Mailgun was told, each field once."""
    _path, headers, body = provider.calls[-1]
    if not headers["Content-Type"].startswith("multipart"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    raw = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body
    whole = message_from_bytes(raw, policy=email.policy.HTTP)
    parts = [part for part in whole.iter_parts() if isinstance(part, EmailMessage)]
    found = {}
    for part in parts:
        name = part["Content-Disposition"].params["name"]
        found[name] = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    return found


def test_what_mailgun_is_told(mailgun: Channel, agent: User, provider: Provider) -> None:
    note = File("note.txt", "text/plain", b"a note")
    message = answer(agent, files=(note,))
    delivery = outcome(message)
    path, headers, _body = provider.calls[-1]
    told = fields(provider)
    assert path == "/v3/mail.example.org/messages"
    assert headers["Authorization"].startswith("Basic ")
    assert told["to"] == SAM and told["from"] == f"Anna of Test Shop <{shop.MAILBOX}>"
    assert told["h:Message-Id"] == f"<{delivery.pk}@mail.example.org>"
    assert told["h:X-Onecase"] == shop.MAILBOX and told["v:delivery"] == str(delivery.pk)
    assert told["h:Reply-To"].startswith("help+") and "Déjà: it is." in told["text"]
    assert (told["o:tracking-opens"], told["o:tracking-clicks"]) == ("no", "no")
    assert told["attachment"] == "a note" and "<html" in told["html"]
    assert delivery.status == S.SENT and delivery.provider_id == "<1@mg.example.org>"


def test_what_postmark_is_told(postmark: Channel, agent: User, provider: Provider) -> None:
    delivery = outcome(answer(agent))
    path, headers, body = provider.calls[-1]
    told = json.loads(body)
    names = {header["Name"].lower(): header["Value"] for header in told["Headers"]}
    assert path == "/v3/email"
    assert headers["X-Postmark-Server-Token"] == "secret-token-of-postmark"
    assert told["Metadata"] == {"delivery": str(delivery.pk)}
    assert names["message-id"] == f"<{delivery.pk}@mail.example.org>"
    assert names["x-pm-keepid"] == "true" and names["x-onecase"] == shop.MAILBOX
    assert told["TrackOpens"] is False and told["TrackLinks"] == "None"
    assert delivery.status == S.SENT and delivery.provider_id == "pm-1"


def test_the_connection_stays_open(mailgun: Channel, agent: User, provider: Provider) -> None:
    adapter = mailgun.adapter()
    for _n in range(2):
        outcome(answer(agent))
    assert len(provider.calls) == 2 and mailgun.adapter() is adapter
    session = adapter._backend.session  # the pool of requests: one connection was made
    pool = session.get_adapter(provider.url).poolmanager.pools
    assert [pool[key].num_connections for key in pool.keys()] == [1]  # noqa: SIM118


def said(text: str, code: int = 0) -> bytes:
    """A refusal in the words of both providers."""
    return json.dumps({"message": text, "Message": text, "ErrorCode": code}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "outcomes"),
    [
        (429, {"Retry-After": "7200"}, ("unavailable", S.QUEUED, True)),
        (500, {}, ("unavailable", S.QUEUED, False)),
        (503, {"Retry-After": "soon"}, ("unavailable", S.QUEUED, True)),
        (401, {}, ("misconfigured", S.QUEUED, True)),
        (403, {}, ("misconfigured", S.QUEUED, True)),
        (404, {}, ("misconfigured", S.QUEUED, True)),
        (400, {}, ("rejected", S.FAILED, False)),
        (413, {}, ("rejected", S.FAILED, False)),
        (302, {"Location": "http://127.0.0.1:9/"}, ("misconfigured", S.QUEUED, True)),
    ],
)
def test_what_a_status_means(
    channel: Channel,
    agent: User,
    provider: Provider,
    status: int,
    headers: dict[str, str],
    outcomes: tuple[str, str, bool],
) -> None:
    both = "No \x00secret-key-of-mailgun secret-token-of-postmark"
    provider.answers = [(status, headers, said(both))]
    delivery = outcome(answer(agent))
    attempt = delivery.attempts.get()
    channel.refresh_from_db()
    paused = channel.paused_until is not None
    assert (attempt.outcome, delivery.status, paused) == outcomes
    own = "secret-key-of-mailgun" if channel.provider == "mailgun" else "secret-token-of-postmark"
    assert own not in f"{attempt.reason} {attempt.detail} {delivery.reason} {vars(channel)}"
    assert "…" in attempt.reason.get("text", "") or status == 302
    if status == 429:
        assert delivery.next_attempt_at - attempt.started_at > timedelta(seconds=7190)
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    ("code", "text", "result"),
    [
        (406, "You tried to send to an inactive recipient.\nFound inactive addresses: "
              "sam@example.org.\nInactive recipients are ones", "recipientgone"),
        (300, "Invalid 'To' address: 'sam@example.org'.", "recipientgone"),
        (300, "Invalid 'From' address: 'x'.", "rejected"),
        (400, "The 'From' address is not a Sender Signature.", "misconfigured"),
        (412, "While your account is pending approval ...", "misconfigured"),
    ],
)  # fmt: skip
def test_postmarks_own_words(
    postmark: Channel, agent: User, provider: Provider, code: int, text: str, result: str
) -> None:
    provider.answers = [(422, {}, said(text, code))]
    delivery = outcome(answer(agent))
    assert delivery.attempts.get().outcome == result
    gone = Identity.objects.get(value=SAM).why_closed("email") == Identity.BOUNCED
    assert gone == (result == "recipientgone")


@pytest.mark.parametrize("how", ["silence", "hang up", "nonsense"])
def test_what_was_handed_over_without_an_answer_is_uncertain(
    channel: Channel, agent: User, provider: Provider, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never blindly again: the agent decides."""
    monkeypatch.setattr(anymail, "TIMEOUT", (1, 0.3))
    provider.answers = [(200, {}, b"<html>")] if how == "nonsense" else [how]
    delivery = outcome(answer(agent))
    work()
    assert delivery.status == S.UNCERTAIN and len(provider.calls) == 1


def test_nobody_there_is_not_uncertain(
    channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MG_URL", "PM_URL"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{shop.free_port()}/v3")
    delivery = outcome(answer(agent))
    channel.refresh_from_db()
    assert delivery.status == S.QUEUED and channel.paused_until
    assert delivery.attempts.get().outcome == "unavailable"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mailgun.net/v3",
        "http://127.0.0.1.example.org/v3",
        "http://example.org#127.0.0.1",
        "ftp://127.0.0.1/",
        "api.mailgun.net",
        "http://127.0.0.1@example.org/",
    ],
)
def test_a_key_leaves_this_machine_encrypted_or_not_at_all(
    channel: Channel, agent: User, provider: Provider, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MG_URL", "PM_URL"):
        monkeypatch.setenv(name, url)
    delivery = outcome(answer(agent))
    assert delivery.attempts.get().outcome == "misconfigured" and not provider.calls


def test_without_a_key_the_channel_waits(
    channel: Channel, agent: User, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MG_KEY")
    monkeypatch.delenv("PM_TOKEN")
    delivery = outcome(answer(agent))
    assert delivery.status == S.QUEUED and not provider.calls
    assert delivery.attempts.get().outcome == "misconfigured"


def test_the_test_of_a_channel_sends_nothing_and_knows_a_wrong_key(
    channel: Channel, provider: Provider
) -> None:
    provider.answers = [(400 if channel.provider == "mailgun" else 422, {}, said("empty"))]
    seen = reasons.words(channel.adapter().check())
    assert seen == f"{channel.provider.title()} knows the key."
    assert provider.calls[-1][2] in (b"", b"{}")
    for status in (401, 404, 500, 200):
        provider.answers = [(status, {}, said("no"))]
        with pytest.raises(SendError):
            channel.adapter().check()

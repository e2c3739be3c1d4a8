"""Who gets in by the door of the webhooks, and who does not: nothing of the others is stored."""

import http.client
import json
import time
import tracemalloc
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from channels_app import inbound, webhooks
from channels_app.adapters.base import BadSignature, Request
from channels_app.models import Channel, InboundEvent
from contacts.models import Case, Organisation
from tests import shop
from tests.webhooks import forms
from tests.webhooks.conftest import MAILGUN, POSTMARK, Post, work
from tests.webhooks.providers import (
    BASIC,
    FORM,
    JSON,
    Call,
    basic,
    mailgun_mail,
    mailgun_news,
    postmark,
    postmark_mail,
    postmark_news,
    signature,
)

RAW = shop.mail(sender="sam@example.org", to=shop.MAILBOX)
KEY = "00000000-0000-4000-8000-000000000000"


def signed_form(fields: dict[str, str]) -> Call:
    """A form of Mailgun's with exactly these fields beside a mail."""
    return urlencode({"recipient": shop.MAILBOX, "body-mime": RAW, **fields}).encode(), FORM


def nothing_came() -> bool:
    """Whether not a byte was kept."""
    return not InboundEvent.objects.exists()


WRONG = {
    "another key": mailgun_mail(RAW, to=shop.MAILBOX, key="key-of-somebody-else"),
    "no signature": (urlencode({"body-mime": RAW}).encode(), FORM),
    "an empty signature": signed_form(signature() | {"signature": ""}),
    "a cut signature": signed_form(signature() | {"signature": signature()["signature"][:63]}),
    "another token": signed_form(signature() | {"token": "b" * 50}),
    "a token beyond ASCII": signed_form(signature() | {"token": "ü"}),
    "news without a signature": (json.dumps({"event-data": {"event": "failed"}}).encode(), JSON),
    "news with a wrong one": mailgun_news("failed", KEY, signed=signature("other-key")),
    "news whose signature is a list": (json.dumps({"signature": [1]}).encode(), JSON),
    "a list": (b"[]", JSON),
    "no JSON": (b"{", JSON),
    "a number": (b"7", JSON),
    "deep JSON": (b"[" * 100_000, JSON),
    "bytes": (b"\x00\xff\xfe", JSON),
    "nothing": (b"", FORM),
    "nothing of a kind": (b"", {}),
    "a mail as it is": (RAW, {"Content-Type": "message/rfc822"}),
}


@pytest.mark.parametrize("what", WRONG)
def test_mailgun_without_its_signature_is_refused(mailgun: Channel, post: Post, what: str) -> None:
    answer = post("mailgun", WRONG[what])
    assert answer.status_code == 403 and answer.text == "Refused.\n"
    assert nothing_came()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("postmark:wrong"),
        basic("postmark"),
        basic(BASIC + "x"),
        basic(":"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer " + BASIC},
        {"Authorization": "Basic " + BASIC},
        {"X-Authorization": basic()["Authorization"]},
    ],
)
def test_postmark_without_its_password_is_refused(
    postmark: Channel, post: Post, headers: dict[str, str]
) -> None:
    body = postmark_mail(RAW, to=shop.MAILBOX)[0]
    assert post("postmark", (body, JSON | headers)).status_code == 403
    assert nothing_came()


@pytest.mark.parametrize("secret", ["", None])
def test_without_a_secret_of_ours_nobody_is_believed(
    mailgun: Channel, post: Post, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    """503: once it is set, the provider's next try is taken."""
    if secret is None:
        monkeypatch.delenv("MG_SIGNING_KEY")
    else:
        monkeypatch.setenv("MG_SIGNING_KEY", secret)
    call = mailgun_mail(RAW, to=shop.MAILBOX, key=secret or "")
    assert post("mailgun", call).status_code == 503 and nothing_came()
    Channel.objects.update(config={})
    assert post("mailgun", call).status_code == 503 and nothing_came()


def test_without_a_password_of_ours_postmark_is_not_believed(
    postmark: Channel, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM_SECRET", "")
    for call in (postmark_mail(RAW, to=shop.MAILBOX, secret=s) for s in ("", ":", "None", BASIC)):
        assert post("postmark", call).status_code == 503
    assert nothing_came()


def test_each_channel_believes_its_own_secret_only(
    mailgun: Channel, organisation: Organisation, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_SIGNING_KEY", "key-of-the-second")
    second = MAILGUN | {"webhook_signing_key": "env:OTHER_SIGNING_KEY"}
    Channel.objects.create(
        organisation=organisation, kind="email", provider="mailgun", slug="second",
        name="Second", address="second@mail.example.org", config=second,
    )  # fmt: skip
    ours = mailgun_mail(RAW, to=shop.MAILBOX)
    theirs = mailgun_mail(RAW, to=shop.MAILBOX, key="key-of-the-second")
    assert [post("second", ours).status_code, post("mailgun", theirs).status_code] == [403, 403]
    assert nothing_came()
    assert [post("mailgun", ours).status_code, post("second", theirs).status_code] == [200, 200]
    assert InboundEvent.objects.get(channel=mailgun)


def test_a_used_token_counts_for_no_other_body(mailgun: Channel, post: Post) -> None:
    """The signature covers a time and a token only: whoever saw one request has them."""
    seen = signature()
    assert post("mailgun", signed_form(seen)).status_code == 200
    forged = urlencode({**seen, "recipient": shop.MAILBOX, "body-mime": b"From: eve@x.org\n\nhi"})
    assert post("mailgun", (forged.encode(), FORM)).status_code == 403
    assert post("mailgun", mailgun_news("failed", KEY, signed=seen)).status_code == 403
    assert post("mailgun", signed_form(seen)).status_code == 200  # the very same is no other
    assert bytes(InboundEvent.objects.get().raw) == signed_form(seen)[0]


@pytest.mark.parametrize("shift", [1, -1])
def test_a_used_token_cannot_be_cut_elsewhere(mailgun: Channel, post: Post, shift: int) -> None:
    """Time and token are signed without a sign between them: 123|4 and 12|34 are the same."""
    stamp = str(int(time.time()))
    seen = signature(stamp=stamp, token="7" * 50)
    assert post("mailgun", signed_form(seen)).status_code == 200
    both, cut = stamp + "7" * 50, len(stamp) + shift
    moved = {"timestamp": both[:cut], "token": both[cut:], "signature": seen["signature"]}
    assert post("mailgun", signed_form({**moved, "subject": "other"})).status_code == 403
    assert InboundEvent.objects.count() == 1


def test_a_cut_elsewhere_makes_no_old_token_young(mailgun: Channel, post: Post) -> None:
    """One digit more of the token turns a time of last year into one in the far future."""
    old = signature(stamp=str(int(time.time()) - 400 * 86400), token="7" * 50)
    moved = old | {"timestamp": old["timestamp"] + "7", "token": "7" * 49}
    assert post("mailgun", signed_form(moved)).status_code == 403 and nothing_came()


@pytest.mark.parametrize(("age", "status"), [(0, 200), (8 * 3600, 200), (25 * 3600, 403)])
def test_a_signature_is_good_for_a_day(mailgun: Channel, post: Post, age: int, status: int) -> None:
    """Mailgun tries again for eight hours."""
    assert post("mailgun", mailgun_mail(RAW, to=shop.MAILBOX, age=age)).status_code == status
    assert nothing_came() == (status == 403)


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 100_000, b"x=1"])
def test_what_the_provider_garbles_is_400(postmark: Channel, post: Post, body: bytes) -> None:
    answer = post("postmark", (body, JSON | basic()))
    assert answer.status_code == 400 and answer.text == "That cannot be read.\n"
    assert nothing_came()


@pytest.mark.parametrize(
    "call",
    [
        (b"--x\r\n\r\n", {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"--x--", {"Content-Type": "multipart/form-data"}),
        (b"--x--", {"Content-Type": "multipart/form-data; boundary="}),
        (b"&".join(b"a=%d" % n for n in range(600)), FORM),
        forms.multipart({f"field{n}": "x" for n in range(600)}),
        (b" " * (1024 * 1024 + 1), JSON),
    ],
)
def test_forms_that_no_provider_writes_are_400(mailgun: Channel, post: Post, call: Call) -> None:
    assert post("mailgun", call).status_code == 400 and nothing_came()


@pytest.mark.parametrize(
    "data",
    [
        [],
        7,
        None,
        "text",
        {"RecordType": "Delivery", "Metadata": 7},
        {"RecordType": "Bounce", "BouncedAt": 7},
        {"FromFull": 7, "Headers": [{}]},
        {"FromFull": {}, "Headers": [{"Name": "X", "Value": "a\r\nBcc: b@example.org"}]},
        {"FromFull": {}, "RawEmail": 7},
    ],
)
def test_what_is_not_as_documented_is_kept_for_staff(
    postmark: Channel, post: Post, data: Any
) -> None:
    assert post("postmark", (json.dumps(data).encode(), JSON | basic())).status_code == 200
    work()
    event = InboundEvent.objects.get()
    assert event.state == InboundEvent.State.QUARANTINED and event.reason
    assert json.loads(bytes(event.raw)) == data and not Case.objects.exists()


def test_news_that_nobody_knows_is_taken_and_ignored(
    organisation: Organisation, mailgun: Channel, post: Post
) -> None:
    for event in ("brand-new", "opened", "clicked", "unsubscribed", "accepted"):
        assert post("mailgun", mailgun_news(event, KEY)).status_code == 200
    work()
    Channel.objects.filter(pk=mailgun.pk).update(provider="postmark", config=POSTMARK)
    for sort in ("BrandNew", "Open", "Click", "SubscriptionChange"):
        assert post("mailgun", postmark_news(sort, KEY)).status_code == 200
    assert post("mailgun", postmark({"What": "is this?"})).status_code == 200
    work()
    assert InboundEvent.objects.count() == 10
    assert {event.state for event in InboundEvent.objects.all()} == {InboundEvent.State.PROCESSED}


@pytest.mark.parametrize("slug", ["nobody", "email", "letter", "phone", "account", "a%00b", "%2e"])
def test_where_no_provider_calls_there_is_no_door(
    organisation: Organisation, post: Post, slug: str
) -> None:
    """Above all not for a mailbox by SMTP: whoever could post there would write its headers."""
    assert post(slug, (RAW, {"Content-Type": "message/rfc822"})).status_code == 404
    assert nothing_came()


def test_a_mailbox_by_smtp_is_shut_even_if_the_door_were_open(
    organisation: Organisation, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels_app.adapters.email.EmailAdapter.webhooks", True)
    assert post("email", (RAW, {"Content-Type": "message/rfc822"})).status_code == 403
    assert nothing_came()


@pytest.mark.parametrize(("method", "status"), [("GET", 403), ("HEAD", 405), ("PUT", 405)])
def test_only_a_post_brings_something(
    mailgun: Channel, post: Post, method: str, status: int
) -> None:
    call = mailgun_mail(RAW, to=shop.MAILBOX)
    assert post("mailgun", call, method=method).status_code == status and nothing_came()


def test_a_large_mail_is_taken_and_a_huge_one_is_not(mailgun: Channel, post: Post) -> None:
    big = shop.mail(sender="sam@example.org", to=shop.MAILBOX, text="x" * 70 + "\n")
    big = big + (b"y" * 76 + b"\n") * 350_000  # 27 MB
    call = mailgun_mail(big, to=shop.MAILBOX, multipart=True)
    assert post("mailgun", call).status_code == 200
    assert InboundEvent.objects.get().raw
    huge = mailgun_mail(big * 2, to=shop.MAILBOX, multipart=True)
    assert post("mailgun", huge).status_code == 413
    assert InboundEvent.objects.count() == 1


@pytest.mark.parametrize("multipart", [False, True])
def test_who_is_not_believed_makes_us_hold_nothing_twice(mailgun: Channel, multipart: bool) -> None:
    call = mailgun_mail(RAW + b"y" * 20_000_000, to=shop.MAILBOX, key="x", multipart=multipart)
    headers = (("content-type", call[1]["Content-Type"]),)
    adapter = mailgun.adapter()
    tracemalloc.start()
    with pytest.raises(BadSignature):
        adapter.verify(Request(body=call[0], method="POST", headers=headers))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2_000_000


def test_a_mail_beyond_the_parsers_bound_is_kept_for_staff(mailgun: Channel, post: Post) -> None:
    raw = RAW + (b"y" * 76 + b"\n") * 420_000  # 32 MB
    assert post("mailgun", mailgun_mail(raw, to=shop.MAILBOX, multipart=True)).status_code == 200
    work()
    assert InboundEvent.objects.get().state == InboundEvent.State.QUARANTINED


def test_more_than_was_announced_is_not_read(
    mailgun: Channel, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused after the bound, not after all that somebody likes to send."""
    monkeypatch.setattr(webhooks, "MAX_BYTES", 1000)
    connection = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=10)
    connection.request("POST", "/webhooks/mailgun/", b"x" * 1001, FORM)
    assert connection.getresponse().status == 413 and nothing_came()
    connection.close()


def test_a_fault_of_ours_asks_for_another_try(
    mailgun: Channel, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("no disk")

    call = mailgun_mail(RAW, to=shop.MAILBOX)
    monkeypatch.setattr(inbound, "_ring_on_commit", broken)
    assert post("mailgun", call).status_code == 500 and nothing_came()
    monkeypatch.undo()

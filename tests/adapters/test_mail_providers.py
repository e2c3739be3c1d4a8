"""Mailgun and Postmark against the contract."""

import base64
import json
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlencode

from channels_app.adapters.base import Inbound, Parsed, Receipt, Request
from tests import shop
from tests.adapters.contract import KEY, Contract, said
from tests.webhooks import providers
from tests.webhooks.providers import BASIC, JSON, SIGNING_KEY, Call, Said

RAW = shop.mail(sender="sam@example.org", to=shop.MAILBOX, text="Is it there?")
DAY = 24 * 3600


def posted(call: Call) -> Request:
    """A call as the door of the webhooks knows one."""
    headers = tuple((name.lower(), value) for name, value in call[1].items())
    return Request(call[0], headers, method="POST", url="https://portal.example.org/webhooks/x/")


class MailContract(Contract):
    """What both have in common."""

    kind = "email"
    address = shop.MAILBOX
    to = "sam@example.org"
    public = frozenset({"api_url"})

    def gist(self, thing: Parsed) -> Any:
        if isinstance(thing, Receipt):
            return thing.key, thing.status, thing.signed
        assert isinstance(thing, Inbound) and not thing.authenticated
        return thing.scheme, thing.sender, thing.text.strip()


class TestMailgun(MailContract):
    """The contract, with Mailgun's words."""

    provider_name = "mailgun"
    config: ClassVar[dict[str, str]] = {
        "api_key": "key-of-mailgun-7f3c",
        "webhook_signing_key": SIGNING_KEY,
        "api_url": "{url}/v3",
    }
    answers: ClassVar[dict[str, Said]] = {
        "ok": said(200, {"id": "<1@mg.example.org>", "message": "Queued."}),
        "fault": said(500),
        "busy": said(429, Retry_After="120"),
        "refused": said(400, {"message": "No."}),
        "key": said(401),
        "nonsense": (200, {}, b"<html>"),
        "echo": said(400, {"message": "No key-of-mailgun-7f3c here"}),
    }
    unheard_of: ClassVar[dict[str, str]] = {
        "gone": "Mailgun tells it afterwards",
        "stopped": "Mailgun tells it afterwards",
    }

    def key_in(self, call: Any) -> str:
        return parse_qs(call[2].decode())["v:delivery"][0]

    def posts(self) -> list[tuple[Request, list[Any]]]:
        mail = ("email", "sam@example.org", "Is it there?")
        return [
            (posted(providers.mailgun_mail(RAW, to=shop.MAILBOX)), [mail]),
            (posted(providers.mailgun_mail(RAW, to=shop.MAILBOX, multipart=True)), [mail]),
            (posted(providers.mailgun_news("delivered", KEY)), [(KEY, "delivered", True)]),
        ]

    def unknown(self) -> list[Request]:
        return [posted(providers.mailgun_news(word, KEY)) for word in ("opened", "of tomorrow")]

    def garbage(self) -> list[Request]:
        body = json.dumps({"signature": providers.signature(), "event-data": 7}).encode()
        return [posted((body, JSON))]

    def forged(self) -> dict[str, Request]:
        proof = providers.signature()
        digest = base64.b64encode(bytes.fromhex(proof["signature"])).decode()
        news = providers.mailgun_news
        return {
            "missing": posted((urlencode({"body-mime": RAW}).encode(), providers.FORM)),
            "wrong": posted(news("failed", KEY, signed=providers.signature("another key"))),
            "re-encoded": posted(news("failed", KEY, signed=proof | {"signature": digest})),
            "stale": posted(news("failed", KEY, signed=providers.signature(age=DAY + 60))),
        }


class TestPostmark(MailContract):
    """The contract, with Postmark's words."""

    provider_name = "postmark"
    config: ClassVar[dict[str, str]] = {
        "server_token": "token-of-postmark-7f3c",
        "webhook_secret": BASIC,
        "api_url": "{url}",
    }
    answers: ClassVar[dict[str, Said]] = {
        "ok": said(
            200, {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "sam@example.org"}
        ),
        "fault": said(500),
        "busy": said(429, Retry_After="120"),
        "refused": said(422, {"ErrorCode": 300, "Message": "Invalid 'From' address: 'x'."}),
        "gone": said(
            422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'sam@example.org'."}
        ),
        "key": said(401, {"ErrorCode": 10}),
        "nonsense": (200, {}, b"<html>"),
        "echo": said(422, {"ErrorCode": 300, "Message": "No token-of-postmark-7f3c here"}),
    }
    unheard_of: ClassVar[dict[str, str]] = {"stopped": "it is a complaint, told afterwards"}

    def key_in(self, call: Any) -> str:
        return str(json.loads(call[2])["Metadata"]["delivery"])

    def posts(self) -> list[tuple[Request, list[Any]]]:
        mail = ("email", "sam@example.org", "Is it there?")
        return [
            (posted(providers.postmark_mail(RAW, to=shop.MAILBOX)), [mail]),
            (posted(providers.postmark_mail(RAW, to=shop.MAILBOX, whole=False)), [mail]),
            (posted(providers.postmark_news("Delivery", KEY)), [(KEY, "delivered", True)]),
        ]

    def unknown(self) -> list[Request]:
        return [posted(providers.postmark_news(word, KEY)) for word in ("Open", "SmtpApiError")]

    def garbage(self) -> list[Request]:
        return [posted((b"{", JSON | providers.basic())), posted(providers.postmark([]))]

    def forged(self) -> dict[str, Request]:
        body = providers.postmark_mail(RAW, to=shop.MAILBOX)[0]
        headers = {
            "missing": {},
            "wrong": providers.basic("postmark:another"),
            "re-encoded": providers.basic(quote(BASIC, safe="")),
            "not encoded": {"Authorization": f"Basic {BASIC}"},
        }
        return {name: posted((body, JSON | one)) for name, one in headers.items()}

"""How Twilio speaks: what it posts, what it answers, and what that is to us."""

import functools
import json
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode

from twilio.request_validator import RequestValidator

from channels_app.adapters.base import Inbound, InFile, Receipt, Request
from tests.adapters.contract import KEY, AtProvider, said
from tests.webhooks.providers import FORM, Said

SID = "AC" + "0" * 32
TOKEN = "a-token-of-twilio-7f3c9b"
MESSAGE = "SM" + "1" * 32
URL = "https://portal.example.org/webhooks/twilio/"
SAM, OURS = "+31612345678", "+3197010200000"


def signature(url: str, fields: list[tuple[str, str]], token: str = TOKEN) -> str:
    """What Twilio's own library makes of it."""
    params: dict[str, Any] = {}
    for name, value in fields:
        params.setdefault(name, []).append(value)
    return str(RequestValidator(token).compute_signature(url, Fields(params)))


class Fields(dict[str, list[str]]):
    """Fields as Django has them, which Twilio's library knows to read."""

    def getlist(self, name: str) -> list[str]:
        """All values of one."""
        return self[name]


def posted(fields: dict[str, str] | list[tuple[str, str]], query: str = "", **more: str) -> Request:
    """A form of Twilio's; `url`, `signature` and `body` may be others than its own."""
    pairs = list(fields.items()) if isinstance(fields, dict) else fields
    url = more.get("url", URL) + (f"?{query}" if query else "")
    headers = [("content-type", FORM["Content-Type"])]
    proof = more.get("signature", signature(url, pairs))
    if proof:
        headers.append(("x-twilio-signature", proof))
    body = more.get("body", urlencode(pairs)).encode()
    return Request(body, tuple(headers), method="POST", url=url, query=tuple(parse_qsl(query)))


def text(**more: str) -> dict[str, str]:
    """An SMS that came in."""
    return {
        "ToCountry": "NL",
        "MessageSid": MESSAGE,
        "SmsStatus": "received",
        "AccountSid": SID,
        "From": SAM,
        "To": OURS,
        "Body": "Is it there? Ça va 🙂",
        "NumMedia": "0",
        **more,
    }


def news(status: str, code: str = "") -> dict[str, str]:
    """A status callback."""
    extra = {"ErrorCode": code} if code else {}
    own = {"MessageSid": MESSAGE, "MessageStatus": status, "SmsStatus": status, **extra}
    return {"AccountSid": SID, "From": OURS, "To": SAM, **own}


def receipt(status: str, ours: str, **more: Any) -> Receipt:
    """What a callback says to us."""
    detail = more.pop("detail", status)
    return Receipt(
        f"{MESSAGE} {status}", KEY, ours, recipient=SAM, detail=detail, signed=True, **more
    )


def refusal(status: int, code: int, words: str = "No.", **headers: str) -> Said:
    """An error of Twilio's."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return said(
        status,
        {"code": code, "message": words, "more_info": info, "status": status},
        **headers,
    )


class Twilio(AtProvider):
    """Our number there."""

    provider_name = "twilio"
    kind = "sms"
    address = OURS
    to = SAM
    config: ClassVar[dict[str, str]] = {
        "account_sid": SID,
        "auth_token": TOKEN,
        "base_url": "{url}",
    }
    public = frozenset({"base_url", "account_sid"})
    answers: ClassVar[dict[str, Said]] = {
        "ok": said(201, {"sid": MESSAGE, "status": "queued", "error_code": None}),
        "fault": said(500),
        "busy": refusal(429, 20429, Retry_After="120"),
        "refused": refusal(400, 21617),
        "gone": refusal(400, 21211),
        "stopped": refusal(400, 21610),
        "key": refusal(401, 20003),
        "nonsense": (200, {}, b"<html>"),
        "echo": refusal(400, 21602, f"With {TOKEN} you may not."),
    }

    def key_in(self, call: Any) -> str:
        return parse_qs(call[2].decode())["StatusCallback"][0]

    def posts(self) -> list[tuple[Request, list[Any]]]:
        reference = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"
        picture = text(NumMedia="1", MediaUrl0=reference, MediaContentType0="image/jpeg", Body="")
        file = InFile(f"{MESSAGE}-1", "image/jpeg", b"", reference=reference)
        written = functools.partial(Inbound, MESSAGE, MESSAGE, "phone", SAM)
        gone = {"detail": "undelivered 30005", "gone": True}
        return [
            (posted(text()), [written(text="Is it there? Ça va 🙂")]),
            (posted(picture), [written(files=(file,))]),
            (
                posted(text(Body="Arrêt", OptOutType="STOP")),
                [written(text="Arrêt", keyword="stop")],
            ),
            (posted(news("delivered"), f"key={KEY}"), [receipt("delivered", "delivered")]),
            (posted(news("read"), f"key={KEY}"), [receipt("read", "read")]),
            (
                posted(news("undelivered", "30005"), f"key={KEY}"),
                [receipt("undelivered", "returned", **gone)],
            ),
            (
                posted(news("undelivered", "30003"), f"key={KEY}"),
                [receipt("undelivered", "returned", detail="undelivered 30003")],
            ),
            (
                posted(news("failed", "21610"), f"key={KEY}"),
                [receipt("failed", "failed", detail="failed 21610", stopped=True)],
            ),
        ]

    def unknown(self) -> list[Request]:
        words = ("queued", "sending", "sent", "accepted", "a word of tomorrow")
        return [
            *(posted(news(word), f"key={KEY}") for word in words),
            posted({"Level": "ERROR", "Payload": "{}"}),
            posted({}),
        ]

    def garbage(self) -> list[Request]:
        many = [(f"n{number}", "") for number in range(600)]
        return [posted(many), posted(text(Body="x" * 300_000))]

    def forged(self) -> dict[str, Request]:
        good = text()
        other = text(From="+31600000000")
        proof = signature(URL, list(good.items()))
        key = posted(news("delivered"), f"key={KEY}")
        return {
            "missing": posted(good, signature=""),
            "wrong": posted(good, signature=signature(URL, list(good.items()), "another token")),
            "re-encoded": posted(good, body=json.dumps(good), signature=proof),
            "another sender": posted(other, signature=proof),
            "a field more": posted(text(Extra="1"), signature=proof),
            "for another address": posted(good, f"key={KEY}", signature=proof),
            "for another delivery": Request(
                key.body, key.headers, method="POST", url=key.url.replace(KEY, KEY[::-1])
            ),
            "cut": posted(good, signature=proof[:-1]),
            "beyond ASCII": posted(good, signature="ü" * 28),
            "JSON without its digest": Request(
                b"{}", (("content-type", "application/json"), ("x-twilio-signature", proof)),
                method="POST", url=URL,
            ),
        }  # fmt: skip

"""How Meta speaks for WhatsApp: what it posts, what it answers, and what that is to us."""

import functools
import hashlib
import hmac
import json
from typing import Any, ClassVar

from channels_app.adapters.base import Correction, Inbound, InFile, Parsed, Receipt, Request
from tests.adapters.contract import KEY, AtProvider, said
from tests.webhooks.providers import Said

NUMBER, OTHER = "106540352242922", "999999999999999"
TOKEN, SECRET, WORD = "a-token-of-meta-51c2", "a-secret-of-meta-9e1f", "a-word-agreed-on-77b0"
URL = "https://portal.example.org/webhooks/whatsapp/"
SAM, OURS = "+31612345678", "+31 97 0102 00000"
MESSAGE, EARLIER = "wamid.HBgLMzE2MTIzNDU2Nzg=", "wamid.EARLIER="
JPEG = b"\xff\xd8\xff\xe0 a picture"


def signed(body: bytes, secret: str = SECRET, header: str | None = None) -> Request:
    """A body as Meta posts it."""
    mine = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = [("content-type", "application/json")]
    if header != "":
        headers.append(("x-hub-signature-256", mine if header is None else header))
    return Request(body, tuple(headers), method="POST", url=URL)


def value(number: str = NUMBER, **content: Any) -> dict[str, Any]:
    """What one change says."""
    metadata = {"display_phone_number": "31970102 00000", "phone_number_id": number}
    sam = {"profile": {"name": "Sam"}, "wa_id": SAM[1:]}
    return {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [sam], **content}


def posted(*values: dict[str, Any], field: str = "messages") -> Request:
    """A batch: each value as a change of its own. Meta escapes slashes and what is not ASCII."""
    changes = [{"field": field, "value": one} for one in values]
    said = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    return signed(json.dumps(said).replace("/", "\\/").encode())


def wrote(sort: str, part: Any, pk: str = MESSAGE, **more: Any) -> Request:
    """One message of Sam's."""
    own = {"from": SAM[1:], "id": pk, "timestamp": "1749854575", "type": sort}
    own |= {sort: part} if part is not None else {}
    return posted(value(messages=[own | more]))


def status(word: str, key: str = KEY, **more: Any) -> dict[str, Any]:
    """What became of one of ours."""
    own = {"id": MESSAGE, "status": word, "timestamp": "1749854575", "recipient_id": SAM[1:]}
    return own | {"biz_opaque_callback_data": key} | more


def fault(code: int, words: str = "No.") -> dict[str, Any]:
    """A fault as Meta words it, in an answer and in a status."""
    return {"code": code, "title": "T", "message": "M", "error_data": {"details": words}}


def refusal(http: int, code: int, words: str = "No.", **headers: str) -> Said:
    """A refusal of Meta's."""
    return said(http, {"error": fault(code, words) | {"type": "OAuthException"}}, **headers)


def receipt(word: str, ours: str, **more: Any) -> Receipt:
    """What a status says to us."""
    own = {"detail": word, **more}
    return Receipt(f"{MESSAGE} {word}", KEY, ours, recipient=SAM, signed=True, **own)


def taken(pk: str = MESSAGE) -> Said:
    """A message that was taken."""
    return said(200, {"messaging_product": "whatsapp", "messages": [{"id": pk}]})


def told(call: Any) -> dict[str, Any]:
    """What Meta was told, without what each message has."""
    content = json.loads(call[2])
    assert content.pop("messaging_product") == "whatsapp"
    assert content.pop("recipient_type") == "individual" and content.pop("to") == SAM[1:]
    return dict(content)


class WhatsApp(AtProvider):
    """Our number there."""

    provider_name = "whatsapp"
    kind = "whatsapp"
    address = OURS
    to = SAM
    config: ClassVar[dict[str, str]] = {
        "phone_number_id": NUMBER,
        "access_token": TOKEN,
        "app_secret": SECRET,
        "verify_token": WORD,
        "base_url": "{url}",
    }
    public = frozenset({"base_url", "phone_number_id"})
    answers: ClassVar[dict[str, Said]] = {
        "ok": taken(),
        "fault": said(500),
        "busy": refusal(400, 80007, Retry_After="120"),
        "refused": refusal(400, 100),
        "gone": refusal(400, 131026),
        "key": refusal(401, 190),
        "nonsense": (200, {}, b"<html>"),
        "echo": refusal(400, 100, f"With {TOKEN} you may not."),
    }
    unheard_of: ClassVar[dict[str, str]] = {"stopped": "a block there looks like no WhatsApp"}

    def key_in(self, call: Any) -> str:
        return str(json.loads(call[2])["biz_opaque_callback_data"])

    def posts(self) -> list[tuple[Request, list[Parsed]]]:
        sam = functools.partial(Inbound, MESSAGE, MESSAGE, "phone", SAM, "Sam")
        correction = functools.partial(Correction, scheme="phone", sender=SAM)
        media = {"id": "8487", "mime_type": "audio/ogg; codecs=opus", "sha256": "x"}
        paper = {"id": "8488", "mime_type": "application/pdf", "filename": "bill.pdf"}
        order = {"quantity": 2, "product_retailer_id": "BELL", "item_price": 9, "currency": "EUR"}
        both = [{"phones": [{"phone": "+31 6 1"}], "name": {"formatted_name": "Kim"}}, {}]
        tap = {"type": "button_reply", "button_reply": {"id": "YES", "title": "Yes, please"}}
        row = {"type": "list_reply", "list_reply": {"id": "2", "title": "The second"}}
        form = {"response_json": '{"flow_token": "t", "stars": 4}', "body": "Sent"}
        moved = {"type": "user_changed_number", "wa_id": "31600000000", "body": "Sam has moved."}
        unknown: dict[str, Any] = {"errors": [fault(131051, "Message type is not supported.")]}
        there = f"{MESSAGE} edited", EARLIER
        return [
            (wrote("text", {"body": "Is it there? Ça va 🙂 a/b"}),
             [sam(text="Is it there? Ça va 🙂 a/b")]),
            (wrote("text", {"body": "And?"}, context={"id": EARLIER}),
             [sam(text="And?", refers_to=(EARLIER,))]),
            (wrote("text", {"body": "Hi"}, referral={"headline": "Summer sale"}),
             [sam(text="Hi", subject="Summer sale")]),
            (wrote("button", {"payload": "YES", "text": "Yes!"}), [sam(text="YES")]),
            (wrote("interactive", tap), [sam(text="YES")]),
            (wrote("interactive", row), [sam(text="2")]),
            (wrote("interactive", {"type": "nfm_reply", "nfm_reply": form}),
             [sam(text="stars: 4")]),
            (wrote("audio", media), [sam(files=(InFile("audio", "audio/ogg", b"", "", "8487"),))]),
            (wrote("document", paper | {"caption": "The bill"}),
             [sam(text="The bill",
                  files=(InFile("bill.pdf", "application/pdf", b"", "", "8488"),))]),
            (wrote("location", {"latitude": 52.1, "longitude": 4.9, "name": "Shop"}),
             [sam(text="Shop\nhttps://www.openstreetmap.org/?mlat=52.1&mlon=4.9")]),
            (wrote("contacts", both), [sam(text="Kim\n+31 6 1")]),
            (wrote("order", {"text": "Soon?", "product_items": [order]}),
             [sam(text="Soon?\n2 x BELL, 9 EUR")]),
            (wrote("system", moved), [sam(text="Sam has moved.", automatic=True)]),
            (wrote("unsupported", None, **unknown),
             [sam(text="WhatsApp: Message type is not supported.")]),
            (wrote("a sort of tomorrow", {"x": 1}), [sam(text="WhatsApp: a sort of tomorrow")]),
            (wrote("reaction", {"message_id": EARLIER, "emoji": "👍"}),
             [correction(f"{MESSAGE} reacted", EARLIER, sort="reacted", text="👍")]),
            (wrote("reaction", {"message_id": EARLIER}),
             [correction(f"{MESSAGE} reacted", EARLIER, sort="reacted")]),
            (wrote("edit", {"original_message_id": EARLIER,
                            "message": {"type": "text", "text": {"body": "Blue!"}}}),
             [correction(*there, sort="edited", text="Blue!")]),
            (wrote("edit", {"original_message_id": EARLIER,
                            "message": {"type": "image", "image": {"caption": "Mine"}}}),
             [correction(*there, sort="edited", text="Mine")]),
            (wrote("revoke", {"original_message_id": EARLIER}),
             [correction(f"{MESSAGE} deleted", EARLIER, sort="deleted")]),
            (posted(value(statuses=[status("read"), status("delivered"), status("sent")])),
             [receipt("read", "read"), receipt("delivered", "delivered")]),
            (posted(value(statuses=[status("played")])), [receipt("played", "read")]),
            (posted(value(statuses=[status("failed", errors=[fault(131026, "No WhatsApp.")])])),
             [receipt("failed", "failed", detail="failed 131026 No WhatsApp.", gone=True)]),
            (posted(value(statuses=[status("failed", errors=[fault(131047, "Too late.")])])),
             [receipt("failed", "failed", detail="failed 131047 Too late.", too_late=True)]),
            (posted(value(statuses=[status("delivered", KEY + "+"), status("failed", KEY + "+")])),
             [receipt("failed", "returned")]),
        ]  # fmt: skip

    def unknown(self) -> list[Request]:
        text = {"from": SAM[1:], "id": MESSAGE, "type": "text", "text": {"body": "Hi"}}
        permission = {"type": "call_permission_reply", "call_permission_reply": {}}
        return [
            posted(value(OTHER, messages=[text], statuses=[status("read")])),  # another number's
            posted({"messages": [text]}),  # nobody's
            posted(value(messages=[text]), field="history"),
            posted(value(statuses=[status("sent"), status("warning")])),
            wrote("request_welcome", None),
            wrote("interactive", permission),
            wrote("system", {"type": "customer_identity_changed", "body": "Changed."}),
            posted(value(calls=[{"id": "1", "event": "connect"}])),
            signed(b"{}"),
        ]

    def garbage(self) -> list[Request]:
        return [
            signed(b""),
            signed(b"\xff{"),
            signed(b"[" * 100_000),
            signed(b"[1]"),
            signed(b'{"entry": 1}'),
            signed(b'{"entry": [null]}'),
            signed(b'{"x": "' + b"x" * (4 * 1024 * 1024) + b'"}'),
            posted(value(messages={"from": SAM})),
        ]

    def forged(self) -> dict[str, Request]:
        good = wrote("text", {"body": "Ça va"})
        proof = good.header("x-hub-signature-256")
        again = json.dumps(json.loads(good.body), ensure_ascii=False).encode()
        sha1 = hmac.new(SECRET.encode(), good.body, hashlib.sha1).hexdigest()
        return {
            "missing": signed(good.body, header=""),
            "wrong": signed(good.body, secret="another secret"),
            "re-encoded": signed(again, header=proof),
            "a byte more": signed(good.body + b" ", header=proof),
            "without its name": signed(good.body, header=proof.removeprefix("sha256=")),
            "by the older way": signed(good.body, header=f"sha1={sha1}"),
            "in capitals": signed(good.body, header=proof.upper()),
            "cut": signed(good.body, header=proof[:-1]),
            "beyond ASCII": signed(good.body, header="sha256=" + "ü" * 64),
            "no secret at all": signed(good.body, secret=""),
            "by another door": Request(good.body),
        }

"""SMS by Twilio: the Messages resource out, signed forms in.

Words of Twilio's status callbacks -> ours (queued, sending and sent are no news to us):
  delivered -> delivered    read -> read    undelivered -> returned    failed, canceled -> failed
Codes of Twilio -> ours, in refusals and in callbacks; without one HTTP's status counts (http.py):
  GONE -> RecipientGone    STOPPED -> Stopped    OURS -> Misconfigured    LATER -> Unavailable

Twilio drops no repeat of a message, and From can be forged on the way to it: an SMS proves nothing.
Files go as links: Twilio would fetch them from us by a public address, and only in two countries.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from channels_app.adapters import forms
from channels_app.adapters.base import (
    BadPayload,
    BadSignature,
    Capabilities,
    Inbound,
    InFile,
    Misconfigured,
    Outbound,
    Parsed,
    Reason,
    Receipt,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Sent,
    Stopped,
    Unavailable,
)
from channels_app.adapters.http import Door, HttpAdapter
from channels_app.adapters.media import checked
from channels_app.adapters.outside import Answer
from channels_app.adapters.payload import clean, is_same, media_type, one_line

STATUS = {
    "delivered": "delivered",
    "read": "read",
    "undelivered": "returned",
    "failed": "failed",
    "canceled": "failed",
}
GONE = frozenset({21211, 21614, 21635, 30005, 30006})  # no number, no mobile phone, a landline
STOPPED = frozenset({21610})
OURS = frozenset(
    # the key, a suspended or unknown account, a number or service that is not ours to send from
    {20003, 20005, 20404, 21212, 21603, 21606, 21659, 21660, 21661, 21701, 21703, 30002}
)
LATER = frozenset({20429, 21611, 30001, 63038})  # too many at once, or a queue is full
KEY = "key"  # our delivery's id in the address that Twilio reports to
MAX_BYTES = 256 * 1024  # of a form: a text has 1600 signs, and ten files are ten addresses
MAX_FILES = 10
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


class TwilioAdapter(HttpAdapter):
    """One number, or one Messaging Service (an address that begins with MG)."""

    kinds: ClassVar[frozenset[str]] = frozenset({"sms"})
    label: ClassVar[str] = "Twilio"
    home: ClassVar[str] = "https://api.twilio.com"
    webhooks: ClassVar[bool] = True
    headers_kept: ClassVar[frozenset[str]] = frozenset({"content-type"})
    query_kept: ClassVar[frozenset[str]] = frozenset({KEY})
    # Plain text would be sent to the customer as an answer of ours.
    stored: ClassVar[tuple[str, str]] = (
        '<?xml version="1.0" encoding="UTF-8"?><Response/>\n',
        "text/xml; charset=utf-8",
    )
    settings_needed: ClassVar[tuple[str, ...]] = ("account_sid", "auth_token")
    address_pattern: ClassVar[str] = r"\+[1-9][0-9]{6,14}|MG[0-9a-fA-F]{32}"
    address_example: ClassVar[str] = "+3197010200000"

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """A written record on the customer's telephone, which others may read along."""
        return Capabilities(receipts=True, max_text=1600, max_segments=3)

    # Out

    def check(self) -> Reason:
        """Ask for the account itself."""
        answer = self.door.call("GET", f"{self._place()}.json")
        if not answer.ok:
            raise self._refusal(answer)
        if answer.said.get("status") != "active":
            raise Misconfigured(self.door.clean(answer.said.get("status")))
        return Reason("provider_knows", {"provider": self.label})

    def send(self, outbound: Outbound) -> Sent:
        """Hand one text over; our key stands in the address that Twilio reports to."""
        sender = self.account.address
        form = {
            "To": outbound.to,
            "MessagingServiceSid" if SERVICE.fullmatch(sender) else "From": sender,
            "Body": outbound.text,
        }
        if outbound.receipts_to:
            form["StatusCallback"] = f"{outbound.receipts_to}?{KEY}={quote(outbound.key, safe='')}"
        answer = self.door.call("POST", f"{self._place()}/Messages.json", data=form)
        if not answer.ok or not isinstance(answer.said.get("sid"), str):
            raise self._refusal(answer)
        return Sent(provider_id=clean(answer.said["sid"])[:255])

    def _open(self) -> Door:
        sid, token = self.account.setting("account_sid"), self.account.setting("auth_token")
        return Door(self.base_url, auth=(sid, token), secrets=(token,))

    def _place(self) -> str:
        return f"/2010-04-01/Accounts/{quote(self.account.setting('account_sid'), safe='')}"

    def _refusal(self, answer: Answer) -> SendError:
        """By Twilio's own code where it says more than the status."""
        code, said = answer.said.get("code"), answer.said.get("message", "")
        detail = f"{answer.status} {code} {self.door.clean(said)}"
        if answer.ok or not isinstance(code, int):
            return self.door.refusal(answer, said)
        if code in STOPPED:
            return Stopped(detail)
        if code in GONE:
            return RecipientGone(detail)
        if code in OURS:
            return Misconfigured(detail)
        if code in LATER:
            return Unavailable(detail, retry_after=answer.retry_after, everyone=True)
        return self.door.refusal(answer, f"{code} {said}")

    # In

    def verify(self, request: Request) -> None:
        """HMAC-SHA1 with the auth token over our address and the sorted fields."""
        if len(request.body) > MAX_BYTES:
            raise BadPayload("It is too large.")
        token = self.account.setting("auth_token").encode()
        signed, given = _signed_fields(request), request.header("x-twilio-signature")
        digests = [
            hmac.new(token, url.encode() + signed, hashlib.sha1).digest()
            for url in _spellings(request.url)
        ]
        # Both are compared whatever the first one says: how long it takes tells nothing.
        if not any([is_same(base64.b64encode(one).decode(), given) for one in digests]):
            raise BadSignature("The signature is not Twilio's.")

    def parse(self, request: Request) -> list[Parsed]:
        """A text that came in, or what became of one of ours."""
        form = _form(request)
        sid = form.get("MessageSid", "")
        if not sid:
            return []
        if "MessageStatus" in form:
            return list(_receipts(sid, form, dict(request.query).get(KEY, "")))
        if "From" not in form:
            return []
        return [
            Inbound(
                external_id=sid,
                provider_id=sid,
                scheme="phone",
                sender=form["From"],
                text=form.get("Body", ""),
                files=tuple(_files(sid, form)),
                keyword=form.get("OptOutType", "").lower(),
            )
        ]

    def fetch(self, file: InFile, limit: int) -> InFile:
        """A file of an MMS: our key goes to Twilio, not to where Twilio keeps its files."""
        if not file.reference:
            raise Rejected(Reason("file_refused"))
        content, served = self.door.fetch(file.reference, limit)
        return checked(file, content, served)

    def link_to_write(self, text: str, code: str) -> str:
        """The text in the telephone's own program; `?&` is understood by all of them."""
        number = self.account.address
        return f"sms:{number}?&body={quote(text)}" if number.startswith("+") else ""


def _form(request: Request) -> dict[str, str]:
    """The fields as text; of one that stands there twice the first counts."""
    if media_type(request.header("content-type")) != forms.URLENCODED:
        return {}
    found: dict[str, str] = {}
    for field in forms.fields(forms.URLENCODED, request.body):
        found.setdefault(field.name, clean(field.content.decode("utf-8", "replace")))
    return found


def _signed_fields(request: Request) -> bytes:
    """Names and values of a form, each pair once, sorted; JSON is signed by its digest in the URL.

    Raises BadSignature, and BadPayload for what is no form.
    """
    said = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if said and media_type(request.header("content-type")) != forms.URLENCODED:
        digest = hashlib.sha256(request.body).hexdigest()
        if not is_same(digest, said[0]):
            raise BadSignature("The body is not the one that was signed.")
        return b""
    found = forms.fields(forms.URLENCODED, request.body)
    pairs = {(field.name.encode("utf-8", "replace"), field.content) for field in found}
    return b"".join(name + value for name, value in sorted(pairs))


def _spellings(url: str) -> tuple[str, str]:
    """Our address without and with its port: Twilio signs the one or the other."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    bare, full = (urlunsplit(parts._replace(netloc=n)) for n in (host, f"{host}:{port}"))
    return bare, full


def _receipts(sid: str, form: dict[str, str], key: str) -> Iterator[Receipt]:
    status = form["MessageStatus"]
    if status not in STATUS:
        return
    number = form.get("ErrorCode", "")
    code = int(number) if re.fullmatch(r"[0-9]{1,6}", number) else 0
    yield Receipt(
        external_id=f"{sid} {status}",
        key=key,
        status=STATUS[status],
        recipient=form.get("To", ""),
        detail=one_line(f"{status} {number} {form.get('ErrorMessage', '')}")[:300],
        gone=code in GONE,
        stopped=code in STOPPED,
        signed=True,
    )


def _files(sid: str, form: dict[str, str]) -> Iterator[InFile]:
    count = form.get("NumMedia", "")
    for number in range(min(int(count), MAX_FILES) if re.fullmatch(r"[0-9]{1,3}", count) else 0):
        address = form.get(f"MediaUrl{number}", "")
        if address:
            sort = form.get(f"MediaContentType{number}", "").lower()
            yield InFile(f"{sid}-{number + 1}", sort, b"", reference=address)

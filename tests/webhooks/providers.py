"""What Mailgun and Postmark post, signed as they sign, and a server that takes mail as they do."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from django.utils.timezone import now

from tests.serving import serving
from tests.webhooks import forms

SIGNING_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
BASIC = "postmark:a-long-password-7f3c"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
Call = tuple[bytes, dict[str, str]]  # a body and its headers
Said = tuple[int, dict[str, str], bytes]  # an answer: status, headers and body


def signature(
    key: str = SIGNING_KEY, *, age: float = 0, token: str = "", stamp: str = ""
) -> dict[str, str]:
    """Mailgun's three fields: an HMAC of the time and the token."""
    stamp = stamp or str(int(time.time() - age))
    token = token or uuid.uuid4().hex + uuid.uuid4().hex[:18]
    digest = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": digest}


def mailgun_mail(raw: bytes, *, to: str, multipart: bool = False, **signed: Any) -> Call:
    """A route of Mailgun's to an address that ends in "mime"."""
    mail = message_from_bytes(raw)
    fields: dict[str, str | bytes] = {
        "recipient": to,
        "sender": str(mail["From"]),
        "from": str(mail["From"]),
        "subject": str(mail["Subject"]),
        **signature(**signed),
        "body-mime": raw,
    }
    if multipart:
        return forms.multipart(fields)
    return urlencode(fields).encode(), FORM


def mailgun_pieces(raw: bytes, *, to: str, files: dict[str, bytes]) -> Call:
    """A route of Mailgun's to another address: the mail in pieces."""
    mail = message_from_bytes(raw)
    fields: dict[str, str | bytes] = {
        "recipient": to,
        "message-headers": json.dumps([[name, str(value)] for name, value in mail.items()]),
        "body-plain": str(mail.get_payload()),
        "attachment-count": str(len(files)),
        **signature(),
    }
    return forms.multipart(fields, files)


def mailgun_news(event: str, key: str, **more: Any) -> Call:
    """An event of Mailgun's about a mail that we sent."""
    signed = more.pop("signed", None) or signature()
    data = {
        "event": event,
        "timestamp": time.time(),
        "id": uuid.uuid4().hex,
        "recipient": "sam@example.org",
        "user-variables": {"delivery": key},
        "message": {"headers": {"message-id": f"{key}@mail.example.org"}},
        **more,
    }
    body = {"signature": signed, "event-data": data}
    return json.dumps(body).encode(), JSON


def basic(secret: str = BASIC) -> dict[str, str]:
    """The header of a user name and a password."""
    return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


def postmark(data: Any, secret: str = BASIC) -> Call:
    """Anything that Postmark posts."""
    return json.dumps(data).encode(), JSON | basic(secret)


def postmark_mail(raw: bytes, *, to: str, whole: bool = True, secret: str = BASIC) -> Call:
    """A mail as Postmark posts it, with or without its raw content."""
    mail = message_from_bytes(raw)
    data = {
        "FromFull": {"Email": str(mail["From"]), "Name": "Sam", "MailboxHash": ""},
        "ToFull": [{"Email": to, "Name": "", "MailboxHash": ""}],
        "OriginalRecipient": to,
        "Subject": str(mail["Subject"]),
        "MessageID": str(uuid.uuid4()),
        "Date": str(mail["Date"]),
        "TextBody": mail.get_payload(),
        "HtmlBody": "",
        "StrippedTextReply": "not to be trusted",
        "Headers": [
            {"Name": name, "Value": str(value)}
            for name, value in mail.items()
            if name not in ("From", "To", "Subject", "Date")
        ],
        "Attachments": [],
    }
    if whole:
        data["RawEmail"] = raw.decode("utf-8", "replace")
    return postmark(data, secret)


def postmark_news(sort: str, key: str, **more: Any) -> Call:
    """An event of Postmark's about a mail that we sent."""
    data = {
        "RecordType": sort,
        {"Delivery": "DeliveredAt", "Bounce": "BouncedAt"}.get(
            sort, "ReceivedAt"
        ): now().isoformat(),
        "MessageID": str(uuid.uuid4()),
        "Recipient": "sam@example.org",
        "Metadata": {"delivery": key},
        **more,
    }
    return postmark(data)


class Provider:
    """Takes messages by HTTP; `answers` are given in turn, then the usual one.

    An answer may also be "silence" or "hang up".
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Said | str] = []
        self.always: Said | None = None
        self.connections = 0
        self.url = ""

    def usual(self, path: str) -> Said:
        """What it always says; else what each of the two providers of mail says to a mail."""
        if self.always is not None:
            return self.always
        if path.endswith("/messages"):
            said: dict[str, Any] = {"id": "<1@mg.example.org>", "message": "Queued. Thank you."}
        else:
            said = {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "sam@example.org"}
        return 200, {}, json.dumps(said).encode()


@contextmanager
def provider_server() -> Iterator[Provider]:
    """A running provider on this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            provider.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            provider.calls.append((self.path, dict(self.headers), body))
            answer = provider.answers.pop(0) if provider.answers else provider.usual(self.path)
            if answer == "silence":
                time.sleep(1)
            if isinstance(answer, str):  # hangs up without a word
                self.close_connection = True
                return
            status, headers, said = answer
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(said))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}/v3"
    with serving(server):
        yield provider

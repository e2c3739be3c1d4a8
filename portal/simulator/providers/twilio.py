"""Twilio as far as an SMS needs it: Messages, media, signed webhooks, STOP and START."""

import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from portal.simulator import accounts
from portal.simulator.book import Bubble
from portal.simulator.providers.base import (
    NUMBER,
    Answer,
    Call,
    Hook,
    Provider,
    answer_json,
    secret_is,
    sha1,
)

MAX_BODY = 1600
ROUTE = re.compile(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})(?P<rest>/.*|\.json)")
MEDIA = re.compile(r"/Messages/(?P<message>[SM]M[0-9a-f]{32})/Media/ME(?P<key>[0-9a-f]{32})")
FETCHED = re.compile(r"/files/(?P<key>[0-9a-f]{32})/(?P<pass>[0-9a-f]{40})")
STOPS = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"}
STARTS, HELPS = {"start", "yes", "unstop"}, {"help", "info"}
STOPPED_TEXT = (
    "You have successfully been unsubscribed. You will not receive any more messages from this"
    " number. Reply START to resubscribe."
)
STARTED_TEXT = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help."
    " Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
# What it says for each code: HTTP status and text.
ERRORS = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    21211: (400, "Invalid 'To' Phone Number"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided is not a valid message-capable Twilio number."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}


class Twilio(Provider):
    """SMS."""

    app = "sms"
    place = "twilio"
    tells_read = False  # nobody learns whether an SMS was read

    def answer(self, call: Call) -> Answer:
        """Messages, the account, and media with the account's password."""
        if found := FETCHED.fullmatch(call.path):
            return self._content(found["key"], found["pass"])
        route = ROUTE.fullmatch(call.path)
        account = accounts.value("DEMO_TWILIO_ACCOUNT_SID")
        name, password = call.basic
        token = accounts.value("DEMO_TWILIO_AUTH_TOKEN")
        if not (secret_is(name, account) and secret_is(password, token)):
            return refused(20003)
        if route is None or route["account"] != account:
            return refused(20404)
        if call.method == "POST" and route["rest"] == "/Messages.json":
            return self._send(call)
        if call.method == "GET" and route["rest"] == ".json":
            return answer_json(_account(account))
        if call.method == "GET" and (found := MEDIA.fullmatch(route["rest"])):
            place = f"{call.base}/files/{found['key']}/{self._pass(found['key'])}"
            return Answer(307, b"", headers={"Location": place})
        return refused(20404)

    def new_id(self) -> str:
        """An id as it gives to a message."""
        return "SM" + secrets.token_hex(16)

    def busy(self) -> Answer:
        """How it says that it was asked too often."""
        return refused(20429)

    def _send(self, call: Call) -> Answer:
        form = {name: values[-1] for name, values in call.form.items()}
        if code := self._fault(form):
            return refused(code)
        tag = form.get("StatusCallback", "")
        bubble = self.bubble(form["To"], form["From"], text=form["Body"], tag=tag)
        self.book.add(bubble)
        hooks = self.arrival(bubble) if bubble.tag else ()
        return answer_json(_message(bubble), 201, hooks)

    def _fault(self, form: dict[str, str]) -> int:
        """The code of what is wrong with a message; 0 if nothing is."""
        to, callback = form.get("To", ""), form.get("StatusCallback", "")
        stopped = self.is_on("blocked") or self.book.fact(f"stopped:{to}")
        faults = {
            21604: not to,
            21603: not form.get("From"),
            21602: not form.get("Body"),
            21211: not NUMBER.fullmatch(to),
            21606: form.get("From") != accounts.SMS_NUMBER,
            21617: len(form.get("Body", "")) > MAX_BODY,
            21609: bool(callback) and not callback.startswith(f"{settings.PUBLIC_URL}/"),
            21610: bool(stopped),
        }
        return next((code for code, wrong in faults.items() if wrong), 0)

    # What it posts

    def incoming(self, bubble: Bubble, word: str = "") -> Hook:
        """An SMS of a customer. STOP and START also count here, as they do there."""
        opt, base = self._opts(bubble), accounts.value("DEMO_TWILIO_URL")
        account = accounts.value("DEMO_TWILIO_ACCOUNT_SID")
        media = f"{base}/2010-04-01/Accounts/{account}/Messages/{bubble.id}/Media/ME"
        fields = {
            "ToCountry": "GB",
            "SmsMessageSid": bubble.id,
            "NumMedia": str(len(bubble.files)),
            "SmsSid": bubble.id,
            "SmsStatus": "received",
            "FromCountry": "GB",
            "Body": bubble.text,
            "To": bubble.peer,
            "NumSegments": "1",
            "MessageSid": bubble.id,
            "AccountSid": account,
            "From": bubble.owner,
            "ApiVersion": "2010-04-01",
            **({"OptOutType": opt} if opt else {}),
        }
        for number, file in enumerate(bubble.files):
            fields[f"MediaContentType{number}"] = file.content_type
            fields[f"MediaUrl{number}"] = media + file.key
        return self._hook(self.webhook, fields, bubble, bubble=bubble.id)

    def _opts(self, bubble: Bubble) -> str:
        """STOP, START or HELP, done as it does them: yes starts only who had stopped."""
        said, stopped = bubble.text.strip().lower(), f"stopped:{bubble.owner}"
        if said in STOPS:
            self.book.note(stopped, True)
            self._reply(bubble, STOPPED_TEXT)
            return "STOP"
        if said in STARTS and self.book.fact(stopped):
            self.book.note(stopped, False)
            self._reply(bubble, STARTED_TEXT)
            return "START"
        return "HELP" if said in HELPS else ""

    def news(self, bubble: Bubble, status: str, after: float = 0.0) -> Hook:
        """A status callback, to the address that came with the message."""
        fields = {
            "SmsSid": bubble.id,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": bubble.owner,
            "MessageSid": bubble.id,
            "AccountSid": accounts.value("DEMO_TWILIO_ACCOUNT_SID"),
            "From": bubble.peer,
            "ApiVersion": "2010-04-01",
        }
        return self._hook(bubble.tag, fields, bubble, after=after)

    def _hook(self, url: str, fields: dict[str, str], of: Bubble, **more: Any) -> Hook:
        signed = url + "".join(name + fields[name] for name in sorted(fields))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "X-Twilio-Signature": sha1(accounts.value("DEMO_TWILIO_AUTH_TOKEN"), signed),
        }
        body = urlencode(fields).encode()
        return Hook(url, headers, body, self.app, owner=of.owner, peer=of.peer, **more)

    def _reply(self, to: Bubble, text: str) -> None:
        """A word of the provider's own, in the shop's name."""
        self.book.add(self.bubble(to.owner, to.peer, text=text))

    def _pass(self, key: str) -> str:
        """A file's own password, in the address that the first request is sent on to."""
        return sha1(accounts.value("DEMO_TWILIO_AUTH_TOKEN"), key).encode().hex()[:40]

    def _content(self, key: str, word: str) -> Answer:
        found = self.book.file(key)
        if found is None or not secret_is(word, self._pass(key)):
            return refused(20404)
        kept, content = found
        return Answer(200, content, content_type=kept.content_type)


def refused(code: int) -> Answer:
    """A refusal as it reads there."""
    status, text = ERRORS[code]
    more = f"https://www.twilio.com/docs/errors/{code}"
    content = {"code": code, "message": text, "more_info": more, "status": status}
    answer = answer_json(content, status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return answer


def _account(sid: str) -> dict[str, Any]:
    return {
        "sid": sid,
        "friendly_name": "The demo's shop",
        "status": "active",
        "type": "Full",
        "owner_account_sid": sid,
        "uri": f"/2010-04-01/Accounts/{sid}.json",
    }


def _message(bubble: Bubble) -> dict[str, Any]:
    account = accounts.value("DEMO_TWILIO_ACCOUNT_SID")
    uri = f"/2010-04-01/Accounts/{account}/Messages/{bubble.id}"
    moment = format_datetime(datetime.now(UTC))
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": bubble.text,
        "date_created": moment,
        "date_sent": None,
        "date_updated": moment,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": bubble.peer,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": bubble.id,
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": bubble.owner,
        "uri": f"{uri}.json",
    }

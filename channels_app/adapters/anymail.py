"""Mail by a provider's HTTP interface, through django-anymail.

Words of anymail -> ours (a Receipt; a word that is not here is no news to us, opened among them):
  delivered -> delivered      bounced         -> returned      complained -> complained
  deferred  -> delayed        rejected,failed -> failed
Words of HTTP -> ours: see `_refusal`.

Anymail is loaded when a channel first needs it: 0.4 s and 8 MB for every process otherwise.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any, ClassVar

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest

from channels_app.adapters import forms
from channels_app.adapters.base import (
    Account,
    BadPayload,
    BadSignature,
    Capabilities,
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
    Unavailable,
    Uncertain,
)
from channels_app.adapters.http import check_base
from channels_app.adapters.mail import MailAdapter, build
from channels_app.adapters.payload import clean, media_type, one_line, read_json

TIMEOUT = (5, 15)  # seconds to connect, and between two bytes of the answer
KEY = "delivery"  # our delivery's id in what providers call metadata
STATUS = {
    "delivered": "delivered",
    "bounced": "returned",
    "complained": "complained",
    "deferred": "delayed",
    "rejected": "failed",
    "failed": "failed",
}
ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.\d{1,3}(?![\d.])")
SMALL = 16_000  # bytes of any field that a signature needs
MAX_HEADER, MAX_HEADERS = 16_000, 256_000


@dataclass(frozen=True)
class Posted:
    """A webhook as anymail's views know one, and the fields of its form as bytes."""

    request: HttpRequest
    fields: dict[str, bytes] = field(default_factory=dict, repr=False)
    is_form: bool = False

    def json(self) -> Any:
        """The body as JSON. Raises BadPayload."""
        return read_json(self.request.body)


class AnymailAdapter(MailAdapter):
    """One account at a provider of mail. Its HTTP connection stays open between sends."""

    webhooks: ClassVar[bool] = True
    headers_kept: ClassVar[frozenset[str]] = frozenset({"content-type"})
    settings_optional: ClassVar[tuple[str, ...]] = ("api_url", *MailAdapter.settings_optional)
    module: ClassVar[str]  # within anymail
    # Names of settings: ours are anymail's.
    to_send: ClassVar[tuple[str, ...]] = ("api_key",)
    to_verify: ClassVar[tuple[str, ...]] = ("webhook_secret",)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._backend: Any = None

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """As every mail, and the provider says what became of it."""
        return Capabilities(media=frozenset({"*"}), receipts=True)

    # Out

    def check(self) -> Reason:
        """Post a mail without anything in it: who knows the key hears that it is empty."""
        self.close()
        probe = Outbound(
            key="", to=self.account.address, text="", from_address=self.account.address
        )
        try:
            backend = self._open()
            payload = backend.build_message_payload(self._mail(probe), {})
            params = payload.get_request_params(backend.api_url)
            params |= {"data": "{}" if isinstance(params["data"], str) else {}, "files": None}
            answer = backend.session.request(**params, timeout=TIMEOUT)
        except Exception as error:
            raise self._send_error(error) from None
        if answer.status_code not in (400, 422):
            raise self._refusal(answer)
        return Reason("provider_knows", {"provider": self.label})

    def close(self) -> None:
        """Close the connection."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _open(self) -> Any:
        if self._backend is None:
            wanted = (*self.to_send, *self.settings_optional)
            names = [n for n in wanted if n in self.to_send or n in dict(self.account.config)]
            values = {name: self.account.setting(name) for name in names if name != "authserv"}
            if "api_url" in values:
                check_base(values["api_url"])
            module = import_module(f"anymail.backends.{self.module}")
            self._backend = module.EmailBackend(timeout=TIMEOUT, **values)
            self._backend.open()
            self._backend.session.max_redirects = 0  # a key goes nowhere else
        return self._backend

    def _mail(self, outbound: Outbound) -> Any:
        mail: Any = build(outbound)
        mail.from_email = mail.extra_headers.pop("From")  # else anymail takes it for an envelope
        mail.metadata = {KEY: outbound.key}
        mail.track_opens = mail.track_clicks = False
        return mail

    def send(self, outbound: Outbound) -> Sent:
        """Hand one mail over; our key goes along, so that news find the delivery again."""
        try:
            mail = self._mail(outbound)
            self._open().send_messages([mail])
        except Exception as error:
            raise self._send_error(error) from None
        return Sent(provider_id=clean(mail.anymail_status.message_id)[:255])

    def _send_error(self, error: Exception) -> Exception:
        """What a fault means for the delivery; one that nobody foresaw stays what it is."""
        exceptions = import_module("anymail.exceptions")
        if isinstance(error, exceptions.AnymailRecipientsRefused):
            return RecipientGone(self._detail(error.response))
        if getattr(error, "response", None) is not None:
            return self._refusal(error.response)  # type: ignore[attr-defined]
        if isinstance(error, import_module("requests").RequestException):
            self.close()
            return _broken(error.__cause__ if isinstance(error, exceptions.AnymailError) else error)
        if isinstance(error, exceptions.AnymailError):
            return Rejected(Reason("not_a_mail", {"fault": type(error).__name__}))
        return error

    def _refusal(self, answer: Any) -> SendError:
        """429 and 5xx: Unavailable; the key: Misconfigured; 2xx that says nothing: Uncertain."""
        status, detail = answer.status_code, self._detail(answer)
        if status == 429 or status >= 500:
            wait = answer.headers.get("Retry-After", "")
            after = timedelta(seconds=min(int(wait), 86400)) if wait.isdecimal() else None
            return Unavailable(detail, retry_after=after, everyone=status in (429, 503))
        if status in (401, 402, 403, 404, 405) or self._is_about_us(answer):
            return Misconfigured(detail)
        return Uncertain(detail) if status < 300 else Rejected(detail)

    def _is_about_us(self, answer: Any) -> bool:
        """Whether a refusal concerns the account, not this mail."""
        return False

    def _detail(self, answer: Any) -> str:
        """The status and the provider's own sentence, without anything that we keep secret."""
        if answer is None:
            return ""
        try:
            said = answer.json()
        except ValueError:
            said = {}
        said = said if isinstance(said, dict) else {}
        text = next((said[n] for n in ("message", "Message", "ErrorMessage") if n in said), "")
        for name in self.to_send:
            text = clean(text).replace(self.account.setting(name), "…")
        return f"{answer.status_code} {one_line(text)}".strip()[:300]

    # In

    def verify(self, request: Request) -> None:
        """Believe only what anymail's own view of this provider believes, with a secret set."""
        if not request.method:
            return  # by a door of our own: SMTP, a pipe
        secrets = {name: self.account.setting(name) for name in self.to_verify}
        posted = posted_by(request, largest=SMALL)
        self._bound(posted)
        try:
            self._view("Inbound", **secrets).run_validators(posted.request)
        except Exception as error:  # it trips over what no provider sends: that proves nothing
            raise BadSignature(f"It does not verify ({type(error).__name__}).") from None
        if not posted.is_form:
            posted.json()

    def _bound(self, posted: Posted) -> None:
        """Refuse what is too large to be read before it is verified. Raises BadPayload."""

    def _view(self, sort: str, **settings: str) -> Any:
        """Anymail's view for this provider: Inbound or Tracking."""
        module = import_module(f"anymail.webhooks.{self.module}")
        return getattr(module, f"{self.label}{sort}WebhookView")(**settings)

    def parse(self, request: Request) -> list[Parsed]:
        """The mails that were posted, or what became of ours."""
        if not request.method:
            return super().parse(request)
        posted = posted_by(request)
        try:
            mails = list(self._mails(posted))
            if mails:
                return [thing for raw, to in mails for thing in self.read(raw, to)]
            return self._news(posted)
        except BadPayload:
            raise
        except Exception as error:  # anymail expects what the provider documents
            raise BadPayload(f"It is not as expected ({type(error).__name__}).") from error

    def _mails(self, posted: Posted) -> Iterator[tuple[bytes, tuple[str, ...]]]:
        """Each mail as bytes, with the addresses that it was delivered to; none: it is news."""
        return iter(())

    def _rebuilt(self, posted: Posted) -> bytes:
        """The mail as anymail puts it together, where the provider posts it in pieces.

        The standard library needs seconds and gigabytes for long headers, so they are bounded.
        """
        values = {name: "unused" for name in self.to_verify}
        message = self._view("Inbound", **values).parse_events(posted.request)[0].message
        return bytes(message.as_bytes())

    def _news(self, posted: Posted) -> list[Parsed]:
        values = {name: "unused" for name in self.to_verify}
        events = self._view("Tracking", **values).parse_events(posted.request)
        return [self._receipt(event) for event in events if event.event_type in STATUS]

    def _receipt(self, event: Any) -> Receipt:
        key = (event.metadata or {}).get(KEY) or event.message_id
        key = clean(key).strip("<>")
        what = (event.event_type, key, event.recipient, event.timestamp)
        words = (event.description, event.mta_response, event.reject_reason)
        said = next((word for word in words if word), "")
        return Receipt(
            external_id=hashlib.sha256(repr(what).encode("utf-8", "replace")).hexdigest(),
            key=key,
            status=STATUS[event.event_type],
            recipient=clean(event.recipient),
            detail=f"{event.event_type} {one_line(said)}".strip()[:300],
            gone=event.event_type in ("bounced", "rejected") and self._is_gone(event),
            signed=True,
        )

    def _is_gone(self, event: Any) -> bool:
        """Whether the address is no more: 5.1.x where a mail server was quoted, else the reason."""
        found = ENHANCED.search(f"{clean(event.mta_response)} {clean(event.description)}")
        if found:
            return (found[1], found[2]) == ("5", "1")
        return event.reject_reason in ("bounced", "invalid")


def posted_by(request: Request, largest: int | None = None) -> Posted:
    """The request as Django would have it; fields of more than `largest` bytes are left out.

    Django's own bounds on forms are for browsers, so they are not applied.
    """
    content_type = request.header("content-type")
    built = HttpRequest()
    built.method = request.method
    built.META = {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in request.headers}
    built.META |= {"CONTENT_TYPE": content_type, "REQUEST_METHOD": request.method}
    built.content_type = media_type(content_type)
    built._body = request.body
    if built.content_type not in (forms.URLENCODED, forms.MULTIPART):
        return Posted(built)
    found = forms.fields(content_type, request.body, largest)
    values: Any = built.POST
    for item in found:
        if item.file_name is None:
            values.appendlist(item.name, item.content.decode("utf-8", "replace"))
        elif item.file_name:
            name, sort = item.file_name, item.content_type
            built.FILES.appendlist(item.name, SimpleUploadedFile(name, item.content, sort))
    return Posted(built, {f.name: f.content for f in found}, is_form=True)


def check_headers(values: Any) -> None:
    """Raise BadPayload where headers are longer than anybody's are."""
    total, rest = 0, [values]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += item.values()
        elif isinstance(item, list):
            rest += item
        elif isinstance(item, str):
            total += len(item)
            if len(item) > MAX_HEADER or total > MAX_HEADERS:
                raise BadPayload("Its headers are too long.")


def _broken(cause: BaseException | None) -> SendError:
    """A connection that failed: before anything was handed over, or perhaps after."""
    requests, urllib3 = import_module("requests"), import_module("urllib3")
    fault = {"fault": type(cause).__name__}
    if isinstance(cause, (ValueError, requests.TooManyRedirects)):
        return Misconfigured(Reason("provider_url_wrong", fault))
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    early = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    before = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    if isinstance(cause, before) or isinstance(reason, early):
        return Unavailable(Reason("mail_broke", fault), everyone=True)
    return Uncertain(Reason("mail_broke_sending", fault))

"""Mailgun: mails come as forms, news of deliveries as JSON, both signed the same way.

Routes may end in "mime" (then the mail comes as it was, which is better) or not.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import ClassVar

from channels_app.adapters.anymail import SMALL, AnymailAdapter, Posted, check_headers, posted_by
from channels_app.adapters.base import BadPayload, BadSignature, Request

# Mailgun tries a webhook again for up to 8 hours; tokens that were used are refused for ever.
MAX_AGE = 24 * 3600
# Mailgun's news are a few kB of JSON, read before anything is proved; its mails come as forms.
MAX_NEWS = 1024 * 1024


class MailgunAdapter(AnymailAdapter):
    """Mailgun signs a time and a token, not the body: each token counts once, for one body."""

    label: ClassVar[str] = "Mailgun"
    module: ClassVar[str] = "mailgun"
    to_verify: ClassVar[tuple[str, ...]] = ("webhook_signing_key",)
    settings_needed: ClassVar[tuple[str, ...]] = ("api_key", "webhook_signing_key")
    settings_optional: ClassVar[tuple[str, ...]] = (
        "sender_domain",
        *AnymailAdapter.settings_optional,
    )

    def verify(self, request: Request) -> None:
        """The signature, and that it is of today."""
        super().verify(request)
        if not request.method:
            return
        stamp, _token = _signed(posted_by(request, largest=SMALL))
        # Exactly ten digits: the signature is over both without a sign between them.
        if not re.fullmatch(r"[0-9]{10}", stamp) or time.time() - int(stamp) > MAX_AGE:
            raise BadSignature("The signature is too old.")

    def fingerprint(self, request: Request) -> bytes:
        """What is signed."""
        if not request.method:
            return request.body
        signed = "".join(_signed(posted_by(request, largest=SMALL)))
        return f"mailgun {signed}".encode("utf-8", "replace")

    def _bound(self, posted: Posted) -> None:
        if not posted.is_form and len(posted.request.body) > MAX_NEWS:
            raise BadPayload("It is too large.")

    def _mails(self, posted: Posted) -> Iterator[tuple[bytes, tuple[str, ...]]]:
        if not posted.is_form or "event" in posted.fields:
            return
        to = (posted.request.POST.get("recipient", ""),)
        if "body-mime" in posted.fields:
            yield posted.fields["body-mime"], to
        else:
            check_headers(json.loads(posted.request.POST["message-headers"]))
            yield self._rebuilt(posted), to


def _signed(posted: Posted) -> tuple[str, str]:
    """Mailgun's time and token, as anymail takes them."""
    block = posted.request.POST if posted.is_form else posted.json()["signature"]
    return str(block["timestamp"]), str(block["token"])

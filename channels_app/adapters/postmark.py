"""Postmark: everything comes as JSON; with "Include raw email content" the mail comes as it was."""

from collections.abc import Iterator
from typing import Any, ClassVar

from channels_app.adapters.anymail import AnymailAdapter, Posted, check_headers
from channels_app.adapters.base import Outbound
from channels_app.adapters.payload import clean


class PostmarkAdapter(AnymailAdapter):
    """Postmark calls with a user name and a password, which stand in the address it is given."""

    label: ClassVar[str] = "Postmark"
    module: ClassVar[str] = "postmark"
    to_send: ClassVar[tuple[str, ...]] = ("server_token",)
    settings_needed: ClassVar[tuple[str, ...]] = ("server_token", "webhook_secret")
    settings_given: ClassVar[tuple[str, ...]] = ("webhook_secret",)

    def _mail(self, outbound: Outbound) -> Any:
        mail = super()._mail(outbound)
        mail.extra_headers["X-PM-KeepID"] = "true"  # else it writes a Message-ID of its own
        return mail

    def _is_about_us(self, answer: Any) -> bool:
        """Sender not confirmed (400-402), no credit (405), not approved yet (412, 413)."""
        try:
            return answer.json().get("ErrorCode") in (10, 400, 401, 402, 405, 412, 413)
        except (ValueError, AttributeError):
            return False

    def _mails(self, posted: Posted) -> Iterator[tuple[bytes, tuple[str, ...]]]:
        data = posted.json()
        if data.get("RecordType", "Inbound") != "Inbound" or "FromFull" not in data:
            return
        to = (clean(data.get("OriginalRecipient")),)
        if data.get("RawEmail"):
            yield data["RawEmail"].encode("utf-8", "replace"), to
        else:
            parts = ("From", "FromFull", "ToFull", "CcFull", "BccFull", "Subject", "ReplyTo")
            check_headers([data.get(name) for name in (*parts, "Date", "Headers")])
            yield self._rebuilt(posted), to

    def _is_gone(self, event: Any) -> bool:
        """Postmark says itself what is hard; a soft bounce looks the same otherwise."""
        reason = event.esp_event.get("Type") or event.esp_event.get("SuppressionReason")
        return reason in ("HardBounce", "BadEmailAddress")

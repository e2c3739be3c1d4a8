"""The pages that may show the widget: one origin a line, as a browser writes it."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST = 20  # all of them stand in a header of each page in the frame
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"
)


def origin_of(typed: str) -> str:
    """`https://www.example.org`, with a port that is not the usual one. Raises ValidationError."""
    try:
        parts = urlsplit(typed.strip().lower())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:  # a port that is none, a bracket that is not closed
        raise _wrong(typed) from None
    if parts.scheme not in ("https", "http") or not host or len(typed.split()) != 1:
        raise _wrong(typed)
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValidationError(
            _("Only the beginning of the address, without a page: %(origin)s")
            % {"origin": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"}
        )
    host = f"[{host}]" if ":" in host else host
    is_loopback = host in LOOPBACK and settings.DEMO
    if not (is_loopback or NAME.fullmatch(host)):
        raise _wrong(typed)
    if parts.scheme != "https" and not is_loopback:
        raise ValidationError(_("%(line)s must begin with https://.") % {"line": typed.strip()})
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def _wrong(typed: str) -> ValidationError:
    return ValidationError(
        _("%(line)s is no address like https://www.example.org.") % {"line": typed.strip()[:80]}
    )


class OriginsField(forms.CharField):
    """A list of origins, one a line; each that is wrong is said."""

    def prepare_value(self, value: Any) -> Any:
        """As it is typed."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The list, each once. Raises ValidationError."""
        lines = [line for line in str(value or "").splitlines() if line.strip()]
        found, wrong = [], []
        for line in lines[: MOST + 1]:
            try:
                found.append(origin_of(line))
            except ValidationError as error:
                wrong.append(error)
        if len(lines) > MOST:
            wrong.append(ValidationError(_("At most %(most)s lines.") % {"most": MOST}))
        if wrong:
            raise ValidationError(wrong)
        return list(dict.fromkeys(found))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """By what the lines mean."""
        try:
            return bool(self.to_python(data) != (initial or []))
        except ValidationError:
            return True

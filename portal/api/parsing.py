"""How a request is read (JSON, or a form with files, in bounds), and answered: as JSON."""

import json
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request

from portal.api.problems import Problem

# All files that are allowed, and the words around them.
MAX_FORM = settings.MAX_FILES * settings.MAX_FILE_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class BoundedJSONParser(BaseParser):
    """A JSON object of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, in UTF-8, without NaN."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, context: Any = None) -> Any:
        """The object. Raises ParseError, or Problem where it is too large."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise Problem("too-large", _("A request without files can be at most 2 MB."))
        try:
            body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise ParseError(_("This is no JSON.")) from None
        if not isinstance(body, dict):
            raise ParseError(_("The body has to be a JSON object."))
        return body


class BoundedMultiPartParser(MultiPartParser):
    """A form with files; refused by its length before anything is written to disk."""

    def parse(self, stream: Any, media_type: str | None = None, context: Any = None) -> Any:
        """The fields and files. Raises ParseError, or Problem where it is too large."""
        try:
            length = int(context["request"].META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise ParseError(_("The length of the body is not readable.")) from None
        if length > MAX_FORM:
            raise Problem("too-large", _("All files together are too large."))
        return super().parse(stream, media_type, context)


class JsonOnly(BaseContentNegotiation):
    """Whatever a program says it accepts, it gets JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The parser of the request's media type; None if there is none."""
        wanted = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Always the same."""
        return renderers[0], renderers[0].media_type


def _no_constant(name: str) -> Any:
    raise ValueError(name)
